//! All stalls of both sides, the runs laid end to end in order of time.

use maud::html;

use crate::compare::Which;
use crate::compare::model::Comparison;
use crate::render::comparison::plot::{SIDES, class};
use crate::render::plot::{DOT, Frame, Logarithmic, Picture, Tick, number, path};
use crate::text::human;

/// Runs that get a line at their end.
const MOST_LINES: usize = 200;
/// Names of runs that have room at the axis.
const MOST_NAMES: usize = 8;

pub(super) fn draw(comparison: &Comparison) -> Picture {
    let pictured = &comparison.pictured;
    let logs = || pictured.marks.iter().map(|mark| mark.log_length());
    let y = Logarithmic::new(
        10f64.powf(logs().fold(f64::MAX, f64::min)),
        10f64.powf(logs().fold(0.0, f64::max) + 0.05),
    );
    let step = pictured.line.len().div_ceil(MOST_NAMES).max(1);
    let frame = Frame::new(
        (
            "runs end to end, in order of time",
            (pictured.line.iter().step_by(step))
                .map(|stretch| Tick {
                    at: f64::midpoint(stretch.from, stretch.to),
                    text: format!("{} {}", class(stretch.side), stretch.number + 1),
                })
                .collect(),
        ),
        ("length of the stall", y.lengths()),
        300.0,
    );
    let marks = |side: Which| {
        let mut data = String::new();
        for mark in pictured.marks.iter().filter(|mark| mark.side == side) {
            let at = number(frame.at_x(mark.at()));
            let height = number(frame.at_y(y.place_of_log(mark.log_length())));
            data.push_str(&format!("M{at} {height}{DOT}"));
        }
        data
    };
    let (base, top) = (number(frame.at_y(0.0)), number(frame.at_y(1.0)));
    let sides = [
        (
            Which::Before,
            &comparison.before,
            comparison.worst.before_ns,
        ),
        (Which::After, &comparison.after, comparison.worst.after_ns),
    ];
    let figures = sides.map(|(side, all, worst)| {
        format!(
            "{}: {} in {}, {}.",
            class(side),
            human::counted(all.stalls, "stall"),
            human::counted(all.runs.len() as u64, "run"),
            worst.map_or("none seen".to_owned(), |worst| {
                format!("the longest {}", human::length(worst))
            })
        )
    });
    let title = "Stalls over the runs";
    let content = html! {
        @for stretch in pictured.line.iter().take(MOST_LINES) {
            @let end = number(frame.at_x(stretch.to));
            line.axis x1=(end) x2=(end) y1=(base) y2=(top) {}
        }
        @for side in [Which::Before, Which::After] {
            (path(&format!("mark {}", class(side)), &marks(side)))
        }
    };
    Picture {
        title,
        caption: String::from(
            "Each stall of both sides by its moment and length. The upright lines part the runs; \
             the time between runs is left out.",
        ),
        legend: SIDES.to_vec(),
        svg: frame.draw(title, &figures.join(" "), content),
    }
}
