//! What one engine sees that the other cannot, with the figures of the run.

use crate::model::agreement::{EngineReport, RateTest};
use crate::model::{CpuReport, EngineName, Platform};
use crate::text::human::{counted, three_digits};
use crate::units::Nanos;

use super::super::Case;
use super::is_below;

/// All that applies, what bears on the result first.
pub(super) fn differences(
    cases: &[Case<'_>],
    engines: &[EngineReport],
    tests: &[RateTest],
    level: f64,
) -> Vec<String> {
    let guest = cases
        .iter()
        .any(|case| case.machine.platform() == Platform::Guest);
    let mut all: Vec<String> = (tests.iter())
        .filter(|test| is_below(test, level))
        .filter_map(|test| unequal(pair(engines, test)?, test, guest))
        .collect();
    all.extend(unsteady(tests));
    all.extend(met_kernel(engines));
    all.extend(in_kernel_time(engines));
    all.extend(between_shots(cases, engines));
    all.extend(shared_records(engines));
    all.extend(interrupts_on(engines));
    all.extend(several_cpus(engines));
    all
}

/// The engines of a test: the only two where it names none.
fn pair<'a>(engines: &'a [EngineReport], test: &RateTest) -> Option<[&'a EngineReport; 2]> {
    match (test.engines, engines) {
        (Some([first, second]), _) => Some([of(engines, first)?, of(engines, second)?]),
        (None, [first, second]) => Some([first, second]),
        (None, _) => None,
    }
}

/// Which engine saw more, and what may be behind it.
fn unequal(engines: [&EngineReport; 2], test: &RateTest, guest: bool) -> Option<String> {
    let rate = |engine: &EngineReport| {
        let own = engine.rates.iter().find(|rate| rate.cause == test.cause);
        own.and_then(|rate| rate.per_hour).unwrap_or_default()
    };
    let [first, second] = engines;
    let (more, fewer) = match rate(first) > rate(second) {
        true => (first.engine, second.engine),
        false => (second.engine, first.engine),
    };
    let what = match test.cause {
        Some(cause) => format!("stalls of the cause {cause}"),
        None => String::from("platform stalls"),
    };
    let why = match (more, guest) {
        _ if fewer == EngineName::Osnoise => {
            "the osnoise tracer adds a stall to whatever interfered in the same gap, and calls that \
             the kernel's"
        }
        (EngineName::Osnoise, _) => {
            "the osnoise tracer counts what has a hook in the kernel, and calls the rest hardware"
        }
        (EngineName::User, false) => {
            "kernel work that the footprint did not see would count as the platform's there, and \
             cannot happen with interrupts off"
        }
        (EngineName::User, true) => {
            "kernel work that the footprint did not see would count as the platform's there, and \
             interrupts make a guest leave to its hypervisor, which they do less while they are off"
        }
        (_, false) => {
            "an NMI that was not counted would count as the platform's there, and so would a stall \
             that waits for interrupts to be off"
        }
        (_, true) => {
            "a hypervisor may treat a CPU that holds interrupts off otherwise, and NMIs that were \
             not counted would count as the platform's"
        }
    };
    Some(format!(
        "The {} engine saw more {what} than the {} engine, and than chance explains. Known reasons: {why}; and a rate \
         that changes with the engines' turns.",
        more.name(),
        fewer.name()
    ))
}

/// Slices of one engine that differ hide how the engines differ.
fn unsteady(tests: &[RateTest]) -> Option<String> {
    let largest = (tests.iter().filter_map(|test| test.dispersion)).max_by(f64::total_cmp)?;
    (largest >= UNSTEADY).then(|| {
        format!(
            "The rate changed from slice to slice of one engine: {} times the variance of stalls at \
             random moments. The tests allow for it, so that only a large difference between the \
             engines would show.",
            three_digits(largest)
        )
    })
}

/// The dispersion from which it bears on what the tests can show.
const UNSTEADY: f64 = 4.0;

