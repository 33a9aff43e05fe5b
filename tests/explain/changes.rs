//! Clocks that are wrong for a part of the run, or where few gaps tell.

use hwgap::explain::Question;
use hwgap::model::Outcome;
use hwgap::model::absence::{HostCause, Isa};
use hwgap::model::explained::{ClockStanding, Explanation};
use hwgap::units::{CpuId, Nanos};

use super::pair::{OFFSET, Pair, part};
use super::{explained, has};

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const TICK: (&str, Isa) = ("EXTERNAL_INTERRUPT", Isa::Vmx);

fn task(pair: &mut Pair, cpu: u32, at: u64, length: u64) {
    let parts = [part(HostCause::HostTask, "rt (7, SCHED_FIFO 80)", length)];
    pair.stall(cpu, at, &parts);
}

/// The guest's clock is later by so much from a moment on, and nobody tells it.
fn set_on(pair: &mut Pair, from: u64, by: u64) {
    let late = pair.guest.gaps.iter_mut();
    for gap in late.filter(|gap| gap.start_cycles.0 > 2 * from) {
        gap.start_cycles.0 += 2 * by;
        gap.end_cycles.0 += 2 * by;
    }
}

fn assert_in_doubt(told: &Explanation) {
    let standing = told.hosts[0].clocks.standing;
    assert_eq!(standing, ClockStanding::Contradicted, "{:?}", told.findings);
    assert_eq!(
        told.verdict.result,
        Outcome::Inconclusive,
        "{}",
        told.verdict.text
    );
    for gap in &told.gaps {
        assert_eq!(gap.cause, HostCause::NotObserved, "{gap:?}");
    }
}

/// A guest that pauses, so that an absence in no gap says nothing.
fn paused(pair: &mut Pair) {
    pair.guest.cpus[0].paused_ns = Nanos(SECOND);
}

#[test]
fn a_change_that_nobody_told_is_noticed_by_gaps_in_succession() {
    let mut pair = Pair::new(1);
    for number in 0..100 {
        let at = pair.moment(number, 100);
        task(&mut pair, 0, at, 150_000 + 1_000 * (number % 40));
    }
    paused(&mut pair);
    let standing = explained(&pair).hosts[0].clocks.standing;
    assert_eq!(standing, ClockStanding::Verified);
    set_on(&mut pair, 77 * SECOND / 10, 30 * MILLISECOND);
    let told = explained(&pair);
    assert!(has(&told, "clock-changed"), "{:?}", told.findings);
    assert_in_doubt(&told);
    // Nor where the data show the offset of the most.
    pair.vcpu(0).guest_tsc = None;
    assert_in_doubt(&explained(&pair));
}

#[test]
fn a_burst_of_smis_is_no_change_of_the_clock() {
    let mut pair = Pair::new(1);
    pair.usual(60);
    paused(&mut pair);
    for number in 0..20 {
        let at = 5 * SECOND + number * 3 * MILLISECOND + 77;
        pair.gap(0, at, at + 180_000);
        pair.smi(0, at - MILLISECOND, at + MILLISECOND, 1);
    }
    let told = explained(&pair);
    let clocks = &told.hosts[0].clocks;
    assert_eq!(
        clocks.standing,
        ClockStanding::Verified,
        "{:?}",
        told.findings
    );
}

