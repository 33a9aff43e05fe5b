//! The report as a web page, made from the same sections as the Markdown.

use std::borrow::Borrow;
use std::io::{self, Write};

use maud::{Markup, html};

use crate::judgement::digest::Digest;
use crate::model::{Gap, Report};
use crate::render::document::{Block, Document, Origin, Section};
use crate::render::plot;
use crate::render::web::{self, Head, shown};

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
    let document = Document::new(report, &digest, origin);
    let head = Head {
        title: &document.title,
        tone: document.tone,
        word: document.word,
        headline: &document.headline,
    };
    let sections = html! {
        @for part in &document.sections { (section(part, report, &digest)) }
    };
    out.write_all(web::page(&head, &sections).as_bytes())?;
    out.flush()
}

fn section(section: &Section, report: &Report<()>, digest: &Digest) -> Markup {
    let blocks = html! { @for part in &section.blocks { (block(part, report, digest)) } };
    web::section(section.title, &blocks)
}

fn block(block: &Block, report: &Report<()>, digest: &Digest) -> Markup {
    match block {
        Block::Paragraph(text) => web::paragraph(text),
        Block::Points(points) => web::points(points.iter().map(String::as_str)),
        Block::Facts(facts) => html! {
            dl { @for (name, text) in facts { dt { (name) } dd { (shown(text)) } } }
        },
        Block::Table(table) => web::table(&table.header, &table.rows, table.more),
        Block::Code(text) => html! { pre { code { (shown(text)) } } },
        Block::Plot(which) => web::figure(&plot::draw(*which, report, digest)),
    }
}
