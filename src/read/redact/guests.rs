//! What hosts saw of guests, and what it explains, without names.

use crate::model::absence::HostReport;
use crate::model::explained::{ExplainedPart, Explanation};
use crate::model::{Finding, HostIdentity};
use crate::read::redact::aliases::{Aliases, Kind, is_of_everyone};
use crate::read::redact::texts;

/// The same report with aliases in place of names; numbers of processes stay.
pub fn host(mut report: HostReport) -> HostReport {
    let aliases = of_host(&report);
    let text = |text: &mut String| *text = aliases.in_text(text);
    identity(&mut report.host, &aliases);
    texts::of_clock(&mut report.tsc, &mut { text });
    let run = &mut report.run;
    for words in [
        &mut report.tool.name,
        &mut report.tool.version,
        &mut run.command_line,
        &mut run.started_utc,
        &mut run.ended_utc,
    ] {
        text(words);
    }
    [&mut run.error, &mut run.source_reason]
        .into_iter()
        .flatten()
        .for_each(text);
    for guest in &mut report.guests {
        guest.name = aliases.of(&guest.name);
        guest.vmm.iter_mut().for_each(text);
        for vcpu in &mut guest.vcpus {
            let thread = vcpu.thread.iter_mut().filter(|name| !is_of_everyone(name));
            thread.for_each(|name| *name = aliases.of(name));
            for words in [
                &mut vcpu.affinity,
                &mut vcpu.scheduling,
                &mut vcpu.guest_tsc_reason,
            ] {
                words.iter_mut().for_each(text);
            }
            for line in vcpu.guest_tsc.iter_mut().flatten() {
                text(&mut line.offset);
                text(&mut line.ratio);
            }
            for total in &mut vcpu.totals {
                total.what = aliases.of_what(total.cause, &total.what);
            }
            for absence in &mut vcpu.absences {
                if let Some(exit) = &mut absence.exit {
                    text(&mut exit.reason);
                    exit.about.iter_mut().for_each(text);
                }
                for part in &mut absence.parts {
                    part.what = aliases.of_what(part.cause, &part.what);
                }
            }
        }
    }
    report
        .smis_unread
        .iter_mut()
        .for_each(|one| text(&mut one.reason));
    findings(&mut report.findings, &aliases);
    report
}

fn of_host(report: &HostReport) -> Aliases {
    let mut aliases = Aliases::default();
    aliases.add_host(Kind::Host, &report.host);
    for guest in &report.guests {
        aliases.add(Kind::Guest, &guest.name);
        for vcpu in &guest.vcpus {
            let thread = vcpu.thread.iter().filter(|name| !is_of_everyone(name));
            thread.for_each(|name| aliases.add(Kind::Task, name));
            let totals = vcpu.totals.iter().map(|total| (total.cause, &total.what));
            let absences = vcpu.absences.iter().flat_map(|absence| &absence.parts);
            let parts = absences.map(|part| (part.cause, &part.what));
            for (cause, what) in totals.chain(parts) {
                aliases.add_task(cause, what);
            }
        }
    }
    aliases
}

/// The same explanation, and the aliases for what else is made of it.
pub fn explained(mut told: Explanation) -> (Explanation, Aliases) {
    let aliases = of_explanation(&mut told);
    let text = |text: &mut String| *text = aliases.in_text(text);
    text(&mut told.tool.name);
    text(&mut told.tool.version);
    identity(&mut told.guest, &aliases);
    for host in &mut told.hosts {
        identity(&mut host.host, &aliases);
        host.guest_name = aliases.of(&host.guest_name);
        host.clocks.offset.iter_mut().for_each(text);
    }
    for gap in &mut told.gaps {
        gap.what = aliases.of_what(gap.cause, &gap.what);
        text(&mut gap.start_utc);
        text(&mut gap.detail);
    }
    for part in parts(&mut told) {
        part.what = aliases.of_what(part.cause, &part.what);
    }
    for total in &mut told.totals {
        total.what = aliases.of_what(total.cause, &total.what);
    }
    text(&mut told.verdict.text);
    findings(&mut told.findings, &aliases);
    (told, aliases)
}

fn of_explanation(told: &mut Explanation) -> Aliases {
    let mut aliases = Aliases::default();
    for host in &told.hosts {
        aliases.add_host(Kind::Host, &host.host);
        aliases.add(Kind::Guest, &host.guest_name);
    }
    aliases.add_host(Kind::Guest, &told.guest);
    for part in parts(told) {
        aliases.add_task(part.cause, &part.what);
    }
    for total in &told.totals {
        aliases.add_task(total.cause, &total.what);
    }
    for gap in &told.gaps {
        aliases.add_task(gap.cause, &gap.what);
    }
    aliases
}

fn parts(told: &mut Explanation) -> impl Iterator<Item = &mut ExplainedPart> {
    let gaps = told.gaps.iter_mut();
    let parts = gaps.flat_map(|gap| gap.parts.iter_mut().chain(&mut gap.os_parts));
    parts.chain(&mut told.verdict.worst_parts)
}

fn identity(host: &mut HostIdentity, aliases: &Aliases) {
    let name = host.hostname.iter_mut();
    name.for_each(|name| *name = aliases.of(name));
    host.machine_id_hash = None;
    texts::of_host(host, &mut |text| *text = aliases.in_text(text));
}

fn findings(findings: &mut [Finding], aliases: &Aliases) {
    for finding in findings {
        let texts = [&mut finding.id, &mut finding.text].into_iter();
        let texts = texts.chain(&mut finding.remedy);
        texts.for_each(|text| *text = aliases.in_text(text));
    }
}
