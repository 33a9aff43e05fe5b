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
            let plain = [None, Some(0), Some(1)]
                .into_iter()
                .map(move |switches| evidence(footprint, smi, switches));
            plain.flat_map(|plain| {
                [None, Some(Nanos(40_000))].map(|elsewhere_ns| Evidence {
                    elsewhere_ns,
                    ..plain
                })
            })
        })
    })
}

const LENGTH: Nanos = Nanos(50_000);

fn made(evidence: &Evidence, kernel: Option<&KernelTime>, setting: Setting) -> Account {
    account(Known {
        evidence,
        kernel,
        interrupts: Some(INTERRUPTS),
        length: LENGTH,
        setting,
    })
}

/// Interrupts take up to 60 us here, so that a gap of 50 us is one.
const INTERRUPTS: Usual = Usual {
    typical: Nanos(50_000),
    longest: Nanos(60_000),
};

fn decide(evidence: &Evidence, setting: Setting) -> Account {
    made(evidence, None, setting)
}

fn explained(standing: Standing) -> KernelTime {
    KernelTime::explained(standing, LENGTH)
}

/// A tick, and 40 us before it.
fn late_tick() -> KernelTime {
    KernelTime {
        beyond_ways: Nanos(40_000),
        ways_beyond: 1,
        most_excess: Nanos(40_000),
        all_excess: Nanos(40_000),
        ..KernelTime::explained(Standing::Interrupts, Nanos(10_000))
    }
}

/// A tick that took 40 us longer than usual.
fn long_tick() -> KernelTime {
    KernelTime {
        beyond_handlers: Nanos(40_000),
        handlers_beyond: 1,
        most_excess: Nanos(40_000),
        all_excess: Nanos(40_000),
        ..explained(Standing::Interrupts)
    }
}

fn every_record() -> Vec<Option<KernelTime>> {
    let unlearnt = KernelTime {
        unlearnt: LENGTH,
        ..KernelTime::explained(Standing::Interrupts, Nanos(0))
    };
    let task = KernelTime {
        tasks: Nanos(30_000),
        ..explained(Standing::Tasks)
    };
    let plain = [
        explained(Standing::Nothing),
        explained(Standing::Interrupts),
        explained(Standing::Fault),
        explained(Standing::Lost),
        late_tick(),
        long_tick(),
        unlearnt,
        task,
    ];
    let switches = plain.map(|record| KernelTime {
        scope: Scope::Switches,
        ..record
    });
    let all = plain.into_iter().chain(switches).map(Some);
    std::iter::once(None).chain(all).collect()
}

/// Every account that there can be.
fn every_account(setting: Setting) -> impl Iterator<Item = (Evidence, Account)> {
    every_record().into_iter().flat_map(move |record| {
        every_case().map(move |case| (case, made(&case, record.as_ref(), setting)))
    })
}

#[test]
fn the_parts_add_up_and_agree_with_the_cause() {
    for setting in [BARE, GUEST, BROKEN] {
        for (case, account) in every_account(setting) {
            let Parts {
                os,
                platform,
                unknown,
            } = account.parts;
            assert_eq!(os.0 + platform.0 + unknown.0, LENGTH.0, "{case:?}");
            assert_eq!(unknown > Nanos(0), account.unknown_reason.is_some());
            let named = account.cause.is_platform();
            // An SMI may be known to be there, and its length not.
            let is_open = account.cause == Cause::SmiOs;
            assert_eq!(
                platform > Nanos(0) || is_open,
                named,
                "{case:?} {account:?}"
            );
            if account.kernel_ran == Some(false) && account.cause != Cause::Unknown {
                assert_eq!(os, Nanos(0), "{case:?}");
            }
            if !account.cause.is_mixed() && named {
                assert_eq!(platform, LENGTH, "{case:?}");
            }
        }
    }
}

#[test]
fn a_guest_never_blames_hardware() {
    for (case, account) in every_account(GUEST) {
        assert!(
            matches!(
                account.cause,
                Cause::Hypervisor | Cause::HypervisorOs | Cause::Os | Cause::Unknown
            ),
            "{case:?} became {}",
            account.cause
        );
    }
}

