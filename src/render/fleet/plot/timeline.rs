//! The stalls of one host over its runs.

use maud::html;

use crate::fleet::model::HostRow;
use crate::render::fleet::words;
use crate::render::plot::{DOT, Frame, Logarithmic, Picture, Tick, number, path};
use crate::text::human;
use crate::units::Nanos;

/// The picture, small; nothing where no stall of the host is kept.
pub(in crate::render::fleet) fn draw(host: &HostRow) -> Option<Picture> {
    let whole = host.sketches.iter().map(|run| run.elapsed);
    let whole = whole.fold(Nanos(0), Nanos::saturating_add);
    let marks = || host.sketches.iter().flat_map(|run| &run.marks);
    let logs = || marks().map(|mark| mark.log_length());
    marks().next()?;
    let y = Logarithmic::new(
        10f64.powf(logs().fold(f64::MAX, f64::min)),
        10f64.powf(logs().fold(0.0, f64::max) + 0.1),
    );
    let ticks = y.lengths();
    let time = |at: f64, time: Nanos| Tick {
        at,
        text: match time {
            Nanos(0) => String::from("0"),
            time => human::chosen(time),
        },
    };
    let frame = Frame::new(
        (
            match host.sketches.len() {
                1 => "time since the start of the run",
                _ => "runs that do not pass, end to end",
            },
            vec![time(0.0, Nanos(0)), time(1.0, whole)],
        ),
        ("length", ticks),
        150.0,
    );
    let share = |time: Nanos| time.0 as f64 / whole.0.max(1) as f64;
    let data = |smis: bool| {
        let (mut data, mut begin) = (String::new(), 0.0);
        for run in &host.sketches {
            for mark in run.marks.iter().filter(|mark| mark.is_smi == smis) {
                let at = begin + mark.at() * share(run.elapsed);
                data.push_str(&format!(
                    "M{} {}{DOT}",
                    number(frame.at_x(at)),
                    number(frame.at_y(y.place_of_log(mark.log_length())))
                ));
            }
            begin += share(run.elapsed);
        }
        data
    };
    let has_more = host.sketches.iter().any(|run| run.has_more);
    let figures = format!(
        "{} of stalls in {}, the longest {}{}.",
        human::counted(marks().count() as u64, "mark"),
        human::chosen(whole),
        words::worst(host.platform_max_ns),
        match has_more {
            true => "; shorter ones are left out",
            false => "",
        }
    );
    let shown = if has_more { " The longest ones." } else { "" };
    let title = format!("Stalls of {}", host.host);
    let content = html! {
        (path("mark platform", &data(false)))
        (path("mark smi", &data(true)))
    };
    Some(Picture {
        title: "Stalls over time",
        caption: format!("Square marks are SMIs, round ones are not known to be.{shown}"),
        legend: Vec::new(),
        svg: frame.draw(&title, &figures, content),
    })
}
