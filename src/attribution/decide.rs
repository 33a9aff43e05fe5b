//! The decision: from evidence and circumstances to a cause.
//!
//! Two statements are never made without proof: that the hardware did it, and
//! that it did not. In a guest nothing is called hardware, because a stalled
//! guest cannot see who stalled it. Without a counter nothing is called an
//! SMI. A count that several events share is not given to one of them.

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

    /// The parts of a gap that the kernel took and did not take, where the
    /// cause alone settles that.
    pub fn shares(&self, length: Nanos) -> (Option<Nanos>, Option<Nanos>) {
        match self.kernel_ran {
            Some(false) => (Some(Nanos(0)), Some(length)),
            _ => (None, None),
        }
    }
}

/// Decides.
pub fn attribute(evidence: &Evidence, setting: Setting) -> Attribution {
    let kernel_ran = kernel_ran(evidence);
    if setting.clock == ClockTrust::Broken {
        return Attribution::new(Cause::Unknown, Confidence::None, kernel_ran);
    }
    let (cause, confidence) = match (kernel_ran, setting.platform) {
        (Some(false), Platform::Guest) => (Cause::Hypervisor, Confidence::Strong),
        (Some(false), Platform::BareMetal) => kernel_absent(evidence.smi),
        // The hypervisor may have taken part of the gap, or most of it.
        (Some(true), Platform::Guest) => (Cause::Os, Confidence::Probable),
        (Some(true), Platform::BareMetal) => kernel_present(evidence.smi),
        (None, Platform::Guest) => (Cause::Unknown, Confidence::None),
        (None, Platform::BareMetal) => kernel_unknown(evidence.smi),
    };
    Attribution::new(cause, confidence, kernel_ran)
}

/// Whether this kernel ran. The footprint decides; where it is not usable, a
/// switch or fault counted by the kernel proves that it ran, and none proves
/// nothing: interrupts leave no trace there.
fn kernel_ran(evidence: &Evidence) -> Option<bool> {
    let counted = |count: Option<u16>| count.is_some_and(|count| count > 0);
    match evidence.footprint {
        Footprint::Intact => Some(false),
        Footprint::Cleared => Some(true),
        Footprint::Unusable => (counted(evidence.involuntary_switches)
            || counted(evidence.page_faults))
        .then_some(true),
    }
}

fn kernel_absent(smi: SmiEvidence) -> (Cause, Confidence) {
    match smi {
        SmiEvidence::Own { delta: 1.. } => (Cause::Smi, Confidence::Proved),
        SmiEvidence::Own { delta: 0 } => (Cause::Cpu, Confidence::Strong),
        // At least one SMI for each event that shares the count.
        SmiEvidence::Shared { delta, among } if delta >= among => {
            (Cause::Smi, Confidence::Probable)
        }
        SmiEvidence::Shared { .. } | SmiEvidence::NotRead | SmiEvidence::Unreadable => {
            (Cause::FirmwareOrCpu, Confidence::Strong)
        }
    }
}

fn kernel_present(smi: SmiEvidence) -> (Cause, Confidence) {
    match smi {
        SmiEvidence::Own { delta: 1.. } => (Cause::SmiOs, Confidence::Proved),
        SmiEvidence::Own { delta: 0 } => (Cause::Os, Confidence::Strong),
        // The SMI may have been here or in another event: neither "os" nor
        // "smi+os" would be honest.
        SmiEvidence::Shared { .. } => (Cause::Unknown, Confidence::None),
        SmiEvidence::NotRead | SmiEvidence::Unreadable => (Cause::Os, Confidence::Probable),
    }
}

fn kernel_unknown(smi: SmiEvidence) -> (Cause, Confidence) {
    match smi {
        SmiEvidence::Own { delta: 1.. } => (Cause::Smi, Confidence::Probable),
        _ => (Cause::Unknown, Confidence::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    const FOOTPRINTS: [Footprint; 3] = [Footprint::Intact, Footprint::Cleared, Footprint::Unusable];
    const COUNTS: [SmiEvidence; 7] = [
        SmiEvidence::Unreadable,
        SmiEvidence::NotRead,
        SmiEvidence::Own { delta: 0 },
        SmiEvidence::Own { delta: 1 },
        SmiEvidence::Own { delta: 7 },
        SmiEvidence::Shared { delta: 1, among: 3 },
        SmiEvidence::Shared { delta: 3, among: 3 },
    ];

    fn evidence(footprint: Footprint, smi: SmiEvidence, switches: Option<u16>) -> Evidence {
        Evidence {
            footprint,
            smi,
            involuntary_switches: switches,
            page_faults: switches.map(|_| 0),
            run_delay_ns: None,
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

    fn decided(footprint: Footprint, smi: SmiEvidence) -> (Cause, Confidence) {
        let attribution = attribute(&evidence(footprint, smi, None), BARE);
        (attribution.cause, attribution.confidence)
    }

    #[test]
    fn a_guest_never_blames_hardware() {
        for case in every_case() {
            let cause = attribute(&case, GUEST).cause;
            assert!(
                matches!(cause, Cause::Hypervisor | Cause::Os | Cause::Unknown),
                "{case:?} became {cause}"
            );
        }
    }

    #[test]
    fn without_a_count_of_its_own_no_gap_is_proved_an_smi() {
        for case in every_case() {
            let attribution = attribute(&case, BARE);
            let names_smi = matches!(attribution.cause, Cause::Smi | Cause::SmiOs);
            if !matches!(case.smi, SmiEvidence::Own { delta: 1.. }) && names_smi {
                assert_eq!(attribution.confidence, Confidence::Probable, "{case:?}");
            }
            if matches!(case.smi, SmiEvidence::Unreadable | SmiEvidence::NotRead) {
                assert!(!names_smi, "{case:?}");
            }
        }
    }

    #[test]
    fn what_the_kernel_ran_in_is_never_platform_without_an_smi() {
        for case in every_case() {
            let attribution = attribute(&case, BARE);
            let counted = matches!(case.smi, SmiEvidence::Own { delta: 1.. });
            if attribution.kernel_ran == Some(true) && !counted {
                assert!(!attribution.cause.is_platform(), "{case:?}");
            }
        }
    }

    #[test]
    fn an_smi_with_a_count_of_its_own_is_never_the_os() {
        for case in every_case() {
            if matches!(case.smi, SmiEvidence::Own { delta: 1.. }) {
                assert_ne!(attribute(&case, BARE).cause, Cause::Os, "{case:?}");
            }
        }
    }

    #[test]
    fn a_broken_clock_leaves_every_gap_unknown() {
        for case in every_case() {
            assert_eq!(attribute(&case, BROKEN).cause, Cause::Unknown);
        }
    }

    #[test]
    fn the_decision_order_holds_on_bare_metal() {
        use Confidence::{None, Probable, Proved, Strong};
        let own = |delta| SmiEvidence::Own { delta };
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
        ] {
            assert_eq!(decided(footprint, smi), expected, "{footprint:?} {smi:?}");
        }
    }
}
