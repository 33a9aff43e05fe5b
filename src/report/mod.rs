//! What a run says: the model of a report, and one file a format.

pub mod agreement;
pub mod assemble;
mod clean;
pub mod csv;
pub mod files;
pub(crate) mod human;
pub mod json;
mod lazy;
mod locate;
mod merge;
pub mod model;
mod output_error;
mod page;
pub mod preflight;
pub mod read;
pub mod style;
mod table;
pub mod text;
pub mod worst;

pub use lazy::LazyGaps;
pub use output_error::{OutputError, Reason};