#[test]
fn nothing_in_the_second_before_a_new_offset_is_explained() {
    let mut pair = Pair::new(1);
    // Two works of the host keep one pace, and the clock is set on by half of it.
    let (beat, restored, seen) = (40 * MILLISECOND, 42 * SECOND / 10, 5 * SECOND);
    for number in 0..240 {
        let at = 100 * MILLISECOND + number * beat;
        let tick = [part(HostCause::HostInterrupt, "local_timer", 60_000)];
        pair.stall(0, at, &tick);
        task(&mut pair, 0, at + beat / 2, 60_000);
    }
    set_on(&mut pair, restored, beat / 2);
    let jump = beat as i64;
    pair.told(0, seen, OFFSET + jump);
    let told = explained(&pair);
    let begin = |gap: &hwgap::model::explained::ExplainedGap| gap.start_cycles.0 / 2;
    let between = told
        .gaps
        .iter()
        .filter(|gap| (restored..seen - 60 * MILLISECOND).contains(&begin(gap)));
    let mut count = 0;
    for gap in between {
        assert_eq!(gap.cause, HostCause::NotObserved, "{gap:?}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn a_cpu_without_gaps_is_held_against_its_absences() {
    let absent = [part(HostCause::HostTask, "rt (7, SCHED_FIFO 80)", 500_000)];
    for others in [0, 30] {
        let mut pair = Pair::new(2);
        for number in 0..others {
            let at = pair.moment(number, others);
            task(&mut pair, 0, at, 20_000 + 1_000 * (number % 7));
        }
        assert_eq!(explained(&pair).verdict.result, Outcome::Pass);
        for number in 0..20 {
            let at = pair.moment(number, 20);
            pair.absence(1, at, TICK, &absent);
        }
        let told = explained(&pair);
        assert!(has(&told, "clock-broken"), "{:?}", told.findings);
        assert_eq!(
            told.verdict.result,
            Outcome::Inconclusive,
            "{}",
            told.verdict.text
        );
    }
}

#[test]
fn a_single_gap_that_lies_beside_its_absence_contradicts_the_clock() {
    let mut pair = Pair::new(2);
    for cpu in 0..2 {
        pair.guest.run.threshold_ns = Nanos(100_000);
        for number in 0..20 {
            let at = pair.moment(number, 20);
            pair.absence(
                cpu,
                at,
                TICK,
                &[part(HostCause::HostInterrupt, "local_timer", 20_000)],
            );
        }
    }
    task(&mut pair, 0, 2 * SECOND + 123, 300_000);
    task(&mut pair, 1, 6 * SECOND + 123, 150_000);
    assert_eq!(explained(&pair).verdict.result, Outcome::Pass);
    let mut swapped = pair.clone();
    for gap in &mut swapped.guest.gaps {
        gap.cpu = CpuId(1 - gap.cpu.0);
    }
    assert_in_doubt(&explained(&swapped));
    pair.guest.gaps.truncate(1);
    pair.vcpu(1).absences.clear();
    for pauses in [false, true] {
        let mut shifted = pair.clone();
        if pauses {
            paused(&mut shifted);
        }
        shifted.told(0, 0, OFFSET + 10 * MILLISECOND as i64);
        assert_in_doubt(&explained(&shifted));
    }
}

#[test]
fn a_broken_clock_of_one_cpu_speaks_against_the_few_gaps_of_another() {
    let mut pair = Pair::new(2);
    for number in 0..40 {
        let length = 20_000 + 1_000 * (number % 7);
        let at = pair.moment(number, 40);
        pair.gap(0, at, at + length);
        let at = pair.moment(number, 40);
        pair.absence(
            0,
            at,
            TICK,
            &[part(HostCause::HostInterrupt, "local_timer", length)],
        );
        pair.absence(
            1,
            at,
            TICK,
            &[part(HostCause::HostInterrupt, "local_timer", 8_000)],
        );
    }
    pair.gap(1, 5 * SECOND + 123, 5 * SECOND + 300_123);
    assert_in_doubt(&explained(&pair));
}

#[test]
fn one_absence_in_no_gap_is_told_and_above_the_limit_leaves_the_verdict_open() {
    let mut pair = Pair::new(1);
    pair.usual(30);
    let at = 5 * SECOND + MILLISECOND;
    pair.absence(
        0,
        at,
        TICK,
        &[part(
            HostCause::HostTask,
            "rt (7, SCHED_FIFO 80)",
            5_000_000,
        )],
    );
    let told = explained(&pair);
    assert!(has(&told, "absence-in-no-gap"), "{:?}", told.findings);
    assert_eq!(told.verdict.result, Outcome::Pass);
    pair.guest.run.hardlimit_ns = Nanos(1_000_000);
    let told = explained(&pair);
    assert_eq!(told.verdict.result, Outcome::Inconclusive);
    assert!(
        told.verdict.text.contains("5.00 ms"),
        "{}",
        told.verdict.text
    );
}

/// A report lists the longest gaps by their part below the kernel, and some of the
/// kernel's: one that is left out may hold a long absence.
#[test]
fn an_absence_may_lie_in_a_gap_that_is_not_listed() {
    let mut pair = Pair::new(1);
    pair.usual(40);
    let absent = [part(HostCause::HostTask, "rt (7, SCHED_FIFO 80)", 900_000)];
    for number in 0..20 {
        let at = pair.moment(number, 20);
        pair.absence(0, at, TICK, &absent);
    }
    assert!(has(&explained(&pair), "clock-broken"));
    let mut guest = pair.settled();
    guest.cpus[0].gaps_seen += 20;
    let hosts = [pair.host()];
    let told = hwgap::explain::explain(&guest, &hosts, &Question::default());
    let told = told.unwrap().explanation;
    assert_eq!(told.hosts[0].clocks.standing, ClockStanding::Verified);
    assert!(!has(&told, "absence-in-no-gap"), "{:?}", told.findings);
}

#[test]
fn most_gaps_on_no_absence_are_the_cpus_where_all_absences_fit() {
    let mut pair = Pair::new(1);
    pair.host.smi_rises = None;
    for number in 0..5 {
        let at = pair.moment(number, 5);
        task(&mut pair, 0, at, 300_000 + 7_000 * number);
    }
    for number in 0..12 {
        let at = pair.moment(number, 12);
        pair.gap(0, at, at + 151_000);
    }
    let mut guest = pair.settled();
    // Not all gaps are listed.
    guest.cpus[0].gaps_seen += 20;
    let told = hwgap::explain::explain(&guest, &[pair.host()], &Question::default());
    let clocks = told.unwrap().explanation.hosts.remove(0).clocks;
    assert_eq!(clocks.standing, ClockStanding::Unverified, "{clocks:?}");
}
