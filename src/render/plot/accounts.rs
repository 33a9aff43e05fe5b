//! What the worst gaps are made of.

use maud::html;

use crate::judgement::digest::Digest;
use crate::model::{Cause, Gap};
use crate::render::plot::Picture;
use crate::render::plot::axis::Tick;
use crate::render::plot::frame::{Frame, number, path};
use crate::render::plot::timeline::LEGEND;
use crate::text::human;
use crate::units::Nanos;

const ROWS: usize = 12;
/// Pixels of a row.
const HEIGHT: f64 = 18.0;

const CLASSES: [(&str, &str); 4] = [LEGEND[0], LEGEND[1], ("os", "this kernel"), LEGEND[2]];

pub(super) fn draw(digest: &Digest) -> Picture {
    let gaps = &digest.worst[..digest.worst.len().min(ROWS)];
    let rows = gaps.len().max(1) as f64;
    let longest = gaps.iter().map(|gap| gap.duration_ns.0).max();
    let longest = longest.unwrap_or(1).max(1) as f64;
    let middle = |row: usize| 1.0 - (row as f64 + 0.5) / rows;
    let y_ticks: Vec<Tick> = (gaps.iter().enumerate())
        .map(|(row, gap)| Tick {
            at: middle(row),
            text: human::length(gap.duration_ns),
        })
        .collect();
    let frame = Frame::new(
        (
            "time taken",
            [0.0, 0.25, 0.5, 0.75, 1.0]
                .map(|at| Tick {
                    at,
                    text: human::length(Nanos((longest * at) as u64)),
                })
                .into(),
        ),
        ("length", y_ticks),
        HEIGHT * rows + 56.0,
    );
    let half = HEIGHT * 0.35;
    let bars = |class: usize| {
        let mut data = String::new();
        for (row, gap) in gaps.iter().enumerate() {
            let parts = parts(gap);
            let from: u64 = parts[..class].iter().sum();
            if parts[class] > 0 {
                let place = |nanos: u64| frame.at_x((nanos as f64 / longest).min(1.0));
                let (x, width) = (place(from), place(from + parts[class]) - place(from));
                data.push_str(&format!(
                    "M{} {}h{}v{}h-{}z",
                    number(x),
                    number(frame.at_y(middle(row)) - half),
                    number(width),
                    number(2.0 * half),
                    number(width)
                ));
            }
        }
        data
    };
    let title = "What the worst gaps are made of";
    let figures: Vec<String> = gaps.iter().map(in_words).collect();
    let content = html! {
        @for (class, (colour, _)) in CLASSES.iter().enumerate() {
            (path(&format!("bar {colour}"), &bars(class)))
        }
        // Whoever points at a row reads it.
        @for (row, words) in figures.iter().enumerate() {
            rect.hit x=(number(frame.at_x(0.0))) width=(number(frame.at_x(1.0) - frame.at_x(0.0)))
                y=(number(frame.at_y(middle(row)) - HEIGHT / 2.0)) height=(number(HEIGHT)) {
                title { (words) }
            }
        }
    };
    Picture {
        title,
        caption: format!(
            "The account of each of the {} worst gaps: which part of it whom is known to have \
             taken. The parts add up to its length; in which order they came is not drawn.",
            gaps.len()
        ),
        legend: CLASSES.to_vec(),
        svg: frame.draw(title, &figures.join(" "), content),
    }
}

/// Nanoseconds of a gap by class, which come to no more than its length.
fn parts(gap: &Gap) -> [u64; 4] {
    let platform = gap.platform_ns.min(gap.duration_ns).0;
    let os = gap.os_ns.0.min(gap.duration_ns.0 - platform);
    let unknown = gap.duration_ns.0 - platform - os;
    match gap.cause {
        Cause::Smi | Cause::SmiOs => [platform, 0, os, unknown],
        _ => [0, platform, os, unknown],
    }
}

fn in_words(gap: &Gap) -> String {
    let named: Vec<String> = (CLASSES.iter().zip(parts(gap)))
        .filter(|(_, nanos)| *nanos > 0)
        .map(|((_, words), nanos)| format!("{words} {}", human::length(Nanos(nanos))))
        .collect();
    format!(
        "{} on CPU {}: {}.",
        crate::text::clean_text(&gap.start_utc),
        gap.cpu,
        named.join(", ")
    )
}
