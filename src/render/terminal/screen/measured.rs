//! Where, how long, how much of the time, and by which evidence.

use super::lines;
use crate::model::EngineName;
use crate::render::document::{Rank, Summary, acted, cpu_names, evidence, measured, quieted};
use crate::render::page::Page;
use crate::render::screen::Part;
use crate::render::style::{Ink, Style};
use crate::text::{clean, human};

/// The columns of the names.
const NAME: usize = 9;
/// Names out of DMI tables and files are cut at this many columns.
const LONGEST_NAME: usize = 48;

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style) -> Vec<Part<'a>> {
    let text = lines(style, |page| {
        field(page, 1, "Machine", &machine(summary));
        field(page, 2, "Run", &run(summary));
        field(page, 2, "Covered", &measured::covered(summary));
        if !summary.report.evidence.is_empty() {
            field(page, 1, "Evidence", &evidence::counted(summary));
        }
        if let Some(quiet) = &summary.report.quiet_host {
            let (ink, text) = quieted::in_short(quiet);
            page.labelled_within(2, ink, &format!("  {:<NAME$}  ", "Quieted"), &text);
        }
        for (ink, name, text) in acted::in_short(&summary.report.run) {
            page.labelled_within(2, ink, &format!("  {name:<NAME$}  "), &text);
        }
    });
    vec![Part::new(Rank::Answer, text)]
}

fn field(page: &mut Page, lines: usize, name: &str, text: &str) {
    page.labelled_within(lines, Ink::Plain, &format!("  {name:<NAME$}  "), text);
}

fn machine(summary: &Summary<'_>) -> String {
    let host = &summary.report.host;
    let system = joined([&host.system.vendor, &host.system.product]);
    let what = match summary.in_guest() {
        true => format!("guest of {} ({system})", name(&host.hypervisor)),
        false => {
            let bios = joined([&host.bios.version, &host.bios.date]);
            format!("{system}, BIOS {bios}")
        }
    };
    format!("{}: {what}", name(&host.hostname))
}

fn run(summary: &Summary<'_>) -> String {
    let run = &summary.report.run;
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
    let names = cpu_names(&summary.report.cpus);
    match names.len() > 20 {
        true => human::counted(summary.report.cpus.len() as u64, "CPU"),
        false => names,
    }
}

/// A name that may be unreadable, with one length for all.
fn name(text: &Option<String>) -> String {
    match text.as_deref().map(str::trim) {
        None | Some("") => "not readable".to_owned(),
        Some(text) => clean::truncated(&clean::ascii(text), LONGEST_NAME).into_owned(),
    }
}

fn joined<const N: usize>(parts: [&Option<String>; N]) -> String {
    let known: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    name(&Some(known.join(" ")))
}
