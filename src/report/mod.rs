//! What a run says: the model of a report, and one file a format.

pub mod agreement;
pub mod assemble;
mod clean;
pub mod comparison;
pub mod csv;
pub mod digest;
mod document;
pub mod files;
pub mod hash;
pub mod html;
pub(crate) mod human;
pub mod inventory;
pub mod json;
mod lazy;
mod locate;
pub mod markdown;
mod merge;
pub mod model;
mod output_error;
mod page;
pub mod periodicity;
mod plot;
pub mod preflight;
pub mod read;
pub mod reattribute;
pub mod redact;
pub mod restored;
pub mod sources;
pub mod style;
mod table;
pub mod text;
mod watched;
pub mod worst;

pub use document::{Changes, Origin};
pub use lazy::LazyGaps;
pub use output_error::{OutputError, Reason};
