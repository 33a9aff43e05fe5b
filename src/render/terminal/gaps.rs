//! The worst gaps.

use crate::model::Gap;
use crate::render::page::{Page, WIDTH};
use crate::render::style::Ink;
use crate::render::table::{Align, Table};
use crate::render::terminal::Summary;
use crate::text::{clean, human};

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    if summary.worst.is_empty() {
        page.heading("Gaps");
        page.paragraph(&none(summary));
        return;
    }
    // One day for all leaves more room for the rest.
    let day = one_day(summary.worst.iter().map(|gap| gap.start_utc.as_str()));
    let shown = summary.worst.len();
    let total = human::plural(summary.gaps_seen().max(shown as u64), "gap");
    let of_day = day.map(|day| format!("; times are UTC of {day}"));
    page.heading(&format!(
        "Worst {shown} of {total}{}",
        of_day.unwrap_or_default()
    ));

    let beside = table(summary.worst, day, Details::Beside);
    if beside.width() + 2 <= WIDTH {
        page.table(&beside);
        return;
    }
    page.table(&table(summary.worst, day, Details::Below));
    for (number, detail) in (1..).zip(details(summary.worst)) {
        page.labelled(Ink::Plain, &format!("  ({number}) "), detail);
    }
}

/// Why no gap is listed.
pub(super) fn none(summary: &Summary<'_>) -> String {
    let threshold = human::chosen(summary.run.threshold_ns);
    match summary.gaps_seen() {
        0 => format!("No gap above {threshold} was seen, of any cause."),
        seen => format!(
            "{} above {threshold}, none of them listed.",
            human::plural(seen, "gap")
        ),
    }
}

/// Where the details of the gaps stand.
#[derive(Clone, Copy)]
enum Details {
    /// In their rows, if all of them fit.
    Beside,
    /// Below the table, each once, with a number in the rows.
    Below,
}

/// A table of gaps, without rows yet.
pub(super) fn header(day: Option<&str>, cpu: &'static str) -> Table {
    let time_name = if day.is_some() { "time" } else { "time (UTC)" };
    Table::new(&[
        (time_name, Align::Left),
        (cpu, Align::Right),
        ("length", Align::Right),
        ("cause", Align::Left),
        ("confidence", Align::Left),
        ("detail", Align::Left),
    ])
}

fn table(worst: &[Gap], day: Option<&str>, place: Details) -> Table {
    let mut table = header(day, "CPU");
    let details = details(worst);
    for gap in worst {
        let number = details.iter().position(|detail| *detail == gap.detail);
        table.row(vec![
            time(&gap.start_utc, day),
            gap.cpu.to_string(),
            human::length(gap.duration_ns),
            gap.cause.to_string(),
            gap.confidence.to_string(),
            match place {
                Details::Beside => gap.detail.clone(),
                Details::Below => format!("({})", number.map_or(0, |number| number + 1)),
            },
        ]);
    }
    table
}

/// Each detail once, in order of appearance.
fn details(worst: &[Gap]) -> Vec<&str> {
    let mut details: Vec<&str> = Vec::new();
    for gap in worst {
        if !details.contains(&gap.detail.as_str()) {
            details.push(&gap.detail);
        }
    }
    details
}

/// The day of all these times, if it is one.
pub(super) fn one_day<'a>(times: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut days = times.map(human::day_and_time);
    let (first, _) = days.next()??;
    days.all(|day| day.is_some_and(|(day, _)| day == first))
        .then_some(first)
}

/// The time of day where the day is known, else both.
pub(super) fn time(utc: &str, day: Option<&str>) -> String {
    match human::day_and_time(utc) {
        Some((_, time)) if day.is_some() => time.to_owned(),
        // A year is known from the run's start.
        Some((day, time)) => format!("{} {time}", &day[5..]),
        None => clean::truncated(&clean::ascii(utc), 21).into_owned(),
    }
}
