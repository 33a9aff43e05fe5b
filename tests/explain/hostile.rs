//! Pairs of reports that mean harm: refused or explained, and never the end of the
//! program.

use hwgap::explain::{Explained, InputError, Question, explain};
use hwgap::model::absence::{GuestTsc, HostCause, HostReport};
use hwgap::model::{Gap, Report};
use hwgap::read::{host, saved};
use hwgap::render::explained;
use hwgap::render::style::Style;
use hwgap::text::look::Extent;
use hwgap::units::{Cycles, Nanos};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::pair::{HOST_ORIGIN, Pair, part};

const NUMBERS: [u64; 7] = [0, 1, 5_000, 1 << 31, 1 << 53, 1 << 63, u64::MAX];
const RATES: [f64; 5] = [1e-300, 1.0, 1.9e9, 1e18, 1e300];

fn small() -> Pair {
    let mut pair = Pair::new(2);
    pair.usual(8);
    let fifo = [part(HostCause::HostTask, "rt (7)", 500_000)];
    pair.stall(1, 5_000_000_000, &fifo);
    let mixed = pair.gap(1, 5_100_000_000, 5_100_050_000);
    mixed.cause = hwgap::model::Cause::HypervisorOs;
    mixed.os_ns = Nanos(20_000);
    mixed.platform_ns = Nanos(30_000);
    mixed.platform_at_ns = Nanos(10_000);
    mixed.residual_ns = Nanos(30_000);
    pair.smi(0, 5_000_000_000, 6_000_000_000, 1);
    pair
}

/// Where numbers are, and texts that are numbers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            (fields.iter()).for_each(|(name, one)| places(one, &format!("{at}/{name}"), all));
        }
        Value::Array(items) => {
            (items.iter().enumerate()).for_each(|(n, one)| places(one, &format!("{at}/{n}"), all));
        }
        Value::String(text) if text.parse::<i64>().is_err() => {}
        Value::Number(_) | Value::String(_) => all.push(at.to_owned()),
        _ => {}
    }
}

/// Makes others of some numbers; those of the clocks come more often.
fn damaged(value: &mut Value, changes: &[(usize, usize)]) {
    let mut all = Vec::new();
    places(value, "", &mut all);
    let is_clock = |place: &&String| {
        ["/tsc/", "/run/", "_tsc/"]
            .iter()
            .any(|of| place.contains(of))
    };
    let clocks: Vec<String> = all.iter().filter(is_clock).cloned().collect();
    for (place, number) in changes {
        let all = if number % 2 == 0 { &all } else { &clocks };
        let one = value.pointer_mut(&all[place % all.len()]).unwrap();
        *one = match one {
            Value::String(_) => json!(NUMBERS[number % NUMBERS.len()].to_string()),
            Value::Number(old) if old.is_f64() => json!(RATES[number % RATES.len()]),
            _ => json!(NUMBERS[number % NUMBERS.len()]),
        };
    }
}

fn shown(guest: &Report, host: HostReport, offset: Option<u64>) -> Option<Explained> {
    let question = Question {
        offset,
        ..Question::default()
    };
    let told = explain(guest, &[host], &question).ok()?;
    explained::text(&told.explanation, Style::Plain, Extent::Verbose);
    explained::page(&told.explanation, Some(&told.pictured));
    Some(told)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_pair_makes_it_panic(
        of_guest in proptest::collection::vec((any::<usize>(), any::<usize>()), 0..3),
        of_host in proptest::collection::vec((any::<usize>(), any::<usize>()), 0..4),
        offset in prop_oneof![Just(None), Just(Some(5)), Just(Some(1 << 63))],
        is_told: bool,
    ) {
        let mut pair = small();
        if !is_told {
            (0..2).for_each(|cpu| pair.vcpu(cpu).guest_tsc = None);
        }
        let mut guest = serde_json::to_value(pair.settled()).unwrap();
        let mut report = serde_json::to_value(pair.host()).unwrap();
        damaged(&mut guest, &of_guest);
        damaged(&mut report, &of_host);
        let text = guest.to_string();
        let guest = saved::from_reader::<Vec<Gap>>("guest", text.as_bytes(), 1 << 30);
        if let (Ok(guest), Ok(host)) = (guest, host::parse(report.to_string().as_bytes())) {
            shown(&guest, host, offset);
        }
    }
}

