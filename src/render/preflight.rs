//! The answer on a terminal: the verdict first, then the conditions by what
//! they do to a measurement, the gravest first.

use std::io::{self, Write};

use crate::preflight::model::{Condition, Effect, Outlook, PreflightReport};
use crate::render::document::evidence;
use crate::render::page::Page;
use crate::render::screen::{Rank, condensed};
use crate::render::style::{Ink, Style};
use crate::render::terminal::whole;
use crate::text::clean;
use crate::text::human::counted;
use crate::text::look::Extent;

/// The columns that the longest name of a condition takes.
const NAME: usize = 15;
/// Before evidence and remedy: paths need the room.
const INDENT: &str = "      ";
/// How many observations of a condition are shown; all are in the JSON.
const SHOWN: usize = 2;
/// An observation is cut at this many columns.
const LONGEST_SAID: usize = 48;
/// A list of CPUs in the verdict line is cut at this many columns.
const LONGEST_LIST: usize = 24;

const GROUPS: [(Effect, Ink, &str); 5] = [
    (Effect::Prevents, Ink::Bad, "Prevents a measurement"),
    (Effect::Disturbs, Ink::Doubt, "Will disturb a measurement"),
    (Effect::Limits, Ink::Doubt, "Limits what a result can say"),
    (Effect::Slight, Ink::Plain, "Worth knowing"),
    (Effect::Unknown, Ink::Plain, "Not known"),
];

pub fn write(
    report: &PreflightReport,
    style: Style,
    extent: Extent,
    mut out: impl Write,
) -> io::Result<()> {
    out.write_all(render(report, style, extent).as_bytes())?;
    out.flush()
}

/// The answer as text: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn render(report: &PreflightReport, style: Style, extent: Extent) -> String {
    let whole = whole(report, style, extent);
    match extent {
        Extent::Verbose => whole,
        Extent::Screen => condensed(whole, |title| match title {
            title if title.contains("Prevents") => (Rank::Grave, Some(8)),
            title if title.contains("disturb") => (Rank::Grave, Some(5)),
            title if title.contains("Limits") => (Rank::Main, Some(3)),
            _ => (Rank::Aside, Some(0)),
        }),
    }
}

fn whole(report: &PreflightReport, style: Style, extent: Extent) -> String {
    let mut page = Page::new(style);
    verdict(report, &mut page);
    for (effect, ink, title) in GROUPS {
        let conditions: Vec<&Condition> = (report.findings.iter())
            .filter(|condition| condition.effect == effect)
            .collect();
        if conditions.is_empty() {
            continue;
        }
        page.heading(title);
        for condition in conditions {
            show(condition, ink, extent, &mut page);
        }
    }
    in_order(report, &mut page);
    match extent {
        _ if report.evidence.is_empty() => {}
        Extent::Verbose => {
            if let Some(section) = evidence::sources(&report.evidence) {
                whole::show(&section, &mut page);
            }
        }
        Extent::Screen => {
            let usable = report.evidence.iter().filter(|source| source.usable);
            page.heading("Evidence");
            page.paragraph(&format!(
                "{} of {} usable; --verbose says which, and why the others are not",
                usable.count(),
                counted(report.evidence.len() as u64, "source")
            ));
        }
    }
    page.into_text()
}

fn verdict(report: &PreflightReport, page: &mut Page) {
    let answer = &report.verdict;
    let cpus = cpus(&report.plan.cpus);
    let (ink, word, text) = match answer.result {
        Outlook::Ready => (
            Ink::Good,
            "READY:",
            format!("nothing known here would disturb a measurement on {cpus}"),
        ),
        Outlook::WillBeDisturbed => (
            Ink::Doubt,
            "WILL BE DISTURBED:",
            format!(
                "by {} on {cpus}",
                counted(answer.disturbances as u64, "condition")
            ),
        ),
        Outlook::CannotMeasure => (
            Ink::Bad,
            "CANNOT MEASURE:",
            (report.findings.first()).map_or_else(String::new, |first| first.text.clone()),
        ),
    };
    page.outdented(ink, word, &text);
    if answer.limits > 0 && answer.result != Outlook::CannotMeasure {
        let verb = if answer.limits == 1 {
            "limits"
        } else {
            "limit"
        };
        page.paragraph(&format!(
            "{} {verb} what its result can say.",
            counted(answer.limits as u64, "condition")
        ));
    }
    if !report.plan.tried {
        page.paragraph("Nothing was tried: this is what files say, and a run may find otherwise.");
    }
}

fn show(condition: &Condition, ink: Ink, extent: Extent, page: &mut Page) {
    if extent == Extent::Screen {
        page.labelled_within(
            2,
            ink,
            &format!("  {:<NAME$}  ", condition.id),
            &condition.text,
        );
        if let Some(remedy) = &condition.remedy {
            page.labelled_within(2, Ink::Plain, &format!("{INDENT}-> "), remedy);
        }
        return;
    }
    let text = match &condition.consequence {
        Some(consequence) => format!("{} {consequence}", condition.text),
        None => condition.text.clone(),
    };
    page.labelled(ink, &format!("  {:<NAME$}  ", condition.id), &text);
    // What hardly matters gets no line for it; the JSON holds all.
    if condition.effect != Effect::Slight && !condition.evidence.is_empty() {
        let shown = condition.evidence.iter().take(SHOWN).map(|observation| {
            let said = clean::ascii(&observation.said);
            format!(
                "{}: {}",
                observation.source,
                clean::truncated(&said, LONGEST_SAID)
            )
        });
        let mut all = shown.collect::<Vec<_>>().join("; ");
        if condition.evidence.len() > SHOWN {
            all.push_str("; ...");
        }
        page.labelled(Ink::Plain, INDENT, &format!("[{all}]"));
    }
    if let Some(remedy) = &condition.remedy {
        page.labelled(Ink::Plain, &format!("{INDENT}-> "), remedy);
    }
}

/// What is in order is named only, so that the reader sees it was looked at.
fn in_order(report: &PreflightReport, page: &mut Page) {
    let names: Vec<&str> = (report.findings.iter())
        .filter(|condition| condition.effect == Effect::None)
        .map(|condition| condition.id.as_str())
        .collect();
    if !names.is_empty() {
        page.heading("In order, or not there");
        page.paragraph(&names.join(", "));
    }
}

fn cpus(list: &str) -> String {
    let word = match list.parse::<u32>() {
        Ok(_) => "CPU",
        Err(_) => "CPUs",
    };
    let list = clean::ascii(list);
    format!("{word} {}", clean::truncated(&list, LONGEST_LIST))
}
