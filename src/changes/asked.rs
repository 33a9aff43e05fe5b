//! What came of a change that was asked for.

use std::io;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Made. The number tells it from the others; `old` is what was there.
    Made {
        /// Its number in [`Settled`](super::Settled).
        n: usize,
        old: String,
        /// The value that was read back.
        became: String,
    },
    Already(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The value that stays, where it could be read.
    pub old: Option<String>,
    pub reason: String,
    /// The system's number of the error, where it was one.
    pub errno: Option<i32>,
}

impl Refusal {
    pub(super) fn new(old: Option<String>, error: &io::Error) -> Refusal {
        Refusal {
            old,
            reason: error.to_string(),
            errno: error.raw_os_error(),
        }
    }
}
