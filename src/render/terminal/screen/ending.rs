//! What could not be seen, and what to do next.

use super::lines;
use crate::render::document::{Rank, Summary, limits};
use crate::render::screen::Part;
use crate::render::style::{Ink, Style};

const MOST_LIMITS: usize = 4;

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style) -> Vec<Part<'a>> {
    let title = lines(style, |page| page.title("What could not be seen"));
    let points = limits::points(summary);
    let fits = points.len() <= MOST_LIMITS;
    let mut unseen = Part::new(Rank::Main, title).least(2);
    let named = if fits { MOST_LIMITS } else { MOST_LIMITS - 1 };
    let all = points.len();
    for point in points.into_iter().take(named) {
        unseen.item(lines(style, |page| {
            page.labelled_within(1, Ink::Plain, "  - ", &point);
        }));
    }
    let unseen =
        unseen.told(move |shown| format!("  ... and {} more with --verbose\n", all - shown));
    let unseen = if fits { unseen } else { unseen.and_others() };
    vec![unseen, Part::answer(next(summary, style))]
}

fn next(summary: &Summary<'_>, style: Style) -> String {
    let line = &summary.report.run.command_line;
    let is_saved = line.contains(" -o") || line.contains(" --output");
    let keep = match is_saved {
        true => "",
        false => "save with -o FILE, ",
    };
    let text = format!("{keep}run longer with -d 1h, see --verbose, hwgap preflight");
    lines(style, |page| {
        page.labelled_within(1, Ink::Heading, "Next: ", &text)
    })
}
