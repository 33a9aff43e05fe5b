//! What a host saw of its guests as text, as Markdown and as a web page; its JSON
//! is in the layout of reports, by [`crate::text::json`].

mod document;
mod sums;

use crate::model::absence::HostReport;
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::render::{html, markdown};
use crate::text::look::Extent;

/// Characters that the text field of a ticket takes.
pub const LONGEST_TICKET: usize = 60_000;

/// For a terminal: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn text(report: &HostReport, style: Style, extent: Extent) -> String {
    whole::render(&document::document(report), style, extent)
}

/// For a ticket or a note.
pub fn markdown(report: &HostReport, limit: usize) -> String {
    markdown::fitting(&document::document(report), markdown::Limit(limit))
}

/// A page in one file.
pub fn page(report: &HostReport) -> String {
    html::page(&document::document(report))
}
