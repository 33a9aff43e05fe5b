//! The report as Markdown that fits the text field of a ticket: what matters
//! least is left out first.
//!
//! Foreign texts are made inert for CommonMark and for the dialects of
//! trackers: no markup, no HTML, no links, no mentions, no line of their own.

use std::borrow::Borrow;
use std::io::{self, Write};

use crate::judgement::digest::Digest;
use crate::model::{Gap, Report};
use crate::render::document::{Block, Document, Entry, Origin, Rank, Section, Table};
use crate::text::{clean, human};

/// Foreign texts are cut at this many characters.
const LONGEST_TEXT: usize = 1_000;
/// Rows of a table that are tried, from the most to none.
const ROWS: [usize; 7] = [50, 30, 15, 8, 4, 1, 0];

/// The most characters that a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub usize);

impl Limit {
    /// What the text field of a ticket takes.
    pub const TICKET: Limit = Limit(60_000);
}

/// Writes the Markdown of a report whose gaps come one by one.
pub fn write<I>(
    report: &Report<()>,
    gaps: I,
    origin: &Origin,
    limit: Limit,
    mut out: impl Write,
) -> io::Result<()>
where
    I: IntoIterator,
    I::Item: Borrow<Gap>,
{
    let digest = Digest::new(report, gaps);
    let document = Document::new(report, &digest, Some(origin));
    out.write_all(fitting(&document, limit).as_bytes())?;
    out.flush()
}

/// The longest form that fits: fewer rows first, then whole sections.
pub(super) fn fitting(document: &Document, limit: Limit) -> String {
    for least in [Rank::Aside, Rank::Detail, Rank::Main] {
        for rows in ROWS {
            let text = render(document, least, rows);
            if text.chars().count() <= limit.0 {
                return text;
            }
        }
    }
    let whole = render(document, Rank::Main, 0);
    let mark = "\n\n(cut)\n";
    let kept: String = whole
        .chars()
        .take(limit.0.saturating_sub(mark.len()))
        .collect();
    // A line that is cut could end in half an escape.
    let end = kept.rfind('\n').unwrap_or(0);
    format!("{}{mark}", &kept[..end])
}

fn render(document: &Document, least: Rank, rows: usize) -> String {
    let mut text = format!("# {}\n\n", inert(&document.title));
    text.push_str(&format!(
        "**{}** {}\n",
        document.word,
        inert(&document.headline)
    ));
    let mut left_out = Vec::new();
    for part in &document.sections {
        let content = section(part, rows);
        if content.is_empty() {
            continue;
        }
        if part.rank < least {
            left_out.push(part.title.as_str());
            continue;
        }
        if !part.title.is_empty() {
            text.push_str(&format!("\n## {}\n", part.title));
        }
        text.push_str(&format!("\n{content}"));
    }
    if !left_out.is_empty() {
        text.push_str(&format!(
            "\nLeft out for length, but in the JSON report: {}.\n",
            left_out.join("; ")
        ));
    }
    text
}

fn section(section: &Section, rows: usize) -> String {
    let blocks = section.blocks.iter().map(|part| block(part, rows));
    let blocks: Vec<String> = blocks.filter(|text| !text.is_empty()).collect();
    blocks.join("\n")
}

fn block(block: &Block, rows: usize) -> String {
    match block {
        Block::Paragraph(text) => format!("{}\n", inert(text)),
        Block::Points(points) => lines(points.iter().map(|point| inert(point)), points.len(), rows),
        Block::Names(names) => {
            let shown = &names[..names.len().min(rows.max(4))];
            let mark = if shown.len() < names.len() {
                ", ..."
            } else {
                ""
            };
            format!("{}{mark}\n", inert(&shown.join(", ")))
        }
        Block::Links(links) => {
            let each = links
                .iter()
                .map(|link| inert(&format!("{}{}", link.name, link.text)));
            lines(each, links.len(), rows)
        }
        Block::Facts(facts) => facts
            .iter()
            .map(|(name, text)| format!("- {name}: {}\n", inline(text)))
            .collect(),
        Block::Entries(entries) => lines(entries.iter().map(entry), entries.len(), rows),
        Block::Table(content) => table(content, rows),
        Block::Code(text) => format!("`{}`\n", code(text)),
        // A ticket's field shows no SVG.
        Block::Picture(_) | Block::Lines(_) => String::new(),
    }
}

