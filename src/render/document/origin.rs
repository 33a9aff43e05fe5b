//! Where the document comes from, and how to get to the same.

use crate::model::Report;
use crate::render::document::{Block, Rank, Section};

#[derive(Clone, Debug)]
pub struct Origin {
    /// Lower-case hexadecimal SHA-256 of the JSON report.
    pub sha256: String,
    /// What was done to it since.
    pub changes: Changes,
}

/// What was done to a report before it was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// It is shown as it was saved.
    None,
    /// Names of this one machine are left out.
    Redacted,
}

pub(super) fn section(report: &Report<()>, origin: &Origin) -> Option<Section> {
    let version = env!("CARGO_PKG_VERSION");
    let hash = match origin.changes {
        Changes::None => "SHA-256 of the JSON report that this was made from",
        Changes::Redacted => {
            "Host name, addresses and the like were left out here. SHA-256 of the full JSON report"
        }
    };
    let blocks = vec![
        Block::Paragraph(String::from("The command that was measured with:")),
        Block::Code(report.run.command_line.clone()),
        Block::Paragraph(format!("{hash}:")),
        Block::Code(origin.sha256.clone()),
        Block::Paragraph(format!(
            "Measured by {} {}, report schema version {}; written down by hwgap {version}.",
            report.tool.name, report.tool.version, report.schema_version
        )),
    ];
    super::section("Origin", Rank::Main, blocks)
}
