//! How a gap divides between this kernel and what it does not explain.

use crate::evidence::kernel_trace::{Account, Standing};
use crate::units::Nanos;

use super::decide::Attribution;
use super::evidence::{Evidence, SmiEvidence};

/// A remainder shorter than this, where the usual time of the same activities
/// would leave that much more, is noise: the SMI fell within an activity.
const DOUBTFUL: Nanos = Nanos(5_000);

/// What is left of a gap with other tasks is at most this, if no SMI is in it:
/// some ways into the kernel and back.
const BESIDE_TASKS: Nanos = Nanos(20_000);

/// The parts of a gap that the kernel took and did not take. `None` is "not
/// known": without the kernel's records, or where an SMI fell into a gap in
/// which another task ran. A task runs as long as it likes, so that nothing
/// tells how much of its time was the SMI's.
pub fn shares(
    attribution: &Attribution,
    evidence: &Evidence,
    account: Option<&Account>,
    length: Nanos,
) -> (Option<Nanos>, Option<Nanos>) {
    let split = |os: Nanos| (Some(os.min(length)), Some(length.saturating_sub(os)));
    if attribution.kernel_ran == Some(false) {
        return split(Nanos(0));
    }
    if let Some(smm) = smm_time(evidence, account) {
        return split(length.saturating_sub(smm));
    }
    let Some(account) = account else {
        return (None, None);
    };
    let smis = match evidence.smi {
        SmiEvidence::Own { delta } | SmiEvidence::Alone { delta } => Smis::from(delta),
        SmiEvidence::Shared { .. } => Smis::Several,
        SmiEvidence::NotRead | SmiEvidence::Unreadable => Smis::None,
    };
    match (account.standing, smis) {
        (Standing::Lost, _) => (None, None),
        (Standing::Fault, Smis::None) => split(length),
        (Standing::Nothing | Standing::Interrupts | Standing::Tasks, Smis::None)
        | (Standing::Nothing, _) => split(account.accounted),
        (Standing::Interrupts, smis) => split(beside_smis(account, smis, length)),
        // A single SMI within the task's time would leave hardly anything.
        (Standing::Tasks, Smis::One) if account.remainder(length) >= BESIDE_TASKS => {
            split(account.accounted)
        }
        (Standing::Fault | Standing::Tasks, _) => (None, None),
    }
}

/// The time in SMM as the PMU measured it, of a gap that holds an SMI. Its
/// reference cycles stand still in a halted CPU as well, so that nothing is
/// measured where another task may have run: it may have been the idle one.
fn smm_time(evidence: &Evidence, account: Option<&Account>) -> Option<Nanos> {
    let held_smi = matches!(
        evidence.smi,
        SmiEvidence::Own { delta: 1.. } | SmiEvidence::Alone { delta: 1.. }
    );
    let alone = match account.map(|account| account.standing) {
        Some(Standing::Nothing | Standing::Interrupts | Standing::Fault) => true,
        Some(Standing::Tasks) => false,
        Some(Standing::Lost) | None => evidence.involuntary_switches == Some(0),
    };
    evidence.smm_ns.filter(|_| held_smi && alone)
}

/// How many SMIs a gap is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Smis {
    None,
    One,
    Several,
}

impl From<u32> for Smis {
    fn from(delta: u32) -> Smis {
        match delta {
            0 => Smis::None,
            1 => Smis::One,
            _ => Smis::Several,
        }
    }
}

