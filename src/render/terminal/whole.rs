//! A document in a terminal, whatever it is about: all of it, or what of it fits
//! a screen.

use super::{one_day, time};
use crate::render::document::{self, Block, Document, Entry, Rank, Section};
use crate::render::page::{INDENT, Page, WIDTH};
use crate::render::screen::{Part, all_of, fitted, listed};
use crate::render::style::{Ink, Style};
use crate::render::table::{Align, Table};
use crate::text::human;
use crate::text::look::Extent;

/// Rows of a table, and items of a list; the document's JSON has all.
const MOST_ROWS: usize = 24;
const MOST_NAMES: usize = 40;
const MOST_ENTRIES: usize = 50;
/// Longer names do not widen their column.
const WIDEST_NAME: usize = 16;
/// Before what is said of an entry on lines of its own.
const BELOW: &str = "      ";

pub(in crate::render) fn render(document: &Document, style: Style, extent: Extent) -> String {
    let sections = document.sections.iter().filter(|section| shows(section));
    let (titled, untitled): (Vec<&Section>, Vec<&Section>) =
        sections.partition(|section| !section.title.is_empty());
    let headline = written(style, |page| {
        page.outdented(document.ink, document.word, &document.headline);
    });
    let mut verdict = Part::new(Rank::Grave, String::new()).close().least(4);
    for item in untitled.iter().flat_map(|one| items(one, extent, style).0) {
        verdict.item(item);
    }
    let mut parts = vec![Part::answer(headline), verdict.counted("reason")];
    parts.extend(titled.iter().map(|section| {
        let title = written(style, |page| page.title(&section.title));
        let (items, beyond) = items(section, extent, style);
        listed(title, items, beyond, section.rank, section.items)
    }));
    match extent {
        Extent::Screen => fitted(parts),
        Extent::Verbose => all_of(&parts),
    }
}

fn written(style: Style, write: impl FnOnce(&mut Page)) -> String {
    let mut page = Page::new(style);
    write(&mut page);
    page.into_text()
}

fn shows(section: &Section) -> bool {
    let is_picture = |block: &Block| matches!(block, Block::Picture(_));
    !section.blocks.iter().all(is_picture)
}

/// The lines of a section; what is read together is one item. And how many there are
/// beyond them, which a screen says in one place.
fn items(section: &Section, extent: Extent, style: Style) -> (Vec<String>, u64) {
    let (mut items, mut beyond) = (Vec::new(), 0);
    let mut item = |write: &dyn Fn(&mut Page)| items.push(written(style, write));
    for block in &section.blocks {
        match block {
            Block::Paragraph(text) | Block::Code(text) => item(&|page| page.paragraph(text)),
            Block::Points(points) => {
                for point in points.iter().take(MOST_ROWS) {
                    item(&|page| page.point(point));
                }
                more(points.len().saturating_sub(MOST_ROWS) as u64, &mut item);
            }
            Block::Names(names) => {
                let shown = &names[..names.len().min(MOST_NAMES)];
                item(&|page| page.paragraph(&shown.join(", ")));
                more(names.len().saturating_sub(MOST_NAMES) as u64, &mut item);
            }
            Block::Links(links) => {
                for link in links {
                    item(&|page| page.point(&format!("{}{}", link.name, link.text)));
                }
            }
            Block::Facts(facts) => {
                let width = widest(facts.iter().map(|(name, _)| name.len()));
                for (name, text) in facts {
                    item(&|page| page.field(width, name, text));
                }
            }
            Block::Entries(entries) => {
                let width = widest(entries.iter().map(|entry| entry.name.len()));
                for one in entries.iter().take(MOST_ENTRIES) {
                    item(&|page| entry(one, width, extent, page));
                }
                more(entries.len().saturating_sub(MOST_ENTRIES) as u64, &mut item);
            }
            Block::Table(table) => {
                let left_out = self::table(table, extent, &mut item);
                match extent {
                    Extent::Screen => beyond += left_out,
                    Extent::Verbose => more(left_out, &mut item),
                }
            }
            Block::Lines(lines) => {
                for line in lines {
                    item(&|page| page.line(&format!("{INDENT}{line}")));
                }
            }
            Block::Picture(_) => {}
        }
    }
    (items, beyond)
}

/// Takes what writes an item.
type Items<'a> = dyn FnMut(&dyn Fn(&mut Page)) + 'a;

fn widest(names: impl Iterator<Item = usize>) -> usize {
    names.max().unwrap_or(0).min(WIDEST_NAME)
}

fn more(count: u64, item: &mut Items<'_>) {
    if count > 0 {
        let count = human::grouped(count);
        item(&|page| page.paragraph(&format!("{count} more in the JSON report.")));
    }
}

fn entry(entry: &Entry, width: usize, extent: Extent, page: &mut Page) {
    let lines = match extent {
        Extent::Screen => entry.lines,
        Extent::Verbose => usize::MAX,
    };
    let name = format!("{INDENT}{:<width$}  ", entry.name);
    page.labelled_within(lines, entry.ink, &name, &entry.text);
    if extent == Extent::Verbose {
        let details = entry.details.iter();
        details.for_each(|detail| page.labelled(Ink::Plain, BELOW, detail));
    }
    if let Some(remedy) = &entry.remedy {
        page.labelled_within(lines, Ink::Plain, &format!("{BELOW}-> "), remedy);
    }
}

/// A row is an item, the first one with the header; of a table that is too wide a
/// screen has the first columns. How many rows there are beyond.
fn table(table: &document::Table, extent: Extent, item: &mut Items<'_>) -> u64 {
    let (rows, left_out) = table.cut(MOST_ROWS);
    let columns: Vec<Column<'_>> = (0..table.header.len())
        .filter(|at| extent == Extent::Verbose || !table.spare.contains(at))
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
    let mut tables = shown.fitted(WIDTH - INDENT.len());
    if extent == Extent::Screen {
        tables.truncate(1);
    }
    for mut rows in tables {
        let rest = rows.split_off(rows.len().min(2));
        for lines in std::iter::once(rows.concat()).chain(rest) {
            item(&|page| {
                let own = lines.iter();
                own.for_each(|line| page.line(&format!("{INDENT}{line}")));
            });
        }
    }
    left_out
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
            let figure = cell.trim_start_matches('<');
            figure.starts_with(|c: char| c.is_ascii_digit())
                || matches!(cell, "" | "-" | "n/a" | "?")
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