/// SMIs in one gap with kernel work: only where interrupts are on.
fn met_kernel(engines: &[EngineReport]) -> Option<String> {
    let met = |engine: &EngineReport| {
        let cpus = engine.cpus.iter();
        cpus.map(|cpu| cpu.gaps_by_cause.mixed()).sum::<u64>()
    };
    (engines.iter().map(met).sum::<u64>() > 0).then(|| {
        let each: Vec<String> = (engines.iter())
            .map(|engine| {
                format!(
                    "{} of the {} engine",
                    counted(met(engine), "gap"),
                    engine.engine.name()
                )
            })
            .collect();
        let open = match engines.iter().map(|engine| engine.unknown_shares).sum() {
            0 => String::new(),
            some => format!(
                " Of {} a part above the limit is not known; the rates leave it out.",
                counted(some, "gap")
            ),
        };
        format!(
            "Stalls that met kernel work: {}. With interrupts off the kernel's work waits and the \
             gap is the stall's alone; with them on its part is worked out from the kernel's \
             records.{open}",
            each.join(", "),
        )
    })
}

/// Time in which the user engine cannot see all stalls.
fn in_kernel_time(engines: &[EngineReport]) -> Option<String> {
    let user = of(engines, EngineName::User)?;
    let os = sum(user, |cpu| cpu.os_ns);
    (os.0 > 0).then(|| {
        format!(
            "The kernel took {os} of the user engine's time in gaps. A stall in there shows only by \
             an SMI count; with interrupts off that work waits and such stalls are seen."
        )
    })
}

/// Time in which the BPF engine sees nothing.
fn between_shots(cases: &[Case<'_>], engines: &[EngineReport]) -> Option<String> {
    let bpf = of(engines, EngineName::Bpf)?;
    let between = sum(bpf, |cpu| {
        cpu.masked.map_or(Nanos(0), |masked| masked.between_ns)
    });
    // Every CPU counts the same SMIs.
    let smis: u64 = cases
        .iter()
        .filter(|case| case.chosen.engine == EngineName::Bpf)
        .filter_map(|case| {
            let smi = case
                .collected
                .totals
                .iter()
                .filter_map(|cpu| cpu.smi.as_ref());
            smi.map(|smi| smi.between_shots).max()
        })
        .sum();
    (between.0 > 0).then(|| {
        let smis = match (bpf.cpus.iter().any(|cpu| cpu.smi.is_some()), smis) {
            (false, _) => String::new(),
            (true, 1) => String::from("; 1 SMI was counted there and has no gap"),
            (true, smis) => format!("; {smis} SMIs were counted there and have no gap"),
        };
        format!(
            "The bpf engine did not sample for {between} between its interrupts-off windows{smis}. The user engine \
             samples without a break."
        )
    })
}

/// Stalls that share the record of another one.
fn shared_records(engines: &[EngineReport]) -> Option<String> {
    let hwlat = of(engines, EngineName::Hwlat)?;
    let tracers = || hwlat.cpus.iter().filter_map(|cpu| cpu.tracer.as_ref());
    let companions: u64 = tracers().map(|tracer| tracer.companions).sum();
    let width = tracers().next()?.width_ns;
    let missed = sum(hwlat, |cpu| cpu.elapsed_ns.saturating_sub(cpu.covered_ns));
    Some(format!(
        "The hwlat engine keeps one record for each window of {width}: {} of its stalls share the \
         record of a longer one, and are counted without a length of their own. It did not sample \
         for {missed} between its windows.",
        companions,
    ))
}

/// What the osnoise tracer takes for the kernel's.
fn interrupts_on(engines: &[EngineReport]) -> Option<String> {
    let osnoise = of(engines, EngineName::Osnoise)?;
    let mut tracers = osnoise.cpus.iter().filter_map(|cpu| cpu.tracer.as_ref());
    let os = sum(osnoise, |cpu| cpu.os_ns);
    (tracers.any(|tracer| !tracer.interrupts_off)).then(|| {
        format!(
            "The kernel interfered in {os} of the osnoise engine's time, its readings of the SMI \
             counter among that. A stall in there is taken for the kernel's."
        )
    })
}

/// The count is the machine's, the exposure a CPU's.
fn several_cpus(engines: &[EngineReport]) -> Option<String> {
    let count = engines.first()?.cpus.len();
    (count > 1).then(|| {
        format!(
            "A stall counts if any of the {count} CPUs saw it, while the time is the mean of them: \
             the engine that covers less seems to see more, at most by the time that it misses."
        )
    })
}

fn of(engines: &[EngineReport], name: EngineName) -> Option<&EngineReport> {
    engines.iter().find(|engine| engine.engine == name)
}

fn sum(engine: &EngineReport, part: impl Fn(&CpuReport) -> Nanos) -> Nanos {
    let parts = engine.cpus.iter().map(part);
    parts.fold(Nanos(0), Nanos::saturating_add)
}
