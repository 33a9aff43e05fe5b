//! The decision: from evidence and circumstances to a cause.
//!
//! Two statements are never made without proof: that the hardware did it, and
//! that it did not. In a guest nothing is called hardware, because a stalled
//! guest cannot see who stalled it. Without a counter nothing is called an
//! SMI. A count that several events share is not given to one of them.

use crate::evidence::kernel_trace::{Account, Standing};
use crate::units::Nanos;

use super::cause::{Cause, Confidence};
use super::evidence::{Evidence, Footprint, SmiEvidence};
use super::setting::{ClockTrust, Platform, Setting};

/// What was decided of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Who took the time.
    pub cause: Cause,
    /// How sure that is.
    pub confidence: Confidence,
    /// Whether this kernel ran in the gap.
    pub kernel_ran: Option<bool>,
}

impl Attribution {
    const fn new(cause: Cause, confidence: Confidence, kernel_ran: Option<bool>) -> Attribution {
        Attribution {
            cause,
            confidence,
            kernel_ran,
        }
    }
}

/// Decides. `account` is what the kernel's own records say of the gap, where
/// there are any, and `length` the gap's length.
pub fn attribute(
    evidence: &Evidence,
    account: Option<&Account>,
    length: Nanos,
    setting: Setting,
) -> Attribution {
    let kernel_ran = kernel_ran(evidence, account);
    if setting.clock == ClockTrust::Broken {
        return Attribution::new(Cause::Unknown, Confidence::None, kernel_ran);
    }
    let records = Records::of(account, length);
    let (cause, confidence) = match (kernel_ran, setting.platform) {
        (Some(false), Platform::Guest) => (Cause::Hypervisor, Confidence::Strong),
        (Some(false), Platform::BareMetal) => kernel_absent(evidence),
        // What ran in the gap is not known, and may not have been all.
        (Some(true), _) if records == Records::Lost => (Cause::Unknown, Confidence::None),
        // The hypervisor may have taken part of the gap, or most of it.
        (Some(true), Platform::Guest) => match records {
            Records::Explain => (Cause::Os, Confidence::Strong),
            _ => (Cause::Os, Confidence::Probable),
        },
        (Some(true), Platform::BareMetal) => kernel_present(evidence.smi, records),
        (None, Platform::Guest) => (Cause::Unknown, Confidence::None),
        (None, Platform::BareMetal) => kernel_unknown(evidence.smi),
    };
    Attribution::new(cause, confidence, kernel_ran)
}

/// How far the kernel's records go towards a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Records {
    /// There are none.
    Absent,
    /// Some were lost.
    Lost,
    /// They explain all but noise.
    Explain,
    /// Something remains.
    FallShort,
}

impl Records {
    fn of(account: Option<&Account>, length: Nanos) -> Records {
        match account {
            None => Records::Absent,
            Some(account) if account.standing == Standing::Lost => Records::Lost,
            Some(account) if account.standing == Standing::Nothing => Records::FallShort,
            // The end of an exception is not recorded: the rest is its.
            Some(account) if account.standing == Standing::Fault => Records::Explain,
            Some(account) if account.remainder(length) <= noise(length) => Records::Explain,
            Some(_) => Records::FallShort,
        }
    }
}

/// What may remain of a gap without needing an explanation: the way into the
/// kernel and back varies by cache and by mitigation.
pub fn noise(length: Nanos) -> Nanos {
    Nanos((length.0 / 10).max(2_000))
}

/// Whether this kernel ran. The engine decides, by the footprint, by having
/// held interrupts off or by the instructions of ring 0; where it cannot, the
/// kernel's records do; without those, a switch or fault that the kernel
/// counted proves that it ran, and none proves nothing: interrupts leave no
/// trace there.
fn kernel_ran(evidence: &Evidence, account: Option<&Account>) -> Option<bool> {
    let counted = |count: Option<u16>| count.is_some_and(|count| count > 0);
    evidence
        .kernel_ran()
        .or_else(|| match account.map(|account| account.standing) {
            Some(Standing::Nothing) => Some(false),
            None | Some(Standing::Lost) => (counted(evidence.involuntary_switches)
                || counted(evidence.page_faults))
            .then_some(true),
            Some(_) => Some(true),
        })
}

fn kernel_absent(evidence: &Evidence) -> (Cause, Confidence) {
    // Without the engine's word, the absence of records is strong evidence,
    // and no proof: not every way into the kernel has a tracepoint. Nor is it
    // proof where the engine's two witnesses contradict each other.
    let (proof, strong) = match (evidence.kernel_ran(), evidence.is_contradicted()) {
        // The kernel's own count misses what has no hook: exceptions, and
        // vectors that it does not know.
        _ if evidence.footprint == Footprint::Undisturbed => {
            (Confidence::Strong, Confidence::Strong)
        }
        (Some(_), false) => (Confidence::Proved, Confidence::Strong),
        (Some(_), true) | (None, _) => (Confidence::Strong, Confidence::Probable),
    };
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

fn kernel_present(smi: SmiEvidence, records: Records) -> (Cause, Confidence) {
    match (smi, records) {
        (SmiEvidence::Own { delta: 1.. }, _) => (Cause::SmiOs, Confidence::Proved),
        (SmiEvidence::Alone { delta: 1.. }, _) => (Cause::SmiOs, Confidence::Strong),
        (SmiEvidence::Own { delta: 0 }, Records::Explain) => (Cause::Os, Confidence::Proved),
        (SmiEvidence::Own { delta: 0 }, _) => (Cause::Os, Confidence::Strong),
        // The SMI may have been here or in another event: neither "os" nor
        // "smi+os" would be honest.
        (SmiEvidence::Shared { .. }, _) => (Cause::Unknown, Confidence::None),
        (_, Records::Explain) => (Cause::Os, Confidence::Strong),
        (SmiEvidence::NotRead | SmiEvidence::Unreadable | SmiEvidence::Alone { delta: 0 }, _) => {
            (Cause::Os, Confidence::Probable)
        }
    }
}

fn kernel_unknown(smi: SmiEvidence) -> (Cause, Confidence) {
    match smi {
        SmiEvidence::Own { delta: 1.. } | SmiEvidence::Alone { delta: 1.. } => {
            (Cause::Smi, Confidence::Probable)
        }
        _ => (Cause::Unknown, Confidence::None),
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
