//! The summary that fits a screen: the answer, what it rests on, what to do.

mod cpus;
mod ending;
mod findings;
mod measured;
mod picture;
mod verdict;
mod worst;

use super::Summary;
use crate::render::page::Page;
use crate::render::screen::{Part, fit, fitted};
use crate::render::style::Style;

pub(super) use picture::rows as picture;

/// The lines of a finding's text, and of its remedy, at most.
const SENTENCE: usize = 3;

/// The summary in at most [`crate::render::screen::LINES`] lines.
pub(super) fn render(summary: &Summary<'_>, style: Style) -> String {
    let parts = |sentence: usize| -> Vec<Part<'_>> {
        [
            verdict::parts(summary, style),
            measured::parts(summary, style),
            picture::parts(summary, style),
            cpus::parts(summary, style),
            worst::parts(summary, style),
            findings::parts(summary, style, sentence),
            ending::parts(summary, style),
        ]
        .into_iter()
        .flatten()
        .collect()
    };
    // Whole sentences where there is room for them.
    let whole = (2..=SENTENCE).rev().map(parts).find(|parts| fit(parts));
    fitted(whole.unwrap_or_else(|| parts(1)))
}

/// Lines that a page makes.
fn lines(style: Style, write: impl FnOnce(&mut Page)) -> String {
    let mut page = Page::new(style);
    write(&mut page);
    page.into_text()
}
