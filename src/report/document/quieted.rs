//! What of the host was changed for the run.

use super::{Block, Rank, Section, Table, section};
use crate::report::model::Report;
use crate::report::text::quieted::{COLUMNS, rows};

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
