//! The decision: from evidence and circumstances to a cause.
//!
//! Two statements are never made without proof: that the hardware did it, and
//! that it did not. In a guest nothing is called hardware, because a stalled
//! guest cannot see who stalled it. Without a counter nothing is called an
//! SMI. A count that several events share is not given to one of them.

use crate::evidence::kernel_trace::{Account, Standing};
use crate::units::Nanos;

use super::cause::{Cause, Confidence};
use super::evidence::{Evidence, SmiEvidence};
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
mod tests {
    use super::*;
    use crate::attribution::Footprint;

    const BARE: Setting = Setting {
        platform: Platform::BareMetal,
        clock: ClockTrust::Trusted,
    };
    const GUEST: Setting = Setting {
        platform: Platform::Guest,
        clock: ClockTrust::Trusted,
    };
    const BROKEN: Setting = Setting {
        platform: Platform::BareMetal,
        clock: ClockTrust::Broken,
    };

    const FOOTPRINTS: [Footprint; 5] = [
        Footprint::Intact,
        Footprint::Cleared,
        Footprint::Unusable,
        Footprint::Excluded,
        Footprint::Interrupted,
    ];
    const COUNTS: [SmiEvidence; 9] = [
        SmiEvidence::Unreadable,
        SmiEvidence::NotRead,
        SmiEvidence::Own { delta: 0 },
        SmiEvidence::Own { delta: 1 },
        SmiEvidence::Own { delta: 7 },
        SmiEvidence::Shared { delta: 1, among: 3 },
        SmiEvidence::Shared { delta: 3, among: 3 },
        SmiEvidence::Alone { delta: 1 },
        SmiEvidence::Alone { delta: 0 },
    ];

    fn evidence(footprint: Footprint, smi: SmiEvidence, switches: Option<u16>) -> Evidence {
        Evidence {
            involuntary_switches: switches,
            page_faults: switches.map(|_| 0),
            ..Evidence::new(footprint, smi)
        }
    }

    fn every_case() -> impl Iterator<Item = Evidence> {
        FOOTPRINTS.into_iter().flat_map(|footprint| {
            COUNTS.into_iter().flat_map(move |smi| {
                [None, Some(0), Some(1)]
                    .into_iter()
                    .map(move |switches| evidence(footprint, smi, switches))
            })
        })
    }

    const LENGTH: Nanos = Nanos(50_000);

    fn decide(evidence: &Evidence, setting: Setting) -> Attribution {
        attribute(evidence, None, LENGTH, setting)
    }

    fn account(standing: Standing, accounted: u64) -> Account {
        Account {
            standing,
            accounted: Nanos(accounted),
            usual: None,
            shares: [None; 3],
        }
    }

    #[test]
    fn records_raise_or_lower_the_confidence_and_never_name_hardware() {
        use Confidence::{None, Probable, Proved, Strong};
        let explained = account(Standing::Interrupts, 49_500);
        let short = account(Standing::Interrupts, 3_000);
        let nothing = account(Standing::Nothing, 0);
        let lost = account(Standing::Lost, 49_500);
        let own = SmiEvidence::Own { delta: 0 };
        let blind = SmiEvidence::Unreadable;
        for (records, smi, expected) in [
            (explained, own, (Cause::Os, Proved)),
            (short, own, (Cause::Os, Strong)),
            (nothing, own, (Cause::Os, Strong)),
            (lost, own, (Cause::Unknown, None)),
            (explained, blind, (Cause::Os, Strong)),
            (short, blind, (Cause::Os, Probable)),
            (lost, blind, (Cause::Unknown, None)),
            (
                explained,
                SmiEvidence::Own { delta: 1 },
                (Cause::SmiOs, Proved),
            ),
        ] {
            let case = evidence(Footprint::Cleared, smi, Option::None);
            let decided = attribute(&case, Some(&records), LENGTH, BARE);
            assert_eq!(
                (decided.cause, decided.confidence),
                expected,
                "{records:?} {smi:?}"
            );
        }
    }

    #[test]
    fn without_the_footprint_the_records_stand_in_but_prove_nothing() {
        let own = SmiEvidence::Own { delta: 1 };
        let case = evidence(Footprint::Unusable, own, None);
        let silent = attribute(&case, Some(&account(Standing::Nothing, 0)), LENGTH, BARE);
        assert_eq!(
            (silent.cause, silent.confidence),
            (Cause::Smi, Confidence::Strong)
        );
        let busy = attribute(&case, Some(&account(Standing::Tasks, 0)), LENGTH, BARE);
        assert_eq!((busy.cause, busy.kernel_ran), (Cause::SmiOs, Some(true)));
        let lost = attribute(&case, Some(&account(Standing::Lost, 0)), LENGTH, BARE);
        assert_eq!(lost.kernel_ran, None);
    }

