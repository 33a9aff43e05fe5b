//! One phrase a gap, for a human.

use crate::evidence::kernel_trace::{KernelTime, Names, Standing};
use crate::model::{Cause, Counts, Evidence, Platform, Setting, SmiEvidence};
use crate::units::Nanos;

use super::account::{Account, Parts, UnknownReason};

/// The scheduler's bound on real-time tasks: in each period they run for at
/// most the runtime (sched(7), "Limiting the CPU usage of real-time and
/// deadline processes"); from Linux 6.12 the fair server does the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttling {
    /// Time left to ordinary tasks in each period.
    pub pause: Nanos,
}

/// Whether a gap is the pause of real-time throttling: the sampler was
/// runnable and held back for about that long.
pub fn looks_throttled(evidence: &Evidence, length: Nanos, throttling: Option<Throttling>) -> bool {
    let (Some(throttling), Some(delay)) = (throttling, evidence.run_delay_ns) else {
        return false;
    };
    let near = |value: Nanos| {
        value.0 * 10 >= throttling.pause.0 * 8 && value.0 * 10 <= throttling.pause.0 * 15
    };
    evidence
        .involuntary_switches
        .is_some_and(|switches| switches > 0)
        && near(length)
        && near(delay)
}

/// What a phrase about a gap is made from.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// What the sampler collected.
    pub evidence: &'a Evidence,
    /// What the kernel recorded.
    pub kernel: Option<&'a KernelTime>,
    /// The names in it.
    pub names: Option<&'a Names>,
    /// Who took the gap.
    pub account: &'a Account,
    /// The gap's length.
    pub length: Nanos,
    /// The circumstances.
    pub setting: Setting,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
}

/// Says who took which part of a gap, in one phrase: what lies below the kernel
/// first, then the kernel by its records, then what is not known, and why.
pub fn detail(telling: &Telling<'_>) -> String {
    let Telling {
        evidence, account, ..
    } = telling;
    let Parts {
        platform, unknown, ..
    } = account.parts;
    let mut parts = Vec::new();
    if platform > Nanos(0) {
        parts.push(format!("{} {platform}", who(account.cause)));
    }
    match account.kernel_ran {
        Some(true) => parts.push(kernel_work(telling)),
        Some(false) => parts.push(String::from("the kernel did not run")),
        None if unknown == Nanos(0) => {
            parts.push(String::from("whether the kernel ran is not known"));
        }
        None => {}
    }
    if let Some(reason) = account.unknown_reason {
        parts.push(match unknown == telling.length {
            true => String::from(reason.text()),
            false => format!("{unknown} not known: {}", reason.text()),
        });
    }
    if let Some(stall) = evidence.elsewhere_ns {
        parts.push(format!("another CPU stood still for {stall} meanwhile"));
    }
    parts.extend(counted(telling, evidence.smi));
    parts.join("; ")
}

fn who(cause: Cause) -> &'static str {
    match cause.alone() {
        Cause::Smi => "SMI",
        Cause::Cpu => "CPU",
        Cause::FirmwareOrCpu => "firmware or CPU",
        Cause::Hypervisor => "hypervisor or below",
        other => other.name(),
    }
}

/// What the kernel did: by its records, else by its counts.
fn kernel_work(telling: &Telling<'_>) -> String {
    let Parts { os, .. } = telling.account.parts;
    let throttled = looks_throttled(telling.evidence, telling.length, telling.throttling);
    let who = match throttled {
        true => "real-time throttling or the fair server",
        false => "the kernel",
    };
    let by = match (telling.kernel, telling.names) {
        (Some(kernel), Some(names)) if kernel.standing != Standing::Nothing => {
            by_name(kernel, names)
        }
        (kernel, _) => {
            let mut parts = scheduling(telling.evidence);
            parts.extend(kernel.map(|_| String::from("by a way that has no tracepoint")));
            parts.extend(ring_zero(telling.evidence));
            parts
        }
    };
    let by = match by.as_slice() {
        [] => String::new(),
        parts => format!(" ({})", parts.join(", ")),
    };
    match os {
        Nanos(0) => format!("{who} ran{by}"),
        os => format!("{who} {os}{by}"),
    }
}

fn by_name(kernel: &KernelTime, names: &Names) -> Vec<String> {
    let shares = kernel.shares.iter().flatten();
    shares
        .map(|share| match share.nanos {
            0 => names.name(share.id).to_owned(),
            nanos => format!("{} {}", names.name(share.id), Nanos(u64::from(nanos))),
        })
        .collect()
}

/// How much the kernel did, where nothing has named it.
fn ring_zero(evidence: &Evidence) -> Option<String> {
    let ring_zero = evidence.ring_zero?;
    (evidence.by_ring_zero() == Some(true))
        .then(|| format!("{} instructions of ring 0", ring_zero.instructions))
}

/// What the SMI counter says. A guest's is its virtual machine's own.
fn counted(telling: &Telling<'_>, smi: SmiEvidence) -> Option<String> {
    if telling.setting.platform == Platform::Guest
        || telling.account.unknown_reason == Some(UnknownReason::ClockBroken)
    {
        return None;
    }
    Some(match smi {
        SmiEvidence::Own { delta } | SmiEvidence::Alone { delta } => match delta {
            0 => String::from("no SMI was counted"),
            1 => String::from("1 SMI was counted"),
            _ => format!("{delta} SMIs were counted"),
        },
        SmiEvidence::Shared { delta, among } => {
            format!("{delta} SMI(s) counted for {among} events together")
        }
        SmiEvidence::NotRead => String::from("the SMI counter was not read"),
        SmiEvidence::Unreadable => String::from("SMIs cannot be counted"),
    })
}

fn scheduling(evidence: &Evidence) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(count @ 1..) = evidence.involuntary_switches {
        parts.push(format!(
            "{count} involuntary switch{}",
            if count == 1 { "" } else { "es" }
        ));
    }
    if let Some(count @ 1..) = evidence.page_faults {
        parts.push(format!(
            "{count} page fault{}",
            if count == 1 { "" } else { "s" }
        ));
    }
    if let Some(delay) = evidence.run_delay_ns.filter(|delay| *delay > Nanos(0)) {
        parts.push(format!("held back {delay}"));
    }
    if evidence.counts == Counts::Shared && !parts.is_empty() {
        parts.push(String::from("those of shorter entries among them"));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Footprint;

    #[test]
    fn throttling_needs_a_held_back_sampler_and_the_right_length() {
        let throttling = Some(Throttling {
            pause: Nanos(50_000_000),
        });
        let held = |delay, switches| Evidence {
            involuntary_switches: Some(switches),
            page_faults: Some(0),
            run_delay_ns: Some(Nanos(delay)),
            ..Evidence::new(Footprint::Cleared, SmiEvidence::Unreadable)
        };
        let length = Nanos(52_000_000);
        assert!(looks_throttled(&held(51_900_000, 1), length, throttling));
        assert!(!looks_throttled(&held(51_900_000, 0), length, throttling));
        assert!(!looks_throttled(&held(10_000, 1), length, throttling));
        assert!(!looks_throttled(
            &held(51_900_000, 1),
            Nanos(5_000_000),
            throttling
        ));
        assert!(!looks_throttled(&held(51_900_000, 1), length, None));
    }
}
