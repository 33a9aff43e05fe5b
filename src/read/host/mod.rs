//! Reads what `hwgap host` saved. As reports of runs it may be anyone's.

mod smis;
mod sums;

use std::collections::HashSet;
use std::path::Path;

use crate::files::packing::without_mark;
use crate::model::absence::{
    Absence, GuestTsc, HOST_SCHEMA, HostReport, MOST_TSC_LINES, MOST_TSC_RATIO, Vcpu,
};
use crate::read::saved::{self, Problem, ReadError, absurd, check_clock, check_schema, from_json};
use crate::units::{Cycles, Hertz, Nanos};

/// Nanoseconds by which a length may differ from its moments: rounding, and a rate
/// that is written as a whole number.
const ROUNDING: u64 = 1_000;

/// How much later than its end an observation may have records: their clock is
/// another than the TSC.
const LATE: Nanos = Nanos::MILLISECOND;

/// Reads it from a file, or from standard input where that is `-`.
///
/// # Errors
/// What is wrong with it, and where.
pub fn file(path: &Path) -> Result<HostReport, ReadError> {
    saved::whole(path, |_| None, parse)
}

/// The same of a text.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(text: &[u8]) -> Result<HostReport, Problem> {
    let text = without_mark(text);
    check_schema(text, HOST_SCHEMA, |found| Problem::NotOfHost { found })?;
    let report: HostReport = from_json(text)?;
    check_clock(&report.tsc.origin, report.tsc.hz)?;
    if report.run.end_cycles < report.run.start_cycles {
        return contradiction("the observation ends before it begins".to_owned());
    }
    let hz = Hertz(report.tsc.hz);
    let (start, end) = (report.run.start_cycles, report.run.end_cycles);
    let (elapsed, by_clock) = (report.run.elapsed_ns.0, hz.to_nanos(end.since(start)).0);
    if !is_length(elapsed, by_clock) {
        return contradiction(format!(
            "run.elapsed_ns is {elapsed}, but {by_clock} from run.start_cycles to run.end_cycles"
        ));
    }
    let observed = (start, end.saturating_add(hz.to_cycles(LATE)));
    let mut processes = HashSet::new();
    let mut threads = HashSet::new();
    for guest in &report.guests {
        if !processes.insert(guest.pid) {
            return contradiction(format!("process {} is two guests", guest.pid));
        }
        for vcpu in &guest.vcpus {
            if !threads.insert(vcpu.tid) {
                return contradiction(format!("thread {} is two vCPUs", vcpu.tid));
            }
            check(vcpu, hz, observed)?;
            long_enough(vcpu, report.run.threshold_ns)?;
            sums::check(vcpu, report.run.elapsed_ns)?;
        }
    }
    smis::check(&report, observed.1)?;
    Ok(report)
}

fn contradiction<T>(what: String) -> Result<T, Problem> {
    Err(Problem::Contradiction(what))
}

fn check(vcpu: &Vcpu, hz: Hertz, observed: (Cycles, Cycles)) -> Result<(), Problem> {
    let lines = vcpu.guest_tsc.iter().flatten();
    if lines.clone().count() > MOST_TSC_LINES {
        return absurd("guest_tsc", lines.count(), "at most 1,000 lines");
    }
    for line in lines {
        if line.offset.parse::<i64>().is_err() {
            return absurd(
                "guest_tsc.offset",
                &line.offset,
                "a whole number of 64 bits",
            );
        }
        if line.ratio_bits > 63 {
            return absurd("guest_tsc.ratio_bits", line.ratio_bits, "at most 63");
        }
        if !is_ratio(line) {
            return absurd(
                "guest_tsc.ratio",
                &line.ratio,
                "a whole number that with ratio_bits is a factor from 1/1000 to 1000",
            );
        }
    }
    let tid = vcpu.tid;
    let before = |field| {
        contradiction(format!(
            "{field} of thread {tid} begin before run.start_cycles"
        ))
    };
    let mut last = Cycles(0);
    for absence in &vcpu.absences {
        if absence.start_cycles < observed.0 {
            return before("absences");
        }
        if absence.start_cycles < last || absence.end_cycles < absence.start_cycles {
            return contradiction(format!("absences of thread {tid} overlap or run backward"));
        }
        last = absence.end_cycles;
        if !adds_up(absence, hz) {
            return contradiction(format!(
                "the absence of thread {tid} at {} is not the sum of its parts",
                absence.start_cycles.0
            ));
        }
    }
    let outside = |field| {
        contradiction(format!(
            "{field} of thread {tid} go on after run.end_cycles"
        ))
    };
    if last > observed.1 {
        return outside("absences");
    }
    let mut last = Cycles(0);
    for lost in &vcpu.lost {
        if lost.start_cycles < observed.0 {
            return before("lost times");
        }
        if lost.start_cycles < last || lost.end_cycles < lost.start_cycles {
            return contradiction(format!(
                "lost times of thread {tid} overlap or run backward"
            ));
        }
        last = lost.end_cycles;
    }
    match last > observed.1 {
        true => outside("lost times"),
        false => Ok(()),
    }
}

fn is_ratio(line: &GuestTsc) -> bool {
    let ratio = line.ratio.parse::<u64>().unwrap_or(0) as f64 / 2f64.powi(line.ratio_bits as i32);
    (1.0 / MOST_TSC_RATIO..MOST_TSC_RATIO).contains(&ratio)
}

/// Whether its absences are above the threshold, as but those after SMIs are.
fn long_enough(vcpu: &Vcpu, threshold: Nanos) -> Result<(), Problem> {
    let short = vcpu.absences.iter().find(|one| {
        let length = one.duration_ns;
        let most = length.saturating_add(Nanos(ROUNDING + length.0 / 100_000));
        most < threshold && !one.is_after_smi()
    });
    match short {
        Some(short) => contradiction(format!(
            "run.threshold_ns is {}, but thread {} has an absence of {}",
            threshold.0, vcpu.tid, short.duration_ns.0
        )),
        None => Ok(()),
    }
}

/// Whether the parts follow each other without a hole, up to the whole length.
fn adds_up(absence: &Absence, hz: Hertz) -> bool {
    let mut reached = Some(0_u64);
    for part in &absence.parts {
        reached = (reached.filter(|reached| *reached == part.at_ns.0))
            .and_then(|reached| reached.checked_add(part.length_ns.0));
    }
    let length = absence.duration_ns.0;
    let by_clock = hz
        .to_nanos(absence.end_cycles.since(absence.start_cycles))
        .0;
    reached == Some(length) && is_length(length, by_clock)
}

fn is_length(length: u64, by_clock: u64) -> bool {
    by_clock.abs_diff(length) <= ROUNDING + length / 100_000
}
