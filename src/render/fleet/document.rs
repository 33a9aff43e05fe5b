//! The answer for a fleet as a document.

use std::cmp::Reverse;
use std::path::Path;

use crate::fleet::groups::Dimension;
use crate::fleet::model::{FleetReport, GroupRow, HostRow};
use crate::fleet::separate::FALSE_DISCOVERY_RATE;
use crate::model::Outcome;
use crate::render::document::{Block, Document, Rank, Section, list, section};
use crate::render::fleet::{host, words};
use crate::render::policy::verdict;
use crate::text::human::{counted, grouped, percent};

/// Groups that follow from another, by name, where there is little room.
const FOLLOWING: usize = 6;

/// With the folder that a page will lie in, all that a page has beside the text:
/// hosts that can be opened, with links to their reports.
pub(super) fn document(report: &FleetReport, folder: Option<&Path>) -> Document {
    let (ink, word) = verdict(report.verdict.result);
    let of = |outcome| (report.hosts.iter()).filter(move |host| host.result == outcome);
    let hosts = |title, rank, hosts: Vec<&HostRow>| {
        let title = with_count(title, hosts.len());
        let entries = hosts.into_iter().map(|row| host::entry(row, folder));
        list(title, rank, 6, vec![Block::Entries(entries.collect())])
    };
    let passing = || of(Outcome::Pass);
    let waived = passing().filter(|host| !host.reasons.is_empty() && folder.is_none());
    let cut = passing().filter(|host| host.cut_short.is_some());
    let points =
        |title: &str, rank, texts: Vec<String>| list(title, rank, 1, vec![Block::Points(texts)]);
    let names = |title, rank, names: Vec<String>| {
        let title = with_count(title, names.len());
        section(title, rank, vec![Block::Names(names)])
    };
    let all = report.totals.hosts;
    let telling = report.matched.iter().filter(|row| words::is_telling(row));
    let unexpected = report.unexpected.iter().map(ToString::to_string);
    let mut sections = vec![
        section("", Rank::Answer, judged(report)),
        hosts("Failing hosts", Rank::Grave, of(Outcome::Fail).collect()),
        hosts(
            "Inconclusive hosts",
            Rank::Main,
            of(Outcome::Inconclusive).collect(),
        ),
        hosts("Passing by a waiver", Rank::Detail, waived.collect()),
        points(
            "Passing with a run that was cut short",
            Rank::Detail,
            cut.map(words::cut_short).collect(),
        ),
        points(
            "Names that several machines share",
            Rank::Detail,
            report.shared_names.iter().map(words::shared_name).collect(),
        ),
        points(
            "Expected under another name",
            Rank::Detail,
            telling.map(words::matched).collect(),
        ),
        names("Missing hosts", Rank::Grave, report.missing.clone()),
        names(
            "Hosts that were not expected",
            Rank::Detail,
            unexpected.collect(),
        ),
        separators(report, folder.map_or(FOLLOWING, |_| usize::MAX)),
        outliers(report),
        points(
            "Regular series that hosts share",
            Rank::Main,
            (report.series.iter().map(|row| words::series(row, all))).collect(),
        ),
    ];
    sections.extend(Dimension::ALL.map(|dimension| groups(report, dimension)));
    if folder.is_some() {
        sections.push(hosts("Passing hosts", Rank::Aside, passing().collect()));
    }
    sections.extend([set_aside(report), passed_over(report)]);
    Document {
        title: format!("hwgap fleet: {}", counted(all, "host")),
        ink,
        word,
        headline: report.verdict.text.clone(),
        sections: sections.into_iter().flatten().collect(),
    }
}

fn with_count(title: &str, count: usize) -> String {
    format!("{title} ({})", grouped(count as u64))
}

