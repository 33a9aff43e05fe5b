//! What must not be said, as the data do not carry it.

use hwgap::model::absence::{HostCause, HostTotal, Isa, LostTime};
use hwgap::model::explained::Explanation;
use hwgap::model::{Cause, Confidence, EndedBy, EngineName, Outcome};
use hwgap::units::{Cycles, Nanos};

use super::pair::{LENGTH, Pair, part};
use super::{explained, gap, has};

const AT: u64 = 5_000_000_000;

fn usual() -> Pair {
    let mut pair = Pair::new(1);
    pair.usual(30);
    pair
}

/// Nobody may be named for a gap, and so for the worst.
fn assert_unknown(told: &Explanation, below: u64, why: &str) {
    let found = gap(told, below);
    assert_eq!(found.cause, HostCause::NotObserved, "{found:?}");
    assert_eq!(found.confidence, Confidence::None);
    assert!(found.what.contains(why), "{found:?}");
}

#[test]
fn a_worst_whose_moment_is_not_told_is_explained_by_nobody() {
    let mut pair = usual();
    pair.gap(0, AT, AT + 8_000_000).companions = Some(1);
    let told = explained(&pair);
    assert_eq!(told.verdict.result, Outcome::Inconclusive);
    assert_eq!(told.verdict.worst_ns, Nanos(8_000_000));
    assert!(told.verdict.worst_parts.is_empty());
}

#[test]
fn a_halt_that_is_not_listed_may_have_been_the_gap() {
    let mut pair = usual();
    pair.gap(0, AT, AT + 3_000_000);
    let total = |cause, absences, longest| HostTotal {
        cause,
        what: String::new(),
        absences,
        total_ns: Nanos(longest),
        longest_ns: Nanos(longest),
    };
    let vcpu = pair.vcpu(0);
    vcpu.listed_above_ns = Some(Nanos(15_000));
    vcpu.absences_seen = 90;
    vcpu.totals = vec![total(HostCause::HostInterrupt, 90, 30_000)];
    assert_eq!(gap(&explained(&pair), 3_000_000).cause, HostCause::HostCpu);
    pair.vcpu(0)
        .totals
        .push(total(HostCause::VcpuHalted, 9, 4_000_000));
    assert_unknown(&explained(&pair), 3_000_000, "halted");
    // All of them were shorter.
    pair.vcpu(0).totals[1].longest_ns = Nanos(2_000_000);
    assert_eq!(gap(&explained(&pair), 3_000_000).cause, HostCause::HostCpu);
    pair.vcpu(0).totals.clear();
    assert_unknown(&explained(&pair), 3_000_000, "halted");
}

#[test]
fn an_smi_that_an_absence_may_have_had_is_no_gaps() {
    let mut pair = usual();
    pair.gap(0, AT, AT + 200_000);
    let parts = [
        part(HostCause::VmExit, "EPT_MISCONFIG", 3_000),
        part(HostCause::HostSmi, "", 40_000),
    ];
    pair.stall(0, AT + 30_000_000, &parts);
    let vcpu = pair.vcpu(0);
    let own = vcpu.absences.iter_mut();
    own.filter(|one| one.duration_ns == Nanos(43_000))
        .for_each(|one| one.smi_delta = None);
    pair.smi(0, AT - 20_000_000, AT + 50_000_000, 1);
    let told = explained(&pair);
    assert_unknown(&told, 200_000, "1 absence like one");
    let found = gap(&told, 44_200);
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::HostSmi, Confidence::Probable)
    );
    // There were two.
    pair.host.smi_rises.as_mut().unwrap()[0].count = 2;
    assert_eq!(gap(&explained(&pair), 200_000).cause, HostCause::HostSmi);
}

#[test]
fn an_smi_of_a_long_time_is_not_surely_the_gap() {
    let mut pair = usual();
    pair.gap(0, AT, AT + 200_000);
    pair.smi(0, AT - 4_000_000_000, AT + 4_000_000_000, 1);
    let found = gap(&explained(&pair), 200_000).clone();
    assert_eq!(
        (found.cause, found.confidence),
        (HostCause::HostSmi, Confidence::Probable)
    );
}

