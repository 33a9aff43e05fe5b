//! The rate of each run with its interval, in order of the runs' starts.

use maud::{Markup, html};

use crate::compare::Which;
use crate::compare::model::{Comparison, RunRow};
use crate::render::comparison::plot::{SIDES, class};
use crate::render::plot::{DOT, Frame, Logarithmic, Picture, Tick, number, path};
use crate::text::human;

/// Names of runs that have room at the axis.
const MOST_NAMES: usize = 12;

pub(super) fn draw(comparison: &Comparison) -> Picture {
    let runs: Vec<(Which, usize, &RunRow)> = (comparison.pictured.line.iter())
        .map(|stretch| {
            let side = match stretch.side {
                Which::Before => &comparison.before,
                Which::After => &comparison.after,
            };
            (stretch.side, stretch.number, &side.runs[stretch.number])
        })
        .collect();
    let ends = || {
        let all = runs.iter().map(|(.., run)| run);
        all.flat_map(|run| [run.per_hour_low, run.per_hour, run.per_hour_high])
            .flatten()
            .filter(|rate| *rate > 0.0)
    };
    let y = Logarithmic::new(
        ends().fold(f64::MAX, f64::min).min(1e9),
        ends().fold(0.0, f64::max),
    );
    let place = |index: usize| (index as f64 + 0.5) / runs.len().max(1) as f64;
    let step = runs.len().div_ceil(MOST_NAMES).max(1);
    let frame = Frame::new(
        (
            "runs in order of time",
            (runs.iter().enumerate().step_by(step))
                .map(|(index, (side, number, _))| Tick {
                    at: place(index),
                    text: format!("{} {}", class(*side), number + 1),
                })
                .collect(),
        ),
        ("stalls an hour", y.rates()),
        260.0,
    );
    let bars = |wanted: Which| -> Markup {
        let (mut bars, mut points) = (String::new(), String::new());
        for (index, (side, _, run)) in runs.iter().enumerate() {
            let (true, Some(high)) = (*side == wanted, run.per_hour_high) else {
                continue;
            };
            let at = number(frame.at_x(place(index)));
            let end = |rate: Option<f64>| match rate.filter(|rate| *rate > 0.0) {
                Some(rate) => number(frame.at_y(y.place(rate))),
                None => number(frame.at_y(0.0)),
            };
            bars.push_str(&format!(
                "M{at} {}V{}",
                end(run.per_hour_low),
                end(Some(high))
            ));
            if run.stalls > 0 {
                points.push_str(&format!("M{at} {}{DOT}", end(run.per_hour)));
            }
        }
        html! {
            (path(&format!("whisker {}", class(wanted)), &bars))
            (path(&format!("point {}", class(wanted)), &points))
        }
    };
    let figures: Vec<String> = (runs.iter())
        .filter_map(|(side, number, run)| {
            let rate = human::round(run.per_hour?);
            Some(format!(
                "{} {}: {rate} stalls an hour.",
                class(*side),
                number + 1
            ))
        })
        .take(MOST_NAMES)
        .collect();
    let title = "Rate of each run";
    let content = html! { (bars(Which::Before)) (bars(Which::After)) };
    Picture {
        title,
        caption: String::from(
            "Stalls an hour of each run with the 95 % interval that stalls at random moments would \
             have; a line without a point is a run without a stall. Runs of one side that lie \
             further apart than their intervals differ by more than chance: then something \
             else changes, too. The rates are on a logarithmic axis.",
        ),
        legend: SIDES.to_vec(),
        svg: frame.draw(title, &figures.join(" "), content),
    }
}