fn judged(report: &FleetReport) -> Vec<Block> {
    let by = match &report.policy {
        Some(policy) => match &policy.name {
            Some(name) => format!("by the policy {name} ({})", policy.file),
            None => format!("by the policy {}", policy.file),
        },
        None => "by the runs' own limits".to_owned(),
    };
    let totals = &report.totals;
    let runs = counted(totals.runs, "run");
    let mut text = format!("Judged {by}, as of {}; {runs}", report.as_of);
    for (count, what) in [
        (totals.cut_short, "cut short"),
        (totals.duplicates, "there more than once"),
        (totals.conflicts, "in reports that contradict each other"),
        (
            totals.superseded,
            "of an earlier state of the host left out",
        ),
    ] {
        if count > 0 {
            text.push_str(&format!(", {} {what}", grouped(count)));
        }
    }
    text.push('.');
    let mut texts = vec![text];
    if totals.made_up > 0 {
        texts.push(format!(
            "SYNTHETIC: {} no machine made (generated, or a scripted clock).",
            counted(totals.made_up, "report")
        ));
    }
    if totals.hosts == 0 {
        texts.push("No reports found.".to_owned());
    }
    texts.into_iter().map(Block::Paragraph).collect()
}

fn separators(report: &FleetReport, following: usize) -> Option<Section> {
    let totals = &report.totals;
    let title = "What failing hosts have in common";
    if totals.fail == 0 || totals.pass == 0 {
        return None;
    }
    if report.separators.is_empty() {
        let none = "No vendor, model, BIOS, microcode or kernel fails more than the others.";
        return section(title, Rank::Main, vec![Block::Paragraph(none.to_owned())]);
    }
    let point = |cause| match words::consequences(report, cause, following) {
        Some(following) => format!("{}. {following}", words::separator(cause)),
        None => words::separator(cause),
    };
    let blocks = vec![
        Block::Points(words::causes(report).map(point).collect()),
        Block::Paragraph(format!(
            "Fisher's exact test, corrected for all groups: of what is listed here at most {} is \
             chance, on average.",
            percent(FALSE_DISCOVERY_RATE)
        )),
    ];
    list(title, Rank::Main, 3, blocks)
}

fn outliers(report: &FleetReport) -> Option<Section> {
    let search = &report.outlier_search;
    if report.totals.pass == 0 {
        return None;
    }
    let none = match report.outliers.is_empty() && search.hosts > 0 {
        true => "None. ",
        false => "",
    };
    let blocks = vec![
        Block::Points(report.outliers.iter().map(words::outlier).collect()),
        Block::Paragraph(format!("{none}{}", words::looked_at(search))),
    ];
    let title = "Hosts that stand out among their like, without failing";
    list(title, Rank::Detail, 1, blocks)
}

fn groups(report: &FleetReport, dimension: Dimension) -> Option<Section> {
    let mut rows: Vec<&GroupRow> = (report.groups.iter())
        .filter(|group| group.dimension == dimension)
        .collect();
    rows.sort_by_key(|group| Reverse((group.fail, group.hosts)));
    let header = [
        "",
        "hosts",
        "pass",
        "fail",
        "inconclusive",
        "worst",
        "median of the worst",
    ];
    let cells = |group: &GroupRow| {
        vec![
            group.name.clone(),
            grouped(group.hosts),
            grouped(group.pass),
            grouped(group.fail),
            grouped(group.inconclusive),
            words::worst(group.platform_max_ns),
            words::worst(group.median_max_ns),
        ]
    };
    let table = Block::table(header, rows.into_iter().map(cells));
    section(format!("By {}", dimension.name()), Rank::Aside, vec![table])
}

fn set_aside(report: &FleetReport) -> Option<Section> {
    let rows = report.set_aside.iter();
    let points = rows.map(|aside| format!("{}: {}", aside.source, aside.reason));
    let title = format!("Set aside ({})", grouped(report.totals.set_aside));
    list(title, Rank::Grave, 3, vec![Block::Points(points.collect())])
}

fn passed_over(report: &FleetReport) -> Option<Section> {
    let files = counted(report.totals.passed_over, "file");
    let text = format!(
        "{files} in the folders that are not called .json, .jsonl, .ndjson, .gz, .tgz, .zst, \
         .tzst or .tar."
    );
    let blocks = match report.totals.passed_over {
        0 => Vec::new(),
        _ => vec![Block::Paragraph(text)],
    };
    section("Not looked at", Rank::Detail, blocks)
}
