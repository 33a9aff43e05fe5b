//! A comparison in a terminal: the verdict first, then what it rests on.

use crate::compare::Class;
use crate::compare::model::{Comparison, RateRow};
use crate::render::comparison::{cells, numbers};
use crate::render::page::{Page, WIDTH};
use crate::render::screen::{Rank, condensed};
use crate::render::style::Style;
use crate::render::table::{Align, Table};
use crate::text::{clean, human};

const NAME_WIDTH: usize = 9;
/// Values of foreign origin are cut at this many columns in the table.
const LONGEST_VALUE: usize = 40;

pub(super) fn render(comparison: &Comparison, style: Style) -> String {
    let mut page = Page::new(style);
    verdict(comparison, &mut page);
    compared(comparison, &mut page);
    changes(comparison, &mut page);
    if !comparison.notes.is_empty() {
        page.heading("Doubts");
        for note in &comparison.notes {
            page.point(&note.text);
        }
    }
    rates(comparison, &mut page);
    for (title, text) in numbers::paragraphs(comparison) {
        page.heading(title);
        page.paragraph(&text);
    }
    how_to_read(comparison, &mut page);
    condensed(page.into_text(), |title| match title {
        title if title.contains("Doubts") => (Rank::Grave, Some(3)),
        title if title.contains("Compared") => (Rank::Main, Some(3)),
        title if title.contains("What changed") => (Rank::Main, Some(12)),
        title if title.contains("Stalls an hour") => (Rank::Main, Some(4)),
        title if title.contains("How to read") => (Rank::Aside, Some(0)),
        _ => (Rank::Detail, None),
    })
}

fn verdict(comparison: &Comparison, page: &mut Page) {
    let verdict = &comparison.verdict;
    let (ink, word) = cells::word(verdict.result);
    page.outdented(ink, word, &verdict.text);
    for reason in numbers::reasons(comparison) {
        page.point(reason);
    }
    if let Some(text) = numbers::hours(comparison) {
        page.paragraph(&text);
    }
}

fn compared(comparison: &Comparison, page: &mut Page) {
    page.heading("Compared");
    let threshold = human::chosen(comparison.threshold.ns);
    page.field(NAME_WIDTH, "Stalls", &format!("above {threshold}"));
    for reason in &comparison.threshold.reasons {
        page.point(reason);
    }
    for (name, side) in [("Before", &comparison.before), ("After", &comparison.after)] {
        page.field(NAME_WIDTH, name, &cells::side(side));
    }
}

fn changes(comparison: &Comparison, page: &mut Page) {
    page.heading("What changed between the sides");
    let mut table = Table::new(&[
        ("field", Align::Left),
        ("before", Align::Left),
        ("after", Align::Left),
    ]);
    let rows = numbers::changed(comparison);
    for [field, before, after] in &rows {
        table.row(vec![short(field), short(before), short(after)]);
    }
    if table.width() + 2 <= WIDTH && !rows.is_empty() {
        page.table(&table);
    } else {
        for [field, before, after] in &rows {
            page.point(&format!("{field}: {before} -> {after}"));
        }
    }
    page.paragraph(numbers::changes(comparison));
}

fn rates(comparison: &Comparison, page: &mut Page) {
    page.heading("Stalls an hour");
    for class in Class::ALL {
        let rows: Vec<&RateRow> = comparison
            .rates
            .iter()
            .filter(|row| row.class == class)
            .collect();
        if rows.is_empty() {
            continue;
        }
        if class != Class::Platform && rows[0].repeats_platform(comparison) {
            page.paragraph(&format!("All of them are of the class {}.", class.name()));
            continue;
        }
        let interval = format!("{} % interval", human::chosen_percent(comparison.level));
        let mut table = Table::new(&[
            (class.name(), Align::Left),
            ("before", Align::Right),
            ("after", Align::Right),
            ("ratio", Align::Right),
            (&interval, Align::Left),
            ("p-value", Align::Right),
        ]);
        for row in &rows {
            table.row(vec![
                cells::range(row),
                cells::rate(row.before.per_hour),
                cells::rate(row.after.per_hour),
                cells::ratio(row),
                cells::interval(row),
                cells::chance(row.p_corrected),
            ]);
        }
        page.table(&table);
    }
    if let Some(text) = comparison.rates.first().and_then(numbers::scatter) {
        page.paragraph(&text);
    }
}

fn how_to_read(comparison: &Comparison, page: &mut Page) {
    page.heading("How to read this");
    for text in numbers::how_to_read(comparison) {
        page.point(&text);
    }
}

fn short(text: &str) -> String {
    clean::truncated(&clean::ascii(text), LONGEST_VALUE).into_owned()
}
