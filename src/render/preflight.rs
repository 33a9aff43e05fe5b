//! The answer of a preflight as a document: the verdict first, then the
//! conditions by what they do to a measurement, the gravest first.

use crate::preflight::model::{Condition, Effect, Outlook, PreflightReport};
use crate::render::document::{Block, Document, Entry, Rank, Section, evidence, list, section};
use crate::render::style::{Ink, Style};
use crate::render::terminal::whole;
use crate::text::clean;
use crate::text::human::counted;
use crate::text::look::Extent;

/// How many observations of a condition are shown; all are in the JSON.
const SHOWN: usize = 2;
/// An observation is cut at this many columns.
const LONGEST_SAID: usize = 48;
/// A list of CPUs in the verdict line is cut at this many columns.
const LONGEST_LIST: usize = 24;

const GROUPS: [(Effect, Ink, &str, Rank, usize); 5] = [
    (
        Effect::Prevents,
        Ink::Bad,
        "Prevents a measurement",
        Rank::Grave,
        8,
    ),
    (
        Effect::Disturbs,
        Ink::Doubt,
        "Will disturb a measurement",
        Rank::Grave,
        5,
    ),
    (
        Effect::Limits,
        Ink::Doubt,
        "Limits what a result can say",
        Rank::Main,
        3,
    ),
    (Effect::Slight, Ink::Plain, "Worth knowing", Rank::Aside, 0),
    (Effect::Unknown, Ink::Plain, "Not known", Rank::Aside, 0),
];

/// The answer as text: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn render(report: &PreflightReport, style: Style, extent: Extent) -> String {
    whole::render(&document(report), style, extent)
}

fn document(report: &PreflightReport) -> Document {
    let of = |wanted| (report.findings.iter()).filter(move |one| one.effect == wanted);
    let groups = GROUPS.map(|(effect, ink, title, rank, items)| {
        let entries = of(effect).map(|condition| entry(condition, ink));
        list(title, rank, items, vec![Block::Entries(entries.collect())])
    });
    // What is in order is named only, so that the reader sees it was looked at.
    let in_order = of(Effect::None).map(|condition| condition.id.clone());
    let in_order = vec![Block::Names(in_order.collect())];
    let sections = [section("", Rank::Answer, below(report))]
        .into_iter()
        .chain(groups)
        .chain([
            section("In order, or not there", Rank::Aside, in_order),
            evidence(report),
        ]);
    let (ink, word, headline) = verdict(report);
    Document {
        title: String::from("Preflight"),
        ink,
        word,
        headline,
        sections: sections.flatten().collect(),
    }
}

fn verdict(report: &PreflightReport) -> (Ink, &'static str, String) {
    let answer = &report.verdict;
    let cpus = cpus(&report.plan.cpus);
    match answer.result {
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
    }
}

fn below(report: &PreflightReport) -> Vec<Block> {
    let answer = &report.verdict;
    let mut texts = Vec::new();
    if answer.limits > 0 && answer.result != Outlook::CannotMeasure {
        let verb = match answer.limits {
            1 => "limits",
            _ => "limit",
        };
        let conditions = counted(answer.limits as u64, "condition");
        texts.push(format!("{conditions} {verb} what its result can say."));
    }
    if !report.plan.tried {
        texts.push(String::from(
            "Nothing was tried: this is what files say, and a run may find otherwise.",
        ));
    }
    texts.into_iter().map(Block::Paragraph).collect()
}

fn entry(condition: &Condition, ink: Ink) -> Entry {
    let mut details: Vec<String> = condition.consequence.iter().cloned().collect();
    // What hardly matters gets no line for it; the JSON holds all.
    if condition.effect != Effect::Slight && !condition.evidence.is_empty() {
        let shown = condition.evidence.iter().take(SHOWN).map(|observation| {
            let said = clean::ascii(&observation.said);
            let said = clean::truncated(&said, LONGEST_SAID);
            format!("{}: {said}", observation.source)
        });
        let mut all = shown.collect::<Vec<_>>().join("; ");
        if condition.evidence.len() > SHOWN {
            all.push_str("; ...");
        }
        details.push(format!("[{all}]"));
    }
    Entry {
        ink,
        name: condition.id.clone(),
        text: condition.text.clone(),
        details,
        remedy: condition.remedy.clone(),
        lines: Entry::LINES,
        folded: Vec::new(),
    }
}

fn evidence(report: &PreflightReport) -> Option<Section> {
    evidence::sources(&report.evidence).map(|section| Section {
        items: Some(0),
        ..section
    })
}

fn cpus(list: &str) -> String {
    let word = match list.parse::<u32>() {
        Ok(_) => "CPU",
        Err(_) => "CPUs",
    };
    let list = clean::ascii(list);
    format!("{word} {}", clean::truncated(&list, LONGEST_LIST))
}
