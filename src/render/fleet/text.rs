//! The answer for a fleet in a terminal.

use crate::fleet::groups::Dimension;
use crate::fleet::model::{FleetReport, GroupRow, HostRow, SeparatorRow};
use crate::model::Outcome;
use crate::render::fleet::words;
use crate::render::page::Page;
use crate::render::policy::{sentence, word};
use crate::render::screen::{Rank, condensed};
use crate::render::style::{Ink, Style};
use crate::render::table::{Align, Table};
use crate::text::human::{counted, grouped, percent};
use crate::text::look::Extent;

/// Hosts that are listed with their reasons; the other formats list all.
const LISTED: usize = 50;
/// Rows of a table, and entries of the other lists.
const ROWS: usize = 20;
const FOLLOWING: usize = 6;
/// Names are cut at this many columns in tables.
const NAME: usize = 40;

/// The answer as text: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn render(report: &FleetReport, style: Style, extent: Extent) -> String {
    let whole = whole(report, style);
    match extent {
        Extent::Verbose => whole,
        Extent::Screen => condensed(whole, |title| match title {
            title if title.contains("Failing hosts") => (Rank::Grave, Some(8)),
            title if title.contains("Set aside") || title.contains("Missing") => {
                (Rank::Grave, Some(3))
            }
            title
                if title.contains("Inconclusive")
                    || title.contains("in common")
                    || title.contains("Regular") =>
            {
                (Rank::Main, Some(3))
            }
            title if title.contains("By ") => (Rank::Aside, Some(0)),
            _ => (Rank::Detail, Some(1)),
        }),
    }
}

fn whole(report: &FleetReport, style: Style) -> String {
    let mut page = Page::new(style);
    let (ink, result) = word(report.verdict.result);
    page.outdented(ink, &format!("{result}:"), &report.verdict.text);
    page.paragraph(&judged_by(report));
    if report.totals.made_up > 0 {
        page.paragraph(&format!(
            "SYNTHETIC: {} no machine made (generated, or a scripted clock).",
            counted(report.totals.made_up, "report")
        ));
    }
    hosts(report, Outcome::Fail, "Failing hosts", &mut page);
    hosts(
        report,
        Outcome::Inconclusive,
        "Inconclusive hosts",
        &mut page,
    );
    let waived: Vec<&HostRow> = of(report, Outcome::Pass)
        .filter(|host| !host.reasons.is_empty())
        .collect();
    list(
        "Passing by a waiver",
        &waived,
        |page, host| reasons(host, page),
        &mut page,
    );
    let cut: Vec<&HostRow> = of(report, Outcome::Pass)
        .filter(|host| host.cut_short.is_some())
        .collect();
    list(
        "Passing with a run that was cut short",
        &cut,
        |page, host| page.point(&words::cut_short(host)),
        &mut page,
    );
    let shared: Vec<_> = report.shared_names.iter().collect();
    let share = |page: &mut Page, row: &&_| page.point(&words::shared_name(row));
    list(
        "Names that several machines share",
        &shared,
        share,
        &mut page,
    );
    let matched: Vec<_> = report
        .matched
        .iter()
        .filter(|row| words::is_telling(row))
        .collect();
    let told = |page: &mut Page, row: &&_| page.point(&words::matched(row));
    list("Expected under another name", &matched, told, &mut page);
    names("Missing hosts", &report.missing, &mut page);
    let unexpected: Vec<String> = report.unexpected.iter().map(ToString::to_string).collect();
    names("Hosts that were not expected", &unexpected, &mut page);
    separators(report, &mut page);
    outliers(report, &mut page);
    let all = report.totals.hosts;
    let series = |page: &mut Page, row: &&_| page.point(&words::series(row, all));
    let rows: Vec<_> = report.series.iter().collect();
    list("Regular series that hosts share", &rows, series, &mut page);
    for dimension in Dimension::ALL {
        groups(report, dimension, &mut page);
    }
    set_aside(report, &mut page);
    page.into_text()
}

fn judged_by(report: &FleetReport) -> String {
    let by = match &report.policy {
        Some(policy) => match &policy.name {
            Some(name) => format!("by the policy {name} ({})", policy.file),
            None => format!("by the policy {}", policy.file),
        },
        None => "by the runs' own limits".to_owned(),
    };
    let totals = &report.totals;
    let mut text = format!(
        "Judged {by}, as of {}; {}",
        report.as_of,
        counted(totals.runs, "run")
    );
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
    text
}

fn of(report: &FleetReport, outcome: Outcome) -> impl Iterator<Item = &HostRow> {
    report
        .hosts
        .iter()
        .filter(move |host| host.result == outcome)
}

fn hosts(report: &FleetReport, outcome: Outcome, title: &str, page: &mut Page) {
    let rows: Vec<&HostRow> = of(report, outcome).collect();
    let mut page_rows = |page: &mut Page, host: &&HostRow| reasons(host, page);
    let heading = format!("{title} ({})", grouped(rows.len() as u64));
    if !rows.is_empty() {
        limited(&heading, &rows, LISTED, &mut page_rows, page);
    }
}

