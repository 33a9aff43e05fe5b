//! Columns that line up.

use crate::text::clean;

/// Between two columns.
const GAP: &str = "  ";

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
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row
                .iter()
                .zip(widths.iter().zip(&self.align))
                .map(|(cell, (width, align))| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            cells.join(GAP)
        };
        self.rows.iter().map(line).collect()
    }

    fn widths(&self) -> Vec<usize> {
        (0..self.align.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| clean::columns(cell)).max().unwrap_or(0)
            })
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
}
