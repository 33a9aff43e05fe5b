//! An absence in words.

use std::cmp::Reverse;

use crate::model::absence::{Absence, HostCause, HostReport};
use crate::text::human;
use crate::units::{Cycles, Hertz, Nanos, UtcNanos};

/// Parts of one that are shown.
const PARTS: usize = 6;

pub(super) fn exit(absence: &Absence) -> String {
    match &absence.exit {
        None => String::from("?"),
        Some(exit) => match &exit.about {
            Some(about) => format!("{}, {about}", exit.reason),
            None => exit.reason.clone(),
        },
    }
}

/// Who took how much of it, the most first.
pub(super) fn shares(absence: &Absence) -> Vec<(HostCause, &str, Nanos)> {
    let mut sums: Vec<(HostCause, &str, Nanos)> = Vec::new();
    for part in &absence.parts {
        let own = |(cause, what, _): &&mut (HostCause, &str, Nanos)| {
            *cause == part.cause && *what == part.what
        };
        match sums.iter_mut().find(own) {
            Some((.., sum)) => *sum = sum.saturating_add(part.length_ns),
            None => sums.push((part.cause, part.what.as_str(), part.length_ns)),
        }
    }
    sums.sort_by_key(|(cause, _, length)| (*cause == HostCause::VcpuHalted, Reverse(*length)));
    sums
}

pub(super) fn largest(absence: &Absence) -> Option<(HostCause, &str)> {
    let shares = shares(absence);
    shares.first().map(|(cause, what, _)| (*cause, *what))
}

/// The largest parts; in order of time they are in the JSON.
pub(super) fn parts(absence: &Absence) -> String {
    let sums = shares(absence);
    let more = sums.len().saturating_sub(PARTS);
    let mut words: Vec<String> = (sums.iter().take(PARTS))
        .map(|(cause, what, length)| format!("{} {}", human::length(*length), cause.named(what)))
        .collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    if absence.incomplete {
        words.push(String::from("records missing"));
    }
    words.join(", ")
}

/// The time of day, where the report's own can be read.
pub(super) fn utc(report: &HostReport, at: Cycles) -> String {
    let since = Hertz(report.tsc.hz).to_nanos(at);
    let start: Option<jiff::Timestamp> = report.run.started_utc.parse().ok();
    let start = start.and_then(|start| i64::try_from(start.as_nanosecond()).ok());
    match (start, i64::try_from(since.0)) {
        (Some(start), Ok(since)) => UtcNanos(start.saturating_add(since)).rfc3339(),
        _ => format!("after {}", human::length(since)),
    }
}
