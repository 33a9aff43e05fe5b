//! Two engines side by side.

use crate::model::Report;
use crate::render::document::{Block, Rank, Section, Table, section};
use crate::render::terminal::agreement::{COLUMNS, result, rows};

pub(super) fn of_engines(report: &Report<()>) -> Option<Section> {
    let agreement = report.agreement.as_ref()?;
    section(
        "Agreement of the engines",
        Rank::Support,
        vec![
            Block::Table(Table {
                header: COLUMNS.map(|(name, _)| name).to_vec(),
                rows: rows(&report.engines),
                more: 0,
            }),
            Block::Paragraph(result(agreement)),
            Block::Points(agreement.differences.clone()),
        ],
    )
}
