//! The worst gaps.

use super::Summary;
use crate::report::clean;
use crate::report::human;
use crate::report::model::Gap;
use crate::report::page::{Page, WIDTH};
use crate::report::table::{Align, Table};

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    let threshold = human::chosen(summary.run.threshold_ns);
    if summary.worst.is_empty() {
        page.heading("Gaps");
        page.paragraph(&match summary.gaps_seen() {
            0 => format!("No gap above {threshold} was seen, of any cause."),
            seen => format!(
                "{} above {threshold}, none of them listed.",
                human::plural(seen, "gap")
            ),
        });
        return;
    }
    // One day for all leaves more room for the rest.
    let day = one_day(summary.worst);
    let shown = summary.worst.len();
    let total = human::grouped(summary.gaps_seen().max(shown as u64));
    let of_day = day.map(|day| format!("; times are UTC of {day}"));
    let title = format!(
        "Worst {shown} of {total} gaps{}",
        of_day.unwrap_or_default()
    );
    page.heading(&title);

    let mut table = Table::new(&[
        (
            if day.is_some() { "time" } else { "time (UTC)" },
            Align::Left,
        ),
        ("CPU", Align::Right),
        ("length", Align::Right),
        ("cause", Align::Left),
        ("confidence", Align::Left),
    ]);
    for gap in summary.worst {
        table.row(vec![
            time(gap, day.is_some()),
            gap.cpu.to_string(),
            human::length(gap.duration_ns),
            gap.cause.to_string(),
            gap.confidence.to_string(),
        ]);
    }
    lines(summary.worst, &table, page);
}

/// The details go beside their rows if all of them fit, else below.
fn lines(worst: &[Gap], table: &Table, page: &mut Page) {
    let details: Vec<String> = worst
        .iter()
        .map(|gap| clean::ascii(&gap.detail).into_owned())
        .collect();
    let room = WIDTH.saturating_sub(table.width() + 4);
    let beside = details.iter().all(|detail| detail.len() <= room);
    let mut rows = table.lines().into_iter();
    if let Some(header) = rows.next() {
        page.line(&format!("  {header}"));
    }
    for (row, detail) in rows.zip(details) {
        if beside {
            page.line(&format!("  {row}  {detail}"));
        } else {
            page.line(&format!("  {row}"));
            page.line(&format!("      {detail}"));
        }
    }
}

fn one_day(gaps: &[Gap]) -> Option<&str> {
    let mut days = gaps.iter().map(|gap| human::day_and_time(&gap.start_utc));
    let (first, _) = days.next()??;
    days.all(|day| day.is_some_and(|(day, _)| day == first))
        .then_some(first)
}

fn time(gap: &Gap, same_day: bool) -> String {
    match human::day_and_time(&gap.start_utc) {
        Some((_, time)) if same_day => time.to_owned(),
        // A year is known from the run's start.
        Some((day, time)) => format!("{} {time}", &day[5..]),
        None => clean::truncated(&clean::ascii(&gap.start_utc), 21).into_owned(),
    }
}
