//! The engine on this machine, where it allows that; else each test prints
//! what is missing and passes.

use std::time::{Duration, Instant};

use super::*;
use crate::evidence::watches::RegisterSources;
use crate::host::Host;
use crate::host::root::Root;
use crate::privileges::Keep;
use crate::sampler::engine::Engine;
use crate::sampler::{Readings, Window};
use crate::sys::clock::monotonic_moment;
use crate::units::Hertz;

fn ability() -> Option<Ability> {
    let root = Root::live();
    match probe(&root, &Host::read(&root)) {
        Ok(ability) => Some(ability),
        Err(missing) => {
            println!("skipped: {missing}");
            None
        }
    }
}

/// The TSC's rate, near enough for a test.
fn rate() -> Hertz {
    let before = monotonic_moment();
    std::thread::sleep(Duration::from_millis(50));
    let after = monotonic_moment();
    let nanos = after.monotonic.saturating_sub(before.monotonic).0 as f64;
    Hertz(after.tsc.since(before.tsc).0 as f64 * 1e9 / nanos)
}

#[test]
fn a_shot_keeps_to_its_length_and_its_rounds() {
    let Some(ability) = ability() else { return };
    let mut loaded = Loaded::new(ability.functions, ability.counters, None).unwrap();
    // Longer than the 65,535 rounds after which the kernel looks at its own
    // bound on time.
    let order = Order {
        length: Nanos(20_000_000),
        trip: Nanos::SECOND,
        threshold: Nanos::SECOND,
        rounds: 10_000_000,
        look: Nanos::SECOND,
    };
    let shot = loaded.fire(order).unwrap();
    let length = shot.last.saturating_sub(shot.first);
    assert!(length >= order.length, "{shot:?}");
    assert!(
        shot.shortest
            .is_some_and(|shortest| shortest < Nanos(5_000))
    );
    let few = Order { rounds: 7, ..order };
    assert_eq!(loaded.fire(few).unwrap().rounds, 7);
    let none = Order { rounds: 0, ..order };
    let shot = loaded.fire(none).unwrap();
    assert_eq!((shot.rounds, shot.shortest), (0, None));
    assert_eq!(shot.first, shot.last);
}

