//! What a vendor's ticket needs to hold, apart from how it is written down:
//! the HTML and the Markdown are made from the same sections.

mod agreement;
mod cpus;
mod findings;
mod machine;
mod measured;
mod origin;
mod periodicity;
mod quieted;
mod stalls;
mod verdict;
mod watched;

use crate::judgement::digest::Digest;
use crate::model::Report;
use crate::render::terminal::Summary;
use crate::render::web::Tone;

pub use origin::{Changes, Origin};

/// A whole document.
pub(super) struct Document {
    pub title: String,
    pub tone: Tone,
    /// `FAIL:` and the like.
    pub word: &'static str,
    /// The verdict in one line.
    pub headline: String,
    pub sections: Vec<Section>,
}

/// A part under a heading of its own.
pub(super) struct Section {
    pub title: &'static str,
    /// What goes first where there is little room: the highest rank.
    pub rank: Rank,
    pub blocks: Vec<Block>,
}

/// How much a section matters to the reader of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Left out first.
    Background,
    /// Supports the case.
    Support,
    /// The case itself.
    Core,
}

/// A piece of a section. The texts are as they came: whoever writes them down
/// makes them safe.
pub(super) enum Block {
    Paragraph(String),
    Points(Vec<String>),
    Facts(Vec<(&'static str, String)>),
    Table(Table),
    Code(String),
    Plot(Plot),
}

/// Rows under a header, those that matter most first.
pub(super) struct Table {
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Rows that were left out already.
    pub more: u64,
}

/// Which picture stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plot {
    Distribution,
    Timeline,
    Intervals,
    CpuMap,
    Accounts,
}

impl Document {
    pub(super) fn new(report: &Report<()>, digest: &Digest, origin: &Origin) -> Document {
        let summary = Summary::new(report, &digest.worst);
        let (tone, word, headline) = verdict::headline(&summary);
        let sections = [
            verdict::section(report, &summary, digest),
            stalls::plots(digest),
            measured::section(report),
            agreement::of_engines(report),
            stalls::section(report, digest),
            periodicity::section(report, digest),
            findings::section(report),
            cpus::section(report),
            watched::section(report),
            machine::section(report),
            quieted::of_host(report),
            findings::evidence(report),
            findings::selftest(report),
            findings::limits(&summary),
            origin::section(report, origin),
        ];
        Document {
            title: title(report),
            tone,
            word,
            headline,
            sections: sections.into_iter().flatten().collect(),
        }
    }
}

fn title(report: &Report<()>) -> String {
    let host = &report.host;
    let of = [&host.hostname, &host.system.vendor, &host.system.product];
    let known: Vec<&str> = of.into_iter().flatten().map(String::as_str).collect();
    match known.is_empty() {
        true => String::from("Latency report"),
        false => format!("Latency report: {}", known.join(", ")),
    }
}

/// A section, unless it is empty.
fn section(title: &'static str, rank: Rank, blocks: Vec<Block>) -> Option<Section> {
    (!blocks.is_empty()).then_some(Section {
        title,
        rank,
        blocks,
    })
}

/// A text that may be unknown.
fn or_unknown(text: &Option<String>) -> String {
    match text.as_deref().map(str::trim) {
        None | Some("") => String::from("not readable"),
        Some(text) => text.to_owned(),
    }
}
