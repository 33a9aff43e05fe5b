//! The engine on this machine, where it allows that; else each test prints
//! what is missing and passes.

use std::time::{Duration, Instant};

use super::*;
use crate::evidence::watches::RegisterSources;
use crate::host::Host;
use crate::host::root::Root;
use crate::privileges::Keep;
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
    let mut loaded = Loaded::new(ability.functions, ability.counters).unwrap();
    let order = Order {
        length: Nanos(2_000_000),
        trip: Nanos::SECOND,
        threshold: Nanos::SECOND,
        rounds: 10_000_000,
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
    let mut loaded = Loaded::new(ability.functions, ability.counters).unwrap();
    let mut order = Order {
        length: Nanos(5_000_000),
        trip: Nanos::SECOND,
        threshold: Nanos::SECOND,
        rounds: 20_000,
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
    let mut loaded = Loaded::new(ability.functions, ability.counters).unwrap();
    // All that the program reads is above the level, so that one delta grows
    // for as long as the shot lasts.
    let order = Order {
        length: Nanos(1_000_000),
        trip: Nanos(0),
        threshold: Nanos(0),
        rounds: 100_000,
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
        duration: hz.to_cycles(Nanos(300_000_000)),
        window: Window::Continuous,
        priority: 1,
        hz,
        smi_readings: Readings::StartAndEnd,
        registers: RegisterSources::none("not asked"),
        keep: Keep::All("it is over soon"),
    };
    let pace = Pace {
        shot: Nanos(5_000_000),
        breath: Nanos(200_000),
        ledger: super::Ledger::Sums,
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
