//! A host's report as a document: who keeps the guests waiting most, by how much,
//! and when it was worst.

use std::cmp::Reverse;

use super::absences::{exit, largest, parts, utc};
use super::observation::{observed, reading};
use super::sums::{Sum, share, sums};
use crate::model::absence::{Absence, Guest, HostReport, Vcpu};
use crate::model::{Finding, Severity};
use crate::render::document::{Block, Document, Rank, findings, list, section};
use crate::render::style::Ink;
use crate::text::human;
use crate::units::{Hertz, Nanos};

/// Absences that are shown.
const LONGEST: usize = 50;
/// Numbers of columns.
static PLACES: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

pub(super) fn document(report: &HostReport) -> Document {
    let (ink, word, headline) = headline(report);
    let is_grave = |finding: &&Finding| finding.severity != Severity::Info;
    let (grave, others): (Vec<&Finding>, Vec<&Finding>) =
        report.findings.iter().partition(is_grave);
    let sections = vec![
        section("", Rank::Answer, vec![Block::Points(each(report))]),
        findings::list("What to do", Rank::Grave, grave),
        list(
            "Who kept vCPUs out of their guests",
            Rank::Main,
            8,
            vec![causes(report)],
        ),
        list("The longest absences", Rank::Main, 5, vec![worst(report)]),
        findings::list("What to know", Rank::Detail, others),
        list("vCPUs", Rank::Detail, 4, vec![vcpus(report)]),
        section(
            "How it was observed",
            Rank::Aside,
            vec![Block::Facts(observed(report))],
        ),
        list(
            "How to read this",
            Rank::Aside,
            0,
            vec![Block::Points(reading(report))],
        ),
    ];
    Document {
        title: title(report),
        ink,
        word,
        headline,
        sections: sections.into_iter().flatten().collect(),
    }
}

fn title(report: &HostReport) -> String {
    match &report.host.hostname {
        Some(name) => format!("Guests of {name}"),
        None => String::from("Guests of a host"),
    }
}

/// The guest that was kept waiting longest, and who did it most.
fn headline(report: &HostReport) -> (Ink, &'static str, String) {
    let waited = |guest: &&Guest| {
        let sums = sums(guest);
        let own = sums.iter().filter(|sum| !sum.is_halt());
        own.fold(Nanos(0), |all, sum| all.saturating_add(sum.total))
    };
    let worst = report.guests.iter().max_by_key(waited);
    if let Some(text) = worst.and_then(|guest| most(report, guest)) {
        return (Ink::Doubt, "KEPT OUT:", text);
    }
    match not_seen(report) {
        Some(text) => (
            Ink::Doubt,
            "NOT SEEN:",
            format!(
                "{text}; of the rest nothing kept a vCPU out of its guest for longer than {}, but \
                 for its own halts",
                human::chosen(report.run.threshold_ns)
            ),
        ),
        None => (
            Ink::Good,
            "UNDISTURBED:",
            format!(
                "no vCPU was out of its guest for longer than {} in {}, but for its own halts",
                human::chosen(report.run.threshold_ns),
                human::length(report.run.elapsed_ns)
            ),
        ),
    }
}

/// The vCPU that was least seen, where that is worth a word.
fn not_seen(report: &HostReport) -> Option<String> {
    let all = report.guests.iter();
    let all = all.flat_map(|guest| guest.vcpus.iter().map(move |vcpu| (guest, vcpu)));
    let (guest, vcpu) = all.max_by_key(|(_, vcpu)| vcpu.unseen())?;
    let (unseen, elapsed) = (
        Hertz(report.tsc.hz).to_nanos(vcpu.unseen()),
        report.run.elapsed_ns,
    );
    (unseen.0 > elapsed.0 / 1_000).then(|| {
        format!(
            "whether vCPU {} of {} was in its guest is not known for {} of {}",
            vcpu.index,
            guest.name,
            human::length(unseen),
            human::length(elapsed)
        )
    })
}

/// "web1's vCPUs most by host-task rt (7): 120 ms in 24 absences, at most 5.00 ms".
fn most(report: &HostReport, guest: &Guest) -> Option<String> {
    let sums = sums(guest);
    let first = sums.first().filter(|sum| !sum.is_halt())?;
    let longest = guest.vcpus.iter().map(|vcpu| vcpu.longest_ns).max()?;
    Some(format!(
        "{}'s vCPUs most by {}: {} of {} in {}, at most {} in one; the longest absence took {}",
        guest.name,
        first.name(),
        human::length(first.total),
        human::length(report.run.elapsed_ns),
        human::counted(first.absences, "absence"),
        human::length(first.longest),
        human::length(longest)
    ))
}

