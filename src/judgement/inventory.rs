//! Every source of evidence, usable or not, why, and what its absence costs.

use crate::attribution::Platform;
use crate::report::model::EvidenceSource;
use crate::sampler::{CpuSetup, FootprintTest, SmiSetup};

use crate::evidence::kernel_trace::TraceSetup;
use crate::session::Agreement;

use super::{Case, watch_inventory};

/// The list, in the order in which the sources weigh.
pub fn inventory(case: &Case<'_>) -> Vec<EvidenceSource> {
    let mut all = vec![
        footprint(case),
        smi_counter(case),
        platform(case),
        kernel_records(case),
        usage(case),
        schedstat(case),
        tsc(case),
        offsets(case),
    ];
    all.extend(watch_inventory::entries(case));
    all
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

fn setups<'a>(case: &Case<'a>) -> &'a [CpuSetup] {
    &case.collected.setups
}

fn footprint(case: &Case<'_>) -> EvidenceSource {
    let failed = setups(case)
        .iter()
        .find(|setup| setup.calibration.footprint != FootprintTest::Passed);
    match failed {
        None => usable("footprint", FootprintTest::Passed.reason()),
        Some(setup) => missing(
            "footprint",
            format!(
                "CPU {}: {}",
                setup.cpu,
                setup.calibration.footprint.reason()
            ),
            "whether the kernel ran in a gap is not known",
            None,
        ),
    }
}

fn smi_counter(case: &Case<'_>) -> EvidenceSource {
    let costs = "an SMI can be neither proved nor excluded";
    if case.machine.platform() == Platform::Guest {
        return missing(
            "smi-counter",
            "in a guest the counter is the virtual machine's own; SMIs of the host are invisible",
            costs,
            Some("run hwgap on the host itself"),
        );
    }
    let unreadable = setups(case).iter().find_map(|setup| match &setup.smi {
        SmiSetup::Unreadable(reason) => Some(format!("CPU {}: {reason}", setup.cpu)),
        SmiSetup::Readable(_) => None,
    });
    let lost = case.collected.totals.iter().find(|cpu| cpu.smi.is_none());
    match (
        unreadable,
        lost,
        setups(case).first().map(|setup| &setup.smi),
    ) {
        (Some(reason), ..) => missing(
            "smi-counter",
            reason,
            costs,
            Some("Intel: modprobe msr, and root or CAP_SYS_RAWIO; AMD: root or CAP_PERFMON"),
        ),
        (None, Some(cpu), _) => missing(
            "smi-counter",
            format!("CPU {}: a reading failed in mid-run", cpu.cpu),
            costs,
            None,
        ),
        (None, None, Some(SmiSetup::Readable(name))) => usable("smi-counter", name.clone()),
        (None, None, _) => missing("smi-counter", "not asked", costs, None),
    }
}

fn platform(case: &Case<'_>) -> EvidenceSource {
    usable(
        "platform",
        match &case.machine.hypervisor {
            Some(name) if case.machine.cpuid.hypervisor.is_some() => {
                format!("CPUID says: a guest of {name}")
            }
            Some(name) => format!("the firmware's texts say: a guest of {name}"),
            None => String::from(
                "CPUID and the firmware's texts say: no hypervisor (one that hides is not excluded)",
            ),
        },
    )
}

fn kernel_records(case: &Case<'_>) -> EvidenceSource {
    let source = "kernel-records";
    let remedy = "root or CAP_PERFMON, kernel.perf_event_paranoid at -1, and a readable tracefs";
    match &case.collected.kernel.setup {
        TraceSetup::Tracepoints(count) => {
            let mut agreement = Agreement::default();
            case.collected
                .cpus
                .iter()
                .for_each(|cpu| agreement.add(&cpu.agreement));
            usable(
                source,
                format!(
                    "{count} tracepoints and all context switches; they agree with the footprint \
                     on {} of {} gaps, mapped to the TSC within {}",
                    agreement.agreed(),
                    agreement.compared(),
                    case.collected.timeline.fit_error()
                ),
            )
        }
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

fn usage(_case: &Case<'_>) -> EvidenceSource {
    usable(
        "rusage",
        "involuntary switches and page faults for gaps in which the kernel ran",
    )
}

fn schedstat(case: &Case<'_>) -> EvidenceSource {
    let failed = setups(case)
        .iter()
        .find_map(|setup| setup.schedstat.as_ref().err());
    match failed {
        None => usable("schedstat", "run delay for gaps in which the kernel ran"),
        Some(reason) => missing(
            "schedstat",
            reason.clone(),
            "real-time throttling is not recognised as such",
            Some("a kernel with CONFIG_SCHED_INFO"),
        ),
    }
}

fn tsc(case: &Case<'_>) -> EvidenceSource {
    if case.tsc_given_up() || case.collected.clock.tsc_dropped_in_run() {
        return missing(
            "tsc",
            "the kernel gave the TSC up",
            "no gap can be attributed",
            Some("see the kernel log"),
        );
    }
    let invariant = if case.machine.tsc_is_invariant() {
        "invariant"
    } else {
        "not invariant"
    };
    let source = case.collected.clock.end().unwrap_or("unknown");
    usable(
        "tsc",
        format!("{invariant} by CPUID; the kernel's clocksource is {source}"),
    )
}

fn offsets(case: &Case<'_>) -> EvidenceSource {
    let others = setups(case).get(1..).unwrap_or_default();
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
