//! The worst stalls, or gaps where none was a stall.

use std::cmp::Reverse;

use super::super::{one_day, time};
use super::lines;
use crate::model::{Gap, StallReport};
use crate::render::document::{Rank, Summary, stalls};
use crate::render::packages::held;
use crate::render::screen::Part;
use crate::render::style::{Ink, Style};
use crate::render::table::{Align, Table};
use crate::text::{clean, human};
use crate::units::Nanos;

const MOST: usize = 5;
/// A list of CPUs is cut at this many columns.
const LONGEST_LIST: usize = 11;

/// A report lists no more stalls than these.
const MOST_LISTED: usize = 1_000;

struct Row<'a> {
    is_stall: bool,
    start_utc: &'a str,
    cpus: String,
    length: Nanos,
    cause: String,
    confidence: String,
    detail: &'a str,
}

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style) -> Vec<Part<'a>> {
    let rows = rows(summary);
    if rows.is_empty() {
        let text = lines(style, |page| {
            page.line(&format!("  {}", stalls::none(summary)))
        });
        return vec![Part::new(Rank::Main, text)];
    }
    let day = one_day(rows.iter().map(|row| row.start_utc));
    let mut details: Vec<&str> = Vec::new();
    for row in &rows {
        if !row.detail.is_empty() && !details.contains(&row.detail) {
            details.push(row.detail);
        }
    }
    let table = table(&rows, day, &details);
    let mut written = table.lines().into_iter();
    let head = lines(style, |page| {
        page.title(&title(summary, &rows, day));
        if let Some(head) = written.next() {
            page.line(&format!("  {head}"));
        }
    });
    let mut worst = Part::new(Rank::Main, head).least(3);
    for line in written {
        worst.item(lines(style, |page| page.line(&format!("  {line}"))));
    }
    let mut below = Part::new(Rank::Aside, String::new()).close().least(1);
    for (number, detail) in (1..).zip(&details) {
        below.item(lines(style, |page| {
            page.labelled_within(1, Ink::Plain, &format!("  ({number}) "), detail);
        }));
    }
    vec![worst.counted("of the worst"), below.counted("detail")]
}

fn title(summary: &Summary<'_>, rows: &[Row<'_>], day: Option<&str>) -> String {
    let of_day = day.map_or_else(String::new, |day| format!(" (UTC of {day})"));
    if summary.report.stalls.is_empty() {
        let shown = rows.len();
        let seen = summary.gaps_seen().max(shown as u64);
        let gaps = human::counted(seen, "gap");
        return match seen == shown as u64 {
            true => format!("{gaps}{of_day}"),
            false => format!("Worst {shown} of {gaps}{of_day}"),
        };
    }
    // Of many gaps not all are kept, and of those that are not no stall is made.
    let counted = usize::try_from(summary.report.verdict.platform_stalls).unwrap_or(usize::MAX);
    let count = summary.report.stalls.len().max(counted);
    let stalls = human::counted(count as u64, "stall");
    let listed = rows.iter().filter(|row| row.is_stall).count();
    let worst = match count {
        MOST_LISTED.. if counted < count => format!("Worst {listed} of {stalls} or more"),
        all if all == listed => stalls,
        _ => format!("Worst {listed} of {stalls}"),
    };
    let others = match listed < rows.len() {
        true => ", and other gaps",
        false => "",
    };
    format!("{worst} below the kernel{others}{of_day}")
}

/// Stalls and gaps that are not all known, by what counts or may count; where
/// these are fewer than rows, other gaps.
fn rows<'a>(summary: &Summary<'a>) -> Vec<Row<'a>> {
    let may_count = |gap: &&Gap| match summary.report.stalls.is_empty() {
        true => true,
        false => gap.unknown_ns > Nanos(0),
    };
    let is_other = |gap: &&Gap| !may_count(gap) && gap.platform_ns == Nanos(0);
    let stalls = summary.report.stalls.iter();
    let stalls = stalls.map(|stall| (stall.duration_ns, of_stall(stall, summary)));
    let open = summary.worst.iter().filter(may_count);
    let open = open.map(|gap| (gap.unknown_ns.max(gap.platform_ns), of_gap(gap)));
    let mut rows: Vec<(Nanos, Row<'a>)> = stalls.chain(open).collect();
    rows.sort_by_key(|(weight, _)| Reverse(*weight));
    let others = summary.worst.iter().filter(is_other).map(of_gap);
    let rows = rows.into_iter().map(|(_, row)| row);
    rows.chain(others).take(MOST).collect()
}

fn of_gap(gap: &Gap) -> Row<'_> {
    Row {
        is_stall: false,
        start_utc: &gap.start_utc,
        cpus: gap.cpu.to_string(),
        length: gap.duration_ns,
        cause: gap.cause.to_string(),
        confidence: gap.confidence.to_string(),
        detail: &gap.detail,
    }
}

fn of_stall<'a>(stall: &'a StallReport, summary: &Summary<'a>) -> Row<'a> {
    // A gap that overlaps it is one of those it is made of.
    let end = stall.start_cycles.0;
    let own = summary.worst.iter().find(|gap| {
        gap.cause == stall.cause && gap.start_cycles.0 <= end && end <= gap.end_cycles.0
    });
    Row {
        is_stall: true,
        start_utc: &stall.start_utc,
        cpus: cpus(stall, summary),
        length: stall.duration_ns,
        cause: stall.cause.to_string(),
        confidence: stall.confidence.to_string(),
        detail: own.map_or("", |gap| &gap.detail),
    }
}

fn cpus(stall: &StallReport, summary: &Summary<'_>) -> String {
    match stall.all_sampled_cpus {
        Some(true) => String::from("all"),
        _ => {
            let list = held(stall, &summary.report.cpus);
            let list = clean::ascii(&list);
            clean::truncated(&list, LONGEST_LIST).into_owned()
        }
    }
}

fn table(rows: &[Row<'_>], day: Option<&str>, details: &[&str]) -> Table {
    let time_name = if day.is_some() { "time" } else { "time (UTC)" };
    let mut table = Table::new(&[
        (time_name, Align::Left),
        ("CPUs", Align::Right),
        ("length", Align::Right),
        ("cause", Align::Left),
        ("confidence", Align::Left),
        ("detail", Align::Left),
    ]);
    for row in rows {
        let number = details.iter().position(|detail| *detail == row.detail);
        table.row(vec![
            time(row.start_utc, day),
            row.cpus.clone(),
            human::length(row.length),
            row.cause.clone(),
            row.confidence.clone(),
            number.map_or_else(String::new, |number| format!("({})", number + 1)),
        ]);
    }
    table
}
