//! What this kernel offers and withholds.

use crate::host::kernel::{Lockdown, Preemption};
use crate::host::root::ReadError;
use crate::preflight::model::Effect;

use super::View;
use super::found::Found;
use super::look::{observed, why};

const RELEASE: &str = "proc/sys/kernel/osrelease";
const LOCKDOWN: &str = "sys/kernel/security/lockdown";
const TRACERS: &str = "sys/kernel/tracing/available_tracers";
/// The first kernel in which BPF programs may turn interrupts off
/// (`bpf_local_irq_save`).
const FIRST_WITH_BPF_IRQ_SAVE: (u32, u32) = (6, 14);

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    vec![version(view), lockdown(view)]
}

fn version(view: &View<'_>) -> Found {
    let id = "kernel";
    let release = match &view.host.kernel.release {
        Ok(release) => release,
        Err(error) => {
            let text = format!("The kernel's release is not known: {}.", why(error));
            return view.by(id, RELEASE, Effect::Unknown, &text);
        }
    };
    let preemption = match view.host.kernel.preemption {
        Ok(Preemption::Realtime) => " (PREEMPT_RT)",
        _ => "",
    };
    let masking = match release.numbers() {
        Some(numbers) if numbers >= FIRST_WITH_BPF_IRQ_SAVE => {
            "It is new enough for BPF programs that keep interrupts out (6.14)."
        }
        Some(_) => "BPF programs that keep interrupts out need 6.14, unless they were backported.",
        None => "Its number cannot be read.",
    };
    let tracers = view.root.read_text(TRACERS).ok().map(|text| {
        let has = |name: &str| text.split_whitespace().any(|word| word == name);
        match (has("hwlat"), has("osnoise")) {
            (true, true) => " It has the tracers hwlat and osnoise.",
            (true, false) => " It has the tracer hwlat.",
            (false, true) => " It has the tracer osnoise.",
            (false, false) => " It has neither the tracer hwlat nor osnoise.",
        }
    });
    let mut seen = vec![view.look(RELEASE)];
    if tracers.is_some() {
        seen.push(view.look(TRACERS));
    }
    let text = format!(
        "Linux {release}{preemption}. {masking}{}",
        tracers.unwrap_or_default()
    );
    Found::new(id, Effect::Slight, text).seen(seen)
}

fn lockdown(view: &View<'_>) -> Found {
    let id = "lockdown";
    let mode = &view.host.kernel.lockdown;
    // Not looked at again: securityfs may be one of hwgap's own.
    let said = match mode {
        Ok(mode) => mode.to_string(),
        Err(error) => why(error),
    };
    let condition =
        |effect, text: &str| Found::new(id, effect, text).seen([observed(LOCKDOWN, &said)]);
    match mode {
        Ok(Lockdown::None) => condition(Effect::None, "The kernel is not locked down."),
        Ok(Lockdown::Integrity) => condition(
            Effect::Slight,
            "The kernel is locked down for integrity, as with Secure Boot.",
        )
        .costs(
            "MSR reads, perf and tracepoints still work; the fair server cannot be read or set.",
        ),
        Ok(Lockdown::Confidentiality) => condition(
            Effect::Limits,
            "The kernel is locked down for confidentiality.",
        )
        .costs(
            "Perf's records and tracepoints are withheld: what the kernel did is not identified.",
        )
        .remedy("boot with lockdown=integrity"),
        Err(ReadError::Missing { .. }) => {
            condition(Effect::None, "Lockdown status unknown (no securityfs).")
        }
        Err(error) => condition(Effect::Unknown, &format!("Not known: {}.", why(error))),
    }
}
