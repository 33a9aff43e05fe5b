//! A host's report as a document: who keeps the guests waiting most, by how much,
//! and when it was worst.

use std::cmp::Reverse;

use super::sums::{Sum, share, sums};
use crate::model::absence::{Absence, Guest, HostCause, HostReport, HostSource, Vcpu};
use crate::render::document::{Block, Document, Rank, findings, list, section};
use crate::render::style::Ink;
use crate::text::human;
use crate::units::{Cycles, Hertz, Nanos, UtcNanos};

/// Absences that are shown.
const LONGEST: usize = 50;
/// Numbers of columns.
static PLACES: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/// Parts of one that are shown.
const PARTS: usize = 6;

pub(super) fn document(report: &HostReport) -> Document {
    let (ink, word, headline) = headline(report);
    let sections = vec![
        section("", Rank::Answer, vec![Block::Points(others(report))]),
        list(
            "Who kept vCPUs out of their guests",
            Rank::Main,
            8,
            vec![causes(report)],
        ),
        list("The longest absences", Rank::Main, 5, vec![worst(report)]),
        findings::section(&report.findings),
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
fn others(report: &HostReport) -> Vec<String> {
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
                largest(absence),
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

fn exit(absence: &Absence) -> String {
    match &absence.exit {
        None => String::from("?"),
        Some(exit) => match &exit.about {
            Some(about) => format!("{}, {about}", exit.reason),
            None => exit.reason.clone(),
        },
    }
}

/// Who took how much of it, the most first.
fn shares(absence: &Absence) -> Vec<(HostCause, &str, Nanos)> {
    let mut sums: Vec<(HostCause, &str, Nanos)> = Vec::new();
    for part in &absence.parts {
        let own = |(cause, what, _): &&mut (HostCause, &str, Nanos)| {
            *cause == part.cause && *what == part.what
        };
        match sums.iter_mut().find(own) {
            Some((.., sum)) => *sum = sum.saturating_add(part.length_ns),
            None => sums.push((part.cause, part.what.as_str(), part.length_ns)),
        }
    }
    sums.sort_by_key(|(cause, _, length)| (*cause == HostCause::VcpuHalted, Reverse(*length)));
    sums
}

fn largest(absence: &Absence) -> String {
    let shares = shares(absence);
    (shares.first()).map_or_else(String::new, |(cause, what, _)| cause.named(what))
}

/// The largest parts; in order of time they are in the JSON.
fn parts(absence: &Absence) -> String {
    let sums = shares(absence);
    let more = sums.len().saturating_sub(PARTS);
    let mut words: Vec<String> = (sums.iter().take(PARTS))
        .map(|(cause, what, length)| format!("{} {}", human::length(*length), cause.named(what)))
        .collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    if absence.incomplete {
        words.push(String::from("records missing"));
    }
    words.join(", ")
}

/// The time of day, where the report's own can be read.
fn utc(report: &HostReport, at: Cycles) -> String {
    let since = Hertz(report.tsc.hz).to_nanos(at);
    let start: Option<jiff::Timestamp> = report.run.started_utc.parse().ok();
    let start = start.and_then(|start| i64::try_from(start.as_nanosecond()).ok());
    match (start, i64::try_from(since.0)) {
        (Some(start), Ok(since)) => UtcNanos(start.saturating_add(since)).rfc3339(),
        _ => format!("after {}", human::length(since)),
    }
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

fn observed(report: &HostReport) -> Vec<(&'static str, String)> {
    let (run, host) = (&report.run, &report.host);
    let guest = |guest: &Guest| {
        let vmm = guest
            .vmm
            .as_ref()
            .map_or(String::new(), |vmm| format!(" of {vmm}"));
        format!("{} (process {}{vmm})", guest.name, guest.pid)
    };
    let guests: Vec<String> = report.guests.iter().map(guest).collect();
    let records = match run.source {
        HostSource::Bpf => String::from("BPF programs, above the threshold"),
        HostSource::Tracepoints => match &run.source_reason {
            Some(reason) => format!("tracepoints, every record ({reason})"),
            None => String::from("tracepoints, every record"),
        },
    };
    let used = match run.hooks_ns {
        Some(hooks) => format!(
            "{} of CPU time, and {} in the kernel's hooks",
            human::length(run.used_ns),
            human::length(hooks)
        ),
        None => format!(
            "{} of CPU time beside the kernel's hooks",
            human::length(run.used_ns)
        ),
    };
    let mut facts = vec![
        ("Guests", guests.join(", ")),
        ("From", run.started_utc.clone()),
        ("For", human::length(run.elapsed_ns)),
        (
            "Absences",
            format!("above {}", human::chosen(run.threshold_ns)),
        ),
        ("Records", records),
        ("Lost", human::counted(run.lost_records, "record")),
        ("Clock", format!("to {}", human::length(run.clock_error_ns))),
        ("Took", used),
        (
            "SMIs",
            match &report.smi_rises {
                None => String::from("cannot be counted here"),
                Some(rises) => {
                    let count = rises.iter().map(|rise| u64::from(rise.count));
                    let seen = human::counted(count.fold(0, u64::saturating_add), "SMI");
                    match report.smis_unread.len() as u64 {
                        0 => seen,
                        cpus => {
                            format!("{seen}; of {} not to the end", human::counted(cpus, "CPU"))
                        }
                    }
                }
            },
        ),
    ];
    for (name, value) in [
        ("Processor", &host.cpu.model_name),
        ("Kernel", &host.kernel.release),
        ("Guest of", &host.hypervisor),
    ] {
        facts.extend(value.clone().map(|value| (name, value)));
    }
    facts
}

fn reading(report: &HostReport) -> Vec<String> {
    let mut points = vec![
        "An absence is the time from an exit from the guest to the next entry of the same vCPU. \
         Its parts add up to it; the table of causes sums them up, halts last, as they are the \
         guest's own."
            .to_owned(),
        "host-task ran in the vCPU's place while it was ready; vcpu-migrated is the time in which \
         it was ready and nothing ran, or it was on its way to another CPU; vcpu-stopped is sleep \
         that is no halt; not-observed is time whose records are missing; vmm is the VMM, and KVM on the way \
         back from it, which no record parts."
            .to_owned(),
        "After an exit for an interrupt, the way in and out is told as that interrupt's. The \
         kernel's hooks are part of what they measure."
            .to_owned(),
    ];
    if report
        .guests
        .iter()
        .flat_map(|guest| &guest.vcpus)
        .any(|vcpu| vcpu.listed_above_ns.is_some())
    {
        points.push("Not all absences are listed: the sums hold all of them.".to_owned());
    }
    points
}
