//! Every source of evidence, usable or not, why, and what its absence costs.

use crate::evidence::MachineFacts;
use crate::evidence::kernel_trace::TraceSetup;
use crate::host::Host;
use crate::model::{ClockTrust, EngineName, EvidenceSource, Platform};
use crate::sampler::{CpuSetup, SmiSetup};
use crate::session::Agreement;

use super::presence_inventory::{footprint, presence};
use super::{Case, pmu_inventory, tsc_given_up, watch_inventory};

/// The list after a run, in the order in which the sources weigh.
pub fn inventory(case: &Case<'_>) -> Vec<EvidenceSource> {
    let setups = &case.collected.setups;
    let mut sources = vec![
        presence(case),
        pmu_inventory::ring_zero_of_run(case),
        smi_counter_of_run(case),
        platform(case.machine),
        kernel_records_of_run(case),
        usage(),
        schedstat(setups),
        tsc(
            trust(case.tsc_given_up() || case.collected.clock.tsc_dropped_in_run()),
            case.machine,
            case.collected.clock.end(),
        ),
        offsets(setups),
    ];
    sources.extend(watch_inventory::entries(case));
    let choice = case.chosen.why.as_ref().map(|why| {
        let name = case.chosen.engine.name();
        usable("engine", format!("{name}, chosen because {why}"))
    });
    sources.extend(choice);
    sources
}

/// The list as a run would have it, by samplers that were set up and taken down
/// again without sampling.
pub fn prospects(
    host: &Host,
    machine: &MachineFacts,
    setups: &[CpuSetup],
    records: &TraceSetup,
    engines: &[(EngineName, Result<String, String>)],
) -> Vec<EvidenceSource> {
    let clocksource = host.clocksource.as_ref().ok();
    let mut sources = vec![
        footprint(setups),
        pmu_inventory::ring_zero(setups, String::new),
        smi_counter(machine, setups),
        platform(machine),
        kernel_records(records, String::new),
        usage(),
        schedstat(setups),
        tsc(
            trust(machine.platform() == Platform::BareMetal && tsc_given_up(host)),
            machine,
            clocksource.map(|source| source.current.as_str()),
        ),
        offsets(setups),
        pmu_inventory::smm_time(setups),
    ];
    sources.extend(engines.iter().map(engine));
    sources
}

/// An engine in the kernel, which a run can ask for by name.
fn engine((name, found): &(EngineName, Result<String, String>)) -> EvidenceSource {
    let source = format!("{}-engine", name.name());
    match found {
        Ok(how) => usable(&source, format!("{how} (--engine {})", name.name())),
        Err(reason) => missing(
            &source,
            reason.clone(),
            "this engine cannot stand beside the user engine as a second indicator",
            None,
        ),
    }
}

pub(super) fn usable(source: &str, reason: impl Into<String>) -> EvidenceSource {
    EvidenceSource {
        source: source.to_owned(),
        usable: true,
        reason: reason.into(),
        costs: None,
        remedy: None,
    }
}

pub(super) fn missing(
    source: &str,
    reason: impl Into<String>,
    costs: &str,
    remedy: Option<&str>,
) -> EvidenceSource {
    EvidenceSource {
        source: source.to_owned(),
        usable: false,
        reason: reason.into(),
        costs: Some(costs.to_owned()),
        remedy: remedy.map(str::to_owned),
    }
}

/// A source that is usable unless it has `failed`.
pub(super) fn unless(
    failed: Option<String>,
    source: &str,
    reason: &str,
    costs: &str,
    remedy: Option<&str>,
) -> EvidenceSource {
    match failed {
        None => usable(source, reason),
        Some(why) => missing(source, why, costs, remedy),
    }
}

const NO_SMI_COUNT: &str = "an SMI can be neither proved nor excluded";

fn smi_counter_of_run(case: &Case<'_>) -> EvidenceSource {
    let opened = smi_counter(case.machine, &case.collected.setups);
    let lost = case.collected.totals.iter().find(|cpu| cpu.smi.is_none());
    match lost {
        Some(cpu) if opened.usable => missing(
            "smi-counter",
            format!("CPU {}: a reading failed in mid-run", cpu.cpu),
            NO_SMI_COUNT,
            None,
        ),
        _ => opened,
    }
}

