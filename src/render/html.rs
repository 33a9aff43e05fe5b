//! A report as a web page.

use std::borrow::Borrow;
use std::io::{self, Write};

use maud::{Markup, html};

use crate::judgement::digest::Digest;
use crate::model::{Gap, Report};
use crate::render::document::{Block, Document, Entry, Origin};
use crate::render::plot;
use crate::render::web::{self, Head, Tone, shown};

/// Items of a list: a browser must still open the page.
const MOST: usize = 5_000;

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
    let sections = html! {
        @for one in &document.sections {
            @match one.title.is_empty() {
                true => (blocks(&one.blocks)),
                false => (web::section(&one.title, &blocks(&one.blocks))),
            }
        }
    };
    web::page(&head, &sections)
}

fn blocks(all: &[Block]) -> Markup {
    html! { @for one in all { (block(one)) } }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Paragraph(text) => web::paragraph(text),
        Block::Points(points) => html! {
            ul { @for point in points.iter().take(MOST) { li { (shown(point)) } } }
            (web::more(points.len().saturating_sub(MOST) as u64))
        },
        Block::Names(names) => html! {
            (web::paragraph(&names[..names.len().min(MOST)].join(", ")))
            (web::more(names.len().saturating_sub(MOST) as u64))
        },
        Block::Facts(facts) => html! {
            dl { @for (name, text) in facts { dt { (name) } dd { (shown(text)) } } }
        },
        Block::Entries(entries) => html! {
            @for one in entries.iter().take(MOST) { (entry(one)) }
            (web::more(entries.len().saturating_sub(MOST) as u64))
        },
        Block::Table(table) => web::table(&table.header, &table.rows, table.more),
        Block::Code(text) => html! { pre { code { (shown(text)) } } },
        Block::Links(links) => html! {
            ul { @for link in links {
                li {
                    @match &link.target {
                        Some(target) => a href=(target) { (shown(&link.name)) },
                        None => (shown(&link.name)),
                    }
                    (shown(&link.text))
                }
            } }
        },
        Block::Picture(picture) => web::figure(picture),
        Block::Lines(lines) => html! { pre { (shown(&lines.join("\n"))) } },
    }
}

fn entry(entry: &Entry) -> Markup {
    let name = html! { strong { (shown(&entry.name)) } " " (shown(&entry.text)) };
    let below = html! {
        @if !entry.details.is_empty() {
            ul { @for detail in &entry.details { li { (shown(detail)) } } }
        }
        @if let Some(remedy) = &entry.remedy { p { "-> " (shown(remedy)) } }
        (blocks(&entry.folded))
    };
    html! { details { summary { (name) } (below) } }
}
