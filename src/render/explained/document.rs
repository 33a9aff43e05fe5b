//! An explanation as a document.

use std::cmp::Reverse;

use crate::model::absence::HostCause;
use crate::model::explained::{
    ClockJoinSource, ClockStanding, ExplainedGap, ExplainedHost, ExplainedPart, Explanation,
};
use crate::model::{Finding, HostIdentity, Severity};
use crate::render::document::{Block, Document, Rank, findings, list, section};
use crate::render::policy;
use crate::text::human;
use crate::units::Nanos;

pub(super) fn document(told: &Explanation) -> Document {
    let (ink, word) = policy::verdict(told.verdict.result);
    let grave = |finding: &&Finding| finding.severity != Severity::Info;
    let (grave, others): (Vec<&Finding>, Vec<&Finding>) = told.findings.iter().partition(grave);
    let helps = |finding: &&Finding| matches!(&*finding.id, "worst-gap" | "most-time");
    let (helps, others): (Vec<&Finding>, Vec<&Finding>) = others.into_iter().partition(helps);
    let sections = vec![
        section("", Rank::Answer, answer(told)),
        findings::list("Doubts", Rank::Grave, grave),
        findings::list("What helps", Rank::Grave, helps),
        list("Who took the time", Rank::Main, 6, totals(told)),
        list("The worst gaps", Rank::Main, 6, worst(told)),
        section("Clocks", Rank::Main, clocks(told)),
        findings::list("What to know", Rank::Detail, others),
        section("vCPUs", Rank::Detail, vec![cpus(told)]),
        section(
            "Guest and host",
            Rank::Aside,
            vec![Block::Facts(origin(told))],
        ),
        list("How to read this", Rank::Aside, 0, vec![how_to_read()]),
    ];
    Document {
        title: String::from("What stalled the guest"),
        ink,
        word,
        headline: told.verdict.text.clone(),
        sections: sections.into_iter().flatten().collect(),
    }
}

fn answer(told: &Explanation) -> Vec<Block> {
    let below = told.gaps.iter().filter(|gap| gap.below_ns > Nanos(0));
    let gaps = below.clone().count() as u64;
    let explained = told.cpus.iter().map(|cpu| cpu.explained);
    let explained = explained.fold(0, u64::saturating_add);
    let unknown = |gap: &ExplainedGap| {
        let parts = gap.parts.iter();
        let unobserved = parts.filter(|part| part.cause == HostCause::NotObserved);
        unobserved.fold(gap.unexplained_ns, |sum, part| {
            sum.saturating_add(part.length_ns)
        })
    };
    let left = below.map(unknown).max();
    let text = match left {
        None => "The guest saw nothing below its kernel above its threshold.".to_owned(),
        Some(left) => {
            let are = match (explained, gaps) {
                (1, _) | (_, 1) => "is",
                _ => "are",
            };
            let left = match left {
                Nanos(0) => "nothing is left of any".to_owned(),
                left => format!("the longest part that nothing explains is {left}"),
            };
            format!(
                "{} of {} with a part below the guest's kernel {are} explained; {left}.",
                human::grouped(explained),
                human::counted(gaps, "gap"),
            )
        }
    };
    let own: Vec<&ExplainedPart> = (told.gaps.iter()).flat_map(|gap| &gap.os_parts).collect();
    let sum = own
        .iter()
        .fold(Nanos(0), |sum, part| sum.saturating_add(part.length_ns));
    let own = own.iter().max_by_key(|part| part.length_ns).map(|longest| {
        format!(
            "In time that the guest gives to its own kernel, its vCPUs were absent for {}, at most \
             {} at a time for {}.",
            human::length(sum),
            human::length(longest.length_ns),
            longest.cause.named(&longest.what)
        )
    });
    std::iter::once(text)
        .chain(own)
        .map(Block::Paragraph)
        .collect()
}

fn totals(told: &Explanation) -> Vec<Block> {
    let header = ["cause", "what", "gaps", "time", "longest", "every"];
    let rows = told.totals.iter().map(|total| {
        vec![
            total.cause.name().to_owned(),
            total.what.clone(),
            human::grouped(total.gaps),
            human::length(total.total_ns),
            human::length(total.longest_ns),
            total.period_ns.map(human::length).unwrap_or_default(),
        ]
    });
    vec![Block::table(header, rows)]
}

fn worst(told: &Explanation) -> Vec<Block> {
    let below = told.gaps.iter().filter(|gap| gap.below_ns > Nanos(0));
    let mut gaps: Vec<&ExplainedGap> = below.collect();
    gaps.sort_by_key(|gap| Reverse(gap.below_ns));
    let header = [
        "start (UTC)",
        "CPU",
        "below",
        "cause",
        "confidence",
        "who took it",
    ];
    let rows = gaps.into_iter().map(|gap| {
        vec![
            gap.start_utc.clone(),
            gap.cpu.to_string(),
            human::length(gap.below_ns),
            gap.cause.name().to_owned(),
            gap.confidence.name().to_owned(),
            gap.detail.clone(),
        ]
    });
    let mut block = Block::table(header, rows);
    if let Block::Table(table) = &mut block {
        // Who took it says the cause.
        table.spare = &[3];
    }
    vec![block]
}

