//! From an observation to its report.

use std::collections::HashMap;
use std::sync::Arc;

use super::find::{FoundGuest, FoundVcpu};
use super::fold::{self, Fold};
use super::kept::{Gone, Kept};
use super::smi_share::{Listed, blame, counted};
use super::source::Standing;
use crate::model::absence::{
    Absence, Guest, GuestTsc, HostCause, HostPart, HostReport, HostRun, HostSource, HostTotal,
    LostTime, SmiRise, SmisUnread, Vcpu,
};
use crate::model::absence::{HOST_SCHEMA, HOST_SCHEMA_VERSION};
use crate::model::{EndedBy, Finding, HostIdentity, Tool, Tsc};
use crate::units::{Cycles, Hertz, Nanos};

/// What an observation was and what it left.
pub struct Observation<'a> {
    /// The arguments of this process.
    pub command_line: String,
    /// RFC 3339, UTC.
    pub started_utc: String,
    /// RFC 3339, UTC.
    pub ended_utc: String,
    /// From and to, by the host's TSC.
    pub start: Cycles,
    pub end: Cycles,
    /// What ended it.
    pub ended_by: EndedBy,
    pub threshold: Nanos,
    /// The rate of the TSC.
    pub hz: Hertz,
    pub standing: Standing,
    /// CPU time of this process.
    pub used: Nanos,
    pub guests: &'a [FoundGuest],
    /// In cycles of the TSC itself.
    pub smis: Result<&'a [SmiRise], &'a str>,
    /// The same.
    pub smis_unread: &'a [SmisUnread],
    pub host: HostIdentity,
    /// All but its origin.
    pub tsc: Tsc,
}

