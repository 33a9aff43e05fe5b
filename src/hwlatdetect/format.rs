//! Where the releases of hwlatdetect differ.

use crate::cli::FormatVersionArg;

/// Whose output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// rt-tests 2.4 and earlier.
    V2_4,
    /// rt-tests 2.6: samples name their CPU.
    V2_6,
    /// rt-tests 2.10: samples have a count, and a mean time between them.
    V2_10,
}

impl From<FormatVersionArg> for Format {
    fn from(asked: FormatVersionArg) -> Format {
        match asked {
            FormatVersionArg::V2_4 => Format::V2_4,
            FormatVersionArg::V2_6 => Format::V2_6,
            FormatVersionArg::V2_10 => Format::V2_10,
        }
    }
}

impl Format {
    /// Between "Sample window:" and its value: 2.5 put in a blank too many.
    pub(super) fn before_window(self) -> &'static str {
        match self {
            Format::V2_4 => "     ",
            Format::V2_6 | Format::V2_10 => "      ",
        }
    }

    pub(super) fn names_cpu(self) -> bool {
        self >= Format::V2_6
    }

    /// Whether samples have a count, and the summary a mean time between them.
    pub(super) fn counts(self) -> bool {
        self >= Format::V2_10
    }
}
