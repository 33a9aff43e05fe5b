//! The stalls of a run, from its recorded gaps.

use schemars::JsonSchema;
use serde::Serialize;

use crate::judgement::time_line::TimeLine;
use crate::model::{Cause, Confidence, Gap, Report};
use crate::stats::stalls::Span;
use crate::units::{Hertz, Nanos};

/// Who took the time, in groups that two machines' evidence can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// All that is not this kernel.
    Platform,
    /// System Management Interrupts.
    Smi,
    /// The causes `cpu` and `firmware-or-cpu`.
    FirmwareOrCpu,
    /// The hypervisor or what lies below it.
    Hypervisor,
}

impl Class {
    /// The classes, the whole first.
    pub const ALL: [Class; 4] = [
        Class::Platform,
        Class::Smi,
        Class::FirmwareOrCpu,
        Class::Hypervisor,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Class::Platform => "platform",
            Class::Smi => "smi",
            Class::FirmwareOrCpu => "firmware-or-cpu",
            Class::Hypervisor => "hypervisor",
        }
    }

    /// The part of the platform that a cause belongs to.
    fn of(cause: Cause) -> Option<Class> {
        match cause.alone() {
            Cause::Smi => Some(Class::Smi),
            Cause::Cpu | Cause::FirmwareOrCpu => Some(Class::FirmwareOrCpu),
            Cause::Hypervisor => Some(Class::Hypervisor),
            _ => None,
        }
    }
}

/// One stall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When it began, as a share of the run, 0 to 1.
    pub at: f64,
    /// From the first start to the last end of its gaps.
    pub length: Nanos,
    /// Who took the time.
    pub class: Class,
}

/// The stalls of one run, and the time in which they would have been seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// In order of time.
    pub events: Vec<Event>,
    /// Covered time, the mean over CPUs: a stall is an event of the machine.
    pub hours: f64,
}

/// The stalls of a report that are made of gaps longer than the threshold.
pub(super) fn series(report: &Report, threshold: Nanos) -> Series {
    let hz = Hertz(report.tsc.hz);
    let longer = hz.to_cycles(threshold);
    let line = TimeLine::new(&report.tsc);
    let mut spans: Vec<(Span, &Gap)> = report
        .gaps
        .iter()
        .filter_map(|gap| Some((line.span(gap)?, gap)))
        .filter(|(span, _)| span.end.since(span.start) > longer)
        .collect();
    spans.sort_by_key(|(span, _)| *span);
    let stalls = line.stalls(spans.iter().map(|(span, _)| *span));
    let whole = hz.to_cycles(report.run.elapsed_ns).0.max(1) as f64;
    let mut rest = spans.as_slice();
    let events = stalls
        .map(|stall| {
            // Each stall is made of as many gaps that follow in order of time.
            let count = usize::try_from(stall.gaps).unwrap_or(rest.len());
            let (own, further) = rest.split_at(count.min(rest.len()));
            rest = further;
            Event {
                at: (line.since_start(stall.start).0 as f64 / whole).clamp(0.0, 1.0),
                length: hz.to_nanos(stall.end.since(stall.start)),
                class: best_founded(own),
            }
        })
        .collect();
    Series {
        events,
        hours: covered_hours(report),
    }
}

/// The class of the gap whose cause is surest; of equal ones the first.
fn best_founded(gaps: &[(Span, &Gap)]) -> Class {
    let mut best = (Confidence::None, Class::FirmwareOrCpu);
    for (_, gap) in gaps {
        if let Some(class) = Class::of(gap.cause)
            && gap.confidence > best.0
        {
            best = (gap.confidence, class);
        }
    }
    best.1
}

/// Covered time in hours, the mean over CPUs.
pub(super) fn covered_hours(report: &Report) -> f64 {
    let sum: f64 = (report.cpus.iter().map(|cpu| cpu.covered_ns.as_hours_f64())).sum();
    sum / report.cpus.len().max(1) as f64
}
