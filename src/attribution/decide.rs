//! The decision: from evidence and circumstances to the account of a gap.
//!
//! Two statements are never made without proof: that the hardware did it, and
//! that it did not. In a guest nothing is called hardware, because a stalled
//! guest cannot see who stalled it. Without a counter nothing is called an
//! SMI. A count that several events share goes to none of them, unless all but
//! as many are explained without it.

use crate::evidence::kernel_trace::{KernelTime, Scope, Standing};
use crate::evidence::{LEAST_SMI, Usual};
use crate::model::{
    Cause, ClockTrust, Confidence, Counts, Evidence, Footprint, Platform, Setting, SmiEvidence,
};
use crate::units::Nanos;

use super::account::{Account, Parts, UnknownReason};

/// All that is known of a gap.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What the sampler collected.
    pub evidence: &'a Evidence,
    /// What the kernel recorded; `None` where it records nothing for us.
    pub kernel: Option<&'a KernelTime>,
    /// What interrupts take on this CPU, by gaps without a task or a fault:
    /// stands in for the kernel's records.
    pub interrupts: Option<Usual>,
    /// The gap's length.
    pub length: Nanos,
    /// The circumstances.
    pub setting: Setting,
}

/// Makes the account of a gap.
pub fn account(known: Known<'_>) -> Account {
    let Known {
        evidence,
        kernel,
        length,
        setting,
        ..
    } = known;
    let ran = kernel_ran(evidence, kernel);
    if setting.clock == ClockTrust::Broken {
        return Account::unknown(length, ran, UnknownReason::ClockBroken);
    }
    if is_contradicted(evidence, kernel) {
        return Account::unknown(length, None, UnknownReason::Contradiction);
    }
    match (ran, setting.platform) {
        (Some(false), Platform::Guest) => {
            let (_, strong) = by_absence(evidence);
            Account::platform(length, (Cause::Hypervisor, strong), ran)
        }
        (Some(false), Platform::BareMetal) => {
            Account::platform(length, kernel_absent(evidence), ran)
        }
        (Some(true), _) => kernel_present(known),
        (None, Platform::BareMetal) if Smis::of(known).count() > Some(0) => {
            Account::platform(length, (Cause::Smi, Confidence::Probable), ran)
        }
        (None, _) => Account::unknown(length, ran, UnknownReason::KernelUnknown),
    }
}

/// Whether two indicators of the kernel's presence say opposite things.
fn is_contradicted(evidence: &Evidence, kernel: Option<&KernelTime>) -> bool {
    let recorded = kernel.is_some_and(|kernel| {
        // Other engines than the loop place their gaps less exactly.
        let beside = evidence.footprint == Footprint::Intact || kernel.accounted >= LEAST_SMI;
        beside
            && matches!(
                kernel.standing,
                Standing::Interrupts | Standing::Tasks | Standing::Fault
            )
    });
    evidence.is_contradicted() || (recorded && evidence.kernel_ran() == Some(false))
}

/// Whether this kernel ran. The engine decides, by the null selector, by having
/// held interrupts off or by the instructions of ring 0; where it cannot, the
/// kernel's records do; without those, a switch or fault that the kernel
/// counted proves that it ran, and none proves nothing: interrupts leave no
/// trace there.
fn kernel_ran(evidence: &Evidence, kernel: Option<&KernelTime>) -> Option<bool> {
    let counted = |count: Option<u16>| count.is_some_and(|count| count > 0);
    let by_counts =
        (counted(evidence.involuntary_switches) || counted(evidence.page_faults)).then_some(true);
    evidence.kernel_ran().or_else(
        || match kernel.map(|kernel| (kernel.standing, kernel.scope)) {
            Some((Standing::Nothing, Scope::Tracepoints)) => Some(false),
            None | Some((Standing::Lost | Standing::Nothing, _)) => by_counts,
            Some(_) => Some(true),
        },
    )
}

/// How sure the kernel's absence makes a cause that a counter proves, and one
/// that it does not. Without the engine's word, the absence of records is strong
/// evidence, and no proof: not every way into the kernel has a tracepoint.
fn by_absence(evidence: &Evidence) -> (Confidence, Confidence) {
    match evidence.kernel_ran() {
        // The kernel's own count misses what has no hook: exceptions, and
        // vectors that it does not know.
        _ if evidence.footprint == Footprint::Undisturbed => {
            (Confidence::Strong, Confidence::Strong)
        }
        Some(_) => (Confidence::Proved, Confidence::Strong),
        None => (Confidence::Strong, Confidence::Probable),
    }
}