#[test]
fn without_a_count_of_its_own_no_gap_is_proved_an_smi() {
    for (case, account) in every_account(BARE) {
        let names_smi = account.cause.alone() == Cause::Smi;
        if !matches!(case.smi, SmiEvidence::Own { delta: 1.. }) && names_smi {
            let bound = match case.smi {
                SmiEvidence::Alone { .. } => Confidence::Strong,
                _ => Confidence::Probable,
            };
            assert!(account.confidence <= bound, "{case:?}");
        }
        if matches!(case.smi, SmiEvidence::Unreadable | SmiEvidence::NotRead) {
            assert!(!names_smi, "{case:?}");
        }
    }
}

#[test]
fn an_smi_with_a_count_of_its_own_is_never_the_os() {
    for (case, account) in every_account(BARE) {
        if matches!(case.smi, SmiEvidence::Own { delta: 1.. }) {
            assert_ne!(account.cause, Cause::Os, "{case:?} {account:?}");
        }
    }
}

#[test]
fn a_broken_clock_leaves_every_gap_unknown() {
    for (_, account) in every_account(BROKEN) {
        assert_eq!(account.cause, Cause::Unknown);
    }
}

#[test]
fn what_contradicts_itself_is_unknown() {
    let case = evidence(Footprint::Intact, SmiEvidence::Own { delta: 1 }, None);
    for record in [explained(Standing::Interrupts), explained(Standing::Tasks)] {
        let account = made(&case, Some(&record), BARE);
        assert_eq!(account.cause, Cause::Unknown);
        assert_eq!(account.unknown_reason, Some(UnknownReason::Contradiction));
        assert_eq!(account.kernel_ran, None);
    }
    let agreed = made(&case, Some(&explained(Standing::Nothing)), BARE);
    assert_eq!(agreed.cause, Cause::Smi);
}

/// Cause, confidence, platform's and unknown part of a gap with these records.
fn with_records(
    record: KernelTime,
    smi: SmiEvidence,
    setting: Setting,
) -> (Cause, Confidence, u64, u64) {
    let case = evidence(Footprint::Cleared, smi, None);
    let account = made(&case, Some(&record), setting);
    let Parts {
        platform, unknown, ..
    } = account.parts;
    (account.cause, account.confidence, platform.0, unknown.0)
}

#[test]
fn what_the_records_leave_is_told_by_what_else_is_known() {
    use Confidence::{None, Probable, Proved, Strong};
    use SmiEvidence::Unreadable;
    let own = |delta| SmiEvidence::Own { delta };
    let alone = |delta| SmiEvidence::Alone { delta };
    let shared = SmiEvidence::Shared { delta: 1, among: 3 };
    let tick = explained(Standing::Interrupts);
    let task = KernelTime {
        tasks: Nanos(30_000),
        ..explained(Standing::Tasks)
    };
    let late_out = KernelTime {
        only_ways_in: false,
        ..late_tick()
    };
    let unlearnt = KernelTime {
        unlearnt: LENGTH,
        ..KernelTime::explained(Standing::Interrupts, Nanos(0))
    };
    for (record, smi, setting, expected) in [
        (tick, own(0), BARE, (Cause::Os, Proved, 0, 0)),
        (tick, Unreadable, BARE, (Cause::Os, Strong, 0, 0)),
        (tick, Unreadable, GUEST, (Cause::Os, Strong, 0, 0)),
        // The count belongs to those that can hold an SMI.
        (tick, shared, BARE, (Cause::Os, Strong, 0, 0)),
        (late_tick(), own(0), BARE, (Cause::CpuOs, Strong, 40_000, 0)),
        (late_tick(), own(1), BARE, (Cause::SmiOs, Proved, 40_000, 0)),
        (
            late_tick(),
            alone(1),
            BARE,
            (Cause::SmiOs, Strong, 40_000, 0),
        ),
        (
            late_tick(),
            Unreadable,
            BARE,
            (Cause::FirmwareOrCpuOs, Strong, 40_000, 0),
        ),
        (
            late_tick(),
            Unreadable,
            GUEST,
            (Cause::HypervisorOs, Strong, 40_000, 0),
        ),
        (
            late_out,
            Unreadable,
            GUEST,
            (Cause::HypervisorOs, Probable, 40_000, 0),
        ),
        (late_tick(), shared, BARE, (Cause::Unknown, None, 0, 40_000)),
        (long_tick(), own(0), BARE, (Cause::Os, Probable, 0, 0)),
        (long_tick(), own(1), BARE, (Cause::SmiOs, Proved, 40_000, 0)),
        (
            long_tick(),
            Unreadable,
            BARE,
            (Cause::Unknown, None, 0, 40_000),
        ),
        (
            long_tick(),
            Unreadable,
            GUEST,
            (Cause::Unknown, None, 0, 40_000),
        ),
        (task, own(1), BARE, (Cause::SmiOs, Proved, 0, 30_000)),
        (task, Unreadable, BARE, (Cause::Os, Strong, 0, 0)),
        (
            unlearnt,
            Unreadable,
            BARE,
            (Cause::Unknown, None, 0, 50_000),
        ),
        (unlearnt, own(0), BARE, (Cause::Os, Strong, 0, 0)),
        (
            explained(Standing::Lost),
            own(1),
            BARE,
            (Cause::SmiOs, Proved, 0, 50_000),
        ),
        (
            explained(Standing::Lost),
            own(0),
            BARE,
            (Cause::Unknown, None, 0, 50_000),
        ),
    ] {
        let told = with_records(record, smi, setting);
        assert_eq!(told, expected, "{record:?} {smi:?} {setting:?}");
    }
}

