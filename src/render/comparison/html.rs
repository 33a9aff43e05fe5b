//! A comparison as a web page: the verdict, both sides in pictures on common
//! axes, and the figures.

use std::io::{self, Write};

use maud::{Markup, html};

use crate::compare::model::{Comparison, Side};
use crate::render::comparison::{cells, numbers, plot};
use crate::render::web::{self, Head, Tone};
use crate::text::human;

/// Writes the page.
pub fn write(comparison: &Comparison, mut out: impl Write) -> io::Result<()> {
    let (ink, word) = cells::word(comparison.verdict.result);
    let head = Head {
        title: "Latency before and after",
        tone: Tone::of(ink),
        word,
        headline: &comparison.verdict.text,
    };
    let sections = html! {
        (verdict(comparison))
        (changes(comparison))
        (pictures(comparison))
        (rates(comparison))
        @for (title, text) in numbers::paragraphs(comparison) {
            (web::section(title, &web::paragraph(&text)))
        }
        (compared(comparison))
        (origin(comparison))
    };
    out.write_all(web::page(&head, &sections).as_bytes())?;
    out.flush()
}

/// What the headline leaves out. It may be nothing.
fn verdict(comparison: &Comparison) -> Markup {
    let reasons = numbers::reasons(comparison);
    let hours = numbers::hours(comparison);
    if reasons.is_empty() && hours.is_none() && comparison.notes.is_empty() {
        return html! {};
    }
    let content = html! {
        (web::points(reasons))
        @if let Some(text) = hours { (web::paragraph(&text)) }
        @if !comparison.notes.is_empty() {
            (web::paragraph("What weakens or bars it:"))
            (web::points(comparison.notes.iter().map(|note| note.text.as_str())))
        }
    };
    web::section("Verdict", &content)
}

fn changes(comparison: &Comparison) -> Markup {
    let joined = |values: &[String]| match values {
        [] => "-".to_owned(),
        values => values.join(", "),
    };
    let rows: Vec<Vec<String>> = (comparison.changes.iter())
        .map(|change| {
            let (before, after) = (joined(&change.before), joined(&change.after));
            vec![change.field.clone(), before, after]
        })
        .collect();
    let content = html! {
        @if !rows.is_empty() { (web::table(&["field", "before", "after"], &rows, 0)) }
        (web::paragraph(numbers::changes(comparison)))
    };
    web::section("What changed between the sides", &content)
}

fn pictures(comparison: &Comparison) -> Markup {
    let pictures = plot::draw(comparison);
    web::section(
        "Pictures",
        &html! { @for one in &pictures { (web::figure(one)) } },
    )
}

fn rates(comparison: &Comparison) -> Markup {
    let header = cells::rates_header(comparison);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = comparison.rates.iter().map(cells::rates_row).collect();
    let scatter = comparison.rates.first().and_then(numbers::scatter);
    let content = html! {
        (web::table(&header, &rows, 0))
        @if let Some(text) = scatter { (web::paragraph(&text)) }
        (web::points(numbers::how_to_read(comparison).iter().map(String::as_str)))
    };
    web::section("Stalls an hour", &content)
}

fn compared(comparison: &Comparison) -> Markup {
    let threshold = human::chosen(comparison.threshold.ns);
    let header = [
        "side",
        "report",
        "label",
        "started (UTC)",
        "CPUs",
        "threshold",
        "covered",
        "coverage",
        "stalls",
        "an hour",
    ];
    let sides = [("before", &comparison.before), ("after", &comparison.after)];
    let rows: Vec<Vec<String>> = sides
        .iter()
        .flat_map(|(name, side)| runs(name, side))
        .collect();
    let content = html! {
        (web::paragraph(&format!("Stalls above {threshold}.")))
        (web::points(comparison.threshold.reasons.iter().map(String::as_str)))
        (web::table(&header, &rows, 0))
        dl {
            @for (name, side) in sides { dt { (name) } dd { (cells::side(side)) } }
        }
    };
    web::section("Compared", &content)
}

fn runs(name: &str, side: &Side) -> Vec<Vec<String>> {
    (side.runs.iter())
        .map(|run| {
            vec![
                name.to_owned(),
                run.file.clone(),
                run.label.clone().unwrap_or_else(|| "-".to_owned()),
                run.started_utc.clone(),
                run.cpus.clone(),
                human::chosen(run.threshold_ns),
                human::period(run.covered_hours),
                human::percent(run.coverage),
                human::grouped(run.stalls),
                cells::rate(run.per_hour),
            ]
        })
        .collect()
}

fn origin(comparison: &Comparison) -> Markup {
    let hashes = numbers::hashes(comparison);
    let rows: Vec<Vec<String>> = hashes.into_iter().map(Vec::from).collect();
    let content = html! {
        (web::table(&["report", "SHA-256 of the JSON"], &rows, 0))
        (web::paragraph(&numbers::made_by(comparison)))
    };
    web::section("Origin", &content)
}
