//! Engines that sampled the same CPUs in turn: what each saw, whether the rates
//! are the same, and what one sees that the others cannot.

mod words;

use crate::model::agreement::{Agreed, Agreement, EngineReport, RateTest, StallRate};
use crate::model::{Cause, CauseCounts, CpuReport, EngineName};
use crate::sampler::SmiSetup;
use crate::session::CpuCollection;
use crate::stats::{equal, rates};
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
    let platform = counts.each().map(|(cause, count)| match cause {
        cause if cause.is_platform() => count,
        _ => 0,
    });
    let mut rates = vec![rate(None, platform.iter().sum(), smi_exposure)];
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
    let tests: Vec<RateTest> = pairs()
        .flat_map(|pair| of_pair(pair, named.then(|| pair.map(|one| one.engine))))
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
fn of_pair([first, second]: [&EngineReport; 2], names: Option<[EngineName; 2]>) -> Vec<RateTest> {
    let traced = [first, second].iter().any(|one| traces(one.engine));
    (first.rates.iter().zip(&second.rates))
        .filter(|(a, b)| a.cause.is_none() || (!traced && a.stalls + b.stalls > 0))
        .map(|(a, b)| RateTest {
            engines: names,
            cause: a.cause,
            p_value: equal::p_value(
                counted(a.stalls, a.exposure_ns),
                counted(b.stalls, b.exposure_ns),
            ),
        })
        .collect()
}

fn is_traced(cases: &[Case<'_>]) -> bool {
    cases.iter().any(|case| traces(case.chosen.engine))
}

/// Whether the engine is a tracer of the kernel's.
fn traces(engine: EngineName) -> bool {
    matches!(engine, EngineName::Hwlat | EngineName::Osnoise)
}

fn is_below(test: &RateTest, level: f64) -> bool {
    test.p_value.is_some_and(|p| p < level)
}