#[test]
fn an_smi_where_the_vcpu_was_not_is_not_its_gaps() {
    // Before its first absence.
    let mut pair = usual();
    pair.gap(0, 60_000_000, 60_200_000);
    pair.smi(0, 55_000_000, 65_000_000, 1);
    assert_unknown(&explained(&pair), 200_000, "ran on this host");
    // It was never seen.
    let mut pair = Pair::new(1);
    pair.gap(0, AT, AT + 200_000);
    pair.smi(0, AT - 1_000_000, AT + 1_000_000, 1);
    assert_unknown(&explained(&pair), 200_000, "ran on this host");
}

#[test]
fn an_absence_that_is_longer_than_its_gap_explains_nothing() {
    for (before, after) in [(2_000_000, 2_000_000), (940_000, 0), (9_000, 9_000)] {
        let mut pair = usual();
        let task = [part(
            HostCause::HostTask,
            "rt (77)",
            before + 100_000 + after,
        )];
        pair.absence(0, AT - before, ("EXTERNAL_INTERRUPT", Isa::Vmx), &task);
        pair.gap(0, AT, AT + 100_000);
        let told = explained(&pair);
        assert_unknown(&told, 100_000, "the clocks do not fit there");
        assert_eq!(told.verdict.result, Outcome::Inconclusive);
    }
}

#[test]
fn an_absence_is_counted_in_one_gap() {
    let mut pair = Pair::new(1);
    pair.host.run.clock_error_ns = Nanos(20_000);
    for number in 0..30 {
        let at = pair.moment(number, 30);
        pair.stall(0, at, &[part(HostCause::HostTask, "rt (77)", 100_000)]);
    }
    pair.gap(0, AT, AT + 20_000);
    pair.stall(
        0,
        AT + 21_000,
        &[part(HostCause::HostTask, "kworker (9)", 30_000)],
    );
    let told = explained(&pair);
    assert_unknown(&told, 20_000, "the clocks are known to");
    assert_eq!(gap(&told, 31_200).confidence, Confidence::Proved);
    let total = told.totals.iter().find(|total| total.what == "kworker (9)");
    assert_eq!(total.unwrap().total_ns, Nanos(30_000));
}

#[test]
fn what_the_clocks_may_put_elsewhere_is_probable() {
    let mut pair = usual();
    pair.host.run.clock_error_ns = Nanos(40_000);
    pair.stall(0, AT, &[part(HostCause::HostTask, "rt (77)", 90_000)]);
    let told = explained(&pair);
    let short = told.gaps.iter().filter(|gap| gap.below_ns < Nanos(40_000));
    for gap in short {
        assert!(gap.confidence <= Confidence::Probable, "{gap:?}");
    }
    // A long one meets its absence wherever they put it.
    assert!(gap(&told, 91_200).confidence > Confidence::Probable);
    // By clocks that are this far off nothing lies in a gap by itself.
    pair.gap(0, AT + 50_000_000, AT + 50_500_000);
    pair.host.run.clock_error_ns = Nanos(10_000_000_000);
    assert_unknown(&explained(&pair), 500_000, "the clocks are known to");
}

#[test]
fn an_smi_that_nothing_counts_is_not_proved() {
    let mut pair = usual();
    let exit = [part(HostCause::VmExit, "smi", 1_500)];
    pair.absence(0, AT + 9_990_000, ("smi", Isa::Svm), &exit);
    let own = pair.vcpu(0).absences.iter_mut();
    own.filter(|one| one.duration_ns == Nanos(1_500))
        .for_each(|one| one.exit.as_mut().unwrap().code = 0x62);
    pair.gap(0, AT, AT + 9_992_000);
    for rises in [None, Some(Vec::new())] {
        pair.host.smi_rises = rises;
        let found = gap(&explained(&pair), 9_992_000).clone();
        assert_eq!(
            (found.cause, found.confidence),
            (HostCause::HostSmi, Confidence::Probable)
        );
    }
}

#[test]
fn several_absences_without_a_record_may_be_the_gap() {
    let mut pair = usual();
    pair.gap(0, AT, AT + 15_900);
    pair.gap(0, AT + 50_000_000, AT + 50_090_000);
    let with_kernel = pair.gap(0, AT + 90_000_000, AT + 90_500_000);
    with_kernel.os_ns = Nanos(100_000);
    with_kernel.platform_ns = Nanos(400_000);
    let told = explained(&pair);
    for below in [15_900, 90_000, 400_000] {
        assert_unknown(&told, below, "absences above 5 us only");
    }
    pair.smi(0, AT + 49_000_000, AT + 51_000_000, 1);
    let told = explained(&pair);
    assert_eq!(gap(&told, 90_000).cause, HostCause::HostSmi);
    assert_eq!(gap(&told, 90_000).confidence, Confidence::Probable);
}

