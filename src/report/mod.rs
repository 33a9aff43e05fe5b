//! What a run says: the model of a report, and one file a format.

pub mod agreement;
pub mod assemble;
pub mod brief;
mod clean;
pub mod comparison;
mod consistency;
pub mod csv;
pub mod digest;
mod document;
pub mod event_file;
pub mod files;
pub mod fleet;
pub mod hash;
pub mod html;
pub(crate) mod human;
pub mod inventory;
pub mod json;
mod kernel_account;
mod lazy;
mod locate;
pub mod markdown;
mod merge;
pub mod model;
pub mod openmetrics;
mod output_error;
pub mod packed;
mod page;
pub mod periodicity;
mod plot;
pub mod policy;
pub mod preflight;
pub mod quieted;
pub mod read;
pub mod reattribute;
pub mod redact;
pub mod restored;
pub mod sources;
pub mod standing;
pub mod style;
mod table;
pub mod text;
pub mod time_line;
mod watched;
mod web;
pub mod worst;

pub use clean::{adopt_locale, lines as clean_lines, owned as clean_text};
pub use document::{Changes, Origin};
pub use lazy::LazyGaps;
pub use output_error::{OutputError, Reason};

/// The name of an interrupt as a whole among what entries of the kernel take.
const INTERRUPT: &str = "an interrupt, in and back";
