//! A comparison as text, as Markdown and as a web page; its JSON is in the layout of reports,
//! by [`crate::text::json`].

mod cells;
mod document;
mod numbers;
mod plot;

use crate::compare::model::Comparison;
use crate::render::document::Block;
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::render::{html, markdown};
use crate::text::look::Extent;

/// For a terminal: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn text(comparison: &Comparison, style: Style, extent: Extent) -> String {
    whole::render(&document::document(comparison), style, extent)
}

/// For a ticket or a note.
pub fn markdown(comparison: &Comparison) -> String {
    markdown::fitting(&document::document(comparison), markdown::Limit::TICKET)
}

/// The verdict, both sides in pictures on common axes, and the figures.
pub fn page(comparison: &Comparison) -> String {
    let mut document = document::document(comparison);
    let pictures = plot::draw(comparison).into_iter().map(Block::Picture);
    document.insert_pictures(1, pictures.collect());
    html::page(&document)
}
