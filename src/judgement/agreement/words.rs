//! What one engine sees that the other cannot, with the figures of the run.

use crate::attribution::Platform;
use crate::report::agreement::{EngineReport, RateTest};
use crate::report::human::counted;
use crate::report::model::{CpuReport, EngineName};
use crate::units::Nanos;

use super::super::Case;
use super::is_below;

/// All that applies, what bears on the result first.
pub(super) fn differences(
    cases: &[Case<'_>],
    engines: [&EngineReport; 2],
    tests: &[RateTest],
    level: f64,
) -> Vec<String> {
    let guest = cases
        .iter()
        .any(|case| case.machine.platform() == Platform::Guest);
    let mut all: Vec<String> = (tests.iter())
        .filter(|test| is_below(test, level))
        .map(|test| unequal(engines, test, guest))
        .collect();
    all.extend(met_kernel(engines));
    all.extend(in_kernel_time(engines));
    all.extend(between_shots(cases, engines));
    all.extend(several_cpus(engines));
    all
}

/// Which engine saw more, and what may be behind it.
fn unequal(engines: [&EngineReport; 2], test: &RateTest, guest: bool) -> String {
    let rate = |engine: &EngineReport| {
        let own = engine.rates.iter().find(|rate| rate.cause == test.cause);
        own.and_then(|rate| rate.per_hour).unwrap_or_default()
    };
    let [first, second] = engines;
    let more = match rate(first) > rate(second) {
        true => first.engine,
        false => second.engine,
    };
    let what = match test.cause {
        Some(cause) => format!("stalls of the cause {cause}"),
        None => String::from("platform stalls"),
    };
    let why = match (more, guest) {
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
    format!(
        "The {} engine saw more {what} than chance explains. Known reasons: {why}; and stalls that \
         come in bursts, for the test takes them for independent.",
        more.name()
    )
}

/// SMIs in one gap with kernel work: only where interrupts are on.
fn met_kernel(engines: [&EngineReport; 2]) -> Option<String> {
    let [user, bpf] = engines.map(|engine| {
        let cpus = engine.cpus.iter();
        cpus.map(|cpu| cpu.gaps_by_cause.smi_os).sum::<u64>()
    });
    (user + bpf > 0).then(|| {
        let unknown = engines[0].unknown_shares + engines[1].unknown_shares;
        let open = match unknown {
            0 => String::new(),
            some => format!(
                " Of {} above the limit the share is not known; the rates leave them out.",
                counted(some, "such gap")
            ),
        };
        format!(
            "SMIs that met kernel work: {} of the user engine, {} of the bpf engine. With \
             interrupts off the kernel's work waits and the gap is the SMI's alone; with them on \
             the SMI's share is reckoned from the kernel's records.{open}",
            counted(user, "gap"),
            counted(bpf, "gap"),
        )
    })
}

/// Time in which the user engine cannot see all stalls.
fn in_kernel_time(engines: [&EngineReport; 2]) -> Option<String> {
    let user = of(engines, EngineName::User)?;
    let os = sum(user, |cpu| cpu.os_ns);
    (os.0 > 0).then(|| {
        format!(
            "The kernel took {os} of the user engine's time in gaps. A stall in there shows only by \
             an SMI count; the bpf engine defers that work and sees such stalls."
        )
    })
}

/// Time in which the BPF engine sees nothing.
fn between_shots(cases: &[Case<'_>], engines: [&EngineReport; 2]) -> Option<String> {
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
            "The bpf engine did not sample for {between} between its shots{smis}. The user engine \
             samples without a break."
        )
    })
}

/// The count is the machine's, the exposure a CPU's.
fn several_cpus(engines: [&EngineReport; 2]) -> Option<String> {
    let count = engines[0].cpus.len();
    (count > 1).then(|| {
        format!(
            "A stall counts if any of the {count} CPUs saw it, while the time is the mean of them: \
             the engine that covers less seems to see more, at most by the time that it misses."
        )
    })
}

fn of(engines: [&EngineReport; 2], name: EngineName) -> Option<&EngineReport> {
    engines.into_iter().find(|engine| engine.engine == name)
}

fn sum(engine: &EngineReport, part: impl Fn(&CpuReport) -> Nanos) -> Nanos {
    let parts = engine.cpus.iter().map(part);
    parts.fold(Nanos(0), Nanos::saturating_add)
}
