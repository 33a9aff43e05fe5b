//! What a vendor's ticket needs to hold, apart from how it is written down: web
//! page, Markdown and the whole text for a terminal show the same sections.

pub(super) mod acted;
pub(super) mod agreement;
pub(super) mod cpus;
pub(super) mod evidence;
pub(super) mod findings;
mod kernel;
pub(super) mod limits;
mod machine;
pub(super) mod measured;
mod origin;
mod periodicity;
pub(super) mod quieted;
pub(super) mod stalls;
mod summary;
pub(super) mod verdict;
mod watched;

use crate::judgement::digest::Digest;
use crate::model::Report;
use crate::render::plot::Picture;
use crate::render::style::Ink;

pub use origin::{Changes, Origin};
pub(super) use summary::{Summary, cpu_names};

/// Rows that a table has at most: a browser must still open the page.
const MOST_ROWS: usize = 128;

pub(super) struct Document {
    pub title: String,
    pub ink: Ink,
    /// `FAIL:` and the like.
    pub word: &'static str,
    /// The verdict in one line.
    pub headline: String,
    pub sections: Vec<Section>,
}

/// A part under a heading of its own; one without a title goes with the verdict.
pub(super) struct Section {
    pub title: String,
    /// What goes first where there is little room: the highest rank.
    pub rank: Rank,
    /// So many of its items stay longest on a screen; `None` is running text,
    /// which is shown whole or not at all.
    pub items: Option<usize>,
    pub blocks: Vec<Block>,
}

/// How much a part matters to the reader: the least gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Helps to understand.
    Aside,
    /// A picture, a table.
    Detail,
    /// What a reader should know.
    Main,
    /// What bears on the meaning of the answer.
    Grave,
    /// The answer itself: never cut.
    Answer,
}

/// A piece of a section. The texts are as they came: whoever writes them down
/// makes them safe.
pub(super) enum Block {
    Paragraph(String),
    Points(Vec<String>),
    /// Names of equal weight, one after the other.
    Names(Vec<String>),
    Facts(Vec<(&'static str, String)>),
    Entries(Vec<Entry>),
    Table(Table),
    Code(String),
    Links(Vec<Link>),
    Picture(Picture),
    /// For a terminal: as they are.
    Lines(Vec<String>),
}

/// Something with a name, and what is said of it.
pub(super) struct Entry {
    pub ink: Ink,
    pub name: String,
    pub text: String,
    /// What a screen has no room for.
    pub details: Vec<String>,
    pub remedy: Option<String>,
    /// The lines that a screen has for the text, and for the remedy.
    pub lines: usize,
    /// What a page folds away, and others leave out.
    pub folded: Vec<Block>,
}

impl Entry {
    /// The lines that a screen has for each text of an entry.
    pub(super) const LINES: usize = 2;
}

/// A file by its name, and where it is, if it can be had.
pub(super) struct Link {
    pub name: String,
    pub target: Option<String>,
    pub text: String,
}

/// Rows under a header, those that matter most first.
pub(super) struct Table {
    pub header: Vec<String>,
    /// Columns that a screen does without.
    pub spare: &'static [usize],
    pub rows: Vec<Vec<String>>,
    /// Rows that were left out already.
    pub more: u64,
}

impl Table {
    /// At most so many rows, and how many there are beside them.
    pub(super) fn cut(&self, most: usize) -> (&[Vec<String>], u64) {
        let shown = self.rows.len().min(most);
        (
            &self.rows[..shown],
            self.more + (self.rows.len() - shown) as u64,
        )
    }
}

impl Block {
    pub(super) fn table(
        header: impl IntoIterator<Item = impl Into<String>>,
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Block {
        let mut rows = rows.into_iter();
        Block::Table(Table {
            header: header.into_iter().map(Into::into).collect(),
            spare: &[],
            rows: rows.by_ref().take(MOST_ROWS).collect(),
            more: rows.count() as u64,
        })
    }

    fn is_empty(&self) -> bool {
        match self {
            Block::Points(texts) | Block::Names(texts) | Block::Lines(texts) => texts.is_empty(),
            Block::Entries(entries) => entries.is_empty(),
            Block::Table(table) => table.rows.is_empty(),
            _ => false,
        }
    }
}

impl Document {
    /// The document of a report; without an `origin` for those who have the
    /// report at hand.
    pub(super) fn new(report: &Report<()>, digest: &Digest, origin: Option<&Origin>) -> Document {
        let summary = Summary {
            report,
            worst: &digest.worst,
        };
        let (ink, word, headline) = verdict::headline(&summary);
        let sections = [
            verdict::section(&summary, &headline),
            measured::section(&summary),
            agreement::section(report),
            stalls::section(&summary, digest),
            periodicity::section(report, digest),
            findings::section(&report.findings),
            cpus::packages(report),
            cpus::section(&summary),
            kernel::section(report),
            watched::section(report),
            machine::section(report),
            acted::section(report),
            quieted::section(report),
            evidence::sources(&report.evidence),
            evidence::of_host(report.selftest.as_ref()),
            limits::section(&summary),
            origin.and_then(|origin| origin::section(report, origin)),
        ];
        Document {
            title: title(report),
            ink,
            word,
            headline,
            sections: sections.into_iter().flatten().collect(),
        }
    }

    /// Puts pictures below the section of this number.
    pub(super) fn insert_pictures(&mut self, at: usize, blocks: Vec<Block>) {
        let pictures = section("Pictures", Rank::Aside, blocks);
        self.sections.splice(at..at, pictures);
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

/// A section of the blocks that hold anything, if one does.
pub(super) fn section(
    title: impl Into<String>,
    rank: Rank,
    mut blocks: Vec<Block>,
) -> Option<Section> {
    blocks.retain(|block| !block.is_empty());
    (!blocks.is_empty()).then(|| Section {
        title: title.into(),
        rank,
        items: None,
        blocks,
    })
}

/// The same of items, of which the first so many stay longest on a screen.
pub(super) fn list(
    title: impl Into<String>,
    rank: Rank,
    items: usize,
    blocks: Vec<Block>,
) -> Option<Section> {
    section(title, rank, blocks).map(|section| Section {
        items: Some(items),
        ..section
    })
}

fn or_unknown(text: &Option<String>) -> String {
    match text.as_deref().map(str::trim) {
        None | Some("") => String::from("not readable"),
        Some(text) => text.to_owned(),
    }
}
