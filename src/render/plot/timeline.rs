//! The gaps that are not the kernel's, over the run.

use maud::html;

use crate::judgement::digest::{COLUMNS, Class, Digest, Mark, ROWS_PER_DECADE};
use crate::model::Report;
use crate::render::plot::Picture;
use crate::render::plot::axis::{Logarithmic, times};
use crate::render::plot::frame::{DOT, Frame, number, path};
use crate::text::human;
use crate::units::Nanos;

/// Columns with a smaller share that was not covered are left white.
const WORTH_SHOWING: f64 = 0.05;

/// What the colours and shapes stand for.
pub(super) const LEGEND: [(&str, &str); 4] = [
    ("smi", "SMI"),
    ("platform", "platform, not known to be an SMI"),
    ("unknown", "not known"),
    ("uncovered", "share of the time not covered"),
];

pub(super) fn draw(report: &Report<()>, digest: &Digest) -> Picture {
    let lengths = |of: fn(u16, u16) -> u16| digest.marks.iter().map(|mark| mark.row).reduce(of);
    let log = |row: u16| f64::from(row) / ROWS_PER_DECADE;
    let longest = 10f64.powf(log(lengths(u16::max).unwrap_or(0)) + 0.05);
    let shortest = 10f64.powf(log(lengths(u16::min).unwrap_or(0)));
    let y = Logarithmic::new(shortest, longest);
    let frame = Frame::new(
        (
            "time since the start of the run",
            times(report.run.elapsed_ns),
        ),
        ("length of the gap", y.lengths()),
        300.0,
    );
    let column = |column: u16| frame.at_x(f64::from(column) / (COLUMNS - 1) as f64);
    let marks = |class: Class| {
        let mut data = String::new();
        for Mark {
            row, column: at, ..
        } in digest.marks.iter().filter(|mark| mark.class == class)
        {
            let height = frame.at_y(y.place_of_log(log(*row)));
            data.push_str(&format!("M{} {}{DOT}", number(column(*at)), number(height)));
        }
        data
    };
    let mut strip = String::new();
    for (at, share) in digest.uncovered.iter().enumerate() {
        if *share > WORTH_SHOWING {
            let foot = frame.at_y(0.0);
            let height = share * (foot - frame.at_y(1.0));
            let (x, width) = (column(at as u16), column(1) - column(0));
            strip.push_str(&format!(
                "M{} {}h{}v-{}h-{}z",
                number(x),
                number(foot),
                number(width),
                number(height),
                number(width)
            ));
        }
    }
    let title = "Gaps over the run";
    let limit = number(frame.at_y(y.place(report.run.hardlimit_ns.0 as f64)));
    let content = html! {
        (path("area uncovered", &strip))
        line.limit x1=(number(frame.at_x(0.0))) x2=(number(frame.at_x(1.0))) y1=(limit) y2=(limit) {}
        (path("mark unknown", &marks(Class::Unknown)))
        (path("mark platform", &marks(Class::OtherPlatform)))
        (path("mark smi", &marks(Class::Smi)))
    };
    let of = |class: Class| {
        digest
            .marks
            .iter()
            .filter(|mark| mark.class == class)
            .count()
    };
    let figures = format!(
        "{} of the platform or not known over {}: marks of SMIs {}, of the platform otherwise {}, \
         not known {}; the longest about {}, the limit {}.",
        human::counted(digest.gaps, "gap"),
        human::chosen(report.run.elapsed_ns),
        of(Class::Smi),
        of(Class::OtherPlatform),
        of(Class::Unknown),
        human::chosen(Nanos(longest as u64)),
        human::chosen(report.run.hardlimit_ns)
    );
    let run = &report.run;
    let pauses = match run.width_ns < run.window_ns {
        true => format!(
            " Sampling paused in each {}, which is not drawn.",
            human::chosen(run.window_ns)
        ),
        false => String::new(),
    };
    Picture {
        title,
        caption: format!(
            "Gaps in which the platform had its part, or may have had, on all CPUs. The grey \
             columns are as high as the share of all CPUs' time that was not covered; a full one \
             is a gap in coverage.{pauses}"
        ),
        legend: LEGEND.to_vec(),
        svg: frame.draw(title, &figures, content),
    }
}
