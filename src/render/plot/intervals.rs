//! Time between stalls: a timer shows as a peak, events at random as a slope.

use maud::html;

use crate::judgement::digest::{BINS_PER_DECADE, Digest};
use crate::render::plot::Picture;
use crate::render::plot::axis::Logarithmic;
use crate::render::plot::frame::{Frame, number, path};
use crate::text::human;
use crate::units::Nanos;

pub(super) fn draw(digest: &Digest) -> Picture {
    let edge = |bin: u16| f64::from(bin) / BINS_PER_DECADE;
    let first = digest.intervals.keys().next().copied().unwrap_or(120);
    let last = digest.intervals.keys().next_back().copied().unwrap_or(180);
    let most = digest.intervals.values().max().copied().unwrap_or(1);
    let x = Logarithmic::new(10f64.powf(edge(first)), 10f64.powf(edge(last + 1)));
    let y = Logarithmic::new(0.5, most as f64);
    let frame = Frame::new(
        (
            "time from the start of one stall to the start of the next",
            x.lengths(),
        ),
        ("intervals", y.counts()),
        260.0,
    );
    let mut data = String::new();
    for (bin, count) in &digest.intervals {
        data.push_str(&format!(
            "M{} {}V{}H{}V{}z",
            number(frame.at_x(x.place_of_log(edge(*bin)))),
            number(frame.at_y(0.0)),
            number(frame.at_y(y.place(*count as f64))),
            number(frame.at_x(x.place_of_log(edge(bin + 1)))),
            number(frame.at_y(0.0)),
        ));
    }
    let commonest = digest.intervals.iter().max_by_key(|(_, count)| **count);
    let figures = commonest.map_or_else(String::new, |(bin, count)| {
        let from = |bin: u16| human::chosen(Nanos(10f64.powf(edge(bin)) as u64));
        let all = digest
            .intervals
            .values()
            .fold(0, |sum: u64, count| sum.saturating_add(*count));
        format!(
            "{} of {} lie from {} to {}.",
            human::grouped(*count),
            human::counted(all, "interval"),
            from(*bin),
            from(bin + 1)
        )
    });
    let title = "Intervals between stalls";
    Picture {
        title,
        caption: String::from(
            "Stalls of the platform, several CPUs at once counted as one. A timer shows as a \
             narrow peak at its period; a lone slope is what events at random look like.",
        ),
        legend: Vec::new(),
        svg: frame.draw(title, &figures, html! { (path("area platform", &data)) }),
    }
}
