//! The machine, as a vendor's ticket names it.

use crate::model::{Inventory, NamedText, Report};
use crate::render::document::{Block, Rank, Section, or_unknown};

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let host = &report.host;
    let (cpu, bios) = (&host.cpu, &host.bios);
    let number = |value: Option<u32>| value.map_or(String::from("?"), |value| value.to_string());
    let mut facts = vec![
        ("Host name", or_unknown(&host.hostname)),
        (
            "System",
            joined(&[&host.system.vendor, &host.system.product]),
        ),
        ("Board", or_unknown(&host.system.board)),
        ("BIOS", joined(&[&bios.vendor, &bios.version, &bios.date])),
        (
            "Processor",
            format!(
                "{} ({}, family {}, model {}, stepping {})",
                or_unknown(&cpu.model_name),
                or_unknown(&cpu.vendor),
                number(cpu.family),
                number(cpu.model),
                number(cpu.stepping)
            ),
        ),
        ("Microcode", or_unknown(&cpu.microcode)),
        ("Kernel", or_unknown(&host.kernel.release)),
        ("Command line", or_unknown(&host.kernel.command_line)),
    ];
    if let Some(name) = &host.hypervisor {
        facts.insert(1, ("Guest of", name.clone()));
    }
    let mut blocks = Vec::new();
    match &report.inventory {
        None => blocks.push(Block::Facts(facts)),
        Some(inventory) => {
            facts.extend(settings(inventory));
            blocks.push(Block::Facts(facts));
            for (name, entries) in [
                ("module", &inventory.modules),
                ("vulnerability", &affected(inventory)),
                ("not known", &inventory.unknown),
            ] {
                let rows = entries.iter();
                let rows = rows.map(|entry| vec![entry.name.clone(), entry.text.clone()]);
                blocks.push(Block::table([name, ""], rows));
            }
        }
    }
    super::section("The machine", Rank::Detail, blocks)
}

fn settings(inventory: &Inventory) -> Vec<(&'static str, String)> {
    let count = |count: Option<u32>| count.map_or(String::from("?"), |count| count.to_string());
    let list = |names: &[String]| match names.is_empty() {
        true => String::from("none"),
        false => names.join(", "),
    };
    let cpus = |cpus: &Option<String>| match cpus.as_deref() {
        Some("") => String::from("none"),
        _ => or_unknown(cpus),
    };
    let idle: Vec<String> = inventory
        .idle_states
        .iter()
        .map(|state| {
            let off = if state.enabled { "" } else { ", disabled" };
            format!("{} ({}{off})", state.name, state.exit_latency_ns)
        })
        .collect();
    let mut facts = vec![
        ("Product version", or_unknown(&inventory.product_version)),
        ("Board version", or_unknown(&inventory.board_version)),
        ("BIOS release", or_unknown(&inventory.bios_release)),
        ("BMC firmware", or_unknown(&inventory.bmc_firmware)),
        (
            "Topology",
            format!(
                "{} socket(s), {} core(s), {} CPU(s) online; SMT {}",
                count(inventory.sockets),
                count(inventory.cores),
                count(inventory.threads),
                or_unknown(&inventory.smt)
            ),
        ),
        ("Isolated CPUs", cpus(&inventory.isolated_cpus)),
        ("Tickless CPUs", cpus(&inventory.nohz_full_cpus)),
        ("Kernel build", or_unknown(&inventory.kernel_build)),
        ("Preemption", or_unknown(&inventory.preemption)),
        ("Lockdown", or_unknown(&inventory.lockdown)),
        ("Governor", list(&inventory.governors)),
        ("Frequency driver", list(&inventory.frequency_drivers)),
        ("Turbo", or_unknown(&inventory.turbo)),
        ("Idle driver", or_unknown(&inventory.idle_driver)),
        ("Idle states", list(&idle)),
    ];
    for serial in inventory.serials.iter().flatten() {
        facts.push(("Serial number", format!("{}: {}", serial.name, serial.text)));
    }
    facts
}

/// Vulnerabilities that this CPU has, and the names of the others in one row.
fn affected(inventory: &Inventory) -> Vec<NamedText> {
    let all = inventory.mitigations.iter().cloned();
    let (without, mut with): (Vec<NamedText>, Vec<NamedText>) =
        all.partition(|entry| entry.text == "Not affected");
    if !without.is_empty() {
        let names: Vec<String> = without.into_iter().map(|entry| entry.name).collect();
        with.push(NamedText {
            name: String::from("not affected"),
            text: names.join(", "),
        });
    }
    with
}

fn joined(parts: &[&Option<String>]) -> String {
    let known: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
    or_unknown(&Some(known.join(" ")))
}
