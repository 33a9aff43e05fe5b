//! What the reader should know or do, by weight: the first
//! sentence and the remedy of each.

use std::cmp::Reverse;

use super::lines;
use crate::model::{Finding, Severity};
use crate::render::document::{Rank, Summary};
use crate::render::screen::Part;
use crate::render::style::{Ink, Style};

/// Of more findings without which the verdict cannot be understood, each has
/// one line.
const ROOMY: usize = 5;
/// Warnings that stay when room is short.
const WARNINGS: usize = 2;

/// Each text and each remedy takes at most so many lines.
pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style, sentence: usize) -> Vec<Part<'a>> {
    let kinds = kinds(&summary.report.findings);
    let of = |grave: bool| {
        let kinds = kinds.iter();
        kinds.filter(move |kind| (kind.first.severity == Severity::Critical) == grave)
    };
    let critical = of(true).count();
    let mut grave = Part::new(Rank::Grave, String::new()).least(critical);
    for kind in of(true) {
        grave.item(lines(style, |page| {
            let text = kind.text();
            match &kind.first.remedy {
                _ if critical > ROOMY => page.labelled_within(1, Ink::Bad, "!! ", &text),
                None => page.labelled_within(sentence.max(2), Ink::Bad, "!! ", &text),
                Some(remedy) => {
                    page.labelled_within(sentence, Ink::Bad, "!! ", &text);
                    page.labelled_within(sentence, Ink::Plain, "   -> ", remedy);
                }
            }
        }));
    }
    let mut other = Part::new(Rank::Main, String::new()).least(WARNINGS);
    if critical > 0 {
        other = other.close();
    }
    for kind in of(false) {
        let (ink, label) = match kind.first.severity {
            Severity::Info => (Ink::Plain, "i  "),
            Severity::Warning | Severity::Critical => (Ink::Doubt, "!  "),
        };
        other.item(lines(style, |page| match &kind.first.remedy {
            None => page.labelled_within(sentence.max(2), ink, label, &kind.text()),
            Some(remedy) => {
                page.labelled_within(sentence, ink, label, &kind.text());
                page.labelled_within(sentence, Ink::Plain, "   -> ", remedy);
            }
        }));
    }
    vec![grave.counted("CRITICAL finding"), other.counted("finding")]
}

/// Findings of one name: of many CPUs that were lost, one is told and the others
/// are counted.
struct Kind<'a> {
    first: &'a Finding,
    others: u64,
}

impl Kind<'_> {
    /// The first sentence, which says what was found.
    fn text(&self) -> String {
        let text = first_sentence(&self.first.text);
        match self.others {
            0 => text.to_owned(),
            more => format!("[and {more} more like it] {text}"),
        }
    }
}

fn kinds(findings: &[Finding]) -> Vec<Kind<'_>> {
    let mut kinds: Vec<Kind<'_>> = Vec::new();
    for finding in findings {
        let is_like = |kind: &&mut Kind<'_>| {
            kind.first.id == finding.id && kind.first.severity == finding.severity
        };
        match kinds.iter_mut().find(is_like) {
            Some(kind) => kind.others += 1,
            None => kinds.push(Kind {
                first: finding,
                others: 0,
            }),
        }
    }
    kinds.sort_by_key(|kind| Reverse(kind.first.severity));
    kinds
}

/// Up to the first full stop that a new sentence follows.
fn first_sentence(text: &str) -> &str {
    let begins = |c: char| c.is_uppercase() || c.is_ascii_digit();
    let ends = text.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends
        .into_iter()
        .find(|&end| text[end..].trim_start().starts_with(begins));
    end.map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_where_another_begins() {
        assert_eq!(first_sentence("One every 1.5 s. Ask."), "One every 1.5 s.");
        assert_eq!(first_sentence("See e.g. this"), "See e.g. this");
        assert_eq!(first_sentence(""), "");
    }
}
