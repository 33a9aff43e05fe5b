//! The report as a web page: one file, no script, nothing to load.
//!
//! Every text goes through `shown` and then through maud, which escapes it.
//! A policy in the page forbids scripts and anything from elsewhere, should a
//! browser be led to see one all the same.

use std::borrow::Borrow;
use std::borrow::Cow;
use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::clean;
use super::digest::Digest;
use super::document::{Block, Document, Origin, Section, Table, Tone};
use super::model::{Gap, Report};
use super::plot;

/// The page's own style; no text of a report enters it.
pub(super) const STYLE: &str = include_str!("page.css");
/// Foreign texts are cut at this many characters: a kernel's command line has
/// at most 2,048 (x86, COMMAND_LINE_SIZE).
const LONGEST_TEXT: usize = 4_000;

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
    out.write_all(page(&document, report, &digest).into_string().as_bytes())?;
    out.flush()
}

fn page(document: &Document, report: &Report<()>, digest: &Digest) -> Markup {
    let tone = match document.tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Doubt => "doubt",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (shown(&document.title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (shown(&document.title)) }
                    p class=(format!("verdict {tone}")) {
                        strong { (document.word) } " " (shown(&document.headline))
                    }
                }
                main {
                    @for part in &document.sections { (section(part, report, digest)) }
                }
            }
        }
    }
}

fn section(section: &Section, report: &Report<()>, digest: &Digest) -> Markup {
    html! {
        section {
            h2 { (section.title) }
            @for block in &section.blocks {
                @match block {
                    Block::Paragraph(text) => p { (shown(text)) },
                    Block::Points(points) => ul {
                        @for point in points { li { (shown(point)) } }
                    },
                    Block::Facts(facts) => dl {
                        @for (name, text) in facts {
                            dt { (name) }
                            dd { (shown(text)) }
                        }
                    },
                    Block::Table(content) => (table(content)),
                    Block::Code(text) => pre { code { (shown(text)) } },
                    Block::Plot(which) => (picture(&plot::draw(*which, report, digest))),
                }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    html! {
        div.wide tabindex="0" {
            table {
                thead { tr { @for name in &table.header { th scope="col" { (name) } } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for cell in row { td { (shown(cell)) } } }
                    }
                }
            }
        }
        @if table.more > 0 {
            p.more { (super::human::grouped(table.more)) " more in the JSON report." }
        }
    }
}

fn picture(picture: &plot::Picture) -> Markup {
    html! {
        figure {
            figcaption { strong { (picture.title) } ". " (picture.caption) }
            @if !picture.legend.is_empty() {
                p.legend {
                    @for (class, words) in &picture.legend {
                        span { i class=(format!("key {class}")) {} (words) } " "
                    }
                }
            }
            div.wide tabindex="0" { (picture.svg) }
        }
    }
}

/// A text without control characters and not too long. It is not escaped yet.
fn shown(text: &str) -> Cow<'_, str> {
    let cut = match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => Cow::Owned(format!("{}... (cut)", &text[..end])),
        None => Cow::Borrowed(text),
    };
    match clean::without_controls(&cut) {
        Cow::Borrowed(_) => cut,
        Cow::Owned(safe) => Cow::Owned(safe),
    }
}
