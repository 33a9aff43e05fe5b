//! Where the releases of hwlatdetect differ.

/// Whose output is written.
pub use crate::cli::FormatVersionArg as Format;

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
