//! Looks for regular series among the platform's stalls.

use crate::judgement::smi_sources as sources;
use crate::judgement::smi_sources::Source;
use crate::judgement::time_line::TimeLine;
use crate::model::{Candidate, Finding, PeriodicSeries, Severity, SourceKind, Subject};
use crate::stats::periodicity::{self, Event, FALSE_ALARM_LEVEL, Series, Visibility};
use crate::stats::stalls::Span;
use crate::text::human;
use crate::units::Nanos;

/// To be said wherever a BIOS setting is named.
pub const WARNING: &str = "Change one setting at a time and compare. Never disable SMIs as a \
    whole: they run fan and thermal control, and the machine can be damaged without them.";

/// Gaps merged into stalls, in order of time. Of a stall only place and length
/// are kept, as there may be millions.
pub(crate) fn events(line: &TimeLine, spans: impl IntoIterator<Item = Span>) -> Vec<Event> {
    line.stalls(spans)
        .map(|stall| Event {
            at: line.hz.to_nanos(line.since_start(stall.start)),
            length: line.hz.to_nanos(stall.end.since(stall.start)),
        })
        .collect()
}

/// The series among the platform's stalls, which are in order of time. Gaps of
/// several CPUs at once are one stall.
pub(crate) fn of_events(
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
