//! A guest's run explained by its host's: as text, as Markdown and as a web page
//! with both time lines; its JSON is in the layout of reports.

mod document;
mod plot;

use crate::explain::Explained;
use crate::model::explained::Explanation;
use crate::render::document::Block;
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::render::{html, markdown};
use crate::text::look::Extent;

/// Characters that the text field of a ticket takes.
const LONGEST_TICKET: usize = 60_000;

/// For a terminal: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn text(told: &Explanation, style: Style, extent: Extent) -> String {
    whole::render(&document::document(told), style, extent)
}

/// For a ticket or a note.
pub fn markdown(told: &Explanation) -> String {
    let limit = markdown::Limit(LONGEST_TICKET);
    markdown::fitting(&document::document(told), limit)
}

/// The verdict, both time lines under each other, and the figures.
pub fn page(explained: &Explained) -> String {
    let mut document = document::document(&explained.explanation);
    let pictures = plot::draw(&explained.pictured).into_iter();
    document.insert_pictures(1, pictures.map(Block::Picture).collect());
    html::page(&document)
}