fn kernel_absent(evidence: &Evidence) -> (Cause, Confidence) {
    let (proof, strong) = by_absence(evidence);
    match evidence.smi {
        SmiEvidence::Own { delta: 1.. } => (Cause::Smi, proof),
        SmiEvidence::Alone { delta: 1.. } => (Cause::Smi, strong),
        SmiEvidence::Own { delta: 0 } | SmiEvidence::Alone { delta: 0 } => (Cause::Cpu, strong),
        // At least one SMI for each event that shares the count.
        SmiEvidence::Shared { delta, among } if delta >= among => {
            (Cause::Smi, Confidence::Probable)
        }
        SmiEvidence::Shared { .. } | SmiEvidence::NotRead | SmiEvidence::Unreadable => {
            (Cause::FirmwareOrCpu, strong)
        }
    }
}

/// What the counter says of SMIs in a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Smis {
    /// So many, and how sure that is.
    Counted(u32, Confidence),
    /// Some, in this gap or in another event.
    Shared,
    /// Nothing.
    Uncounted,
}

impl Smis {
    fn of(known: Known<'_>) -> Smis {
        // A guest's counter is its virtual machine's own.
        if known.setting.platform == Platform::Guest {
            return Smis::Uncounted;
        }
        match known.evidence.smi {
            SmiEvidence::Own { delta } => Smis::Counted(delta, Confidence::Proved),
            SmiEvidence::Alone { delta } => Smis::Counted(delta, Confidence::Strong),
            SmiEvidence::Shared { delta, among } if delta >= among => {
                Smis::Counted(delta - among + 1, Confidence::Probable)
            }
            SmiEvidence::Shared { .. } => Smis::Shared,
            SmiEvidence::NotRead | SmiEvidence::Unreadable => Smis::Uncounted,
        }
    }

    fn count(self) -> Option<u32> {
        match self {
            Smis::Counted(count, _) => Some(count),
            Smis::Shared | Smis::Uncounted => None,
        }
    }
}

/// The division of a gap in which the kernel ran.
#[derive(Clone, Copy, Debug)]
struct Division {
    platform: Nanos,
    /// How sure the platform's part is.
    sure: Confidence,
    unknown: Nanos,
    reason: UnknownReason,
}

impl Division {
    const ALL_KERNEL: Division = Division {
        platform: Nanos(0),
        sure: Confidence::None,
        unknown: Nanos(0),
        reason: UnknownReason::KernelUnknown,
    };

    fn platform(platform: Nanos, sure: Confidence) -> Division {
        Division {
            platform,
            sure,
            ..Division::ALL_KERNEL
        }
    }

    /// Whether what other CPUs saw at the time could tell more.
    fn awaits_others(self) -> bool {
        self.unknown > Nanos(0) && self.reason.is_by_length()
    }

    fn unknown(unknown: Nanos, reason: UnknownReason) -> Division {
        Division {
            unknown,
            reason,
            ..Division::ALL_KERNEL
        }
    }

    /// Adds an unknown part; the longer one gives the reason.
    fn and_unknown(self, unknown: Nanos, reason: UnknownReason) -> Division {
        Division {
            unknown: self.unknown.saturating_add(unknown),
            reason: match unknown > self.unknown {
                true => reason,
                false => self.reason,
            },
            ..self
        }
    }
}

fn kernel_present(known: Known<'_>) -> Account {
    let smis = Smis::of(known);
    let division = match (smm_time(known, smis), known.kernel) {
        (Some(smm), _) => Division::platform(smm, Confidence::Strong),
        (None, None) => by_counts(known, smis),
        (None, Some(kernel)) if kernel.standing == Standing::Lost => records_lost(known, smis),
        (None, Some(kernel)) if kernel.standing == Standing::Nothing => {
            unrecorded(kernel, known.length, smis)
        }
        (None, Some(kernel)) => by_records(kernel, smis),
    };
    let division = seen_elsewhere(division, known.evidence.elsewhere_ns);
    let parts = Parts::of(known.length, division.platform, division.unknown);
    let platform = parts.platform > Nanos(0);
    let unknown = parts.unknown > Nanos(0);
    let (cause, confidence) = match (smis, known.setting.platform) {
        // It holds an SMI, whatever else is known of it.
        (Smis::Counted(1.., sure), _) => (Cause::SmiOs, sure),
        (_, Platform::Guest) if platform => (Cause::HypervisorOs, division.sure),
        (Smis::Counted(..), Platform::BareMetal) if platform => (Cause::CpuOs, division.sure),
        (_, Platform::BareMetal) if platform => (Cause::FirmwareOrCpuOs, division.sure),
        _ if unknown && parts.unknown >= parts.os => (Cause::Unknown, Confidence::None),
        _ if unknown => (Cause::Os, Confidence::Probable),
        _ => (Cause::Os, explained(known, smis)),
    };
    Account {
        cause,
        confidence,
        kernel_ran: Some(true),
        parts,
        platform_confidence: match platform {
            true => division.sure,
            false => Confidence::None,
        },
        unknown_reason: unknown.then_some(division.reason),
    }
}

