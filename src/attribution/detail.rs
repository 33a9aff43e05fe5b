//! One sentence a gap, for a human.

use crate::evidence::kernel_trace::{Account, Names, Standing};
use crate::units::Nanos;

use super::cause::Cause;
use super::decide::{Attribution, noise};
use super::evidence::{Evidence, SmiEvidence};
use super::setting::{ClockTrust, Platform, Setting};
use super::shares::shares;

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

/// What a sentence about a gap is made from.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// What the sampler collected.
    pub evidence: &'a Evidence,
    /// What the kernel recorded.
    pub account: Option<&'a Account>,
    /// The names in it.
    pub names: Option<&'a Names>,
    /// What was decided.
    pub attribution: &'a Attribution,
    /// The gap's length.
    pub length: Nanos,
    /// The circumstances.
    pub setting: Setting,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
}

/// Says why a gap has its cause.
pub fn detail(telling: &Telling<'_>) -> String {
    let Telling {
        evidence,
        attribution,
        ..
    } = telling;
    if telling.setting.clock == ClockTrust::Broken {
        return String::from("the TSC could not be trusted at this time");
    }
    match attribution.cause {
        Cause::Smi => format!("{}; {}", presence(attribution), counted(evidence.smi)),
        Cause::SmiOs => format!("{}{}", counted(evidence.smi), kernel_work(telling)),
        Cause::Cpu => String::from("the kernel did not run and no SMI was counted"),
        Cause::FirmwareOrCpu => format!("the kernel did not run; {}", counted(evidence.smi)),
        Cause::Hypervisor => String::from("this kernel did not run: the hypervisor or below"),
        Cause::Os if looks_throttled(evidence, telling.length, telling.throttling) => {
            format!(
                "real-time throttling or the fair server{}",
                kernel_work(telling)
            )
        }
        Cause::Os => {
            format!(
                "the kernel ran{}{}",
                kernel_work(telling),
                reservation(evidence.smi, telling.setting)
            )
        }
        Cause::Unknown => match (attribution.kernel_ran, telling.account) {
            (_, Some(account)) if account.standing == Standing::Lost => {
                String::from("the kernel ran; its records of this time were lost")
            }
            (Some(true), _) => format!("the kernel ran; {}", counted(evidence.smi)),
            // Only the clock keeps such a gap from its cause.
            (Some(false), _) => String::from("the TSC could not be trusted at this time"),
            _ => String::from("nothing tells whether the kernel ran"),
        },
    }
}

fn presence(attribution: &Attribution) -> &'static str {
    match attribution.kernel_ran {
        Some(false) => "the kernel did not run",
        _ => "whether the kernel ran is not known",
    }
}

/// What the kernel did: by its records, else by its counts.
fn kernel_work(telling: &Telling<'_>) -> String {
    let (Some(account), Some(names)) = (telling.account, telling.names) else {
        return format!(
            "{}{}",
            scheduling(telling.evidence),
            ring_zero(telling.evidence)
        );
    };
    if account.standing == Standing::Nothing {
        return format!(
            " by a way that has no tracepoint{}{}",
            scheduling(telling.evidence),
            ring_zero(telling.evidence)
        );
    }
    let parts: Vec<String> = account
        .shares
        .iter()
        .flatten()
        .map(|share| match share.nanos {
            0 => names.name(share.id).to_owned(),
            nanos => format!("{} {}", names.name(share.id), Nanos(u64::from(nanos))),
        })
        .collect();
    let (_, residual) = shares(
        telling.attribution,
        telling.evidence,
        Some(account),
        telling.length,
    );
    let rest = match residual {
        Some(rest) if telling.attribution.cause == Cause::SmiOs => format!("; SMI {rest}"),
        Some(rest) if rest > noise(telling.length) => format!("; {rest} not accounted for"),
        _ => String::new(),
    };
    format!(": {}{rest}", parts.join(", "))
}

/// How much the kernel did, where nothing has named it.
fn ring_zero(evidence: &Evidence) -> String {
    match evidence.ring_zero {
        Some(ring_zero) if evidence.by_ring_zero() == Some(true) => {
            format!("; {} instructions of ring 0", ring_zero.instructions)
        }
        _ => String::new(),
    }
}

fn counted(smi: SmiEvidence) -> String {
    match smi {
        SmiEvidence::Own { delta: 0 } | SmiEvidence::Alone { delta: 0 } => {
            String::from("no SMI was counted")
        }
        SmiEvidence::Own { delta: 1 } | SmiEvidence::Alone { delta: 1 } => {
            String::from("1 SMI was counted")
        }
        SmiEvidence::Own { delta } | SmiEvidence::Alone { delta } => {
            format!("{delta} SMIs were counted")
        }
        SmiEvidence::Shared { delta, among } => {
            format!("{delta} SMI(s) counted for {among} events together")
        }
        SmiEvidence::NotRead => String::from("the SMI counter was not read"),
        SmiEvidence::Unreadable => String::from("SMIs cannot be counted"),
    }
}

fn scheduling(evidence: &Evidence) -> String {
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
    if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    }
}

fn reservation(smi: SmiEvidence, setting: Setting) -> &'static str {
    match smi {
        _ if setting.platform == Platform::Guest => "",
        SmiEvidence::Own { .. } | SmiEvidence::Shared { .. } | SmiEvidence::Alone { .. } => "",
        SmiEvidence::NotRead | SmiEvidence::Unreadable => "; an SMI beside it would go unseen",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::Footprint;

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
