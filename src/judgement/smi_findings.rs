//! Findings about the SMI count: what it says beside the gaps, and where it
//! says nothing.

use crate::attribution::UnknownReason;
use crate::model::{EngineName, Finding, Platform, Severity};
use crate::sampler::SmiTotals;
use crate::text::human::counted;

use super::Case;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    match case.machine.platform() {
        Platform::Guest => in_guest(case).into_iter().collect(),
        Platform::BareMetal => on_bare_metal(case),
    }
}

/// Sums a count over the CPUs whose counter could be read. SMIs are broadcast,
/// so that each CPU counts the same ones: the largest count is the machine's.
fn most(case: &Case<'_>, count: impl Fn(&SmiTotals) -> u64) -> u64 {
    case.collected
        .totals
        .iter()
        .filter_map(|cpu| cpu.smi.as_ref())
        .map(count)
        .max()
        .unwrap_or(0)
}

fn in_guest(case: &Case<'_>) -> Option<Finding> {
    let rise = most(case, |smi| smi.count.delta);
    (rise > 0).then(|| {
        Finding::new(
            "guest-firmware-smi",
            Severity::Info,
            format!(
                "The virtual machine's own SMI counter rose by {rise}. Those are SMIs of its \
                 virtual firmware, played by the hypervisor; the real machine's are not visible."
            ),
            None,
        )
    })
}

fn on_bare_metal(case: &Case<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    if case.collected.totals.iter().all(|cpu| cpu.smi.is_none()) {
        all.push(Finding::new(
            "smi-not-countable",
            Severity::Warning,
            "SMIs could not be counted on any sampled CPU. None can be proved and none ruled out. \
             A platform gap is called firmware-or-cpu; one that stalls all of \
             several sampled CPUs at once, a probable SMI.",
            Some(
                "run as root, and on Intel load the msr module (modprobe msr); see the evidence \
                 list for what each source lacks",
            ),
        ));
        return all;
    }
    let short = most(case, |smi| smi.below_threshold);
    if short > 0 {
        all.push(Finding::new(
            "smi-below-threshold",
            Severity::Warning,
            format!(
                "{} caused no gap above {}. Their stalls were shorter, or fell into measurement \
                 overhead. They are not gaps, but they happened.",
                counted(short, "SMI"),
                case.plan.threshold
            ),
            Some("lower --threshold to see how long they are"),
        ));
    }
    let hidden = most(case, |smi| smi.without_gap);
    if hidden > 0 {
        all.push(Finding::new(
            "smi-without-gap",
            Severity::Warning,
            format!(
                "{} came without a visible stall. They fell into measurement overhead, or the \
                 firmware hid the time that was taken.",
                counted(hidden, "SMI")
            ),
            Some(
                "see tsc-adjust and core-clocks in the evidence list: they show time that was \
                 taken off the TSC",
            ),
        ));
    }
    let hidden = case
        .collected
        .cpus
        .iter()
        .filter_map(|cpu| {
            cpu.unknown_above_limit
                .get(&UnknownReason::SmiInTask)
                .copied()
        })
        .max();
    if let Some(hidden @ 1..) = hidden {
        all.push(Finding::new(
            "smi-in-kernel-time",
            Severity::Warning,
            format!(
                "In {} above the limit an SMI fell into the time of another task. How long it \
                 took cannot be told there; that time is not covered.",
                counted(hidden, "gap")
            ),
            Some("keep other tasks off the sampled CPUs, or sample with --engine bpf"),
        ));
    }
    let unassigned = most(case, |smi| smi.unassigned);
    if unassigned > 0 {
        all.push(Finding::new(
            "smi-unassigned",
            Severity::Warning,
            format!(
                "{} came that cannot be given to one gap.",
                counted(unassigned, "SMI")
            ),
            Some(
                match case.collected.totals.iter().any(|cpu| cpu.traced.is_some()) {
                    true => "--engine user reads the counter after each gap, not beside the tracer",
                    false => "raise --threshold: many short gaps leave no time to read the counter",
                },
            ),
        ));
    }
    let between = most(case, |smi| smi.between_shots);
    let hwlat = case.chosen.engine == EngineName::Hwlat;
    if between > 0 {
        all.push(Finding::new(
            "smi-between-shots",
            Severity::Warning,
            match hwlat {
                true => format!(
                    "{} came between the hwlat tracer's windows, or were too short. Those in a \
                     window stalled the CPU for less than the threshold. They are not gaps, but \
                     they happened.",
                    counted(between, "SMI")
                ),
                false => format!(
                    "{between} SMI(s) came between interrupts-off windows. They are not gaps, but \
                     they happened."
                ),
            },
            Some(match hwlat {
                true => "--engine bpf and --engine user tell the two apart",
                false => "run longer, or raise --irqs-off: the share of the time in pauses falls",
            }),
        ));
    }
    let paused = most(case, |smi| smi.while_paused);
    if paused > 0 {
        all.push(Finding::new(
            "smi-while-paused",
            Severity::Warning,
            format!(
                "{} came while sampling paused (--width, --window).",
                counted(paused, "SMI")
            ),
            Some("sample without pauses: --width equal to --window"),
        ));
    }
    all
}