/// How sure it is that a gap is the kernel's alone.
fn explained(known: Known<'_>, smis: Smis) -> Confidence {
    let kernel = known.kernel;
    let longer = kernel.is_some_and(|kernel| kernel.beyond_handlers > Nanos(0));
    let complete = kernel.is_some_and(|kernel| {
        !matches!(kernel.standing, Standing::Nothing | Standing::Lost)
            && kernel.unlearnt == Nanos(0)
    });
    match (smis, complete) {
        // No SMI stopped a handler that took longer; something else may have.
        _ if longer => Confidence::Probable,
        (Smis::Counted(0, Confidence::Proved), true) => Confidence::Proved,
        (Smis::Counted(0, _), _) | (_, true) => Confidence::Strong,
        (_, false) => Confidence::Probable,
    }
}

/// The time in SMM as the PMU measured it, of a gap that holds an SMI. Its
/// reference cycles stand still in a halted CPU as well, so that nothing is
/// measured where another task may have run: it may have been the idle one.
fn smm_time(known: Known<'_>, smis: Smis) -> Option<Nanos> {
    let held_smi = matches!(
        smis,
        Smis::Counted(1.., Confidence::Proved | Confidence::Strong)
    );
    let alone = match known.kernel.map(|kernel| kernel.standing) {
        Some(Standing::Nothing | Standing::Interrupts | Standing::Fault) => true,
        Some(Standing::Tasks) => false,
        Some(Standing::Lost) | None => known.evidence.involuntary_switches == Some(0),
    };
    known.evidence.smm_ns.filter(|_| held_smi && alone)
}

/// Whether a stall that another CPU saw is as long as what is open here.
pub fn is_as_long(open: Nanos, elsewhere: Nanos) -> bool {
    let apart = open.0.abs_diff(elsewhere.0);
    apart <= ALIKE.0.max(open.0 / 10)
}

/// Two CPUs' measures of one stall lie this far apart at most, or a tenth.
const ALIKE: Nanos = Nanos(3_000);

/// A handler that took too long while another CPU stood still for as long was
/// stopped by the same. That is no proof: in a guest each virtual CPU is stalled
/// on its own as well.
fn seen_elsewhere(division: Division, elsewhere: Option<Nanos>) -> Division {
    match elsewhere {
        Some(stall) if division.awaits_others() && is_as_long(division.unknown, stall) => {
            Division::platform(
                division.platform.saturating_add(division.unknown),
                Confidence::Probable,
            )
        }
        _ => division,
    }
}

/// What the kernel's records leave.
fn by_records(kernel: &KernelTime, smis: Smis) -> Division {
    let places = u32::from(kernel.ways_beyond) + u32::from(kernel.handlers_beyond);
    let beyond = kernel.beyond_ways.saturating_add(kernel.beyond_handlers);
    // So many SMIs are in no more places.
    let at_most = |count: u32| Nanos(kernel.most_excess.0.saturating_mul(u64::from(count)));
    // Beside the ways in there is code of the kernel's that leaves no record.
    let sure = match kernel.only_ways_in {
        true => Confidence::Strong,
        false => Confidence::Probable,
    };
    match smis {
        // Beside tasks a place has to stand far apart: what costs a little more
        // than usual does not show that the SMI was there.
        Smis::Counted(count @ 1.., _)
            if kernel.tasks > Nanos(0) && u32::from(kernel.far_beyond) < count =>
        {
            let ways = kernel.beyond_ways.min(at_most(count));
            let open = (kernel.tasks)
                .saturating_add(kernel.beyond_handlers)
                .saturating_add(kernel.unlearnt);
            Division::platform(ways, Confidence::Probable)
                .and_unknown(open, UnknownReason::SmiInTask)
        }
        // Where more is not known than one place has, the SMI may be in any of it.
        Smis::Counted(1.., _) if kernel.unlearnt > kernel.most_excess => {
            let open = kernel.unlearnt.saturating_add(beyond);
            Division::unknown(open, UnknownReason::Unlearnt)
        }
        Smis::Counted(1, _) if places > 0 => {
            Division::platform(kernel.most_excess, Confidence::Strong)
        }
        Smis::Counted(count @ 2.., _) if places > 0 => {
            Division::platform(beyond.min(at_most(count)), Confidence::Strong)
        }
        Smis::Counted(1, _) => Division::platform(kernel.most_excess, Confidence::Probable),
        Smis::Counted(count @ 2.., _) => {
            Division::platform(kernel.all_excess.min(at_most(count)), Confidence::Probable)
        }
        // Interrupts may have run in what is left.
        _ if kernel.scope == Scope::Switches => {
            Division::unknown(beyond, UnknownReason::LongInterrupt)
        }
        // A handler that took longer was not stopped by an SMI. By what one was
        // that took far longer is not known; beside tasks it had to make up for
        // what had waited until the sampler gave the CPU away.
        Smis::Counted(0, _) => {
            let is_far = kernel.far_beyond > kernel.ways_beyond;
            let stopped = match is_far && kernel.tasks == Nanos(0) {
                true => kernel.beyond_handlers,
                false => Nanos(0),
            };
            Division::platform(kernel.beyond_ways, sure)
                .and_unknown(stopped, UnknownReason::LongHandler)
        }
        Smis::Shared if kernel.explains_all() => Division::ALL_KERNEL,
        Smis::Shared => {
            let open = beyond.saturating_add(kernel.unlearnt);
            let open = match open {
                Nanos(0) => kernel.tasks,
                open => open,
            };
            Division::unknown(open, UnknownReason::SmiShared)
        }
        Smis::Uncounted => Division::platform(kernel.beyond_ways, sure)
            .and_unknown(kernel.unlearnt, UnknownReason::Unlearnt)
            .and_unknown(kernel.beyond_handlers, UnknownReason::LongHandler),
    }
}

