//! What all web pages of this program share: the frame of the file, its style,
//! tables and figures. One file, no script, nothing to load.
//!
//! Every text goes through [`shown`] and then through maud, which escapes it.
//! A policy in the page forbids scripts and anything from elsewhere, should a
//! browser be led to see one all the same.

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::render::plot::Picture;
use crate::render::style::Ink;
use crate::text::{clean, human};

/// The page's own style; no text of a report enters it.
const STYLE: &str = include_str!("page.css");
/// Foreign texts are cut at this many characters: a kernel's command line has
/// at most 2,048 (x86, COMMAND_LINE_SIZE).
const LONGEST_TEXT: usize = 4_000;

/// What a verdict looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Tone {
    Good,
    Bad,
    Doubt,
}

impl Tone {
    /// What a terminal shows in this ink.
    pub(in crate::render) fn of(ink: Ink) -> Tone {
        match ink {
            Ink::Good => Tone::Good,
            Ink::Bad => Tone::Bad,
            Ink::Doubt | Ink::Heading | Ink::Plain => Tone::Doubt,
        }
    }
}

/// What stands above everything else.
pub(in crate::render) struct Head<'a> {
    pub title: &'a str,
    pub tone: Tone,
    /// `FAIL:` and the like.
    pub word: &'static str,
    /// The verdict in one line.
    pub headline: &'a str,
}

/// A whole page around its sections.
pub(in crate::render) fn page(head: &Head<'_>, sections: &Markup) -> String {
    let tone = match head.tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Doubt => "doubt",
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (shown(head.title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (shown(head.title)) }
                    p class=(format!("verdict {tone}")) {
                        strong { (head.word) } " " (shown(head.headline))
                    }
                }
                main { (sections) }
            }
        }
    };
    page.into_string()
}

pub(in crate::render) fn section(title: &str, content: &Markup) -> Markup {
    html! { section { h2 { (title) } (content) } }
}

pub(in crate::render) fn paragraph(text: &str) -> Markup {
    html! { p { (shown(text)) } }
}

/// How many there are beside what is shown.
pub(in crate::render) fn more(count: u64) -> Markup {
    html! { @if count > 0 { p.more { (human::grouped(count)) " more in the JSON report." } } }
}

/// Rows under a header, of which `more` were left out.
pub(in crate::render) fn table(
    header: &[impl AsRef<str>],
    rows: &[Vec<String>],
    more: u64,
) -> Markup {
    html! {
        div.wide tabindex="0" {
            table {
                thead { tr {
                    @for name in header.iter().map(AsRef::as_ref) {
                        // A header without words is none to a screen reader.
                        @if name.is_empty() { td {} } @else { th scope="col" { (name) } }
                    }
                } }
                tbody {
                    @for row in rows { tr { @for cell in row { td { (shown(cell)) } } } }
                }
            }
        }
        (self::more(more))
    }
}

/// A picture under its title and words.
pub(in crate::render) fn figure(picture: &Picture) -> Markup {
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
pub(in crate::render) fn shown(text: &str) -> Cow<'_, str> {
    let cut = match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => Cow::Owned(format!("{}... (cut)", &text[..end])),
        None => Cow::Borrowed(text),
    };
    match clean::without_controls(&cut) {
        Cow::Borrowed(_) => cut,
        Cow::Owned(safe) => Cow::Owned(safe),
    }
}
