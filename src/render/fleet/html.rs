//! The answer for a fleet as a web page: one file, no script. Each host that
//! does not pass or stands out can be opened in place, and leads to its own
//! report.

use std::io::{self, Write};
use std::path::Path;

use maud::{Markup, html};

use crate::fleet::groups::Dimension;
use crate::fleet::model::{FleetReport, GroupRow, HostRow};
use crate::model::Outcome;
use crate::render::fleet::{host, plot, words};
use crate::render::policy::word;
use crate::render::web::{self, Head, Tone, shown};
use crate::text::human::{counted, grouped};

/// Hosts that are shown of each outcome: a browser must still open the page.
const SHOWN: usize = 5_000;

/// Writes the page; links are relative to `folder`, where the page will be.
pub fn write(report: &FleetReport, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let (ink, result) = word(report.verdict.result);
    let head = Head {
        title: &format!("hwgap fleet: {}", counted(report.totals.hosts, "host")),
        tone: Tone::of(ink),
        word: result,
        headline: &report.verdict.text,
    };
    let sections = html! {
        (synthetic(report))
        (pictures(report))
        (judged(report))
        (findings(report))
        @for dimension in Dimension::ALL { (groups(report, dimension)) }
        (hosts(report, folder, Outcome::Fail, "Failing hosts"))
        (hosts(report, folder, Outcome::Inconclusive, "Inconclusive hosts"))
        (sentences("Names that several machines share",
            report.shared_names.iter().map(words::shared_name)))
        (sentences("Expected under another name",
            report.matched.iter().filter(|row| words::is_telling(row)).map(words::matched)))
        (names("Missing hosts", &report.missing))
        (hosts(report, folder, Outcome::Pass, "Passing hosts"))
        (set_aside(report))
    };
    out.write_all(web::page(&head, &sections).as_bytes())
}

fn synthetic(report: &FleetReport) -> Markup {
    html! {
        @if report.totals.made_up > 0 {
            p.verdict.doubt {
                strong { "SYNTHETIC:" } " " (counted(report.totals.made_up, "report"))
                " no machine made (generated, or a scripted clock)."
            }
        }
    }
}

fn judged(report: &FleetReport) -> Markup {
    let totals = &report.totals;
    let policy = report.policy.as_ref().map(|policy| match &policy.name {
        Some(name) => format!("{name} ({})", policy.file),
        None => policy.file.clone(),
    });
    html! {
        section {
            h2 { "Judged" }
            dl {
                dt { "Policy" } dd { (shown(policy.as_deref().unwrap_or("the runs' own limits"))) }
                dt { "As of" } dd { (shown(&report.as_of)) }
                dt { "Runs" } dd { (grouped(totals.runs)) }
                dt { "Cut short" } dd { (grouped(totals.cut_short)) }
                dt { "There twice" } dd { (grouped(totals.duplicates)) }
                dt { "Contradicting" } dd { (grouped(totals.conflicts)) }
                dt { "Superseded" } dd { (grouped(totals.superseded)) }
                dt { "Set aside" } dd { (grouped(totals.set_aside)) }
                dt { "Missing" } dd { (grouped(totals.missing)) }
            }
        }
    }
}

fn pictures(report: &FleetReport) -> Markup {
    let pictures = plot::draw(report);
    html! {
        @if !pictures.is_empty() {
            (web::section("Pictures", &html! {
                @for one in &pictures { (web::figure(one)) }
            }))
        }
    }
}

fn findings(report: &FleetReport) -> Markup {
    let search = &report.outlier_search;
    html! {
        section {
            h2 { "What failing hosts have in common" }
            @if report.separators.is_empty() {
                p { "No vendor, model, BIOS, microcode or kernel fails more than the others." }
            }
            ul {
                @for cause in words::causes(report) {
                    li {
                        (shown(&words::separator(cause)))
                        @if let Some(text) = words::consequences(report, cause, usize::MAX) {
                            br;
                            span.more { (shown(&text)) }
                        }
                    }
                }
            }
        }
        section {
            h2 { "Hosts that stand out among their like, without failing" }
            ul { @for row in &report.outliers { li { (shown(&words::outlier(row))) } } }
            p.more {
                (words::looked_at(search))
            }
        }
        @if !report.series.is_empty() {
            section {
                h2 { "Regular series that hosts share" }
                ul {
                    @for row in &report.series {
                        li { (shown(&words::series(row, report.totals.hosts))) }
                    }
                }
            }
        }
    }
}

fn groups(report: &FleetReport, dimension: Dimension) -> Markup {
    let mut rows: Vec<&GroupRow> = (report.groups.iter())
        .filter(|group| group.dimension == dimension)
        .collect();
    rows.sort_by_key(|group| {
        (
            std::cmp::Reverse(group.fail),
            std::cmp::Reverse(group.hosts),
        )
    });
    let header = [
        "",
        "hosts",
        "pass",
        "fail",
        "inconclusive",
        "worst",
        "median of the worst",
    ];
    let cells = |group: &&GroupRow| {
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
    let rows: Vec<Vec<String>> = rows.iter().take(SHOWN).map(cells).collect();
    let title = format!("By {}", dimension.name());
    web::section(&title, &web::table(&header, &rows, 0))
}

fn hosts(report: &FleetReport, folder: &Path, outcome: Outcome, title: &str) -> Markup {
    let rows: Vec<&HostRow> = (report.hosts.iter())
        .filter(|host| host.result == outcome)
        .collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (title) " (" (grouped(rows.len() as u64)) ")" }
                @for row in rows.iter().take(SHOWN) { (host::details(row, folder)) }
                @if rows.len() > SHOWN {
                    p.more { "And " (grouped((rows.len() - SHOWN) as u64)) " more; --format json lists all." }
                }
            }
        }
    }
}

fn names(title: &str, names: &[String]) -> Markup {
    html! {
        @if !names.is_empty() {
            section {
                h2 { (title) " (" (grouped(names.len() as u64)) ")" }
                p { (shown(&names[..names.len().min(SHOWN)].join(", "))) }
            }
        }
    }
}

fn sentences(title: &str, rows: impl Iterator<Item = String>) -> Markup {
    let rows: Vec<String> = rows.take(SHOWN).collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (title) }
                ul { @for row in &rows { li { (shown(row)) } } }
            }
        }
    }
}

fn set_aside(report: &FleetReport) -> Markup {
    html! {
        @if !report.set_aside.is_empty() {
            section {
                h2 { "Set aside (" (grouped(report.totals.set_aside)) ")" }
                ul {
                    @for aside in report.set_aside.iter().take(SHOWN) {
                        li { (shown(&aside.source)) ": " (shown(&aside.reason)) }
                    }
                }
            }
        }
    }
}