#[test]
fn each_delta_above_the_trip_level_is_a_record_in_order() {
    let Some(ability) = ability() else { return };
    let mut loaded = Loaded::new(ability.functions, ability.counters, None).unwrap();
    let mut order = Order {
        length: Nanos(5_000_000),
        trip: Nanos::SECOND,
        threshold: Nanos::SECOND,
        rounds: 20_000,
        look: Nanos::SECOND,
    };
    let shot = loaded.fire(order).unwrap();
    // A level in the middle of the ordinary deltas: many are above it.
    let mean = Nanos(shot.last.saturating_sub(shot.first).0 / shot.rounds);
    (order.trip, order.threshold) = (mean, mean);
    let shot = loaded.fire(order).unwrap();
    assert!(shot.trips > 0 && shot.trips <= 20_000, "{shot:?}");
    assert_eq!(shot.gaps, shot.trips);
    let records: Vec<_> = loaded.records(&shot).collect();
    assert_eq!(records.len() as u64, shot.trips.min(layout::RECORDS as u64));
    assert!(records.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert!(records.iter().all(|record| record.start < record.end));
    assert!(
        records
            .iter()
            .all(|record| record.end.0 - record.start.0 > mean.0)
    );
}

#[test]
fn no_trip_level_lets_a_shot_outlast_its_length() {
    let Some(ability) = ability() else { return };
    let mut loaded = Loaded::new(ability.functions, ability.counters, None).unwrap();
    // All that the program reads is above the level, so that one delta grows
    // for as long as the shot lasts.
    let order = Order {
        length: Nanos(1_000_000),
        trip: Nanos(0),
        threshold: Nanos(0),
        rounds: 100_000,
        look: Nanos::SECOND,
    };
    let lengths = (0..10).map(|_| {
        let shot = loaded.fire(order).unwrap();
        shot.last.saturating_sub(shot.first)
    });
    // The shortest of ten: this machine may have stalls of its own.
    let shortest = lengths.min().unwrap_or_default();
    assert!(shortest < Nanos(20_000_000), "{shortest}");
}

#[test]
fn the_engine_covers_most_of_its_time_and_counts_exactly() {
    let Some(ability) = ability() else { return };
    let hz = rate();
    let last = sched::affinity().unwrap().iter().last().unwrap();
    let plan = SamplingPlan {
        cpus: vec![last],
        threshold: hz.to_cycles(Nanos(10_000)),
        limit: hz.to_cycles(Nanos(10_000)),
        warm_up: hz.to_cycles(Nanos(20_000_000)),
        duration: hz.to_cycles(Nanos(300_000_000)),
        window: Window::Continuous,
        priority: 1,
        threads_file: None,
        hz,
        smi_readings: Readings::StartAndEnd,
        registers: RegisterSources::none("not asked"),
        keep: Keep::All("it is over soon"),
    };
    let pace = Pace {
        shot: Nanos(5_000_000),
        pause: Nanos(200_000),
        ledger: crate::sampler::gap::Ledger::Sums,
    };
    let mut engine = BpfEngine::new(plan, pace, ability, vec![Err(String::from("not asked"))]);
    let setups = engine.start().unwrap();
    assert_eq!(setups[0].calibration.footprint, FootprintTest::NotNeeded);
    engine.release();
    let begun = Instant::now();
    let mut gaps = Vec::new();
    while !engine.is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
        engine.drain(&mut |_, gap| gaps.push(gap));
    }
    let totals = engine.finish().unwrap().remove(0);
    engine.drain(&mut |_, gap| gaps.push(gap));
    assert_eq!(totals.gaps_seen, gaps.len() as u64 + totals.gaps_dropped);
    assert!(gaps.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert!(
        gaps.iter()
            .all(|gap| totals.first <= gap.start && gap.end <= totals.last)
    );
    let masked = totals.masked.unwrap();
    assert!(masked.shots >= 1 && totals.iterations > 0);
    let sampled = totals
        .last
        .since(totals.first)
        .saturating_sub(masked.between);
    assert!(sampled > Cycles(0));
}

/// Any perf event stands for the one that counts SMIs: here the CPU's clock.
#[test]
fn the_program_reads_a_perf_event_before_within_and_after_a_shot() {
    const PERF_TYPE_SOFTWARE: u32 = 1;
    const PERF_COUNT_SW_CPU_CLOCK: u64 = 0;
    let Some(ability) = ability() else { return };
    let Some(cpu) = sched::affinity()
        .ok()
        .and_then(|allowed| allowed.iter().next())
    else {
        println!("skipped: no CPU to be pinned to");
        return;
    };
    // A thread of its own, as the test's may be used again.
    let (shot, readings) = std::thread::spawn(move || {
        sched::set_affinity(&[cpu].into_iter().collect()).unwrap();
        let counter = CpuCounter::open(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, cpu).unwrap();
        let slot = EventSlot::new(counter, "hwgap_test").unwrap();
        let mut loaded = Loaded::new(ability.functions, ability.counters, Some(slot)).unwrap();
        let shot = loaded.fire(CALIBRATION).unwrap();
        // A level that nearly every delta exceeds.
        let order = Order {
            trip: Nanos(1),
            rounds: 1_000,
            ..CALIBRATION
        };
        assert!(shot.look > Nanos(0), "{shot:?}");
        let shot = loaded.fire(order).unwrap();
        let readings: Vec<_> = loaded.records(&shot).map(|record| record.smis).collect();
        (shot, readings)
    })
    .join()
    .unwrap();
    assert!(!readings.is_empty(), "{shot:?}");
    let all: Vec<u32> = [shot.smis_before]
        .into_iter()
        .chain(readings)
        .chain([shot.smis_after])
        .map(Option::unwrap)
        .collect();
    let rises = |pair: &[u32]| pair[1].wrapping_sub(pair[0]);
    assert!(
        all.windows(2)
            .all(|pair| (1..1_000_000_000).contains(&rises(pair))),
        "{all:?}"
    );
    assert!(shot.closed > shot.last);
}
