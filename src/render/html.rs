//! A report as a web page.

use std::borrow::Borrow;
use std::io::{self, Write};

use maud::html;

use crate::judgement::digest::Digest;
use crate::model::{Gap, Report};
use crate::render::document::{Block, Document, Origin};
use crate::render::plot;
use crate::render::web::{self, Head, Tone, shown};

/// Writes the page of a report whose gaps come one by one.
pub fn write<I>(
    report: &Report<()>,
    gaps: I,
    origin: &Origin,
    mut out: impl Write,
) -> io::Result<()>
where
    I: IntoIterator,
    I::Item: Borrow<Gap>,
{
    let digest = Digest::new(report, gaps);
    let mut document = Document::new(report, &digest, Some(origin));
    let pictures = plot::draw(report, &digest).into_iter();
    document.insert_pictures(1, pictures.map(Block::Picture).collect());
    out.write_all(page(&document).as_bytes())?;
    out.flush()
}

pub(super) fn page(document: &Document) -> String {
    let head = Head {
        title: &document.title,
        tone: Tone::of(document.ink),
        word: document.word,
        headline: &document.headline,
    };
    let block = |block: &Block| match block {
        Block::Paragraph(text) => web::paragraph(text),
        Block::Points(points) => web::points(points.iter().map(String::as_str)),
        Block::Facts(facts) => html! {
            dl { @for (name, text) in facts { dt { (name) } dd { (shown(text)) } } }
        },
        Block::Table(table) => web::table(&table.header, &table.rows, table.more),
        Block::Code(text) => html! { pre { code { (shown(text)) } } },
        Block::Picture(picture) => web::figure(picture),
        Block::Lines(lines) => html! { pre { (shown(&lines.join("\n"))) } },
    };
    let sections = html! {
        @for one in &document.sections {
            (web::section(one.title, &html! { @for part in &one.blocks { (block(part)) } }))
        }
    };
    web::page(&head, &sections)
}
