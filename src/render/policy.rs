//! What a policy says of a run, in a terminal.

use crate::model::Outcome;
use crate::policy::{Judgement, Policy, Reason};
use crate::render::page::Page;
use crate::render::style::{Ink, Style};

/// The judgement as text of at most 80 columns.
pub fn render(judgement: &Judgement, policy: &Policy, style: Style) -> String {
    let mut page = Page::new(style);
    let name = policy.name.as_deref().unwrap_or("the policy");
    page.heading("Policy");
    let (ink, word) = word(judgement.outcome);
    let text = match judgement.outcome {
        Outcome::Pass => format!("by {name}"),
        Outcome::Fail => format!("by {name}; against it speak:"),
        Outcome::Inconclusive => format!("by {name}; not shown are:"),
    };
    page.labelled(ink, &format!("  {word} "), &text);
    for reason in &judgement.reasons {
        page.point(&sentence(reason));
    }
    page.into_text()
}

pub(in crate::render) fn word(outcome: Outcome) -> (Ink, &'static str) {
    match outcome {
        Outcome::Pass => (Ink::Good, "PASS"),
        Outcome::Fail => (Ink::Bad, "FAIL"),
        Outcome::Inconclusive => (Ink::Doubt, "INCONCLUSIVE"),
    }
}

/// The same as the first word of an answer.
pub(in crate::render) fn verdict(outcome: Outcome) -> (Ink, &'static str) {
    match outcome {
        Outcome::Pass => (Ink::Good, "PASS:"),
        Outcome::Fail => (Ink::Bad, "FAIL:"),
        Outcome::Inconclusive => (Ink::Doubt, "INCONCLUSIVE:"),
    }
}

pub(in crate::render) fn sentence(reason: &Reason) -> String {
    match &reason.waived {
        None => format!("{}: {}", reason.rule, reason.text),
        Some(waived) => format!(
            "{}: {} (waived until {}: {})",
            reason.rule, reason.text, waived.until, waived.reason
        ),
    }
}