/// The kernel ran, by a way that has no tracepoint.
fn unrecorded(kernel: &KernelTime, length: Nanos, smis: Smis) -> Division {
    let beyond = kernel.beyond_ways.saturating_add(kernel.unlearnt);
    match smis {
        Smis::Counted(1.., _) if kernel.unlearnt == Nanos(0) => {
            Division::platform(kernel.most_excess, Confidence::Probable)
        }
        Smis::Counted(1.., _) => Division::platform(length, Confidence::Probable),
        _ => Division::unknown(beyond, UnknownReason::Unrecorded),
    }
}

/// Where records were lost, the time for which other tasks had the CPU is still
/// known, by the scheduler.
fn records_lost(known: Known<'_>, smis: Smis) -> Division {
    let division = match (held_back(known.evidence), smis) {
        (Some(_), Smis::Uncounted | Smis::Counted(0, _)) => by_counts(known, smis),
        _ => Division::unknown(known.length, UnknownReason::RecordsLost),
    };
    Division {
        reason: UnknownReason::RecordsLost,
        ..division
    }
}

/// Whether the scheduler gave the CPU to another task in this very gap.
fn is_switched(evidence: &Evidence) -> bool {
    let switched = evidence.involuntary_switches.is_some_and(|count| count > 0);
    switched && evidence.counts == Counts::Own
}

/// Time of a gap that belongs to other tasks, by the scheduler; `None` where it
/// counted none, or not for this gap alone.
fn held_back(evidence: &Evidence) -> Option<Nanos> {
    evidence.run_delay_ns.filter(|_| is_switched(evidence))
}

/// Without records: what the scheduler counted, and what interrupts take.
fn by_counts(known: Known<'_>, smis: Smis) -> Division {
    // All of it may be the other task's where the kernel keeps no time for it.
    if is_switched(known.evidence) && known.evidence.run_delay_ns.is_none() {
        return match smis {
            Smis::Counted(1.., _) => Division::unknown(known.length, UnknownReason::SmiUnmeasured),
            Smis::Shared => Division::unknown(known.length, UnknownReason::SmiShared),
            Smis::Counted(0, _) | Smis::Uncounted => Division::ALL_KERNEL,
        };
    }
    // Without a switch only interrupts and faults can have run.
    let held_back = held_back(known.evidence);
    let rest = (known.length).saturating_sub(held_back.unwrap_or_default());
    let more = held_back.is_some() || known.evidence.page_faults.is_some_and(|count| count > 0);
    let beyond = match known.interrupts {
        // The ways to another task and back, or a fault, come to the interrupt.
        Some(usual) if more && !usual.is_exceeded_by(rest.saturating_sub(usual.typical)) => None,
        // What they took beside a stall is not known either.
        Some(_) if more => Some(rest),
        Some(usual) if usual.is_exceeded_by(rest) => Some(rest.saturating_sub(usual.typical)),
        Some(_) => None,
        None => Some(rest),
    };
    match (smis, beyond) {
        (Smis::Counted(1.., _), Some(beyond)) if known.interrupts.is_some() && !more => {
            Division::platform(beyond, Confidence::Probable)
        }
        (Smis::Counted(1.., _), _) => Division::unknown(known.length, UnknownReason::SmiUnmeasured),
        (Smis::Shared, _) => Division::unknown(known.length, UnknownReason::SmiShared),
        (_, Some(beyond)) if known.interrupts.is_some() => {
            Division::unknown(beyond, UnknownReason::LongInterrupt)
        }
        (_, Some(beyond)) => Division::unknown(beyond, UnknownReason::Unlearnt),
        (_, None) => Division::ALL_KERNEL,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
