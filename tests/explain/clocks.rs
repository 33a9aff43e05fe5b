//! Clocks that fit, that change, and that do not fit.

use hwgap::explain::{ExplainError, Question, explain};
use hwgap::model::absence::HostCause;
use hwgap::model::explained::{ClockJoinSource, ClockStanding, Explanation};
use hwgap::model::{Confidence, Outcome};
use hwgap::units::{CpuId, Nanos};

use super::pair::{OFFSET, Pair, part};
use super::{by, by_hosts, explained, gap, has};

fn usual(cpus: u32) -> Pair {
    let mut pair = Pair::new(cpus);
    pair.usual(30);
    pair
}

/// Nothing may be explained.
fn assert_nothing(told: &Explanation) {
    for gap in &told.gaps {
        assert_eq!(gap.cause, HostCause::NotObserved, "{gap:?}");
        assert_eq!(gap.confidence, Confidence::None);
    }
    assert_eq!(told.verdict.result, Outcome::Inconclusive);
    assert!(told.cpus.iter().all(|cpu| cpu.explained == 0));
}

#[test]
fn what_kvm_tells_is_verified() {
    let told = explained(&usual(2));
    let clocks = &told.hosts[0].clocks;
    assert_eq!(clocks.source, Some(ClockJoinSource::Kvm));
    assert_eq!(clocks.standing, ClockStanding::Verified);
    assert_eq!(clocks.offset, Some(OFFSET.to_string()));
    assert_eq!((clocks.tried, clocks.fitting), (60, 60));
    assert!(clocks.by_chance < 5, "{clocks:?}");
    assert_eq!(clocks.median_ns, Some(Nanos(700)));
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.confidence == Confidence::Proved)
    );
}

#[test]
fn a_ratio_is_taken_into_account() {
    let mut pair = usual(1);
    // The guest's clock runs at 3 GHz on a host of 2 GHz.
    let origin: u64 = pair.guest.tsc.origin.parse().unwrap();
    let host = origin.wrapping_add_signed(-OFFSET);
    let offset = origin.wrapping_sub((u128::from(host) * 3 / 2) as u64) as i64;
    for gap in &mut pair.guest.gaps {
        gap.start_cycles.0 = gap.start_cycles.0 * 3 / 2;
        gap.end_cycles.0 = gap.end_cycles.0 * 3 / 2;
    }
    pair.guest.tsc.hz = 3e9;
    pair.told(0, 0, offset);
    let line = &mut pair.vcpu(0).guest_tsc.as_mut().unwrap()[0];
    (line.ratio, line.ratio_bits) = ((3_u64 << 31).to_string(), 32);
    let told = explained(&pair);
    assert_eq!(told.hosts[0].clocks.ratio, 1.5);
    assert_eq!(told.hosts[0].clocks.fitting, 30);
    pair.vcpu(0).guest_tsc = None;
    let told = explained(&pair);
    let clocks = &told.hosts[0].clocks;
    assert_eq!(
        clocks.source,
        Some(ClockJoinSource::Recovered),
        "{:?}",
        told.findings
    );
    assert!(clocks.fitting >= 27, "{clocks:?}");
}

#[test]
fn an_offset_is_recovered_from_the_data() {
    let mut pair = usual(2);
    for cpu in 0..2 {
        pair.vcpu(cpu).guest_tsc = None;
    }
    let told = explained(&pair);
    let clocks = &told.hosts[0].clocks;
    assert_eq!(
        clocks.source,
        Some(ClockJoinSource::Recovered),
        "{:?}",
        told.findings
    );
    assert_eq!(clocks.standing, ClockStanding::Verified);
    let offset: i64 = clocks.offset.as_ref().unwrap().parse().unwrap();
    let apart = (offset - OFFSET).unsigned_abs() / 2;
    assert!(apart <= clocks.error_ns.0, "{apart} {clocks:?}");
    assert!(clocks.error_ns <= Nanos(1_500));
    assert!(clocks.by_chance * 2 < clocks.fitting, "{clocks:?}");
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.confidence == Confidence::Strong)
    );
}

#[test]
fn an_even_pace_alone_recovers_nothing() {
    let mut pair = Pair::new(1);
    for beat in 0..2_000 {
        let at = 100_000_000 + beat * 4_000_000;
        pair.stall(
            0,
            at,
            &[part(HostCause::HostInterrupt, "local_timer", 20_000)],
        );
    }
    pair.vcpu(0).guest_tsc = None;
    let told = explained(&pair);
    assert_eq!(told.hosts[0].clocks.source, None);
    assert!(has(&told, "clock-not-found"));
    assert_nothing(&told);
}

#[test]
fn gaps_of_another_guest_recover_nothing() {
    let mut pair = usual(1);
    let mut other = Pair::seeded(1, 0x5eed_cafe);
    other.usual(30);
    pair.host = other.host;
    pair.vcpu(0).guest_tsc = None;
    let told = explained(&pair);
    assert!(has(&told, "clock-not-found"), "{:?}", told.hosts[0].clocks);
    assert_nothing(&told);
}