/// The same of each guest, where there are several; and who was not seen.
fn each(report: &HostReport) -> Vec<String> {
    let mut lines = Vec::new();
    if report.guests.len() > 1 {
        let line = |guest: &Guest| {
            most(report, guest).unwrap_or_else(|| format!("{}'s vCPUs by nobody", guest.name))
        };
        lines.extend(report.guests.iter().map(line));
    }
    let kept_out = report
        .guests
        .iter()
        .any(|guest| most(report, guest).is_some());
    lines.extend(not_seen(report).filter(|_| kept_out));
    lines
}

/// A table whose rows say of which guest they are, where there are several. A
/// screen does without the last `spare` columns.
fn table<const N: usize>(
    report: &HostReport,
    header: [&str; N],
    spare: usize,
    rows: impl Iterator<Item = Vec<String>>,
) -> Block {
    let mut header = header.to_vec();
    let guest = header.iter().position(|name| *name == "guest");
    let left_out = guest.filter(|_| report.guests.len() < 2);
    if let Some(at) = left_out {
        header.remove(at);
    }
    let rows = rows.map(|mut row| {
        if let Some(at) = left_out {
            row.remove(at);
        }
        row
    });
    let mut block = Block::table(header.iter().copied(), rows);
    if let Block::Table(table) = &mut block {
        let columns = header.len();
        table.spare = PLACES.get(columns - spare..columns).unwrap_or(&[]);
    }
    block
}

fn causes(report: &HostReport) -> Block {
    let mut rows: Vec<(&Guest, Sum<'_>)> = (report.guests.iter())
        .flat_map(|guest| sums(guest).into_iter().map(move |sum| (guest, sum)))
        .collect();
    rows.sort_by_key(|(_, sum)| (sum.is_halt(), Reverse(sum.total)));
    let rows = rows.into_iter().map(|(guest, sum)| {
        vec![
            guest.name.clone(),
            sum.name(),
            human::length(sum.total),
            human::length(sum.longest),
            share(sum.total, report.run.elapsed_ns, guest.vcpus.len()),
            human::grouped(sum.absences),
        ]
    });
    let header = ["guest", "who", "in all", "longest", "share", "absences"];
    table(report, header, 2, rows)
}

fn worst(report: &HostReport) -> Block {
    let mut all: Vec<(&Guest, &Vcpu, &Absence, Nanos)> = Vec::new();
    for guest in &report.guests {
        for vcpu in &guest.vcpus {
            let own = vcpu.absences.iter();
            all.extend(own.map(|absence| (guest, vcpu, absence, absence.unhalted())));
        }
    }
    all.sort_by_key(|(.., length)| Reverse(*length));
    let more = all.len().saturating_sub(LONGEST);
    let rows = all
        .into_iter()
        .take(LONGEST)
        .map(|(guest, vcpu, absence, _)| {
            vec![
                utc(report, absence.start_cycles),
                guest.name.clone(),
                vcpu.index.to_string(),
                match absence.entered_on {
                    Some(other) => format!("{} to {other}", absence.cpu),
                    None => absence.cpu.to_string(),
                },
                human::length(absence.duration_ns),
                largest(absence).map_or_else(String::new, |(cause, what)| cause.named(what)),
                exit(absence),
                parts(absence),
            ]
        });
    let header = [
        "start (UTC)",
        "guest",
        "vCPU",
        "CPU",
        "length",
        "most by",
        "exit",
        "who took it",
    ];
    let mut block = table(report, header, 2, rows);
    if let Block::Table(table) = &mut block {
        table.more += more as u64;
    }
    block
}

fn vcpus(report: &HostReport) -> Block {
    let rows = report.guests.iter().flat_map(|guest| {
        guest.vcpus.iter().map(move |vcpu| {
            vec![
                guest.name.clone(),
                vcpu.index.to_string(),
                vcpu.tid.to_string(),
                vcpu.affinity.clone().unwrap_or_else(|| "?".to_owned()),
                vcpu.scheduling.clone().unwrap_or_else(|| "?".to_owned()),
                vcpu.entries.map_or_else(|| "n/a".to_owned(), human::count),
                human::count(vcpu.absences_seen),
                human::length(vcpu.absent_ns),
                human::length(vcpu.longest_ns),
                vcpu.waited_ns.map_or_else(|| "?".to_owned(), human::length),
            ]
        })
    });
    let header = [
        "guest",
        "vCPU",
        "thread",
        "CPUs",
        "scheduling",
        "entries",
        "absences",
        "absent",
        "longest",
        "steal",
    ];
    table(report, header, 0, rows)
}
