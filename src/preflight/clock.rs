//! The time stamp counter, and whether the kernel trusts it.

use crate::host::kernel_log::TscLogEvent;
use crate::judgement::tsc_given_up;
use crate::model::Platform;
use crate::preflight::model::{Effect, Observation};

use super::View;
use super::found::Found;
use super::look::{few, observed, why};

const FOLDER: &str = "sys/devices/system/clocksource/clocksource0";
const CMDLINE: &str = "proc/cmdline";
const LOG: &str = "dev/kmsg";
/// How many lines of the kernel log a text holds.
const QUOTED: usize = 3;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let mut all = vec![clocksource(view), flags(view), kernel_log(view)];
    all.extend(boot_option(view));
    all
}

fn clocksource(view: &View<'_>) -> Found {
    let id = "clocksource";
    let current = format!("{FOLDER}/current_clocksource");
    let available = format!("{FOLDER}/available_clocksource");
    let source = match &view.host.clocksource {
        Ok(source) => source,
        Err(error) => {
            let text = format!("The kernel's clocksource is not known: {}.", why(error));
            return Found::new(id, Effect::Unknown, text).seen([view.look(&current)]);
        }
    };
    let condition = |effect, text: &str| {
        Found::new(id, effect, text).seen([view.look(&current), view.look(&available)])
    };
    let given_up = tsc_given_up(view.host);
    match view.machine.platform() {
        _ if source.is_tsc() => condition(Effect::None, "The kernel keeps time by the TSC."),
        Platform::BareMetal if given_up => condition(
            Effect::Prevents,
            "The kernel has given the TSC up as a clock.",
        )
        .costs("What the TSC says of time cannot be trusted, and every run is inconclusive.")
        .remedy("look for 'TSC' in the kernel log, and for tsc= on its command line"),
        Platform::Guest if given_up => condition(
            Effect::Slight,
            &format!(
                "This guest's kernel keeps time by {} and does not offer the TSC.",
                source.current
            ),
        )
        .costs("Guests' kernels may do so by choice; it proves no fault of the TSC."),
        _ => condition(
            Effect::Slight,
            &format!(
                "The kernel keeps time by {}; the TSC is on offer.",
                source.current
            ),
        )
        .costs("The kernel does not watch a TSC that it does not use as closely."),
    }
}

fn flags(view: &View<'_>) -> Found {
    let id = "tsc-rate";
    let shown = match &view.host.cpu_model.flags {
        Ok(flags) => flags.about_tsc().join(" "),
        Err(error) => why(error),
    };
    let seen = [
        observed("proc/cpuinfo", shown),
        Observation {
            source: String::from("CPUID 80000007h"),
            said: String::from(if view.machine.tsc_is_invariant() {
                "invariant TSC"
            } else {
                "no invariant TSC"
            }),
        },
    ];
    if view.machine.tsc_is_invariant() {
        let text = "The TSC keeps its rate in all frequencies and idle states.";
        return Found::new(id, Effect::None, text).seen(seen);
    }
    Found::new(
        id,
        Effect::Limits,
        "The CPU does not promise that the TSC keeps its rate.",
    )
    .seen(seen)
    .costs("Lengths are off where the frequency changes.")
    .remedy("fix the CPU frequency for the time of a run")
}

fn kernel_log(view: &View<'_>) -> Found {
    let id = "kernel-log";
    let text = match view.root.read_log(LOG) {
        Ok(text) => text,
        Err(error) => {
            let absent = "There is no kernel log here.";
            return view
                .unread(id, LOG, &error, absent)
                .remedy("run as root, or see kernel.dmesg_restrict");
        }
    };
    let bad = bad_news(&text);
    if bad.is_empty() {
        let text = "The kernel log holds no complaint about the TSC.";
        let seen = observed(LOG, "nothing; silence proves nothing, as the log is a ring");
        return Found::new(id, Effect::None, text).seen([seen]);
    }
    let clauses: Vec<String> = bad.iter().map(ToString::to_string).collect();
    let condition = |effect| {
        let text = format!("Since boot: {}.", few(&clauses, QUOTED));
        let seen = clauses.iter().map(|clause| observed(LOG, clause));
        Found::new(id, effect, text).seen(seen)
    };
    let only_marked = (bad.iter()).all(|event| matches!(event, TscLogEvent::MarkedUnstable(_)));
    if only_marked && view.machine.platform() == Platform::Guest {
        return condition(Effect::Slight)
            .costs("Guests' kernels may do so by choice; it proves no fault of the TSC.");
    }
    condition(Effect::Limits)
        .costs("Lengths and moments by the TSC are in doubt.")
        .remedy("report it to the vendor of the machine, or of the hypervisor")
}

/// What the log says against the TSC, each thing once.
fn bad_news(log: &str) -> Vec<TscLogEvent> {
    let mut bad: Vec<TscLogEvent> = Vec::new();
    for event in log.lines().filter_map(TscLogEvent::classify) {
        let is_bad = match event {
            TscLogEvent::MarkedUnstable(_)
            | TscLogEvent::FailedWatchdog
            | TscLogEvent::Warped
            | TscLogEvent::AdjustDiffers(_) => true,
            TscLogEvent::Switched(_) | TscLogEvent::Rate { .. } => false,
        };
        if is_bad && !bad.contains(&event) {
            bad.push(event);
        }
    }
    bad
}

/// `tsc=` changes what the kernel checks; its silence then means less.
fn boot_option(view: &View<'_>) -> Option<Found> {
    let line = view.host.kernel.command_line.as_ref().ok()?;
    let values: Vec<&str> = line.values("tsc").flatten().collect();
    let chosen = values.last()?;
    let (effect, text) = match *chosen {
        "reliable" | "nowatchdog" | "recalibrate" | "watchdog" | "noirqtime" => (
            Effect::Slight,
            "A boot option sets how the kernel watches the TSC.",
        ),
        "unstable" => (
            Effect::Limits,
            "A boot option tells the kernel that the TSC is unstable.",
        ),
        _ => (
            Effect::Slight,
            "A boot option of the TSC has a value that hwgap does not know.",
        ),
    };
    Some(
        Found::new("tsc-option", effect, text)
            .seen([observed(CMDLINE, format!("tsc={chosen}"))])
            .costs("That the kernel has no complaint then means less."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_counts_once_and_news_not_at_all() {
        let log = "4,1,2,-;TSC warped randomly between CPUs\n\
                   4,1,3,-;TSC warped randomly between CPUs\n\
                   6,1,4,-;clocksource: Switched to clocksource tsc\n";
        assert_eq!(bad_news(log), [TscLogEvent::Warped]);
        assert!(bad_news("tsc: Detected 2596.120 MHz processor").is_empty());
    }
}
