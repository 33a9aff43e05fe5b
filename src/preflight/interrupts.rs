//! Device interrupts that the sampled CPUs serve, or may come to serve.
//!
//! Source: Documentation/core-api/irq/irq-affinity.rst, kernel/irq/proc.c.

use crate::host::irqs::{Irq, Mobility, read};
use crate::preflight::model::{Effect, Observation};
use crate::units::cpulist::CpuList;
use crate::units::cpumask::{mask_of, parse_mask};

use super::View;
use super::boot::Isolcpus;
use super::found::Found;
use super::look::{cpus, few, observed};

const DEFAULT: &str = "proc/irq/default_smp_affinity";
const NAMED: usize = 4;
/// How many interrupts stand as evidence.
const SHOWN: usize = 32;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    if view.plan.cpus.is_empty() {
        return Vec::new();
    }
    let irqs = match read(view.root) {
        Ok(irqs) => irqs,
        Err(error) => {
            return vec![view.unread(
                "irq-affinity",
                "proc/irq",
                &error,
                "This kernel shows no interrupts.",
            )];
        }
    };
    let sampled = &view.plan.cpus;
    let hits = |irq: &&Irq| !irq.served_on().intersection(sampled).is_empty();
    let may_hit = |irq: &&Irq| !hits(irq) && !irq.allowed.intersection(sampled).is_empty();
    let by = |mobility| irqs.iter().filter(move |irq| irq.mobility == mobility);
    let mut all = vec![delivered(
        view,
        &by(Mobility::ByUser).filter(hits).collect::<Vec<_>>(),
    )];
    all.extend(fixed(
        view,
        &by(Mobility::Fixed).filter(hits).collect::<Vec<_>>(),
    ));
    all.extend(stray(
        &by(Mobility::ByUser).filter(may_hit).collect::<Vec<_>>(),
    ));
    all.push(newcomers(view));
    all
}

fn names(irqs: &[&Irq]) -> String {
    let names: Vec<String> = irqs.iter().map(|irq| irq.to_string()).collect();
    few(&names, NAMED)
}

fn affinities(irqs: &[&Irq]) -> Vec<Observation> {
    let shown = irqs.iter().take(SHOWN).map(|irq| {
        let (file, list) = match &irq.effective {
            Some(list) => ("effective_affinity_list", list),
            None => ("smp_affinity_list", &irq.allowed),
        };
        observed(&format!("proc/irq/{}/{file}", irq.number), list.to_string())
    });
    shown.collect()
}

fn delivered(view: &View<'_>, irqs: &[&Irq]) -> Found {
    let sampled = &view.plan.cpus;
    if irqs.is_empty() {
        let text = format!(
            "No device interrupt that can be moved goes to {}.",
            cpus(sampled)
        );
        return Found::new("irq-affinity", Effect::None, text).seen([view.look(DEFAULT)]);
    }
    let hit: CpuList = (irqs.iter())
        .flat_map(|irq| {
            irq.served_on()
                .intersection(sampled)
                .iter()
                .collect::<Vec<_>>()
        })
        .collect();
    let target = match view.plan.housekeeping.is_empty() {
        true => String::from("leave a CPU to interrupts with --cpus"),
        false => format!(
            "write {} to their smp_affinity_list, and stop irqbalance",
            view.plan.housekeeping
        ),
    };
    Found::new(
        "irq-affinity",
        Effect::Disturbs,
        format!("Interrupts delivered to {}: {}.", cpus(&hit), names(irqs)),
    )
    .seen(affinities(irqs))
    .costs("Each takes a sampler's time, and so do the softirqs that follow.")
    .remedy(target)
}

fn fixed(view: &View<'_>, irqs: &[&Irq]) -> Option<Found> {
    let sampled = &view.plan.cpus;
    let now = view.boot_options().and_then(Isolcpus::of);
    let asked = now.is_some_and(|now| now.managed_irq && sampled.without(&now.cpus).is_empty());
    let widened = Isolcpus::widened(view.boot_options(), sampled, &view.online());
    let remedy = match (asked, widened) {
        // The kernel leaves a queue where all of its CPUs are isolated.
        (true, _) => String::from(
            "isolcpus=managed_irq is set: keep work that uses these devices off the CPUs, or give \
             the devices fewer queues (ethtool -L)",
        ),
        (false, Some(option)) => format!("boot with {option}"),
        (false, None) => String::from("leave a CPU to interrupts with --cpus"),
    };
    (!irqs.is_empty()).then(|| {
        Found::new(
            "irq-fixed",
            Effect::Slight,
            format!(
                "Interrupts on sampled CPUs that user space cannot move: {}.",
                names(irqs)
            ),
        )
        .seen(affinities(irqs))
        .costs("The kernel spreads such queues itself; most are raised by work of that CPU alone.")
        .remedy(remedy)
    })
}

fn stray(irqs: &[&Irq]) -> Option<Found> {
    (!irqs.is_empty()).then(|| {
        let allowed = irqs.iter().take(SHOWN).map(|irq| {
            let file = format!("proc/irq/{}/smp_affinity_list", irq.number);
            observed(&file, irq.allowed.to_string())
        });
        Found::new(
            "irq-may-move",
            Effect::Slight,
            format!(
                "Interrupts that may be moved to sampled CPUs: {}.",
                names(irqs)
            ),
        )
        .seen(allowed)
        .remedy("take the sampled CPUs out of their smp_affinity_list")
    })
}

/// The mask that interrupts requested from now on get.
fn newcomers(view: &View<'_>) -> Found {
    let id = "irq-default";
    let mask = match view.root.read_text(DEFAULT) {
        Ok(text) => parse_mask(&text),
        Err(error) => {
            let absent = "This kernel has no default for new interrupts.";
            return view.unread(id, DEFAULT, &error, absent);
        }
    };
    let seen = [view.look(DEFAULT)];
    let condition = |effect, text: &str| Found::new(id, effect, text).seen(seen);
    match mask.map(|mask| mask.intersection(&view.plan.cpus)) {
        None => condition(
            Effect::Unknown,
            "The default of new interrupts cannot be read.",
        ),
        Some(hit) if hit.is_empty() => {
            condition(Effect::None, "New interrupts stay off the sampled CPUs.")
        }
        Some(_) => condition(
            Effect::Slight,
            "Interrupts of devices that start later may go to sampled CPUs.",
        )
        .remedy(match view.plan.housekeeping.is_empty() {
            true => String::from("leave a CPU to interrupts with --cpus"),
            false => format!(
                "write {} to /{DEFAULT}; or boot with irqaffinity={}",
                mask_of(&view.plan.housekeeping),
                view.plan.housekeeping
            ),
        }),
    }
}
