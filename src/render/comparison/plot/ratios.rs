//! The ratio of each row of the table of rates, with its interval.

use maud::html;

use crate::compare::model::{Comparison, RateRow};
use crate::render::comparison::cells;
use crate::render::plot::{DOT, Frame, Logarithmic, Picture, Tick, number, path};
use crate::text::human;

/// Ratios farther from 1 than this are drawn at the edge.
const FARTHEST: f64 = 100.0;
/// Room for the names of rows.
const NAMES: f64 = 190.0;
const ROW_HEIGHT: f64 = 22.0;

pub(super) fn draw(comparison: &Comparison) -> Picture {
    let rows: Vec<&RateRow> = (comparison.rates.iter())
        .filter(|row| row.ratio_low.is_some())
        .collect();
    let x = Logarithmic::new(1.0 / FARTHEST, FARTHEST);
    let place = |index: usize| 1.0 - (index as f64 + 0.5) / rows.len().max(1) as f64;
    let frame = Frame::new(
        ("rate after by rate before", x.ratios()),
        (
            "class and length",
            (rows.iter().enumerate())
                .map(|(index, row)| Tick {
                    at: place(index),
                    text: format!("{} {}", row.class.name(), cells::range(row)),
                })
                .collect(),
        ),
        60.0 + ROW_HEIGHT * rows.len().max(2) as f64,
    )
    .beside(NAMES);
    let (mut bars, mut points, mut found) = (String::new(), String::new(), String::new());
    for (index, row) in rows.iter().enumerate() {
        let at = |ratio: f64| number(frame.at_x(x.place(ratio)));
        let height = number(frame.at_y(place(index)));
        let low = at(row.ratio_low.unwrap_or(0.0));
        let high = at(row.ratio_high.unwrap_or(f64::INFINITY));
        bars.push_str(&format!("M{low} {height}H{high}"));
        let ratio = row.ratio.unwrap_or(f64::INFINITY);
        let is_found = (row.p_corrected).is_some_and(|p| p <= 1.0 - comparison.level);
        let list = if is_found { &mut found } else { &mut points };
        list.push_str(&format!("M{} {height}{DOT}", at(ratio)));
    }
    let line = |ratio: f64| number(frame.at_x(x.place(ratio)));
    let (base, top) = (number(frame.at_y(0.0)), number(frame.at_y(1.0)));
    let margin = comparison.margin;
    let title = "Ratios of the rates";
    let content = html! {
        line.axis x1=(line(1.0)) x2=(line(1.0)) y1=(base) y2=(top) {}
        @for edge in [1.0 / margin, margin] {
            line.limit x1=(line(edge)) x2=(line(edge)) y1=(base) y2=(top) {}
        }
        (path("whisker os", &bars))
        (path("point os", &points))
        (path("point bad-mark", &found))
    };
    let level = human::chosen_percent(comparison.level);
    let figures: Vec<String> = (rows.iter())
        .map(|row| {
            format!(
                "{} {}: {}, {level} % interval {}.",
                row.class.name(),
                cells::range(row),
                cells::ratio(row),
                cells::interval(row)
            )
        })
        .collect();
    Picture {
        title,
        caption: format!(
            "Right of 1 there are more stalls after the change, left of it fewer. The lines are \
             {level} % intervals, one by one; the dashed lines are the factor from which on a \
             difference matters, {}. Beyond {FARTHEST} and its inverse, none at all included, \
             all stand at the edge.",
            human::round(margin)
        ),
        legend: vec![
            ("bad-mark", "differs, all comparisons allowed for"),
            ("os", "does not, or was not tested"),
        ],
        svg: frame.draw(title, &figures.join(" "), content),
    }
}
