//! Engines that sampled the same CPUs in turn: what each saw, whether the rates
//! are the same, and what one sees that the others cannot.

mod words;

use crate::model::agreement::{Agreed, Agreement, EngineReport, RateTest, StallRate};
use crate::model::{Cause, CauseCounts, CpuReport, EngineName};
use crate::sampler::SmiSetup;
use crate::session::CpuCollection;
use crate::stats::dispersion::{Block, Dispersion, estimate};
use crate::stats::rate_ratio::{self, Tally};
use crate::stats::rates;
use crate::units::Nanos;

use super::Case;
use super::stalls::causes_above_limit;
use super::verdict::judge;

/// The risk of calling equal rates different, over all tests.
const LEVEL: f64 = 0.05;

/// What one engine saw. `cases` are its slices, `cpus` their rows together.
pub fn account(cases: &[Case<'_>], cpus: Vec<CpuReport>) -> EngineReport {
    let mean = |part: fn(&CpuReport) -> Nanos| {
        let sum = cpus.iter().map(part).fold(Nanos(0), Nanos::saturating_add);
        Nanos(sum.0 / (cpus.len() as u64).max(1))
    };
    let covered_ns = mean(|cpu| cpu.covered_ns);
    let with_kernel = covered_ns.saturating_add(mean(|cpu| cpu.os_ns));
    let counts =
        (cases.iter().map(causes_above_limit)).fold(CauseCounts::default(), CauseCounts::and);
    // An SMI shows by its count even where the kernel ran: that time is
    // watched for SMIs, though it is not covered. Beside a tracer of the
    // kernel's the count is read too seldom for that.
    let smi_exposure = match cases.iter().all(counts_smis) && !is_traced(cases) {
        true => with_kernel,
        false => covered_ns,
    };
    let mut rates = vec![rate(None, of_cause(counts, None), smi_exposure)];
    for (cause, count) in counts.each() {
        let exposure = match cause {
            Cause::Smi => smi_exposure,
            Cause::Cpu | Cause::FirmwareOrCpu | Cause::Hypervisor => covered_ns,
            // Stalls that met the kernel are among the others, and the rest is
            // not the platform's.
            _ => continue,
        };
        rates.push(rate(Some(cause), count, exposure));
    }
    EngineReport {
        engine: cases[0].chosen.engine,
        slices: cases.len() as u64,
        elapsed_ns: mean(|cpu| cpu.elapsed_ns),
        covered_ns,
        rates,
        unknown_shares: (cases.iter())
            .flat_map(|case| &case.collected.cpus)
            .map(CpuCollection::unknown_gaps)
            .sum(),
        verdict: judge(cases, &cpus),
        cpus,
    }
}

/// The platform's stalls of a cause, or of all.
fn of_cause(counts: CauseCounts, wanted: Option<Cause>) -> u64 {
    let counts = counts.each();
    let mine = counts.iter().filter(|(cause, _)| match wanted {
        Some(wanted) => *cause == wanted,
        None => cause.is_platform(),
    });
    mine.map(|(_, count)| count).sum()
}

fn counts_smis(case: &Case<'_>) -> bool {
    let mut setups = case.collected.setups.iter();
    setups.all(|setup| matches!(setup.smi, SmiSetup::Readable(_)))
}

fn rate(cause: Option<Cause>, stalls: u64, exposure_ns: Nanos) -> StallRate {
    let rate = counted(stalls, exposure_ns);
    let interval = rate.interval95_per_hour();
    StallRate {
        cause,
        stalls,
        exposure_ns,
        per_hour: rate.per_hour(),
        low95_per_hour: interval.map(|interval| interval.low),
        high95_per_hour: interval.map(|interval| interval.high),
    }
}

fn counted(stalls: u64, exposure: Nanos) -> rates::Rate {
    rates::Rate {
        events: stalls,
        hours: exposure.as_hours_f64(),
    }
}

/// Compares the engines, each with each: all stalls together, and each cause
/// that either saw.
pub fn compare(cases: &[Case<'_>], engines: &[EngineReport]) -> Agreement {
    if engines.len() < 2 {
        return Agreement {
            result: Agreed::Untested,
            level: LEVEL,
            tests: Vec::new(),
            differences: vec![String::from(
                "The run ended before all engines had sampled: there is nothing to compare.",
            )],
        };
    }
    let pairs = || {
        let numbered = engines.iter().enumerate();
        numbered.flat_map(|(place, first)| {
            engines[place + 1..]
                .iter()
                .map(move |second| [first, second])
        })
    };
    let named = engines.len() > 2;
    let slices: Vec<Slice> = cases.iter().map(Slice::of).collect();
    let tests: Vec<RateTest> = pairs()
        .flat_map(|pair| of_pair(pair, &slices, named.then(|| pair.map(|one| one.engine))))
        .collect();
    let level = LEVEL / tests.len() as f64;
    let result = if tests.iter().any(|test| test.p_value.is_none()) {
        Agreed::Untested
    } else if tests.iter().any(|test| is_below(test, level)) {
        Agreed::Differ
    } else {
        Agreed::Agree
    };
    Agreement {
        result,
        level,
        differences: words::differences(cases, engines, &tests, level),
        tests,
    }
}

/// The tests of two engines. The causes are left out beside a tracer of the
/// kernel's: it shares a count of SMIs among the gaps of a window, so that the
/// same stalls have other causes there.
fn of_pair(
    [first, second]: [&EngineReport; 2],
    slices: &[Slice],
    names: Option<[EngineName; 2]>,
) -> Vec<RateTest> {
    let traced = [first, second].iter().any(|one| traces(one.engine));
    (first.rates.iter().zip(&second.rates))
        .filter(|(a, b)| a.cause.is_none() || (!traced && a.stalls + b.stalls > 0))
        .map(|(a, b)| {
            let blocks = |engine: &EngineReport| vec![blocks(slices, engine.engine, a.cause)];
            let dispersion = no_less_than_random(estimate([&blocks(first), &blocks(second)]));
            RateTest {
                engines: names,
                cause: a.cause,
                p_value: p_value([a, b], dispersion),
                dispersion: Some(dispersion.factor),
            }
        })
        .collect()
}

/// A turn of an engine's.
struct Slice {
    engine: EngineName,
    counts: CauseCounts,
    cycles: u64,
}

impl Slice {
    fn of(case: &Case<'_>) -> Slice {
        let totals = case.collected.totals.iter();
        Slice {
            engine: case.chosen.engine,
            counts: causes_above_limit(case),
            cycles: totals.map(|cpu| cpu.last.since(cpu.first).0).sum(),
        }
    }
}

/// The slices of an engine, as blocks of events over a time in any unit.
fn blocks(slices: &[Slice], engine: EngineName, cause: Option<Cause>) -> Vec<Block> {
    let mine = slices.iter().filter(|slice| slice.engine == engine);
    mine.map(|slice| Block {
        events: of_cause(slice.counts, cause),
        hours: slice.cycles as f64,
    })
    .collect()
}

/// Stalls at even intervals are tested as random ones: the ends of slices are
/// not on their grid, and few slices show a pattern badly.
fn no_less_than_random(dispersion: Dispersion) -> Dispersion {
    match dispersion.factor < 1.0 {
        true => Dispersion::RANDOM,
        false => dispersion,
    }
}

/// How often equal rates give counts as uneven as these; `None` where an engine
/// covered no time.
fn p_value(rates: [&StallRate; 2], dispersion: Dispersion) -> Option<f64> {
    let [first, second] = rates.map(|rate| Tally {
        events: rate.stalls,
        hours: rate.exposure_ns.as_hours_f64(),
    });
    match (first, second) {
        _ if first.hours <= 0.0 || second.hours <= 0.0 => None,
        (Tally { events: 0, .. }, Tally { events: 0, .. }) => Some(1.0),
        _ => Some(rate_ratio::compare(first, second, dispersion, 0.95)?.p),
    }
}

fn is_traced(cases: &[Case<'_>]) -> bool {
    cases.iter().any(|case| traces(case.chosen.engine))
}

fn traces(engine: EngineName) -> bool {
    matches!(engine, EngineName::Hwlat | EngineName::Osnoise)
}

fn is_below(test: &RateTest, level: f64) -> bool {
    test.p_value.is_some_and(|p| p < level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(first: [u64; 4], second: [u64; 4]) -> f64 {
        let blocks = |counts: [u64; 4]| -> Vec<Vec<Block>> {
            let block = |events| Block { events, hours: 1.0 };
            vec![counts.map(block).to_vec()]
        };
        let rate = |counts: [u64; 4]| StallRate {
            cause: None,
            stalls: counts.iter().sum(),
            exposure_ns: Nanos(4 * 3_600_000_000_000),
            per_hour: None,
            low95_per_hour: None,
            high95_per_hour: None,
        };
        let dispersion = no_less_than_random(estimate([&blocks(first), &blocks(second)]));
        p_value([&rate(first), &rate(second)], dispersion).unwrap()
    }

    #[test]
    fn a_rate_that_changes_from_slice_to_slice_is_no_difference() {
        assert!(tested([100, 300, 100, 300], [300, 300, 100, 300]) > 0.2);
        assert!(tested([200; 4], [250; 4]) < 0.001);
        assert!(tested([210, 190, 205, 195], [260, 240, 255, 245]) < 0.001);
    }

    #[test]
    fn none_at_all_speak_for_nothing() {
        assert_eq!(tested([0; 4], [0; 4]), 1.0);
        assert!(tested([0; 4], [5, 5, 5, 5]) < 0.001);
    }
}
