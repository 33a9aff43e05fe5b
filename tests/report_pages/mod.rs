//! The web page and the Markdown of a report.

pub mod content;
mod golden;
mod hostile;
mod large;
use crate::inert_pages;
use crate::report_samples;

use hwgap::model::Report;
use hwgap::render::markdown;
use hwgap::render::markdown::Limit;
use hwgap::render::{Changes, Origin, html};

const WHOLE: Limit = Limit(60_000);

fn origin() -> Origin {
    Origin {
        sha256: "00".repeat(32),
        changes: Changes::None,
    }
}

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    html::write(&report.without_gaps(), &report.gaps, &origin(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn ticket(report: &Report, limit: Limit) -> String {
    let mut out = Vec::new();
    markdown::write(
        &report.without_gaps(),
        &report.gaps,
        &origin(),
        limit,
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn sample(name: &str) -> Report {
    let all = report_samples::all();
    all.into_iter().find(|(own, _)| *own == name).unwrap().1
}