#[test]
fn rates_that_no_two_machines_have_are_explained_by_nobody() {
    for (guest_hz, host_hz) in [(1e-9, 2e9), (2e9, 1e-9), (1.0, 1e300)] {
        let mut pair = small();
        pair.vcpu(0).guest_tsc = None;
        pair.vcpu(1).guest_tsc = None;
        pair.guest.tsc.hz = guest_hz;
        pair.host.tsc.hz = host_hz;
        for offset in [None, Some(5)] {
            shown(&pair.guest, pair.host.clone(), offset).unwrap();
        }
    }
}

#[test]
fn a_clock_that_wraps_within_a_gap_turns_no_time_around() {
    let mut pair = small();
    for cpu in 0..2 {
        // The guest's clock is at 0 in the midst of a gap.
        let at = 5_000_000_000 + 100_000;
        let offset = (HOST_ORIGIN + at * 2).wrapping_mul(2).wrapping_neg();
        pair.vcpu(cpu).guest_tsc = Some(vec![GuestTsc {
            seen_cycles: Cycles(0),
            offset: (offset as i64).to_string(),
            ratio: "2".to_owned(),
            ratio_bits: 0,
        }]);
    }
    let gap = pair
        .guest
        .gaps
        .iter()
        .position(|gap| gap.duration_ns > Nanos(400_000))
        .unwrap();
    let gap = pair.guest.gaps[gap].clone();
    let origin = (gap.start_cycles.0 + 200_000).wrapping_neg();
    pair.guest.tsc.origin = origin.to_string();
    for offset in [None, Some(5)] {
        shown(&pair.guest, pair.host.clone(), offset).unwrap();
    }
}

#[test]
fn gaps_of_one_cpu_and_engine_that_overlap_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guest.json");
    let read = |change: fn(&mut Report)| {
        let mut pair = small();
        pair.gap(0, 5_000_000_000, 5_000_300_000);
        pair.gap(0, 5_000_299_999, 5_000_500_000);
        let mut guest = pair.settled();
        change(&mut guest);
        std::fs::write(&path, serde_json::to_vec(&guest).unwrap()).unwrap();
        hwgap::explain::guest(&path)
    };
    let overlap = |found| matches!(found, Err(InputError::OverlappingGaps { .. }));
    assert!(overlap(read(|_| {})));
    assert!(!overlap(read(|guest| {
        let last = guest
            .gaps
            .iter_mut()
            .find(|gap| gap.duration_ns == Nanos(200_001));
        last.unwrap().engine = Some(hwgap::model::EngineName::Bpf);
    })));
    // A tracer's moments are not exact.
    assert!(!overlap(read(
        |guest| guest.run.engine = hwgap::model::EngineName::Osnoise
    )));
}

/// Nobody tells the clock, and no two rates are alike.
#[test]
fn a_rate_is_found_among_many_gaps() {
    let mut pair = Pair::new(2);
    pair.usual(1_000);
    for cpu in 0..2 {
        pair.vcpu(cpu).guest_tsc = None;
    }
    for gap in &mut pair.guest.gaps {
        gap.start_cycles.0 = gap.start_cycles.0 * 3 / 2;
        gap.end_cycles.0 = gap.end_cycles.0 * 3 / 2;
    }
    pair.guest.tsc.hz = 3e9;
    let told = shown(&pair.settled(), pair.host(), None).unwrap();
    let clocks = &told.explanation.hosts[0].clocks;
    assert!((clocks.ratio - 1.5).abs() < 1e-5, "{clocks:?}");
    assert!(clocks.fitting > 1_900, "{clocks:?}");
}

/// Each CPU is held against every other vCPU.
#[test]
fn a_guest_of_many_cpus_is_held_against_all_its_vcpus() {
    let mut pair = Pair::new(200);
    pair.usual(10);
    for gap in &mut pair.guest.gaps {
        gap.cpu.0 = match gap.cpu.0 {
            0 => 199,
            199 => 0,
            other => other,
        };
    }
    let told = shown(&pair.settled(), pair.host(), None).unwrap();
    let findings = told.explanation.findings.iter();
    let swapped = findings.filter(|one| one.id == "clock-vcpu-swapped");
    assert_eq!(swapped.count(), 2);
}