fn clocks(told: &Explanation) -> Vec<Block> {
    let points = told
        .hosts
        .iter()
        .map(|host| clock(host, told.hosts.len() > 1));
    vec![Block::Points(points.collect())]
}

fn clock(host: &ExplainedHost, several: bool) -> String {
    let clocks = &host.clocks;
    let of = match several {
        true => format!("{}: ", name(&host.host)),
        false => String::new(),
    };
    let source = match clocks.source {
        Some(ClockJoinSource::Kvm) => "The offset is KVM's",
        Some(ClockJoinSource::Recovered) => "The offset was found by the data",
        Some(ClockJoinSource::Given) => "The offset was given",
        None => return format!("{of}There is no offset between guest and host."),
    };
    let standing = match clocks.standing {
        ClockStanding::Verified => "verified",
        ClockStanding::Unverified => "not verified",
        ClockStanding::Contradicted => "contradicted",
    };
    let offset = clocks.offset.as_deref().unwrap_or("?");
    let apart = clocks
        .median_ns
        .map(|apart| format!(" Ends of gaps and absences lie {apart} apart, in the middle."));
    let data = match clocks.tried {
        0 => "no gap must lie on an absence".to_owned(),
        tried => format!(
            "of {} that must lie on an absence {} on one, {} at shifted times",
            human::counted(tried, "gap"),
            match clocks.fitting {
                0 => "none lies".to_owned(),
                1 => "1 lies".to_owned(),
                fitting => format!("{} lie", human::grouped(fitting)),
            },
            human::grouped(clocks.by_chance)
        ),
    };
    format!(
        "{of}{source} ({offset} cycles, ratio {:.6}, within {}), {standing} by the data: {data}.{}",
        clocks.ratio,
        clocks.error_ns,
        apart.unwrap_or_default()
    )
}

fn cpus(told: &Explanation) -> Block {
    let header = [
        "guest's CPU",
        "host",
        "vCPU",
        "thread",
        "gaps",
        "explained",
        "fitting",
        "most not explained",
    ];
    let rows = told.cpus.iter().map(|cpu| {
        let host = told.hosts.get(cpu.host as usize);
        vec![
            cpu.cpu.to_string(),
            host.map(|host| name(&host.host)).unwrap_or_default(),
            cpu.vcpu.to_string(),
            cpu.tid.to_string(),
            human::grouped(cpu.gaps),
            human::grouped(cpu.explained),
            format!(
                "{} of {}",
                human::grouped(cpu.fitting),
                human::grouped(cpu.tried)
            ),
            match cpu.unexplained_max_ns {
                Nanos(0) => "-".to_owned(),
                most => human::length(most),
            },
        ]
    });
    Block::table(header, rows)
}

fn name(host: &HostIdentity) -> String {
    host.hostname.clone().unwrap_or_else(|| "?".to_owned())
}

fn machine(host: &HostIdentity) -> String {
    let of = [&host.hostname, &host.cpu.model_name, &host.kernel.release];
    let known: Vec<&str> = of.into_iter().flatten().map(String::as_str).collect();
    match known.is_empty() {
        true => "not readable".to_owned(),
        false => known.join(", "),
    }
}

fn origin(told: &Explanation) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Guest", machine(&told.guest))];
    facts.extend(told.hosts.iter().map(|host| {
        let text = format!(
            "{}; the guest there: {}, process {}",
            machine(&host.host),
            host.guest_name,
            host.guest_pid
        );
        ("Host", text)
    }));
    facts.push((
        "Explained by",
        format!("{} {}", told.tool.name, told.tool.version),
    ));
    facts
}

fn how_to_read() -> Block {
    let points = [
        "Below is what of a gap the guest's account gives to what lies below its kernel, or to \
         nobody; its own kernel's time is not explained here.",
        "host-interrupt, host-softirq, host-task: ran in the vCPU's place; vm-exit, vmm: worked for \
         the guest, in KVM or in the VMM; vcpu-halted, vcpu-stopped, vcpu-migrated: the vCPU's \
         thread did not run by itself.",
        "host-smi, host-cpu: the vCPU was in the guest, and an SMI was counted or none was.",
        "not-observed: nobody knows, for the reason that stands there.",
        "A few microseconds of each gap are the way out of the guest and back, and stay \
         unexplained.",
    ];
    Block::Points(points.map(str::to_owned).to_vec())
}