#[test]
fn a_broken_offset_is_noticed() {
    let mut pair = usual(2);
    for cpu in 0..2 {
        // In the middle of nowhere: no recovery names it, as gaps and absences
        // are of different times.
        pair.told(cpu, 0, OFFSET + 3_000_000_000);
    }
    let told = explained(&pair);
    assert_eq!(told.hosts[0].clocks.standing, ClockStanding::Contradicted);
    assert!(has(&told, "clock-shifted") || has(&told, "clock-broken"));
    assert_nothing(&told);
}

#[test]
fn an_offset_from_another_time_is_noticed() {
    let mut pair = usual(2);
    for cpu in 0..2 {
        pair.told(cpu, 0, OFFSET + 20_000_000_000_000);
    }
    let told = explained(&pair);
    assert!(has(&told, "clock-out-of-time"), "{:?}", told.findings);
    assert_nothing(&told);
}

#[test]
fn a_clock_that_is_a_little_off_is_noticed() {
    for by_ns in [8_000, -8_000, 30_000, -200_000, 4_000_000] {
        let mut pair = usual(2);
        for cpu in 0..2 {
            pair.told(cpu, 0, OFFSET + by_ns * 2);
        }
        let told = explained(&pair);
        let found = told.findings.iter().find(|one| one.id == "clock-shifted");
        let text = &found
            .unwrap_or_else(|| panic!("{by_ns}: {:?}", told.findings))
            .text;
        assert!(text.contains("Nothing is explained"), "{text}");
        assert_nothing(&told);
    }
}

/// Most gaps fit by such an offset, too.
#[test]
fn a_clock_that_is_off_by_a_period_is_noticed() {
    let mut pair = usual(1);
    for beat in 0..300 {
        let at = 100_000_000 + beat * 32_000_000 + 777;
        let parts = [part(HostCause::HostInterrupt, "local_timer", 16_000)];
        pair.stall(0, at, &parts);
    }
    assert!(!has(&explained(&pair), "clock-shifted"));
    pair.told(0, 0, OFFSET + 2 * 32_000_000);
    let told = explained(&pair);
    assert!(told.hosts[0].clocks.fitting > 290);
    assert!(has(&told, "clock-shifted"), "{:?}", told.hosts[0].clocks);
    assert_nothing(&told);
}

#[test]
fn a_given_offset_is_held_against_the_data() {
    let pair = usual(1);
    let given = |offset: i64| {
        by(
            &pair,
            &Question {
                offset: Some(offset as u64),
                ..Question::default()
            },
        )
    };
    let told = given(OFFSET);
    assert_eq!(told.hosts[0].clocks.source, Some(ClockJoinSource::Given));
    assert_eq!(told.hosts[0].clocks.fitting, 30);
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.confidence == Confidence::Strong)
    );
    assert_nothing(&given(OFFSET - 100_000));
}

#[test]
fn a_swapped_vcpu_is_noticed() {
    let mut pair = usual(3);
    for gap in &mut pair.guest.gaps {
        gap.cpu = match gap.cpu {
            CpuId(0) => CpuId(1),
            CpuId(1) => CpuId(0),
            other => other,
        };
    }
    let told = explained(&pair);
    let swapped = told
        .findings
        .iter()
        .filter(|one| one.id == "clock-vcpu-swapped");
    assert_eq!(swapped.count(), 2);
    for gap in &told.gaps {
        let is_swapped = gap.cpu != CpuId(2);
        assert_eq!(gap.cause == HostCause::NotObserved, is_swapped, "{gap:?}");
    }
}

#[test]
fn the_same_is_noticed_without_what_kvm_tells() {
    let mut pair = usual(3);
    for gap in &mut pair.guest.gaps {
        gap.cpu = match gap.cpu {
            CpuId(0) => CpuId(1),
            CpuId(1) => CpuId(0),
            other => other,
        };
    }
    for cpu in 0..3 {
        pair.vcpu(cpu).guest_tsc = None;
    }
    let told = explained(&pair);
    for gap in told.gaps.iter().filter(|gap| gap.cpu != CpuId(2)) {
        assert_eq!(gap.cause, HostCause::NotObserved, "{gap:?}");
    }
}

#[test]
fn an_offset_that_changes_is_followed() {
    let mut pair = usual(1);
    let restored = 5_000_000_000;
    let jump = 1_000_000_000_000;
    for gap in &mut pair.guest.gaps {
        if gap.start_cycles.0 > 2 * (restored - 50_000_000) {
            gap.start_cycles.0 += jump;
            gap.end_cycles.0 += jump;
        }
    }
    pair.told(0, restored, OFFSET + jump as i64);
    let told = explained(&pair);
    let clocks = &told.hosts[0].clocks;
    assert_eq!(
        (clocks.lines, clocks.standing),
        (2, ClockStanding::Verified)
    );
    assert!(has(&told, "clock-offset-changed"));
    let explained = told
        .gaps
        .iter()
        .filter(|gap| gap.cause == HostCause::HostInterrupt);
    // But for those in the second before the new offset was first seen.
    assert_eq!(explained.count(), 27);
    // With the first line only, the rest is of no time that was observed.
    pair.vcpu(0).guest_tsc.as_mut().unwrap().truncate(1);
    let told = super::explained(&pair);
    let explained = told
        .gaps
        .iter()
        .filter(|gap| gap.cause == HostCause::HostInterrupt);
    assert!(explained.count() < 20);
}

