//! How often a stall of a length or longer came, on both sides.

use maud::html;

use crate::compare::Which;
use crate::compare::model::Comparison;
use crate::render::comparison::plot::{SIDES, class};
use crate::render::plot::{Frame, Logarithmic, Picture, number, path};
use crate::text::human;

pub(super) fn draw(comparison: &Comparison) -> Picture {
    let sides = [
        (Which::Before, &comparison.before),
        (Which::After, &comparison.after),
    ];
    let curve = |side: Which| &comparison.pictured.reached[side as usize];
    let lengths = || (sides.iter()).flat_map(|(side, _)| curve(*side));
    let longest = lengths().map(|step| step.length.0).max().unwrap_or(1);
    let x = Logarithmic::new(
        comparison.threshold.ns.0.max(1) as f64,
        longest as f64 * 1.05,
    );
    let rates = || {
        let known = sides.iter().filter(|(_, all)| all.covered_hours > 0.0);
        known.flat_map(|(side, all)| {
            let hours = all.covered_hours;
            curve(*side)
                .iter()
                .map(move |step| step.stalls as f64 / hours)
        })
    };
    let y = Logarithmic::new(
        rates().fold(f64::MAX, f64::min),
        rates().fold(0.0, f64::max),
    );
    let frame = Frame::new(
        ("length of the stall", x.lengths()),
        ("as long or longer, an hour", y.rates()),
        320.0,
    );
    // From the longest down: each step holds to the next shorter length.
    let steps = |side: Which, hours: f64| {
        let mut data = String::new();
        for (index, step) in curve(side).iter().enumerate() {
            let at = number(frame.at_x(x.place(step.length.0 as f64)));
            let height = number(frame.at_y(y.place(step.stalls as f64 / hours)));
            match index {
                0 => data.push_str(&format!("M{at} {}V{height}", number(frame.at_y(0.0)))),
                _ => data.push_str(&format!("H{at}V{height}")),
            }
        }
        if !data.is_empty() {
            data.push_str(&format!("H{}", number(frame.at_x(0.0))));
        }
        data
    };
    let figures: Vec<String> = (sides.iter())
        .map(|(side, all)| {
            let longest = curve(*side).iter().map(|step| step.length).max();
            format!(
                "{}: {} in {} hours, {}.",
                class(*side),
                human::counted(all.stalls, "stall"),
                human::round(all.covered_hours),
                longest.map_or("none seen".to_owned(), |length| {
                    format!("the longest {}", human::chosen(length))
                })
            )
        })
        .collect();
    let title = "Stalls of a length or longer";
    let content = html! {
        @for (side, all) in sides {
            @if all.covered_hours > 0.0 {
                (path(&format!("curve {}", class(side)), &steps(side, all.covered_hours)))
            }
        }
    };
    Picture {
        title,
        caption: String::from(
            "How many stalls of this length or longer came in each covered hour. Each line ends \
             at the longest stall of its side; its last steps hang on single stalls. Both axes \
             are logarithmic.",
        ),
        legend: SIDES.to_vec(),
        svg: frame.draw(title, &figures.join(" "), content),
    }
}
