//! The summary that fits a screen: the answer, what it rests on, what to do.

mod cpus;
mod ending;
mod findings;
mod measured;
mod picture;
mod verdict;
mod worst;

use crate::render::document::Summary;
use crate::render::page::Page;
use crate::render::screen::{Part, fit, fitted};
use crate::render::style::Style;

pub(super) use picture::rows as picture;

/// What parts may take that are no lists.
struct Room {
    /// The lines of a finding's text, and of its remedy, at most.
    sentence: usize,
    /// The bins of the histogram, at most.
    bins: usize,
}

const ROOMS: [Room; 3] = [
    Room {
        sentence: 3,
        bins: 8,
    },
    Room {
        sentence: 2,
        bins: 8,
    },
    Room {
        sentence: 2,
        bins: 5,
    },
];
/// Where lists must give way, too.
const CRAMPED: Room = Room {
    sentence: 1,
    bins: 5,
};

/// The summary in at most [`crate::render::screen::LINES`] lines.
pub(super) fn render(summary: &Summary<'_>, style: Style) -> String {
    let parts = |room: &Room| -> Vec<Part<'_>> {
        [
            verdict::parts(summary, style),
            measured::parts(summary, style),
            picture::parts(summary, style, room.bins),
            cpus::parts(summary, style),
            worst::parts(summary, style),
            findings::parts(summary, style, room.sentence),
            ending::parts(summary, style),
        ]
        .into_iter()
        .flatten()
        .collect()
    };
    let whole = ROOMS.iter().map(parts).find(|parts| fit(parts));
    fitted(whole.unwrap_or_else(|| parts(&CRAMPED)))
}

fn lines(style: Style, write: impl FnOnce(&mut Page)) -> String {
    let mut page = Page::new(style);
    write(&mut page);
    page.into_text()
}
