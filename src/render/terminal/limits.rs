//! What this run could not see, so that its silence is not taken for proof.

use crate::render::page::Page;
use crate::render::terminal::Summary;
use crate::text::human;

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    page.heading("What could not be seen");
    for text in points(summary) {
        page.point(&text);
    }
}

/// What could not be seen, a sentence each.
pub(in crate::render) fn points(summary: &Summary<'_>) -> Vec<String> {
    let mut page = Points(Vec::new());
    let page = &mut page;
    let threshold = human::chosen(summary.run.threshold_ns);
    page.point(&format!(
        "Stalls of {threshold} or less are only in the report's histograms."
    ));
    if let Some(cpus) = crate::render::terminal::left_out(summary) {
        page.point(&format!(
            "Stalls that reach only what was left out: {cpus}."
        ));
    }
    traced(summary, page);
    if summary.cpus.iter().any(|cpu| cpu.masked.is_some()) {
        page.point(
            "Stalls between two shots, while interrupts were on: they are neither gaps nor \
             coverage.",
        );
    }
    if summary.in_guest() {
        guest(page);
    } else {
        bare_metal(summary, page);
    }
    lost(summary, page);
    std::mem::take(&mut page.0)
}

/// Sentences as they are found.
struct Points(Vec<String>);

impl Points {
    fn point(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

/// What the kernel's tracers cannot see.
fn traced(summary: &Summary<'_>, page: &mut Points) {
    let tracers = || summary.cpus.iter().filter_map(|cpu| cpu.tracer.as_ref());
    let Some(first) = tracers().next() else {
        return;
    };
    let width = human::length(first.width_ns);
    if first.name == "hwlat" {
        let companions = tracers().map(|tracer| tracer.companions);
        let hidden = match companions.fold(0, u64::saturating_add) {
            0 => String::from("none did"),
            some => format!("{} did", human::plural(some, "stall")),
        };
        page.point(&format!(
            "Moment and length of stalls that share a window of {width} with another one: the \
             hwlat tracer keeps one record a window, with the end of the first and the length of \
             the longest. Here {hidden}; they are counted.",
        ));
        page.point("Lengths to better than half a microsecond.");
    } else if !first.interrupts_off {
        page.point(
            "Stalls in time that the kernel took: the osnoise tracer samples with interrupts on, \
             and adds a stall to whatever interfered in the same gap.",
        );
    }
}

fn guest(page: &mut Points) {
    page.point(
        "What took the time below this guest: its hypervisor, other guests, or the \
         machine and firmware under them all look the same from here.",
    );
    page.point(
        "Time counted as \"os\" may include time that the hypervisor took while this \
         kernel ran.",
    );
}

fn bare_metal(summary: &Summary<'_>, page: &mut Points) {
    let uncounted = summary.cpus.iter().any(|cpu| cpu.smi.is_none());
    if uncounted {
        page.point(
            "Which stalls were SMIs, and whether SMIs too short for a gap happened: not \
             on every CPU could they be counted.",
        );
    }
    if summary.cpus.iter().any(|cpu| cpu.os_ns.0 > 0) {
        page.point(
            "A stall of the platform within time that the kernel took shows at most by \
             the SMI counter.",
        );
    }
}

fn lost(summary: &Summary<'_>, page: &mut Points) {
    let sum = |part: fn(&crate::model::CpuReport) -> u64| {
        summary.cpus.iter().map(part).fold(0, u64::saturating_add)
    };
    let (seen, kept) = (sum(|cpu| cpu.gaps_seen), sum(|cpu| cpu.gaps_recorded));
    let dropped = sum(|cpu| cpu.gaps_dropped);
    if dropped > 0 {
        page.point(&format!(
            "The cause of {} that came too fast to be recorded.",
            human::plural(dropped, "gap")
        ));
    }
    let companions = sum(|cpu| cpu.tracer.as_ref().map_or(0, |tracer| tracer.companions));
    let left = seen
        .saturating_sub(kept)
        .saturating_sub(dropped)
        .saturating_sub(companions);
    if left > 0 {
        page.point(&format!(
            "The moments of {}: only the longest are kept, all are counted.",
            human::plural(left, "gap")
        ));
    }
}
