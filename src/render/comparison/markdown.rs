//! A comparison as Markdown, for a ticket or a note.
//!
//! Foreign text is made inert: control characters are replaced, and what
//! Markdown or HTML would take for markup is escaped by a backslash (CommonMark
//! 0.31, section 2.4: any ASCII punctuation may be).

use crate::compare::model::{Comparison, Side};
use crate::render::comparison::{cells, numbers};
use crate::text::{clean, human};

/// Texts are cut at this many characters, as foreign ones know no end: ticket fields have
/// a limit.
const LONGEST_TEXT: usize = 800;

/// The comparison as Markdown.
pub fn render(comparison: &Comparison) -> String {
    let verdict = &comparison.verdict;
    let (_, word) = cells::word(verdict.result);
    let mut text = format!(
        "# Before and after\n\n**{word}** {}\n\n",
        inert(&verdict.text)
    );
    list(
        &mut text,
        numbers::reasons(comparison).into_iter().map(inert),
    );
    if let Some(hours) = numbers::hours(comparison) {
        text.push_str(&format!("{}\n\n", inert(&hours)));
    }
    compared(comparison, &mut text);
    changes(comparison, &mut text);
    if !comparison.notes.is_empty() {
        text.push_str("## Doubts\n\n");
        list(
            &mut text,
            comparison.notes.iter().map(|note| inert(&note.text)),
        );
    }
    rates(comparison, &mut text);
    for (title, paragraph) in numbers::paragraphs(comparison) {
        text.push_str(&format!("## {title}\n\n{}\n\n", inert(&paragraph)));
    }
    origin(comparison, &mut text);
    text
}

fn compared(comparison: &Comparison, text: &mut String) {
    let threshold = human::chosen(comparison.threshold.ns);
    text.push_str(&format!("## Compared\n\nStalls above {threshold}.\n\n"));
    list(
        text,
        comparison
            .threshold
            .reasons
            .iter()
            .map(|reason| inert(reason)),
    );
    table(
        text,
        &[
            "side", "report", "started", "CPUs", "covered", "coverage", "stalls",
        ],
    );
    for (name, side) in [("before", &comparison.before), ("after", &comparison.after)] {
        runs(name, side, text);
    }
    text.push('\n');
}

fn origin(comparison: &Comparison, text: &mut String) {
    text.push_str("## Origin\n\nSHA-256 of the JSON reports that were compared:\n\n");
    let hashes = numbers::hashes(comparison);
    list(
        text,
        hashes
            .iter()
            .map(|[file, hash]| format!("{}: {hash}", inert(file))),
    );
    text.push_str(&format!("{}\n", inert(&numbers::made_by(comparison))));
}

fn runs(name: &str, side: &Side, text: &mut String) {
    for run in &side.runs {
        row(
            text,
            &[
                name.to_owned(),
                inert(&run.file),
                inert(&run.started_utc),
                inert(&run.cpus),
                human::period(run.covered_hours),
                human::percent(run.coverage),
                human::grouped(run.stalls),
            ],
        );
    }
}

fn changes(comparison: &Comparison, text: &mut String) {
    text.push_str("## What changed between the sides\n\n");
    if !comparison.changes.is_empty() {
        table(text, &["field", "before", "after"]);
        for change in &comparison.changes {
            row(
                text,
                &[
                    inert(&change.field),
                    inert(&change.before.join(", ")),
                    inert(&change.after.join(", ")),
                ],
            );
        }
        text.push('\n');
    }
    text.push_str(&format!("{}\n\n", numbers::changes(comparison)));
}

fn rates(comparison: &Comparison, text: &mut String) {
    text.push_str("## Stalls an hour\n\n");
    let header = cells::rates_header(comparison);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    table(text, &header);
    for rate in &comparison.rates {
        let cells: Vec<String> = cells::rates_row(rate)
            .iter()
            .map(|cell| inert(cell))
            .collect();
        row(text, &cells);
    }
    text.push('\n');
    if let Some(scatter) = comparison.rates.first().and_then(numbers::scatter) {
        text.push_str(&format!("{}\n\n", inert(&scatter)));
    }
}

fn table(text: &mut String, header: &[&str]) {
    row(
        text,
        &header
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>(),
    );
    row(text, &vec!["---".to_owned(); header.len()]);
}

fn row(text: &mut String, cells: &[String]) {
    text.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn list(text: &mut String, items: impl Iterator<Item = String>) {
    let before = text.len();
    for item in items {
        text.push_str(&format!("- {item}\n"));
    }
    if text.len() > before {
        text.push('\n');
    }
}

/// One line of plain text that no reader takes for markup. Blanks, commas and
/// the like need no backslash, and read better without.
fn inert(text: &str) -> String {
    let plain = text.replace(['\n', '\r', '\t', '\u{2028}', '\u{2029}'], " ");
    let plain = clean::without_controls(&plain);
    let mut inert = String::new();
    for (place, c) in plain.chars().enumerate() {
        if place == LONGEST_TEXT {
            inert.push_str("...");
            break;
        }
        if c.is_ascii_punctuation() && !matches!(c, ',' | '.' | ':' | ';' | '%' | '/' | '\'' | '-')
        {
            inert.push('\\');
        }
        inert.push(c);
    }
    inert
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(inert("<b>|x|\n`y`"), r"\<b\>\|x\| \`y\`");
        assert_eq!(inert("[a](http)\u{202e}"), r"\[a\]\(http\)\?");
    }
}
