//! Where, how long, how much of the time, and by which evidence.

use super::super::{Summary, cpu_names, evidence, measured, quieted};
use super::lines;
use crate::model::EngineName;
use crate::render::page::Page;
use crate::render::screen::{Part, Rank};
use crate::render::style::{Ink, Style};
use crate::text::human;

/// The columns of the names.
const NAME: usize = 9;

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style) -> Vec<Part<'a>> {
    let text = lines(style, |page| {
        field(page, 1, "Machine", &machine(summary));
        field(page, 2, "Run", &run(summary));
        field(page, 2, "Covered", &measured::covered(summary));
        if !summary.evidence.is_empty() {
            field(page, 1, "Evidence", &evidence::counted(summary));
        }
        if let Some(quiet) = summary.quiet_host {
            let (ink, text) = quieted::in_short(quiet);
            page.labelled_within(2, ink, &format!("  {:<NAME$}  ", "Quieted"), &text);
        }
    });
    vec![Part::new(Rank::Answer, text)]
}

fn field(page: &mut Page, lines: usize, name: &str, text: &str) {
    page.labelled_within(lines, Ink::Plain, &format!("  {name:<NAME$}  "), text);
}

fn machine(summary: &Summary<'_>) -> String {
    let host = summary.host;
    let system = measured::joined([&host.system.vendor, &host.system.product]);
    let what = match summary.in_guest() {
        true => format!("guest of {} ({system})", measured::name(&host.hypervisor)),
        false => {
            let bios = measured::joined([&host.bios.version, &host.bios.date]);
            format!("{system}, BIOS {bios}")
        }
    };
    format!("{}: {what}", measured::name(&host.hostname))
}

fn run(summary: &Summary<'_>) -> String {
    let run = summary.run;
    let threshold = human::chosen(run.threshold_ns);
    let limit = match run.hardlimit_ns == run.threshold_ns {
        true => String::new(),
        false => format!(", limit {}", human::chosen(run.hardlimit_ns)),
    };
    let engine = match run.engine {
        EngineName::Both | EngineName::Several => String::from("engines in turn"),
        one => format!("{} engine", one.name()),
    };
    format!(
        "{}, {engine}, gaps above {threshold}{limit}; {}",
        short_names(summary),
        measured::lasted(run),
    )
}

/// The CPUs; of many only how many.
fn short_names(summary: &Summary<'_>) -> String {
    let names = cpu_names(summary.cpus);
    match names.len() > 20 {
        true => human::plural(summary.cpus.len() as u64, "CPU"),
        false => names,
    }
}