#[test]
fn without_the_footprint_a_guests_stall_is_probable() {
    let told = |footprint| {
        let case = evidence(footprint, SmiEvidence::Unreadable, Some(0));
        let account = made(&case, Some(&explained(Standing::Nothing)), GUEST);
        (account.cause, account.confidence)
    };
    assert_eq!(
        told(Footprint::Intact),
        (Cause::Hypervisor, Confidence::Strong)
    );
    assert_eq!(
        told(Footprint::Unusable),
        (Cause::Hypervisor, Confidence::Probable)
    );
}

#[test]
fn an_smi_is_in_the_only_place_that_took_longer_learnt_or_not() {
    let record = |unlearnt: u64| KernelTime {
        unlearnt: Nanos(unlearnt),
        most_excess: Nanos(12_000),
        all_excess: Nanos(12_000),
        ..explained(Standing::Interrupts)
    };
    let told = |smi, unlearnt| {
        let case = evidence(Footprint::Cleared, smi, Some(0));
        let account = made(&case, Some(&record(unlearnt)), BARE);
        (account.parts.platform.0, account.parts.unknown.0)
    };
    let counted = SmiEvidence::Own { delta: 1 };
    assert_eq!(told(counted, 12_000), (12_000, 0));
    // It may be in another one as well.
    assert_eq!(told(counted, 20_000), (0, 20_000));
    assert_eq!(told(SmiEvidence::Unreadable, 12_000), (0, 12_000));
    assert_eq!(told(SmiEvidence::Own { delta: 0 }, 12_000), (0, 0));
}

#[test]
fn an_smi_may_be_where_nothing_was_learnt_yet() {
    let told = |unlearnt: u64| {
        let record = KernelTime {
            unlearnt: Nanos(unlearnt),
            handlers_beyond: 1,
            beyond_handlers: Nanos(4_000),
            most_excess: Nanos(4_000),
            all_excess: Nanos(4_000),
            ..explained(Standing::Interrupts)
        };
        let case = evidence(Footprint::Cleared, SmiEvidence::Own { delta: 1 }, Some(0));
        let account = made(&case, Some(&record), BARE);
        assert_eq!(account.cause, Cause::SmiOs);
        (account.parts.platform, account.parts.unknown)
    };
    // A handler that took a little longer does not show that it was there.
    assert_eq!(told(40_000), (Nanos(0), Nanos(44_000)));
    assert_eq!(told(2_000), (Nanos(4_000), Nanos(0)));
}