/// The report of an observation, but for its findings.
pub fn assemble(seen: &Observation<'_>, fold: &mut Fold) -> HostReport {
    let scale = Scale {
        origin: seen.start,
        hz: seen.hz,
    };
    let found: Vec<&FoundVcpu> = seen.guests.iter().flat_map(|guest| &guest.vcpus).collect();
    let mut of_thread: HashMap<u32, &mut fold::Vcpu> = (fold.vcpus().iter_mut())
        .map(|(tid, vcpu)| (*tid, vcpu))
        .collect();
    let mut known: Vec<(&FoundVcpu, Rest, Listed<'_>)> = Vec::new();
    for one in found {
        if let Some(vcpu) = of_thread.remove(&one.tid) {
            let rest = Rest {
                entries: vcpu.entries,
                lost: std::mem::take(&mut vcpu.lost),
            };
            known.push((one, rest, (vcpu.kept.absences(), &mut vcpu.kept)));
        }
    }
    let rises = seen.smis.unwrap_or_default();
    let (threads, mut listed): (Vec<_>, Vec<_>) = (known.into_iter())
        .map(|(found, rest, listed)| ((found.tid, rest), listed))
        .unzip();
    blame(&mut listed, rises, seen.hz.to_cycles(seen.threshold));
    let mut rows: HashMap<u32, (Rest, Listed<'_>)> = (threads.into_iter().zip(listed))
        .map(|((tid, rest), listed)| (tid, (rest, listed)))
        .collect();
    let guests = seen.guests.iter().map(|guest| Guest {
        pid: guest.pid,
        name: guest.name.clone(),
        vmm: guest.vmm.clone(),
        found_by: guest.found_by,
        vcpus: (guest.vcpus.iter())
            .map(|vcpu| row(seen, &scale, vcpu, rows.remove(&vcpu.tid)))
            .collect(),
    });
    let mut guests: Vec<Guest> = guests.collect();
    guests.sort_by_key(|guest| guest.pid);
    HostReport {
        schema: HOST_SCHEMA.to_owned(),
        schema_version: HOST_SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run: run(seen, &scale),
        host: seen.host.clone(),
        tsc: Tsc {
            origin: seen.start.0.to_string(),
            ..seen.tsc.clone()
        },
        guests,
        smi_rises: seen.smis.ok().map(|rises| {
            let rise = |rise: &SmiRise| SmiRise {
                after_cycles: scale.moment(rise.after_cycles),
                by_cycles: scale.moment(rise.by_cycles),
                ..rise.clone()
            };
            rises.iter().map(rise).collect()
        }),
        smis_unread: (seen.smis_unread.iter())
            .map(|unread| SmisUnread {
                from_cycles: scale.moment(unread.from_cycles),
                ..unread.clone()
            })
            .collect(),
        findings: Vec::<Finding>::new(),
    }
}

struct Rest {
    entries: u64,
    lost: Vec<(Cycles, Cycles)>,
}

/// From the host's TSC to the report's figures.
struct Scale {
    origin: Cycles,
    hz: Hertz,
}

impl Scale {
    fn moment(&self, tsc: Cycles) -> Cycles {
        tsc.saturating_sub(self.origin)
    }

    fn length(&self, cycles: Cycles) -> Nanos {
        self.hz.to_nanos(cycles)
    }
}

fn run(seen: &Observation<'_>, scale: &Scale) -> HostRun {
    let standing = &seen.standing;
    HostRun {
        command_line: seen.command_line.clone(),
        started_utc: seen.started_utc.clone(),
        ended_utc: seen.ended_utc.clone(),
        start_cycles: Cycles(0),
        end_cycles: scale.moment(seen.end),
        elapsed_ns: scale.length(seen.end.saturating_sub(seen.start)),
        ended_by: seen.ended_by,
        error: None,
        threshold_ns: seen.threshold,
        source: standing.source,
        source_reason: standing.reason.clone(),
        lost_records: standing.lost_records,
        clock_error_ns: standing.clock_error,
        used_ns: seen.used,
        hooks_ns: standing.hooks,
    }
}

/// A vCPU's row; of one that nothing was seen of, an empty one.
fn row(
    seen: &Observation<'_>,
    scale: &Scale,
    found: &FoundVcpu,
    folded: Option<(Rest, Listed<'_>)>,
) -> Vcpu {
    let all = seen.standing.source == HostSource::Tracepoints;
    let mut none = Kept::default();
    let nothing = Rest {
        entries: 0,
        lost: Vec::new(),
    };
    let (rest, (absences, kept)) = folded.unwrap_or((nothing, (Vec::new(), &mut none)));
    let tsc = found.tsc.as_ref().map(|lines| {
        let line = |line: &GuestTsc| GuestTsc {
            seen_cycles: scale.moment(line.seen_cycles),
            ..line.clone()
        };
        lines.iter().map(line).collect()
    });
    Vcpu {
        index: found.index,
        tid: found.tid,
        thread: found.thread.clone(),
        affinity: found.affinity.clone(),
        scheduling: found.scheduling.clone(),
        guest_tsc: tsc.as_ref().ok().cloned(),
        guest_tsc_reason: tsc.err().cloned(),
        entries: all.then_some(rest.entries),
        waited_ns: found.waited,
        absences_seen: kept.seen,
        absent_ns: scale.length(kept.sum),
        longest_ns: scale.length(kept.longest),
        totals: totals(kept, scale),
        absences: (absences.iter())
            .map(|gone| absence(seen, scale, gone))
            .collect(),
        listed_above_ns: kept.left_out.map(|length| scale.length(length)),
        lost: (rest.lost.iter())
            .map(|(from, to)| LostTime {
                start_cycles: scale.moment(*from),
                end_cycles: scale.moment(*to),
            })
            .collect(),
    }
}

fn totals(kept: &Kept, scale: &Scale) -> Vec<HostTotal> {
    let total = |((cause, what), total): (&(HostCause, Arc<str>), &super::kept::Total)| HostTotal {
        cause: *cause,
        what: what.to_string(),
        absences: total.absences,
        total_ns: scale.length(total.sum),
        longest_ns: scale.length(total.longest),
    };
    let mut all: Vec<HostTotal> = kept.totals.iter().map(total).collect();
    all.sort_by(|a, b| {
        let key = |total: &HostTotal| (std::cmp::Reverse(total.total_ns), total.cause);
        key(a).cmp(&key(b)).then_with(|| a.what.cmp(&b.what))
    });
    all
}

fn absence(seen: &Observation<'_>, scale: &Scale, gone: &Gone) -> Absence {
    let mut parts: Vec<HostPart> = Vec::new();
    let mut reached = Cycles(0);
    for part in &gone.parts {
        // By their ends, so that rounding does not add up.
        let at = scale.length(reached);
        reached = reached.saturating_add(part.length);
        let end = scale.length(reached);
        match parts.last_mut() {
            Some(last) if last.cause == part.cause && last.what == *part.what => {
                last.length_ns = end.saturating_sub(last.at_ns);
            }
            _ => parts.push(HostPart {
                at_ns: at,
                length_ns: end.saturating_sub(at),
                cause: part.cause,
                what: part.what.to_string(),
            }),
        }
    }
    Absence {
        start_cycles: scale.moment(gone.start),
        end_cycles: scale.moment(gone.end),
        duration_ns: scale.length(gone.length()),
        cpu: gone.cpu,
        entered_on: (gone.entered_on != gone.cpu).then_some(gone.entered_on),
        exit: gone.reason.map(|reason| reason.told()),
        smi_delta: (seen.smis.ok()).and_then(|rises| counted(gone, rises, seen.smis_unread)),
        incomplete: gone.incomplete,
        parts,
    }
}