#[test]
fn a_run_that_was_half_observed_is_not_known_to_be_fit() {
    assert!(!has(&explained(&usual()), "run-not-observed"));
    let mut half = usual();
    half.stall(
        0,
        2_000_000_000,
        &[part(HostCause::HostTask, "rt (77)", 60_000)],
    );
    let mut lost = half.clone();
    half.host.run.end_cycles = Cycles(LENGTH);
    lost.vcpu(0).lost.push(LostTime {
        start_cycles: Cycles(2 * 3_000_000_000),
        end_cycles: Cycles(2 * 9_000_000_000),
    });
    for (pair, share) in [(half, "49.50 %"), (lost, "40.00 %")] {
        let told = explained(&pair);
        assert_eq!(told.verdict.result, Outcome::Inconclusive);
        let text = &told.verdict.text;
        assert!(
            text.contains(&format!("{share} of its run was observed")),
            "{text}"
        );
        assert!(has(&told, "run-not-observed"));
    }
}

#[test]
fn a_report_of_a_run_that_was_cut_off_says_so() {
    let mut pair = usual();
    pair.host.run.ended_by = EndedBy::Error;
    assert!(has(&explained(&pair), "run-unfinished"));
    let mut pair = usual();
    pair.guest.run.ended_by = EndedBy::Running;
    assert!(has(&explained(&pair), "run-unfinished"));
}

#[test]
fn a_vcpu_whose_clock_is_not_known_was_seen_all_the_same() {
    let mut pair = Pair::new(1);
    pair.gap(0, AT, AT + 150_000);
    pair.vcpu(0).guest_tsc = None;
    assert_unknown(&explained(&pair), 150_000, "the clock of this vCPU");
}

#[test]
fn where_the_guest_does_not_know_its_kernels_part_an_absence_is_not_proved_to_be_the_rest() {
    let mut pair = usual();
    let absent = [part(HostCause::HostTask, "rt (7, SCHED_FIFO 80)", 60_000)];
    pair.absence(0, AT + 5_000, ("EXTERNAL_INTERRUPT", Isa::Vmx), &absent);
    let found = pair.gap(0, AT, AT + 200_000);
    found.cause = Cause::Unknown;
    (found.os_ns, found.platform_ns) = (Nanos(120_000), Nanos(0));
    found.unknown_ns = Nanos(80_000);
    let told = explained(&pair);
    let found = gap(&told, 80_000);
    assert_eq!(found.parts[0].confidence, Confidence::Probable, "{found:?}");
}

#[test]
fn gaps_of_a_tracer_have_no_exact_place_and_prove_nothing() {
    let mut pair = usual();
    let is_proved = |pair: &Pair| {
        let mut gaps = explained(pair).gaps.into_iter();
        gaps.any(|gap| gap.confidence == Confidence::Proved)
    };
    assert!(is_proved(&pair));
    pair.guest.run.engine = EngineName::Hwlat;
    assert!(!is_proved(&pair));
}

/// What a device took of the guest's own kernel is no cause of what lies below.
#[test]
fn what_is_lost_below_the_kernel_is_not_what_the_kernel_waited_for() {
    let mut pair = usual();
    let device = [part(HostCause::Vmm, "io, port 0x70", 300_000)];
    pair.absence(0, AT + 20_000, ("ioio", Isa::Svm), &device);
    let found = pair.gap(0, AT, AT + 440_000);
    found.cause = Cause::HypervisorOs;
    found.os_ns = Nanos(360_000);
    found.platform_ns = Nanos(80_000);
    found.platform_at_ns = Nanos(360_000);
    pair.vcpu(0).lost.push(LostTime {
        start_cycles: Cycles(2 * (AT + 360_000)),
        end_cycles: Cycles(2 * (AT + 430_000)),
    });
    let told = explained(&pair);
    assert_unknown(&told, 80_000, "records of the host were lost");
    let detail = &gap(&told, 80_000).detail;
    assert!(
        detail.starts_with("not-observed") && detail.ends_with("in the guest's own kernel"),
        "{detail}"
    );
}
