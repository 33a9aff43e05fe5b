//! The rules of attribution, over all evidence that there can be.

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

const FOOTPRINTS: [Footprint; 7] = [
    Footprint::Intact,
    Footprint::Cleared,
    Footprint::Unusable,
    Footprint::Excluded,
    Footprint::Interrupted,
    Footprint::Undisturbed,
    Footprint::Disturbed,
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
        (Footprint::Undisturbed, own(1), (Cause::Smi, Strong)),
        (Footprint::Undisturbed, own(0), (Cause::Cpu, Strong)),
        (Footprint::Disturbed, own(1), (Cause::SmiOs, Proved)),
        (Footprint::Disturbed, own(0), (Cause::Os, Strong)),
    ] {
        assert_eq!(decided(footprint, smi), expected, "{footprint:?} {smi:?}");
    }
}
