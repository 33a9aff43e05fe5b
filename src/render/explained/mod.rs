//! A guest's run explained by its host's: as text, as Markdown, as a web page with
//! both time lines, and as CSV; its JSON is in the layout of reports.

pub mod csv;
mod document;
mod plot;

use crate::explain::Pictured;
use crate::model::explained::Explanation;
use crate::render::document::Block;
use crate::render::html;
use crate::render::markdown::{self, Limit};
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::text::look::Extent;

/// For a terminal: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn text(told: &Explanation, style: Style, extent: Extent) -> String {
    whole::render(&document::document(told), style, extent)
}

/// For a ticket or a note.
pub fn markdown(told: &Explanation, limit: Limit) -> String {
    markdown::fitting(&document::document(told), limit)
}

/// The verdict and the figures; with both reports at hand, both time lines under
/// each other.
pub fn page(told: &Explanation, pictured: Option<&Pictured>) -> String {
    let mut document = document::document(told);
    let pictures = pictured.map_or_else(Vec::new, plot::draw).into_iter();
    document.insert_pictures(1, pictures.map(Block::Picture).collect());
    html::page(&document)
}
