//! Regular series among the platform's stalls, as a report holds them.

use serde::{Deserialize, Serialize};

use super::human;
use super::model::{Finding, Severity, Subject};
use super::sources::{self, Source, SourceKind};
use super::time_line::TimeLine;
use crate::stats::periodicity::{self, Event, FALSE_ALARM_LEVEL, Series, Visibility};
use crate::stats::stalls::Span;
use crate::units::Nanos;

/// To be said wherever a BIOS setting is named.
pub const WARNING: &str = "Change one setting at a time and compare. Never disable SMIs as a \
    whole: they run fan and thermal control, and the machine can be damaged without them.";

/// A series of stalls that keep a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodicSeries {
    /// Its period.
    pub period_ns: u64,
    /// One standard deviation of the period as estimated.
    pub period_error_ns: u64,
    /// The first beat, from the start of the run.
    pub first_ns: Nanos,
    /// The last beat.
    pub last_ns: Nanos,
    /// Beats from the first to the last.
    pub beats: u64,
    /// Beats that came.
    pub seen: u64,
    /// Stalls that belong to it.
    pub stalls: u64,
    /// Share of all stalls, 0 to 1.
    pub share: f64,
    /// Standard deviation of the beats around their places.
    pub jitter_ns: u64,
    /// Median length of its stalls.
    pub length_ns: Nanos,
    /// Upper bound of the probability that stalls at random show a series as
    /// good, the whole search allowed for.
    pub false_alarm: f64,
    /// Known sources that fit. They are candidates, no more.
    pub candidates: Vec<Candidate>,
}

/// A known source that fits a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// What it is.
    pub name: String,
    /// Who raises it.
    pub kind: SourceKind,
    /// Where the knowledge comes from.
    pub standing: String,
    /// What to try.
    pub remedy: String,
}

/// Gaps merged into stalls, in order of time. Of a stall only place and length
/// are kept, as there may be millions.
pub(super) fn events(line: &TimeLine, spans: impl IntoIterator<Item = Span>) -> Vec<Event> {
    line.stalls(spans)
        .map(|stall| Event {
            at: line.hz.to_nanos(line.since_start(stall.start)),
            length: line.hz.to_nanos(stall.end.since(stall.start)),
        })
        .collect()
}

/// The series among the platform's stalls, which are in order of time. Gaps of
/// several CPUs at once are one stall.
pub(super) fn of_events(
    events: Vec<Event>,
    coverage: f64,
    subject: Subject,
) -> Vec<PeriodicSeries> {
    let found = periodicity::find(events, Visibility { covered: coverage });
    found.iter().map(|series| entry(series, subject)).collect()
}

fn entry(series: &Series, subject: Subject) -> PeriodicSeries {
    // A guest sees no SMIs of the machine by themselves, only what its
    // hypervisor and all below it took.
    let possible = |source: &&Source| match subject {
        Subject::Hardware => source.kind != SourceKind::Hypervisor,
        Subject::HypervisorAndBelow => true,
    };
    PeriodicSeries {
        period_ns: series.period_ns.round() as u64,
        period_error_ns: series.period_error_ns.ceil() as u64,
        first_ns: series.first,
        last_ns: series.last,
        beats: series.beats,
        seen: series.seen,
        stalls: series.events,
        share: series.share,
        jitter_ns: series.jitter_ns.round() as u64,
        length_ns: series.length,
        false_alarm: series.false_alarm,
        candidates: sources::known()
            .iter()
            .filter(possible)
            .filter(|source| source.fits(series.period_ns, series.length))
            .map(|source| Candidate {
                name: source.name.clone(),
                kind: source.kind,
                standing: source.standing.clone(),
                remedy: source.remedy.clone(),
            })
            .collect(),
    }
}

impl PeriodicSeries {
    /// One sentence on the series itself.
    pub fn sentence(&self) -> String {
        format!(
            "a stall of {} every {} ({} of {} beats came, {} of the stalls)",
            human::length(self.length_ns),
            human::length(Nanos(self.period_ns)),
            human::grouped(self.seen),
            human::grouped(self.beats),
            human::percent(self.share),
        )
    }
}

/// The finding that a run shows of its series.
pub fn finding(found: &[PeriodicSeries]) -> Option<Finding> {
    let first = found.first()?;
    let others = match found.len() - 1 {
        0 => String::new(),
        1 => String::from(" The report lists another series."),
        more => format!(" The report lists {more} more series."),
    };
    let candidates: Vec<String> = first
        .candidates
        .iter()
        .map(|candidate| format!("{} ({})", candidate.name, candidate.standing))
        .collect();
    let named = match candidates.is_empty() {
        true => String::from(" No known source has this period."),
        false => format!(" Candidates by period, no more: {}.", candidates.join("; ")),
    };
    let steps: Vec<&str> = first
        .candidates
        .iter()
        .map(|one| one.remedy.as_str())
        .collect();
    Some(Finding {
        id: String::from("periodic-stalls"),
        severity: Severity::Warning,
        text: format!(
            "Stalls come in a regular series: {}. Events at random show such a series in fewer \
             than one of {} runs.{named}{others}",
            first.sentence(),
            human::grouped((1.0 / FALSE_ALARM_LEVEL) as u64),
        ),
        remedy: (!steps.is_empty()).then(|| format!("Try: {}. {WARNING}", steps.join("; or "))),
    })
}
