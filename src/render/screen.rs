//! An answer that fits a screen, whatever it is about.
//!
//! An answer is made of parts. Where all of them take too many lines, the parts
//! that matter least give up items first, and say how many.

use super::document::Rank;
use super::style::Style;
use crate::text::human;
use crate::text::look::Look;

pub const LINES: usize = 40;

impl Look {
    pub fn on_stdout(self) -> Style {
        Style::of_stdout(self.colours)
    }

    pub fn in_file(self) -> Style {
        Style::of_file(self.colours)
    }
}

/// One part of an answer. All texts are lines with their ends.
pub(super) struct Part<'a> {
    /// Goes with the items; not shown without one.
    head: String,
    items: Vec<String>,
    /// So many items stay while other parts have more than their least.
    least: usize,
    rank: Rank,
    /// Tells of the items from this one on, which are not shown.
    rest: Box<dyn Fn(usize) -> String + 'a>,
    /// What is left out although there was room: it, too, is told of by `rest`.
    has_rest: bool,
    /// Whether an empty line sets it off.
    apart: bool,
}

impl<'a> Part<'a> {
    pub(super) fn new(rank: Rank, head: String) -> Part<'a> {
        Part {
            head,
            items: Vec::new(),
            least: 0,
            rank,
            rest: Box::new(|_| String::new()),
            has_rest: false,
            apart: true,
        }
    }

    /// The answer's own lines.
    pub(super) fn answer(text: String) -> Part<'a> {
        Part::new(Rank::Answer, text)
    }

    pub(super) fn item(&mut self, text: String) {
        self.items.push(text);
    }

    /// Keeps this many items as long as possible.
    pub(super) fn least(mut self, least: usize) -> Part<'a> {
        self.least = least;
        self
    }

    /// Items that stand for each other's context: all are shown, or none.
    pub(super) fn undivided(mut self) -> Part<'a> {
        self.least = usize::MAX;
        self
    }

    /// Follows the part before without an empty line.
    pub(super) fn close(mut self) -> Part<'a> {
        self.apart = false;
        self
    }

    pub(super) fn counted(mut self, noun: &'static str) -> Part<'a> {
        let all = self.items.len();
        self.rest = Box::new(move |shown| {
            let more = (all - shown) as u64;
            let more = match shown {
                0 => human::counted(more, noun),
                _ => format!("... and {} more", human::grouped(more)),
            };
            format!("  {more} with --verbose\n")
        });
        self
    }

    /// Says in other words what the items from one on were.
    pub(super) fn told(mut self, rest: impl Fn(usize) -> String + 'a) -> Part<'a> {
        self.rest = Box::new(rest);
        self
    }

    /// Says so although all items of the part are shown: there are others.
    pub(super) fn and_others(mut self) -> Part<'a> {
        self.has_rest = true;
        self
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.head.is_empty()
    }

    fn text(&self, shown: usize) -> String {
        let mut text = String::new();
        if shown > 0 || self.items.is_empty() {
            text.push_str(&self.head);
        }
        self.items[..shown]
            .iter()
            .for_each(|item| text.push_str(item));
        if shown < self.items.len() || self.has_rest {
            text.push_str(&(self.rest)(shown));
        }
        text
    }
}

/// A section of which `least` items stay longest; `None` stands for running
/// text, which is shown whole or not at all. There are others `beyond` them.
pub(super) fn listed<'a>(
    title: String,
    items: Vec<String>,
    beyond: u64,
    rank: Rank,
    least: Option<usize>,
) -> Part<'a> {
    let name = title.trim_end().to_owned();
    let mut part = Part::new(rank, title).least(least.unwrap_or(0));
    part.items = match least {
        Some(_) => items,
        None => vec![items.concat()],
    };
    let all = part.items.len();
    part.has_rest = beyond > 0;
    let json = move || match beyond {
        0 => String::new(),
        beyond => format!(", {} more in the JSON report", human::grouped(beyond)),
    };
    part.told(move |shown| match all - shown {
        _ if shown == 0 && least.is_none() => format!("{name}: with --verbose\n"),
        rest if shown == 0 => {
            let rest = human::grouped(rest as u64);
            format!("{name}: {rest} with --verbose{}\n", json())
        }
        0 => format!("  {} more in the JSON report.\n", human::grouped(beyond)),
        rest => format!("  ... and {rest} more with --verbose{}\n", json()),
    })
}