fn entry(entry: &Entry) -> String {
    let remedy = entry.remedy.iter().map(|remedy| format!("-> {remedy}"));
    let said = std::iter::once(&entry.text).chain(&entry.details).cloned();
    let said: Vec<String> = said.chain(remedy).map(|text| inline(&text)).collect();
    format!("**{}** {}", inline(&entry.name), said.join(" "))
}

fn lines(points: impl Iterator<Item = String>, count: usize, rows: usize) -> String {
    let shown = rows.max(4);
    let mut text: String = points
        .take(shown)
        .map(|point| format!("- {point}\n"))
        .collect();
    if count > shown {
        text.push_str(&format!("- ... and {} more\n", count - shown));
    }
    text
}

fn table(table: &Table, rows: usize) -> String {
    let (shown, more) = table.cut(rows);
    let mut text = String::new();
    if !shown.is_empty() {
        let header: Vec<String> = table.header.iter().map(|name| inert(name)).collect();
        text.push_str(&format!("| {} |\n", header.join(" | ")));
        text.push_str(&format!("|{}\n", "---|".repeat(header.len())));
        for row in shown {
            let cells: Vec<String> = row.iter().map(|cell| inline(cell)).collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    if more > 0 {
        let more = human::grouped(more);
        let begin = if shown.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{begin}{more} more in the JSON report.\n"));
    }
    text
}

/// A text that shows as it is, on a line of its own.
fn inert(text: &str) -> String {
    guarded(inline(text))
}

/// The same for a text that follows others on its line.
fn inline(text: &str) -> String {
    let text = one_line(text);
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = rest.next() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // GitHub and GitLab tell a person who is named so, and link issues
            // and merge requests.
            '@' | '#' | '!' | '$' | '%'
                if rest.peek().is_some_and(|next| next.is_alphanumeric()) =>
            {
                safe.push('\\');
                safe.push(c);
                safe.push(' ');
            }
            // GitHub Flavored Markdown, 6.9, makes links of bare addresses.
            ':' if rest.peek() == Some(&'/') => safe.push_str("&#58;"),
            '.' if previous.eq_ignore_ascii_case(&'w') => safe.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
        previous = c;
    }
    safe
}

/// What stands at the start of a line may not begin a list, a heading, a rule
/// or a command of the tracker.
fn guarded(text: String) -> String {
    match text.chars().next() {
        Some('-' | '+' | '=' | '/' | '(') => format!("\\{text}"),
        Some(first) if first.is_ascii_digit() => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            match text[digits..].chars().next() {
                Some(mark @ ('.' | ')')) => {
                    format!("{}\\{mark}{}", &text[..digits], &text[digits + 1..])
                }
                _ => text,
            }
        }
        _ => text,
    }
}

/// A text between backquotes.
fn code(text: &str) -> String {
    let text = one_line(text).replace('`', "'").replace('|', "\\|");
    match text.is_empty() {
        true => String::from("-"),
        false => text,
    }
}

fn one_line(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST_TEXT).collect();
    let mark = if cut.len() < text.len() {
        "... (cut)"
    } else {
        ""
    };
    let safe = clean::without_controls(cut.trim()).into_owned();
    format!("{}{mark}", safe.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_shows_as_it_is() {
        assert_eq!(inert("<b>*x*</b>"), "&lt;b&gt;\\*x\\*&lt;/b&gt;");
        assert_eq!(inert("[a](javascript:b)"), "\\[a\\](javascript:b)");
        assert_eq!(inert("- item"), "\\- item");
        assert_eq!(inert("1. item"), "1\\. item");
        assert_eq!(inert("# head"), "\\# head");
        assert_eq!(inert("a\nb|c"), "a?b\\|c");
        assert_eq!(inert("Xeon(R) CPU @ 2.10GHz"), "Xeon(R) CPU @ 2.10GHz");
    }

    #[test]
    fn nobody_is_told_and_nothing_is_linked() {
        assert_eq!(inert("@root see #12"), "\\@ root see \\# 12");
        assert_eq!(inert("http://a.b"), "http&#58;//a.b");
        assert_eq!(inert("www.a.b"), "www&#46;a.b");
    }
}