#[test]
fn what_piled_up_is_made_up_for_beside_tasks() {
    let far = KernelTime {
        far_beyond: 1,
        ..long_tick()
    };
    let told = |record: KernelTime, smi| {
        let case = evidence(Footprint::Cleared, smi, Some(1));
        let account = made(&case, Some(&record), BARE);
        (account.cause, account.confidence, account.parts.unknown)
    };
    let beside = KernelTime {
        standing: Standing::Tasks,
        tasks: Nanos(5_000),
        ..far
    };
    let own = SmiEvidence::Own { delta: 0 };
    let os = (Cause::Os, Confidence::Probable, Nanos(0));
    assert_eq!(told(beside, own), os);
    // Alone, or with nothing to exclude an SMI, it is not known.
    let open = (Cause::Unknown, Confidence::None, Nanos(40_000));
    assert_eq!(told(far, own), open);
    assert_eq!(told(beside, SmiEvidence::Unreadable), open);
}

#[test]
fn what_another_cpu_saw_explains_a_length_and_nothing_else() {
    let seen = |elsewhere: u64, smi, record: &KernelTime| {
        let evidence = Evidence {
            elsewhere_ns: Some(Nanos(elsewhere)),
            ..evidence(Footprint::Cleared, smi, Some(0))
        };
        let account = made(&evidence, Some(record), BARE);
        (account.cause, account.parts.platform, account.parts.unknown)
    };
    let (none, long) = (Nanos(0), Nanos(40_000));
    let unreadable = SmiEvidence::Unreadable;
    let told = (Cause::FirmwareOrCpuOs, long, none);
    assert_eq!(seen(42_900, unreadable, &long_tick()), told);
    assert_eq!(
        seen(40_000, SmiEvidence::NotRead, &long_tick()),
        (Cause::FirmwareOrCpuOs, long, none)
    );
    // Another stall, by its length.
    let open = (Cause::Unknown, none, long);
    assert_eq!(seen(45_000, unreadable, &long_tick()), open);
    assert_eq!(seen(34_000, unreadable, &long_tick()), open);
    // What is explained stays so.
    let os = (Cause::Os, none, none);
    assert_eq!(
        seen(50_000, unreadable, &explained(Standing::Interrupts)),
        os
    );
    // What several events may hold is not divided by it.
    let shared = SmiEvidence::Shared { delta: 1, among: 3 };
    assert_eq!(seen(40_000, shared, &long_tick()), open);
}

#[test]
fn two_smis_in_one_gap_are_both_counted() {
    let both = KernelTime {
        beyond_handlers: Nanos(9_000),
        handlers_beyond: 1,
        all_excess: Nanos(49_100),
        ..late_tick()
    };
    let (cause, _, platform, unknown) = with_records(both, SmiEvidence::Own { delta: 2 }, BARE);
    assert_eq!((cause, platform, unknown), (Cause::SmiOs, 49_000, 0));
}

#[test]
fn without_records_the_scheduler_tells_whether_a_task_was_there() {
    let of = |switches, faults, delay: Option<u64>, length: u64| {
        let case = Evidence {
            involuntary_switches: switches,
            page_faults: faults,
            run_delay_ns: delay.map(Nanos),
            ..Evidence::new(Footprint::Cleared, SmiEvidence::Unreadable)
        };
        let account = account(Known {
            evidence: &case,
            kernel: None,
            interrupts: Some(Usual {
                typical: Nanos(3_000),
                longest: Nanos(4_000),
            }),
            length: Nanos(length),
            setting: BARE,
        });
        (account.cause, account.parts.unknown.0)
    };
    // Only interrupts can have run, and they take no more than 7 us here.
    assert_eq!(of(Some(0), Some(0), None, 6_000), (Cause::Os, 0));
    assert_eq!(of(Some(0), Some(0), None, 50_000), (Cause::Unknown, 47_000));
    // A task takes what it likes, where the kernel keeps no time for it.
    assert_eq!(of(Some(1), Some(0), None, 50_000), (Cause::Os, 0));
    // How long a fault took is not known: a stall may be there.
    assert_eq!(of(Some(0), Some(1), None, 9_000), (Cause::Os, 0));
    assert_eq!(of(Some(0), Some(1), None, 20_000), (Cause::Unknown, 20_000));
    // The scheduler says for how long a task had the CPU. Beyond that an
    // interrupt and the ways take no more than interrupts do.
    assert_eq!(of(Some(1), Some(0), Some(46_000), 50_000), (Cause::Os, 0));
    assert_eq!(
        of(Some(1), Some(0), Some(6_000), 50_000),
        (Cause::Unknown, 44_000)
    );
    assert_eq!(
        of(Some(1), Some(0), Some(3_000), 23_000),
        (Cause::Unknown, 20_000)
    );
    // Not asked.
    assert_eq!(of(None, None, None, 50_000), (Cause::Unknown, 47_000));
}

