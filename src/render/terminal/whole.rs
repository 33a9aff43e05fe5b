//! All sections of a document, whatever they are about.

use super::{one_day, time};
use crate::render::document::{self, Block, Document, Section};
use crate::render::page::{INDENT, Page, WIDTH};
use crate::render::style::Style;
use crate::render::table::{Align, Table};
use crate::text::human;

/// Rows of a table; the report has all.
const MOST_ROWS: usize = 24;
/// Longer names of facts do not widen their column.
const WIDEST_NAME: usize = 16;

pub(in crate::render) fn render(document: &Document, style: Style) -> String {
    let mut page = Page::new(style);
    page.outdented(document.ink, document.word, &document.headline);
    for section in &document.sections {
        show(section, &mut page);
    }
    page.into_text()
}

pub(in crate::render) fn show(section: &Section, page: &mut Page) {
    page.heading(section.title);
    for block in &section.blocks {
        match block {
            Block::Paragraph(text) | Block::Code(text) => page.paragraph(text),
            Block::Points(points) => points.iter().for_each(|point| page.point(point)),
            Block::Facts(facts) => {
                let widest = facts.iter().map(|(name, _)| name.len()).max();
                let width = widest.unwrap_or(0).min(WIDEST_NAME);
                for (name, text) in facts {
                    page.field(width, name, text);
                }
            }
            Block::Table(table) => self::table(table, page),
            Block::Lines(lines) => {
                for line in lines {
                    page.line(&format!("{INDENT}{line}"));
                }
            }
            Block::Picture(_) => {}
        }
    }
}

fn table(table: &document::Table, page: &mut Page) {
    let (rows, more) = table.cut(MOST_ROWS);
    let columns: Vec<Column<'_>> = (0..table.header.len())
        .map(|at| Column::of(&table.header[at], rows.iter().map(|row| row[at].as_str())))
        .filter(|column| column.cells.iter().any(|cell| !cell.is_empty()))
        .collect();
    let header: Vec<(&str, Align)> = columns.iter().map(|one| (one.name, one.align)).collect();
    let mut shown = Table::new(&header);
    for row in 0..rows.len() {
        shown.row(
            columns
                .iter()
                .map(|column| column.cells[row].clone())
                .collect(),
        );
    }
    for line in shown.fitted(WIDTH - INDENT.len()) {
        page.line(&format!("{INDENT}{line}"));
    }
    if more > 0 {
        page.paragraph(&format!(
            "{} more in the JSON report.",
            human::grouped(more)
        ));
    }
}

struct Column<'a> {
    name: &'a str,
    align: Align,
    cells: Vec<String>,
}

impl<'a> Column<'a> {
    /// Figures stand on the right; moments are cut to the microsecond.
    fn of(name: &'a str, cells: impl Iterator<Item = &'a str> + Clone) -> Column<'a> {
        let is_time = |cell: &str| human::day_and_time(cell).is_some();
        let is_figure = |cell: &str| {
            cell.starts_with(|c: char| c.is_ascii_digit()) || matches!(cell, "" | "-" | "n/a" | "?")
        };
        if cells.clone().any(is_time) {
            let day = one_day(cells.clone());
            let shown = |cell| match is_time(cell) {
                true => time(cell, day),
                false => cell.to_owned(),
            };
            return Column {
                name,
                align: Align::Left,
                cells: cells.map(shown).collect(),
            };
        }
        Column {
            name,
            align: match cells.clone().all(is_figure) {
                true => Align::Right,
                false => Align::Left,
            },
            cells: cells.map(str::to_owned).collect(),
        }
    }
}
