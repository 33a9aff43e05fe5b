//! Absences of which a guest that samples knows nothing: they speak against a
//! clock, however many gaps fit by it.

use hwgap::model::absence::HostCause;
use hwgap::model::explained::{ClockJoinSource, ClockStanding, Explanation};
use hwgap::units::CpuId;

use super::pair::{LENGTH, OFFSET, Pair, part};
use super::{explained, has};

const SECOND: u64 = 1_000_000_000;

fn assert_nothing(told: &Explanation) {
    let clocks = &told.hosts[0].clocks;
    assert_eq!(clocks.standing, ClockStanding::Contradicted, "{clocks:?}");
    for gap in &told.gaps {
        assert_eq!(gap.cause, HostCause::NotObserved, "{gap:?}");
    }
}

fn task(pair: &mut Pair, cpu: u32, at: u64) {
    pair.stall(
        cpu,
        at,
        &[part(HostCause::HostTask, "rt (7, real-time 80)", 500_000)],
    );
}

/// A timer of the host's, on all CPUs at once, as without skew_tick.
fn ticks(pair: &mut Pair) {
    for beat in 0..300 {
        for cpu in 0..pair.guest.cpus.len() as u32 {
            let at = 100_000_000 + beat * 32_000_000 + 777;
            pair.stall(
                cpu,
                at,
                &[part(HostCause::HostInterrupt, "local_timer", 60_000)],
            );
        }
    }
}

#[test]
fn a_broken_offset_is_not_explained_by_smis_that_may_be_anywhere() {
    let mut pair = Pair::new(1);
    for number in 0..60 {
        let at = pair.moment(number, 60);
        task(&mut pair, 0, at);
    }
    for second in 0..LENGTH / SECOND {
        pair.smi(0, second * SECOND, (second + 1) * SECOND, 10);
    }
    assert!(
        explained(&pair)
            .gaps
            .iter()
            .all(|gap| gap.cause == HostCause::HostTask)
    );
    for by in [1_000_000, 2_000_000_000] {
        pair.told(0, 0, OFFSET + by);
        assert_nothing(&explained(&pair));
    }
}

#[test]
fn vcpus_that_are_swapped_are_told_by_what_comes_at_no_pace() {
    for tasks in [1, 4] {
        let mut pair = Pair::new(2);
        ticks(&mut pair);
        for number in 0..tasks {
            let at = pair.moment(number, tasks) / 32_000_000 * 32_000_000 + 20_000_000;
            task(&mut pair, 0, at);
        }
        assert_eq!(
            explained(&pair).hosts[0].clocks.standing,
            ClockStanding::Verified
        );
        for gap in &mut pair.guest.gaps {
            gap.cpu = CpuId(1 - gap.cpu.0);
        }
        let told = explained(&pair);
        assert!(has(&told, "clock-vcpu-swapped"), "{:?}", told.findings);
        assert_nothing(&told);
    }
}

#[test]
fn an_offset_that_is_off_by_a_period_is_told_by_one_stall() {
    let mut pair = Pair::new(1);
    ticks(&mut pair);
    task(&mut pair, 0, 5_010_000_000);
    pair.told(0, 0, OFFSET + 2 * 32_000_000);
    let told = explained(&pair);
    assert!(told.hosts[0].clocks.fitting > 290);
    assert_nothing(&told);
}

#[test]
fn absences_that_no_gap_holds_contradict_the_clock() {
    let mut pair = Pair::new(1);
    pair.usual(30);
    let parts = [part(HostCause::HostTask, "rt (7, real-time 80)", 500_000)];
    for number in 0..3 {
        let reason = ("EXTERNAL_INTERRUPT", hwgap::model::absence::Isa::Vmx);
        pair.absence(0, 2_000_000_123 + number * SECOND, reason, &parts);
    }
    let told = explained(&pair);
    assert!(has(&told, "clock-broken"), "{:?}", told.findings);
    assert_nothing(&told);
    // Not where the guest did not sample all the time.
    let row = &mut pair.guest.cpus[0];
    row.paused_ns = hwgap::units::Nanos(SECOND);
    let told = explained(&pair);
    assert_eq!(told.hosts[0].clocks.standing, ClockStanding::Verified);
}

#[test]
fn gaps_without_absences_do_not_contradict_a_clock_by_which_all_absences_fit() {
    let mut pair = Pair::new(1);
    for number in 0..20 {
        let at = pair.moment(number, 20);
        task(&mut pair, 0, at);
    }
    pair.host.smi_rises = None;
    for number in 0..40 {
        let at = pair.moment(number, 40);
        pair.gap(0, at, at + 151_000);
    }
    let told = explained(&pair);
    let clocks = &told.hosts[0].clocks;
    assert_eq!(
        clocks.standing,
        ClockStanding::Verified,
        "{clocks:?} {:?}",
        told.findings
    );
    let without = told
        .gaps
        .iter()
        .filter(|gap| gap.cause != HostCause::HostTask);
    assert!(without.count() >= 38);
}

#[test]
fn a_pace_that_two_machines_share_is_no_clock() {
    let mut guest = Pair::new(1);
    let mut host = Pair::seeded(1, 0x5eed);
    for pair in [&mut guest, &mut host] {
        for beat in 0..2_000 {
            let at = 100_000_000 + beat * 4_000_000;
            let length = 20_000 + beat * beat % 9_000;
            pair.stall(
                0,
                at,
                &[part(HostCause::HostInterrupt, "local_timer", length)],
            );
        }
        for number in 0..8 {
            let at = pair.moment(number, 8) / 4_000_000 * 4_000_000 + 1_500_000;
            task(pair, 0, at);
        }
    }
    guest.host = host.host;
    guest.vcpu(0).guest_tsc = None;
    let told = explained(&guest);
    let source = told.hosts[0].clocks.source;
    assert_ne!(source, Some(ClockJoinSource::Kvm));
    for gap in &told.gaps {
        assert_eq!(gap.cause, HostCause::NotObserved, "{gap:?}");
    }
}