#[test]
fn a_gap_where_the_clock_may_have_been_set_is_no_cpus() {
    let mut pair = usual(1);
    let restored = 5_000_000_000;
    pair.gap(0, restored - 300_000_000, restored - 299_850_000);
    pair.told(0, restored, OFFSET + 1_000_000);
    let told = explained(&pair);
    let found = gap(&told, 150_000);
    assert_eq!(found.cause, HostCause::NotObserved, "{found:?}");
}

#[test]
fn a_guest_that_moved_is_explained_by_both_hosts() {
    let pair = usual(1);
    let moved = 2 * 5_000_000_000;
    let mut hosts = [pair.host.clone(), pair.host.clone()];
    hosts[0].guests[0].vcpus[0]
        .absences
        .retain(|one| one.start_cycles.0 < moved);
    let second = &mut hosts[1];
    // Another machine, with another clock.
    second.tsc.origin = "123456789".to_owned();
    second.host.hostname = Some("second".to_owned());
    let vcpu = &mut second.guests[0].vcpus[0];
    vcpu.absences.retain(|one| one.start_cycles.0 > moved);
    let offset = OFFSET + super::pair::HOST_ORIGIN as i64 - 123_456_789;
    vcpu.guest_tsc.as_mut().unwrap()[0].offset = offset.to_string();
    let told = by_hosts(&pair, &hosts, &Question::default());
    let of = |host: u32| {
        told.gaps
            .iter()
            .filter(move |gap| gap.host == Some(host))
            .count()
    };
    assert_eq!(of(0) + of(1), 30, "{:?}", told.findings);
    assert!(of(0) > 10 && of(1) > 10);
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.cause == HostCause::HostInterrupt)
    );
    let question = Question {
        offset: Some(1),
        ..Question::default()
    };
    let refused = explain(&pair.settled(), &hosts, &question);
    assert!(matches!(refused, Err(ExplainError::OffsetOfSeveral)));
}

#[test]
fn the_guest_that_fits_is_chosen() {
    let mut pair = usual(1);
    let mut other = Pair::seeded(1, 0x5eed_cafe);
    other.usual(30);
    let mut neighbour = other.host.guests.remove(0);
    neighbour.name = "neighbour".to_owned();
    neighbour.pid = 99;
    pair.host.guests.insert(0, neighbour);
    let told = explained(&pair);
    assert_eq!(told.hosts[0].guest_name, "rt-guest");
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.cause == HostCause::HostInterrupt)
    );
    let asked = |name: &str| Question {
        guest: Some(name.to_owned()),
        ..Question::default()
    };
    for name in ["neighbour", "99"] {
        assert_nothing(&by(&pair, &asked(name)));
    }
    let none = explain(
        &pair.settled(),
        std::slice::from_ref(&pair.host),
        &asked("x"),
    );
    assert!(matches!(none, Err(ExplainError::NoSuchGuest { .. })));
    pair.host.guests.pop();
    let twin = pair.host.guests[0].clone();
    pair.host.guests.push(twin);
    let none = explain(
        &pair.settled(),
        std::slice::from_ref(&pair.host),
        &Question::default(),
    );
    assert!(matches!(none, Err(ExplainError::Unclear { .. })));
}

#[test]
fn too_few_gaps_prove_nothing() {
    let mut pair = Pair::new(1);
    pair.usual(3);
    let told = explained(&pair);
    assert_eq!(told.hosts[0].clocks.standing, ClockStanding::Unverified);
    assert!(has(&told, "clock-unverified"));
    assert!(
        told.gaps
            .iter()
            .all(|gap| gap.confidence == Confidence::Strong)
    );
}

#[test]
fn smis_do_not_speak_against_a_clock() {
    let mut pair = usual(1);
    for number in 0..60 {
        let at = pair.moment(number, 60);
        pair.gap(0, at, at + 200_000);
        pair.smi(0, at - 1_000_000, at + 1_000_000, 1);
    }
    let told = explained(&pair);
    assert_eq!(told.hosts[0].clocks.standing, ClockStanding::Verified);
    let smis = told
        .gaps
        .iter()
        .filter(|gap| gap.cause == HostCause::HostSmi);
    assert!(smis.count() >= 55);
}

#[test]
fn a_guest_on_xen_is_told_what_it_can_learn() {
    let mut pair = usual(1);
    pair.guest.host.hypervisor = Some("Xen".to_owned());
    assert!(has(&explained(&pair), "guest-on-xen"));
}

#[test]
fn a_host_of_another_day_is_noticed() {
    let mut pair = usual(1);
    assert!(!has(&explained(&pair), "clock-other-day"));
    pair.host.run.started_utc = pair.host.run.started_utc.replace("2026", "2025");
    assert!(has(&explained(&pair), "clock-other-day"));
}