fn smi_counter(machine: &MachineFacts, setups: &[CpuSetup]) -> EvidenceSource {
    if machine.platform() == Platform::Guest {
        return missing(
            "smi-counter",
            "in a guest the counter is the virtual machine's own; SMIs of the host are invisible",
            NO_SMI_COUNT,
            Some("run hwgap on the host itself"),
        );
    }
    let unreadable = setups.iter().find_map(|setup| match &setup.smi {
        SmiSetup::Unreadable(reason) => Some(format!("CPU {}: {reason}", setup.cpu)),
        SmiSetup::Readable(_) => None,
    });
    match (unreadable, setups.first().map(|setup| &setup.smi)) {
        (Some(reason), _) => missing(
            "smi-counter",
            reason,
            NO_SMI_COUNT,
            Some("Intel: modprobe msr, and root or CAP_SYS_RAWIO; AMD: root or CAP_PERFMON"),
        ),
        (None, Some(SmiSetup::Readable(name))) => usable("smi-counter", name.clone()),
        (None, _) => missing("smi-counter", "not asked", NO_SMI_COUNT, None),
    }
}

fn platform(machine: &MachineFacts) -> EvidenceSource {
    usable(
        "platform",
        match &machine.hypervisor {
            Some(name) if machine.cpuid.hypervisor.is_some() => {
                format!("CPUID says: a guest of {name}")
            }
            Some(name) => format!("the firmware's texts say: a guest of {name}"),
            None => String::from(
                "CPUID and the firmware's texts say: no hypervisor (a hidden one cannot be ruled \
                 out)",
            ),
        },
    )
}

fn kernel_records_of_run(case: &Case<'_>) -> EvidenceSource {
    kernel_records(&case.collected.kernel.setup, || {
        let mut agreement = Agreement::default();
        case.collected
            .cpus
            .iter()
            .for_each(|cpu| agreement.add(&cpu.agreement));
        format!(
            "; they agree with the footprint on {} of {} gaps, mapped to the TSC within {}",
            agreement.agreed(),
            agreement.compared(),
            case.collected.timeline.fit_error()
        )
    })
}

/// `quality` follows the sentence on usable records.
fn kernel_records(setup: &TraceSetup, quality: impl FnOnce() -> String) -> EvidenceSource {
    let source = "kernel-records";
    let remedy = "root or CAP_PERFMON, kernel.perf_event_paranoid at -1, and a readable tracefs";
    match setup {
        TraceSetup::Tracepoints(count) => usable(
            source,
            format!("{count} tracepoints and all context switches{}", quality()),
        ),
        TraceSetup::SwitchesOnly(reason) => missing(
            source,
            format!("context switches only: {reason}"),
            "which interrupt took the time is not known",
            Some(remedy),
        ),
        TraceSetup::Nothing(reason) => missing(
            source,
            reason.clone(),
            "what the kernel did in a gap is not known, nor how much of a gap it took",
            Some(remedy),
        ),
    }
}

fn usage() -> EvidenceSource {
    usable(
        "rusage",
        "involuntary switches and page faults for gaps in which the kernel ran",
    )
}

fn schedstat(setups: &[CpuSetup]) -> EvidenceSource {
    let failed = setups
        .iter()
        .find_map(|setup| setup.schedstat.as_ref().err());
    unless(
        failed.cloned(),
        "schedstat",
        "run delay for gaps in which the kernel ran",
        "real-time throttling is not recognised as such",
        Some("a kernel with CONFIG_SCHED_INFO"),
    )
}

fn trust(given_up: bool) -> ClockTrust {
    if given_up {
        ClockTrust::Broken
    } else {
        ClockTrust::Trusted
    }
}

fn tsc(trust: ClockTrust, machine: &MachineFacts, clocksource: Option<&str>) -> EvidenceSource {
    if trust == ClockTrust::Broken {
        return missing(
            "tsc",
            "the kernel gave the TSC up",
            "no gap can be attributed",
            Some("see the kernel log"),
        );
    }
    let invariant = if machine.tsc_is_invariant() {
        "invariant"
    } else {
        "not invariant"
    };
    let source = clocksource.unwrap_or("unknown");
    usable(
        "tsc",
        format!("{invariant} by CPUID; the kernel's clocksource is {source}"),
    )
}

fn offsets(setups: &[CpuSetup]) -> EvidenceSource {
    let others = setups.get(1..).unwrap_or_default();
    let worst = others
        .iter()
        .filter_map(|setup| setup.offset)
        .map(|offset| offset.error)
        .max();
    let measured = others.iter().filter(|setup| setup.offset.is_some()).count();
    match worst {
        _ if others.is_empty() => usable("tsc-offsets", "one CPU: none needed"),
        Some(error) if measured == others.len() => usable(
            "tsc-offsets",
            format!("measured for all CPUs, error at most {error} cycles"),
        ),
        _ => missing(
            "tsc-offsets",
            format!("measured for {measured} of {} CPUs", others.len()),
            "whether gaps on several CPUs fell together is less certain",
            None,
        ),
    }
}
