//! How an answer is to be shown: how much of it, and when in colour.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What fits a screen.
    Screen,
    Verbose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub extent: Extent,
    pub colours: Colours,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colours {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
