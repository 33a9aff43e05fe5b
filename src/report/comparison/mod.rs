//! A comparison as text, Markdown and JSON.

mod cells;
pub mod markdown;
mod numbers;
pub mod text;

use std::io::{self, Write};

use crate::compare::model::Comparison;

/// Writes the comparison as JSON, in the layout of reports.
pub fn write_json(comparison: &Comparison, out: impl Write) -> io::Result<()> {
    super::json::write_any(comparison, out)
}
