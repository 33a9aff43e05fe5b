//! What a host saw of its guests as text, as Markdown, as a web page and as CSV;
//! its JSON is in the layout of reports, by [`crate::text::json`].

mod absences;
pub mod csv;
mod document;
mod observation;
mod sums;

use crate::model::absence::HostReport;
use crate::render::html;
use crate::render::markdown::{self, Limit};
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::text::look::Extent;

/// For a terminal: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn text(report: &HostReport, style: Style, extent: Extent) -> String {
    whole::render(&document::document(report), style, extent)
}

/// For a ticket or a note.
pub fn markdown(report: &HostReport, limit: Limit) -> String {
    markdown::fitting(&document::document(report), limit)
}

/// A page in one file.
pub fn page(report: &HostReport) -> String {
    html::page(&document::document(report))
}