#[test]
fn where_records_are_lost_the_scheduler_still_tells_of_tasks() {
    let unknown = |delay, smi| {
        let case = Evidence {
            run_delay_ns: Some(Nanos(delay)),
            ..evidence(Footprint::Cleared, smi, Some(1))
        };
        let account = account(Known {
            evidence: &case,
            kernel: Some(&explained(Standing::Lost)),
            interrupts: Some(Usual {
                typical: Nanos(3_000),
                longest: Nanos(4_000),
            }),
            length: LENGTH,
            setting: BARE,
        });
        account.parts.unknown.0
    };
    assert_eq!(unknown(46_000, SmiEvidence::Unreadable), 0);
    assert_eq!(unknown(46_000, SmiEvidence::Own { delta: 0 }), 0);
    assert_eq!(unknown(20_000, SmiEvidence::Unreadable), 30_000);
    assert_eq!(unknown(46_000, SmiEvidence::Own { delta: 1 }), 50_000);
}

#[test]
fn counts_that_shorter_entries_share_account_for_no_time() {
    let case = |counts| Evidence {
        involuntary_switches: Some(9),
        page_faults: Some(0),
        run_delay_ns: Some(Nanos(46_000)),
        counts,
        ..Evidence::new(Footprint::Cleared, SmiEvidence::Unreadable)
    };
    let unknown = |counts| {
        let evidence = case(counts);
        let usual = Usual {
            typical: Nanos(3_000),
            longest: Nanos(4_000),
        };
        let account = account(Known {
            evidence: &evidence,
            kernel: None,
            interrupts: Some(usual),
            length: LENGTH,
            setting: BARE,
        });
        account.parts.unknown
    };
    assert_eq!(unknown(Counts::Own), Nanos(0));
    assert_eq!(unknown(Counts::Shared), Nanos(47_000));
}

#[test]
fn without_the_footprint_the_records_stand_in_but_prove_nothing() {
    let own = SmiEvidence::Own { delta: 1 };
    let case = evidence(Footprint::Unusable, own, None);
    let of = |standing| made(&case, Some(&explained(standing)), BARE);
    let silent = of(Standing::Nothing);
    assert_eq!(
        (silent.cause, silent.confidence),
        (Cause::Smi, Confidence::Strong)
    );
    let busy = made(&case, Some(&late_tick()), BARE);
    assert_eq!((busy.cause, busy.kernel_ran), (Cause::SmiOs, Some(true)));
    assert_eq!(of(Standing::Lost).kernel_ran, None);
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
        let account = decide(&evidence(footprint, smi, Option::None), BARE);
        let decided = (account.cause, account.confidence);
        assert_eq!(decided, expected, "{footprint:?} {smi:?}");
    }
}

#[test]
fn the_time_in_smm_needs_no_estimate() {
    let of = |record: Option<Standing>, delta, switches| {
        let case = Evidence {
            smm_ns: Some(Nanos(41_000)),
            involuntary_switches: switches,
            ..Evidence::new(Footprint::Cleared, SmiEvidence::Own { delta })
        };
        let record = record.map(explained);
        made(&case, record.as_ref(), BARE).parts.platform
    };
    let measured = Nanos(41_000);
    assert_eq!(of(Some(Standing::Interrupts), 1, None), measured);
    assert_eq!(of(Some(Standing::Fault), 3, None), measured);
    assert_eq!(of(None, 1, Some(0)), measured);
    // The other task may have been the idle one, which halts the CPU.
    assert_ne!(of(Some(Standing::Tasks), 1, Some(0)), measured);
    assert_ne!(of(None, 1, Some(1)), measured);
    assert_ne!(of(None, 1, None), measured);
    // Without an SMI something else stopped the clock.
    assert_ne!(of(None, 0, Some(0)), measured);
}