    fn decided(footprint: Footprint, smi: SmiEvidence) -> (Cause, Confidence) {
        let attribution = decide(&evidence(footprint, smi, None), BARE);
        (attribution.cause, attribution.confidence)
    }

    #[test]
    fn a_guest_never_blames_hardware() {
        for case in every_case() {
            let cause = decide(&case, GUEST).cause;
            assert!(
                matches!(cause, Cause::Hypervisor | Cause::Os | Cause::Unknown),
                "{case:?} became {cause}"
            );
        }
    }

    #[test]
    fn without_a_count_of_its_own_no_gap_is_proved_an_smi() {
        for case in every_case() {
            let attribution = decide(&case, BARE);
            let names_smi = matches!(attribution.cause, Cause::Smi | Cause::SmiOs);
            if !matches!(case.smi, SmiEvidence::Own { delta: 1.. }) && names_smi {
                let bound = match case.smi {
                    SmiEvidence::Alone { .. } => Confidence::Strong,
                    _ => Confidence::Probable,
                };
                assert!(attribution.confidence <= bound, "{case:?}");
            }
            if matches!(case.smi, SmiEvidence::Unreadable | SmiEvidence::NotRead) {
                assert!(!names_smi, "{case:?}");
            }
        }
    }

    #[test]
    fn what_the_kernel_ran_in_is_never_platform_without_an_smi() {
        for case in every_case() {
            let attribution = decide(&case, BARE);
            let counted = matches!(
                case.smi,
                SmiEvidence::Own { delta: 1.. } | SmiEvidence::Alone { delta: 1.. }
            );
            if attribution.kernel_ran == Some(true) && !counted {
                assert!(!attribution.cause.is_platform(), "{case:?}");
            }
        }
    }

    #[test]
    fn an_smi_with_a_count_of_its_own_is_never_the_os() {
        for case in every_case() {
            if matches!(case.smi, SmiEvidence::Own { delta: 1.. }) {
                assert_ne!(decide(&case, BARE).cause, Cause::Os, "{case:?}");
            }
        }
    }

    #[test]
    fn a_broken_clock_leaves_every_gap_unknown() {
        for case in every_case() {
            assert_eq!(decide(&case, BROKEN).cause, Cause::Unknown);
        }
    }

    #[test]
    fn the_decision_order_holds_on_bare_metal() {
        use Confidence::{None, Probable, Proved, Strong};
        let own = |delta| SmiEvidence::Own { delta };
        let alone = |delta| SmiEvidence::Alone { delta };
        let shared = SmiEvidence::Shared { delta: 1, among: 3 };
        for (footprint, smi, expected) in [
            (Footprint::Intact, own(1), (Cause::Smi, Proved)),
            (Footprint::Intact, own(0), (Cause::Cpu, Strong)),
            (
                Footprint::Intact,
                SmiEvidence::Unreadable,
                (Cause::FirmwareOrCpu, Strong),
            ),
            (Footprint::Intact, shared, (Cause::FirmwareOrCpu, Strong)),
            (Footprint::Cleared, own(0), (Cause::Os, Strong)),
            (Footprint::Cleared, own(2), (Cause::SmiOs, Proved)),
            (Footprint::Cleared, shared, (Cause::Unknown, None)),
            (
                Footprint::Cleared,
                SmiEvidence::Unreadable,
                (Cause::Os, Probable),
            ),
            (Footprint::Unusable, own(1), (Cause::Smi, Probable)),
            (Footprint::Unusable, own(0), (Cause::Unknown, None)),
            (Footprint::Excluded, own(1), (Cause::Smi, Proved)),
            (Footprint::Excluded, own(0), (Cause::Cpu, Strong)),
            (Footprint::Excluded, alone(1), (Cause::Smi, Strong)),
            (Footprint::Excluded, shared, (Cause::FirmwareOrCpu, Strong)),
            (
                Footprint::Excluded,
                SmiEvidence::Unreadable,
                (Cause::FirmwareOrCpu, Strong),
            ),
            (Footprint::Interrupted, own(1), (Cause::SmiOs, Proved)),
            (Footprint::Interrupted, alone(1), (Cause::SmiOs, Strong)),
            (Footprint::Interrupted, own(0), (Cause::Os, Strong)),
            (Footprint::Unusable, alone(1), (Cause::Smi, Probable)),
        ] {
            assert_eq!(decided(footprint, smi), expected, "{footprint:?} {smi:?}");
        }
    }
}
