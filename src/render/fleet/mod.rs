//! The answer for a fleet: as text, as a web page, and one file for each format
//! of other programs.

pub mod csv;
mod document;
mod host;
pub mod junit;
mod links;
mod plot;
mod words;

use std::path::Path;

use crate::fleet::model::FleetReport;
use crate::render::document::Block;
use crate::render::html;
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::text::look::Extent;

/// For a terminal: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn text(report: &FleetReport, style: Style, extent: Extent) -> String {
    whole::render(&document::document(report, None), style, extent)
}

/// One file, no script. Each host can be opened in place, and leads to its own
/// report: links are relative to `folder`, where the page will be.
pub fn page(report: &FleetReport, folder: &Path) -> String {
    let mut document = document::document(report, Some(folder));
    let pictures = plot::draw(report).into_iter().map(Block::Picture);
    document.insert_pictures(1, pictures.collect());
    html::page(&document)
}
