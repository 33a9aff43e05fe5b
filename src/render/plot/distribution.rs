//! How often which length was seen, from the histograms of all CPUs.

use std::collections::BTreeMap;

use maud::html;

use crate::model::Report;
use crate::render::plot::Picture;
use crate::render::plot::axis::Logarithmic;
use crate::render::plot::frame::{Frame, number, path};
use crate::text::human;
use crate::units::Nanos;

/// Buckets that are drawn: 16 an octave over all 64 octaves.
const MOST_BUCKETS: usize = 1_024;
/// The foot of the count axis: a single event must stand above it.
const FOOT: f64 = 0.5;

const CLASSES: [(&str, &str); 3] = [
    (
        "platform",
        "not this kernel's, its parts of longer gaps among that",
    ),
    ("os", "this kernel ran"),
    ("unknown", "not known"),
];

pub(super) fn draw(report: &Report<()>) -> Picture {
    let mut buckets: BTreeMap<(Nanos, Nanos), [u64; 3]> = BTreeMap::new();
    for bucket in report.cpus.iter().flat_map(|cpu| &cpu.histogram.buckets) {
        let sums = buckets.entry((bucket.from_ns, bucket.to_ns)).or_default();
        for (sum, count) in
            sums.iter_mut()
                .zip([bucket.platform(), bucket.kernel_ran, bucket.unknown])
        {
            *sum = sum.saturating_add(count);
        }
    }
    let shortest = buckets
        .keys()
        .map(|(from, _)| from.0)
        .min()
        .unwrap_or(1_000);
    let longest = buckets
        .keys()
        .map(|(_, to)| to.0)
        .max()
        .unwrap_or(1_000_000);
    let most = buckets.values().flatten().max().copied().unwrap_or(1);
    let x = Logarithmic::new(shortest.max(1) as f64, longest as f64);
    let y = Logarithmic::new(FOOT, most as f64);
    let frame = Frame::new(
        ("length of the gap", x.lengths()),
        ("gaps", y.counts()),
        300.0,
    );
    let steps = |class: usize| {
        let mut data = String::new();
        for ((from, to), counts) in buckets.iter().rev().take(MOST_BUCKETS) {
            if counts[class] > 0 {
                data.push_str(&format!(
                    "M{} {}V{}H{}V{}",
                    number(frame.at_x(x.place(from.0.max(1) as f64))),
                    number(frame.at_y(0.0)),
                    number(frame.at_y(y.place(counts[class] as f64))),
                    number(frame.at_x(x.place(to.0.max(1) as f64))),
                    number(frame.at_y(0.0)),
                ));
            }
        }
        data
    };
    let sum = |class: usize| {
        let counts = buckets.values().map(|counts| counts[class]);
        human::grouped(counts.fold(0, u64::saturating_add))
    };
    let figures = format!(
        "Seen from {} to {}: {} not this kernel's, {} with this kernel running, {} not known.",
        human::chosen(Nanos(shortest)),
        human::chosen(Nanos(longest)),
        sum(0),
        sum(1),
        sum(2)
    );
    let title = "Distribution of gap lengths";
    // The kernel's behind the platform's, which matter more.
    let content = html! {
        @for class in [1, 2, 0] { (path(&format!("area {}", CLASSES[class].0), &steps(class))) }
        @let limit = number(frame.at_x(x.place(report.run.hardlimit_ns.0 as f64)));
        line.limit x1=(limit) x2=(limit) y1=(number(frame.at_y(0.0))) y2=(number(frame.at_y(1.0))) {}
    };
    Picture {
        title,
        caption: format!(
            "All gaps longer than the loop's trip level, on all CPUs, by whether this kernel ran. \
             Both axes are logarithmic. The dashed line is the limit, {}.",
            human::chosen(report.run.hardlimit_ns)
        ),
        legend: CLASSES.to_vec(),
        svg: frame.draw(title, &figures, content),
    }
}
