//! Columns that line up.

use crate::render::page::{glued, wrapped};
use crate::text::clean;

/// Between two columns.
const GAP: &str = "  ";

/// A word that is longer may be parted.
const LONGEST_WORD: usize = 24;

/// On which side a column is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Align {
    Left,
    Right,
}

/// Rows of cells under a header.
pub(in crate::render) struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(in crate::render) fn new(header: &[(&str, Align)]) -> Table {
        let names = header.iter().map(|(name, _)| (*name).to_owned());
        Table {
            align: header.iter().map(|(_, align)| *align).collect(),
            rows: vec![names.collect()],
        }
    }

    /// Adds a row; it has as many cells as the header.
    pub(in crate::render) fn row(&mut self, cells: Vec<String>) {
        let safe = cells.iter().map(|cell| clean::ascii(cell).into_owned());
        self.rows.push(safe.collect());
    }

    /// The columns that all lines need.
    pub(in crate::render) fn width(&self) -> usize {
        let gaps = GAP.len() * self.align.len().saturating_sub(1);
        self.widths().iter().sum::<usize>() + gaps
    }

    pub(in crate::render) fn lines(&self) -> Vec<String> {
        let all: Vec<usize> = (0..self.align.len()).collect();
        self.set(&all, &self.widths()).concat()
    }

    /// The lines of each row in at most so many columns: texts are wrapped, the
    /// widest first. What then has no room follows as another table, beside the first
    /// column.
    pub(in crate::render) fn fitted(&self, width: usize) -> Vec<Vec<Vec<String>>> {
        let least = self.least();
        let mut tables = Vec::new();
        let mut left: Vec<usize> = (0..self.align.len()).collect();
        while !left.is_empty() {
            let taken = |columns: &[usize], widths: &[usize]| {
                let cells: usize = columns.iter().map(|&at| widths[at]).sum();
                cells + GAP.len() * columns.len().saturating_sub(1)
            };
            let mut shown = left.len();
            while shown > 2 && taken(&left[..shown], &least) > width {
                shown -= 1;
            }
            let columns = &left[..shown];
            let mut widths: Vec<usize> = self.widths().iter().map(|one| *one.min(&width)).collect();
            while taken(columns, &widths) > width {
                let can_shrink = columns.iter().filter(|&&at| widths[at] > least[at]);
                match can_shrink.max_by_key(|&&at| widths[at]) {
                    Some(&at) => widths[at] -= 1,
                    None => break,
                }
            }
            tables.push(self.set(columns, &widths));
            left = match left.split_off(shown) {
                rest if rest.is_empty() => rest,
                rest => [0].into_iter().chain(rest).collect(),
            };
        }
        tables
    }

    /// The rows with these of their columns, in cells of these widths.
    fn set(&self, columns: &[usize], widths: &[usize]) -> Vec<Vec<String>> {
        let row = |row: &Vec<String>| {
            let cells: Vec<Vec<String>> = (columns.iter())
                .map(|&at| match clean::columns(&row[at]) > widths[at] {
                    true => wrapped(&row[at], widths[at]),
                    false => vec![row[at].clone()],
                })
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            let lines = (0..height).map(|line| {
                let parts: Vec<String> = (cells.iter().zip(columns))
                    .map(|(cell, &at)| {
                        let (part, width) = (cell.get(line).map_or("", String::as_str), widths[at]);
                        match self.align[at] {
                            Align::Left => format!("{part:<width$}"),
                            Align::Right => format!("{part:>width$}"),
                        }
                    })
                    .collect();
                parts.join(GAP)
            });
            lines.collect()
        };
        self.rows.iter().map(row).collect()
    }

    /// What each column needs so that no word is parted.
    fn least(&self) -> Vec<usize> {
        let longest = |cell: &String| {
            let words = glued(cell);
            words
                .iter()
                .map(|word| clean::columns(word))
                .max()
                .unwrap_or(0)
        };
        self.each(|cell| longest(cell).min(LONGEST_WORD))
    }

    fn widths(&self) -> Vec<usize> {
        self.each(|cell| clean::columns(cell))
    }

    fn each(&self, of: impl Fn(&String) -> usize) -> Vec<usize> {
        (0..self.align.len())
            .map(|at| self.rows.iter().map(|row| of(&row[at])).max().unwrap_or(0))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_on_their_side() {
        let mut table = Table::new(&[("CPU", Align::Right), ("cause", Align::Left)]);
        table.row(vec!["1000".into(), "smi".into()]);
        assert_eq!(table.lines(), [" CPU  cause", "1000  smi  "]);
        assert_eq!(table.width(), 11);
    }

    #[test]
    fn what_has_no_room_is_wrapped_or_follows_below() {
        let mut table = Table::new(&[("CPU", Align::Right), ("why", Align::Left)]);
        table.row(vec!["1".into(), "took 10 us of it".into()]);
        assert_eq!(
            table.fitted(13).concat().concat(),
            [
                "CPU  why     ",
                "  1  took    ",
                "     10 us of",
                "     it      "
            ]
        );
        let columns = ["CPU", "smi+os", "firmware", "unknown"].map(|name| (name, Align::Left));
        let mut table = Table::new(&columns);
        table.row(["7", "1", "2", "3"].map(String::from).to_vec());
        let lines = [
            "CPU  smi+os",
            "7    1     ",
            "CPU  firmware",
            "7    2       ",
        ];
        assert_eq!(table.fitted(13).concat().concat()[..4], lines);
    }
}
