//! The answer, and what it is worth.

use super::lines;
use crate::model::Outcome;
use crate::render::document::{Rank, Summary, agreement, verdict};
use crate::render::screen::Part;
use crate::render::style::{Ink, Style};

/// The lines of a sentence below the answer.
const SENTENCE: usize = 3;
const REASON: usize = 2;

pub(super) fn parts<'a>(summary: &Summary<'a>, style: Style) -> Vec<Part<'a>> {
    let (ink, word, text) = verdict::headline(summary);
    let answer = lines(style, |page| {
        page.outdented_within(2, ink, word, &text);
        if summary.report.run.scripted {
            page.paragraph(verdict::SCRIPTED);
        }
        if let Some(sentence) = verdict::rate(summary) {
            page.labelled_within(SENTENCE, Ink::Plain, "  ", &sentence);
        }
        if let Some(agreement) = &summary.report.agreement {
            let result = agreement::result(agreement);
            page.labelled_within(SENTENCE, Ink::Plain, "  ", &result);
        }
    });
    let mut reasons = Part::new(Rank::Grave, String::new()).close().least(3);
    for reason in verdict::further_reasons(summary, &text).filter(|reason| adds(summary, reason)) {
        reasons.item(lines(style, |page| {
            page.labelled_within(REASON, Ink::Plain, "  - ", reason);
        }));
    }
    vec![Part::answer(answer), reasons.counted("reason")]
}

/// Whether a reason says more than the answer, which counts the gaps already.
fn adds(summary: &Summary<'_>, reason: &str) -> bool {
    summary.report.verdict.result == Outcome::Inconclusive || !reason.contains("platform gap")
}