fn reasons(host: &HostRow, page: &mut Page) {
    match host.reasons.as_slice() {
        [only] => page.point(&format!("{}: {}", host.host, sentence(only))),
        several => {
            page.point(&host.host);
            for reason in several {
                page.labelled(Ink::Plain, "      ", &sentence(reason));
            }
        }
    }
}

fn list<T>(title: &str, rows: &[T], mut show: impl FnMut(&mut Page, &T), page: &mut Page) {
    if !rows.is_empty() {
        limited(title, rows, ROWS, &mut show, page);
    }
}

fn limited<T>(
    title: &str,
    rows: &[T],
    most: usize,
    show: &mut dyn FnMut(&mut Page, &T),
    page: &mut Page,
) {
    page.heading(title);
    for row in rows.iter().take(most) {
        show(page, row);
    }
    more(rows.len(), most, page);
}

fn more(all: usize, shown: usize, page: &mut Page) {
    if let Some(left) = all.checked_sub(shown).filter(|left| *left > 0) {
        page.paragraph(&format!(
            "... and {} more; --format json lists all.",
            grouped(left as u64)
        ));
    }
}

fn names(title: &str, names: &[String], page: &mut Page) {
    if names.is_empty() {
        return;
    }
    page.heading(&format!("{title} ({})", grouped(names.len() as u64)));
    page.paragraph(&names[..names.len().min(ROWS)].join(", "));
    more(names.len(), ROWS, page);
}

fn separators(report: &FleetReport, page: &mut Page) {
    let totals = &report.totals;
    if totals.fail == 0 || totals.pass == 0 {
        return;
    }
    page.heading("What failing hosts have in common");
    if report.separators.is_empty() {
        page.paragraph("No vendor, model, BIOS, microcode or kernel fails more than the others.");
        return;
    }
    let causes: Vec<&SeparatorRow> = words::causes(report).collect();
    for cause in causes.iter().take(ROWS) {
        page.point(&words::separator(cause));
        if let Some(text) = words::consequences(report, cause, FOLLOWING) {
            page.labelled(Ink::Plain, "    ", &text);
        }
    }
    more(causes.len(), ROWS, page);
    page.paragraph(&format!(
        "Fisher's exact test, corrected for all groups: of what is listed here at most {} is \
         chance, on average.",
        percent(crate::fleet::separate::FALSE_DISCOVERY_RATE)
    ));
}

fn outliers(report: &FleetReport, page: &mut Page) {
    let search = &report.outlier_search;
    if report.totals.pass == 0 {
        return;
    }
    page.heading("Hosts that stand out among their like, without failing");
    for row in report.outliers.iter().take(ROWS) {
        page.point(&words::outlier(row));
    }
    more(report.outliers.len(), ROWS, page);
    let none = match report.outliers.is_empty() && search.hosts > 0 {
        true => "None. ",
        false => "",
    };
    page.paragraph(&format!("{none}{}", words::looked_at(search)));
}

fn groups(report: &FleetReport, dimension: Dimension, page: &mut Page) {
    let mut rows: Vec<&GroupRow> = (report.groups.iter())
        .filter(|group| group.dimension == dimension)
        .collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|group| {
        (
            std::cmp::Reverse(group.fail),
            std::cmp::Reverse(group.hosts),
        )
    });
    page.heading(&format!("By {}", dimension.name()));
    let mut table = Table::new(&[
        ("", Align::Left),
        ("hosts", Align::Right),
        ("pass", Align::Right),
        ("fail", Align::Right),
        ("neither", Align::Right),
        ("worst", Align::Right),
    ]);
    for group in rows.iter().take(ROWS) {
        let name = crate::text::clean::ascii(&group.name);
        table.row(vec![
            tail(&name),
            grouped(group.hosts),
            grouped(group.pass),
            grouped(group.fail),
            grouped(group.inconclusive),
            words::worst(group.platform_max_ns),
        ]);
    }
    page.table(&table);
    more(rows.len(), ROWS, page);
}

/// The end of a name that is too long: models differ there.
fn tail(name: &str) -> String {
    let length = name.chars().count();
    match length.checked_sub(NAME) {
        None | Some(0) => name.to_owned(),
        Some(over) => {
            let end: String = name.chars().skip(over + 3).collect();
            format!("...{end}")
        }
    }
}

fn set_aside(report: &FleetReport, page: &mut Page) {
    let totals = &report.totals;
    if totals.set_aside > 0 {
        page.heading(&format!("Set aside ({})", grouped(totals.set_aside)));
        for aside in report.set_aside.iter().take(ROWS) {
            page.point(&format!("{}: {}", aside.source, aside.reason));
        }
        more(totals.set_aside as usize, ROWS, page);
    }
    if totals.passed_over > 0 {
        page.heading("Not looked at");
        page.paragraph(&format!(
            "{} in the folders that are not called .json, .jsonl, .ndjson, .gz, .tgz, .zst, \
             .tzst or .tar.",
            counted(totals.passed_over, "file")
        ));
    }
    if totals.hosts == 0 {
        page.paragraph("No reports found.");
    }
}
