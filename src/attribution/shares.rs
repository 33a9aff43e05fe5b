//! How a gap divides between this kernel and what it does not explain.

use crate::evidence::kernel_trace::{Account, Standing};
use crate::units::Nanos;

use super::decide::Attribution;
use super::evidence::{Evidence, SmiEvidence};

/// Shortest remainder that is taken for an SMI's in a gap that is known to
/// hold one: below it an SMI is hardly possible, and the way into the kernel
/// varies by as much.
const LEAST_SMI: Nanos = Nanos(1_000);

/// The parts of a gap that the kernel took and did not take. `None` is "not
/// known": without the kernel's records, or where an SMI fell into the time of
/// another task, which may run as long as it likes.
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
    let Some(account) = account else {
        return (None, None);
    };
    let holds_smi = matches!(
        evidence.smi,
        SmiEvidence::Own { delta: 1.. }
            | SmiEvidence::Alone { delta: 1.. }
            | SmiEvidence::Shared { .. }
    );
    match account.standing {
        Standing::Lost => (None, None),
        Standing::Nothing | Standing::Interrupts | Standing::Tasks
            if !holds_smi || account.remainder(length) > LEAST_SMI =>
        {
            split(account.accounted)
        }
        Standing::Fault if !holds_smi => split(length),
        // The SMI fell into the time of recorded activities: what those
        // usually take tells its share, if they have a usual time.
        _ => account.usual.map_or((None, None), split),
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
        let evidence = Evidence {
            footprint: Footprint::Cleared,
            smi: SmiEvidence::Own { delta },
            involuntary_switches: None,
            page_faults: None,
            run_delay_ns: None,
        };
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
        assert_eq!(split(Standing::Lost, 0, None, 0), (None, None));
    }

    #[test]
    fn a_fault_has_what_is_left() {
        assert_eq!(
            split(Standing::Fault, 2_000, None, 0),
            (Some(60_000), Some(0))
        );
    }
}