/// The kernel's part of a gap that holds interrupts and SMIs.
///
/// An SMI beside an interrupt leaves the recorded interval as it is: what is
/// not accounted for is the SMI's. One within the interval stretches it, and
/// only the usual time of such an interrupt tells the two apart.
fn beside_smis(account: &Account, smis: Smis, length: Nanos) -> Nanos {
    let Some(usual) = account.usual else {
        return account.accounted;
    };
    let stretched =
        account.remainder(length) < DOUBTFUL && account.accounted > usual.saturating_add(DOUBTFUL);
    if stretched || smis == Smis::Several {
        usual
    } else {
        account.accounted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::{Cause, Confidence, Footprint};

    const LENGTH: Nanos = Nanos(60_000);

    fn split(
        standing: Standing,
        accounted: u64,
        usual: Option<u64>,
        delta: u32,
    ) -> (Option<u64>, Option<u64>) {
        let account = Account {
            standing,
            accounted: Nanos(accounted),
            usual: usual.map(Nanos),
            shares: [None; 3],
        };
        let evidence = Evidence::new(Footprint::Cleared, SmiEvidence::Own { delta });
        let attribution = Attribution {
            cause: Cause::Os,
            confidence: Confidence::Strong,
            kernel_ran: Some(true),
        };
        let (os, residual) = shares(&attribution, &evidence, Some(&account), LENGTH);
        (os.map(|os| os.0), residual.map(|residual| residual.0))
    }

    #[test]
    fn what_is_not_accounted_for_is_the_remainder() {
        assert_eq!(
            split(Standing::Interrupts, 2_400, None, 0),
            (Some(2_400), Some(57_600))
        );
        assert_eq!(
            split(Standing::Tasks, 59_900, None, 0),
            (Some(59_900), Some(100))
        );
        assert_eq!(
            split(Standing::Interrupts, 70_000, None, 0),
            (Some(60_000), Some(0))
        );
    }

    #[test]
    fn an_smi_beside_the_interrupt_is_the_remainder() {
        assert_eq!(
            split(Standing::Interrupts, 2_400, Some(2_300), 1),
            (Some(2_400), Some(57_600))
        );
    }

    #[test]
    fn an_smi_within_the_interrupt_shows_by_the_usual_time() {
        assert_eq!(
            split(Standing::Interrupts, 60_000, Some(2_300), 1),
            (Some(2_300), Some(57_700))
        );
    }

    #[test]
    fn an_smi_within_another_task_cannot_be_measured() {
        assert_eq!(split(Standing::Tasks, 60_000, None, 1), (None, None));
        // What remains beside the task may be the way into the kernel.
        assert_eq!(split(Standing::Tasks, 54_000, None, 2), (None, None));
        assert_eq!(split(Standing::Lost, 0, None, 0), (None, None));
    }

    #[test]
    fn of_two_smis_one_may_be_beside_the_interrupt_and_one_within() {
        assert_eq!(
            split(Standing::Interrupts, 30_000, Some(2_300), 2),
            (Some(2_300), Some(57_700))
        );
    }

    #[test]
    fn what_the_pmu_measured_of_smm_needs_no_estimate() {
        let attribution = Attribution {
            cause: Cause::SmiOs,
            confidence: Confidence::Proved,
            kernel_ran: Some(true),
        };
        let of = |standing: Option<Standing>, delta, switches| {
            let account = standing.map(|standing| Account {
                standing,
                accounted: Nanos(60_000),
                usual: None,
                shares: [None; 3],
            });
            let evidence = Evidence {
                smm_ns: Some(Nanos(41_000)),
                involuntary_switches: switches,
                ..Evidence::new(Footprint::Cleared, SmiEvidence::Own { delta })
            };
            shares(&attribution, &evidence, account.as_ref(), LENGTH).1
        };
        let measured = Some(Nanos(41_000));
        assert_eq!(of(Some(Standing::Interrupts), 1, None), measured);
        assert_eq!(of(Some(Standing::Fault), 3, None), measured);
        assert_eq!(of(None, 1, Some(0)), measured);
        // The other task may have been the idle one, which halts the CPU.
        assert_eq!(of(Some(Standing::Tasks), 1, Some(0)), None);
        assert_eq!(of(None, 1, Some(1)), None);
        assert_eq!(of(None, 1, None), None);
        // Without an SMI something else stopped the clock.
        assert_eq!(of(None, 0, Some(0)), None);
    }

    #[test]
    fn a_fault_has_what_is_left() {
        assert_eq!(
            split(Standing::Fault, 2_000, None, 0),
            (Some(60_000), Some(0))
        );
    }
}
