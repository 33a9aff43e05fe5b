//! What of the host was changed for the run.

use crate::model::Report;
use crate::render::document::{Block, Rank, Section, Table, section};
use crate::render::terminal::quieted::{COLUMNS, rows};

pub(super) fn of_host(report: &Report<()>) -> Option<Section> {
    let quiet = report.quiet_host.as_ref()?;
    section(
        "Host settings changed for the run",
        Rank::Background,
        vec![Block::Table(Table {
            header: COLUMNS.to_vec(),
            rows: rows(quiet).into_iter().map(Vec::from).collect(),
            more: 0,
        })],
    )
}
