//! The worst stall of each host, a row for each group.

use std::collections::BTreeMap;

use maud::html;

use super::{OUTCOMES, ROW_HEIGHT, Rows};
use crate::fleet::model::{FleetReport, GroupRow};
use crate::model::Outcome;
use crate::render::fleet::words;
use crate::render::plot::{DOT, Frame, Logarithmic, Picture, number, path};
use crate::render::web::shown;
use crate::text::human;
use crate::units::Nanos;

/// Lengths told apart over the whole axis.
const COLUMNS: f64 = 160.0;
/// Hosts of one row and length that are drawn, one above the other.
const STACKED: usize = 5;

pub(super) fn draw(report: &FleetReport, rows: &Rows<'_>) -> Picture {
    let lengths = || report.hosts.iter().map(|host| host.platform_max_ns.0);
    let longest = lengths().max().unwrap_or(1).max(1_000);
    let shortest = lengths().filter(|length| *length > 0).min();
    // The lowest decade is for hosts that saw none.
    let x = Logarithmic::new(shortest.unwrap_or(100) as f64 / 10.0, longest as f64);
    let mut ticks = x.lengths();
    if let Some(first) = ticks.first_mut() {
        first.text = String::from("none");
    }
    let frame = Frame::new(
        ("worst stall of the host", ticks),
        (rows.dimension.name(), rows.ticks()),
        rows.height(),
    );
    let mut stacks: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut marks = |wanted: Outcome| {
        let mut data = String::new();
        for host in report.hosts.iter().filter(|host| host.result == wanted) {
            let Some(row) = rows.of(host) else { continue };
            let place = match host.platform_max_ns {
                Nanos(0) => 0.0,
                length => x.place(length.0 as f64),
            };
            let column = (place * COLUMNS).round();
            let stacked = stacks.entry((row, column as usize)).or_default();
            *stacked += 1;
            if *stacked > STACKED {
                continue;
            }
            let middle = frame.at_y(rows.place(row)) + ROW_HEIGHT * 0.3;
            data.push_str(&format!(
                "M{} {}{DOT}",
                number(frame.at_x(column / COLUMNS)),
                number(middle - (*stacked - 1) as f64 * 4.0)
            ));
        }
        data
    };
    // Those that fail take the lowest places, and are drawn last.
    let mut drawn: Vec<(&str, String)> = (OUTCOMES.iter().rev())
        .map(|(outcome, class, _)| (*class, marks(*outcome)))
        .collect();
    drawn.reverse();
    let figures: Vec<String> = rows.groups.iter().map(|group| in_words(group)).collect();
    let title = "The worst stall of each host";
    let content = html! {
        @for (class, data) in &drawn { (path(&format!("mark {class}"), data)) }
        (rows.told(&frame, &figures))
    };
    Picture {
        title,
        caption: format!(
            "A mark for each host at its longest stall, by {}; the lengths are on a logarithmic \
             axis. Of hosts with the same length {STACKED} are drawn.{}",
            rows.dimension.name(),
            rows.left_out()
        ),
        legend: OUTCOMES.map(|(_, class, words)| (class, words)).to_vec(),
        svg: frame.draw(title, &shown(&figures.join(" ")), content),
    }
}

fn in_words(group: &GroupRow) -> String {
    format!(
        "{}: {}, of which {} fail; worst {}, median {}.",
        group.name,
        human::counted(group.hosts, "host"),
        human::grouped(group.fail),
        words::worst(group.platform_max_ns),
        words::worst(group.median_max_ns)
    )
}