/// All that the parts hold.
pub(super) fn all_of(parts: &[Part<'_>]) -> String {
    let shown: Vec<usize> = parts.iter().map(|part| part.items.len()).collect();
    joined(parts, &shown, Spacing::Airy)
}

/// Whether the parts fit as they are.
pub(super) fn fit(parts: &[Part<'_>]) -> bool {
    all_of(parts).lines().count() <= LINES
}

/// The parts, in at most [`LINES`] lines as far as what is never cut allows.
pub(super) fn fitted(mut parts: Vec<Part<'_>>) -> String {
    parts.retain(|part| !part.is_empty());
    let mut shown: Vec<usize> = parts.iter().map(|part| part.items.len()).collect();
    let mut spacing = Spacing::Airy;
    loop {
        let text = joined(&parts, &shown, spacing);
        if text.lines().count() <= LINES {
            return text;
        }
        if let Some(spared) = least_of(&parts, &shown, |part, shown| shown > part.least) {
            shown[spared] -= 1;
        } else if spacing == Spacing::Airy {
            spacing = Spacing::Dense;
        } else if let Some(spared) = least_of(&parts, &shown, |_, shown| shown > 0) {
            shown[spared] = match parts[spared].least {
                usize::MAX => 0,
                _ => shown[spared] - 1,
            };
        } else {
            return text;
        }
    }
}

/// The part that matters least of those that can give something up; of equal
/// ones the last.
fn least_of(
    parts: &[Part<'_>],
    shown: &[usize],
    can_give: impl Fn(&Part<'_>, usize) -> bool,
) -> Option<usize> {
    (0..parts.len())
        .rev()
        .filter(|&at| parts[at].rank < Rank::Answer && can_give(&parts[at], shown[at]))
        .min_by_key(|&at| parts[at].rank)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// An empty line between parts.
    Airy,
    Dense,
}

fn joined(parts: &[Part<'_>], shown: &[usize], spacing: Spacing) -> String {
    let mut text = String::new();
    let mut is_cut_off = false;
    for (part, &shown) in parts.iter().zip(shown) {
        let own = part.text(shown);
        // Parts of which only a line is left stand together.
        let was_cut_off = std::mem::replace(&mut is_cut_off, shown == 0 && !part.items.is_empty());
        let is_apart = part.apart && !(was_cut_off && is_cut_off);
        if spacing == Spacing::Airy && is_apart && !text.is_empty() && !own.is_empty() {
            text.push('\n');
        }
        text.push_str(&own);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rank: Rank, name: &str, items: usize) -> Part<'static> {
        let mut part = Part::new(rank, format!("{name}\n"));
        (0..items).for_each(|at| part.item(format!("  {name} {at}\n")));
        part.counted("item")
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let parts = vec![
            Part::answer(String::from("PASS\n")),
            list(Rank::Main, "a", 2),
        ];
        assert_eq!(fitted(parts), "PASS\n\na\n  a 0\n  a 1\n");
    }

    #[test]
    fn what_matters_least_gives_way_and_is_counted() {
        let text = fitted(vec![
            Part::answer(String::from("FAIL\n")),
            list(Rank::Grave, "grave", 20).least(20),
            list(Rank::Aside, "aside", 30).least(2),
            list(Rank::Main, "main", 15).least(3),
        ]);
        let lines = text.lines().count();
        assert!((LINES - 2..=LINES).contains(&lines), "{text}");
        assert!(
            text.contains("grave 19") && text.contains("main 7"),
            "{text}"
        );
        assert!(
            text.contains("aside 1\n  ... and 28 more with --verbose"),
            "{text}"
        );
    }

    #[test]
    fn a_long_answer_is_made_short_by_sections() {
        let many = |name: &str, rank, least| {
            let rows = (0..30).map(|at| format!("  {name} {at}\n      more\n"));
            listed(format!("{name}\n"), rows.collect(), 0, rank, Some(least))
        };
        let text = fitted(vec![
            Part::answer("WORSE: by far\n".to_owned()),
            many("a", Rank::Main, 6),
            many("b", Rank::Aside, 0),
        ]);
        assert!(text.lines().count() <= LINES, "{text}");
        assert!(text.contains("  a 5\n      more\n"), "{text}");
        assert!(text.contains("b: 30 with --verbose"), "{text}");
    }

    #[test]
    fn the_answer_and_what_is_grave_stay_longest() {
        let text = fitted(vec![
            Part::answer("FAIL\n".repeat(10)),
            list(Rank::Detail, "detail", 30).undivided(),
            list(Rank::Main, "main", 30).least(30),
            list(Rank::Grave, "grave", 40).least(40),
        ]);
        assert!(text.lines().count() <= LINES, "{text}");
        assert!(text.contains("30 items with --verbose"), "{text}");
        assert!(
            text.contains("grave 20") && !text.contains("main 0"),
            "{text}"
        );
        assert!(text.contains("more with --verbose"), "{text}");
    }
}
