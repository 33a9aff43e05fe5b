//! How an answer for people looks.

use clap::{Args, ValueEnum};

use crate::text::look::{Colours, Extent, Look};

/// How an answer for people looks; no other format takes notice.
#[derive(Clone, Copy, Debug, Args)]
pub struct LookArgs {
    /// Print all of the text, not only what fits a screen
    #[arg(short, long)]
    pub verbose: bool,

    /// Colours in the text; auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl LookArgs {
    /// The same without the words of the command line.
    pub fn look(self) -> Look {
        Look {
            extent: match self.verbose {
                true => Extent::Verbose,
                false => Extent::Screen,
            },
            colours: match self.color {
                ColorArg::Auto => Colours::Auto,
                ColorArg::Always => Colours::Always,
                ColorArg::Never => Colours::Never,
            },
        }
    }
}
