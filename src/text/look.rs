//! How an answer is to be shown: how much of it, and when in colour.

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Where they can be seen and nobody has refused them.
    Auto,
    /// Wherever the text goes.
    Always,
    /// Nowhere.
    Never,
}
