//! The first line, and what is to be known about it.

use crate::model::{Cause, Outcome};
use crate::render::page::{Page, WIDTH};
use crate::render::style::Ink;
use crate::render::terminal::Summary;
use crate::stats::rates;
use crate::text::human;

/// What stands below the answer where no clock was read.
pub(super) const SCRIPTED: &str = "SCRIPTED CLOCK: a test of the program, not a measurement.";

pub(super) fn show(summary: &Summary<'_>, page: &mut Page) {
    let (ink, word, text) = headline(summary);
    page.outdented(ink, word, &text);
    if summary.run.scripted {
        page.paragraph(SCRIPTED);
    }
    if let Some(sentence) = rate(summary) {
        page.paragraph(&sentence);
    }
    for reason in further_reasons(summary, &text) {
        page.point(reason);
    }
}

/// The reasons that the headline does not give already.
pub(super) fn further_reasons<'a>(
    summary: &Summary<'a>,
    headline: &'a str,
) -> impl Iterator<Item = &'a String> {
    let reasons = summary.verdict.reasons.iter();
    reasons.filter(move |&reason| reason != headline)
}

pub(in crate::render) fn headline(summary: &Summary<'_>) -> (Ink, &'static str, String) {
    let verdict = summary.verdict;
    let limit = human::chosen(summary.run.hardlimit_ns);
    // A pass holds for each CPU only as long as the least covered one.
    let covered = summary.cpus.iter().map(|cpu| cpu.covered_ns).min();
    let covered = human::length(covered.unwrap_or_default());
    let cpus = human::plural(summary.cpus.len() as u64, "CPU");
    match (verdict.result, summary.in_guest()) {
        (Outcome::Pass, false) => (
            Ink::Good,
            "PASS (so far):",
            format!("no hardware stall above {limit} in {covered} covered on {cpus}"),
        ),
        (Outcome::Pass, true) => (
            Ink::Good,
            "PASS (so far):",
            format!("no stall above {limit} by hypervisor or below in {covered} on {cpus}"),
        ),
        (Outcome::Fail, guest) => {
            let stalls = verdict.platform_stalls.max(1);
            let subject = match guest {
                true => format!("{} by hypervisor or below", human::plural(stalls, "stall")),
                false => human::plural(stalls, "hardware stall"),
            };
            let worst = human::length(verdict.platform_max_ns);
            let cause = worst_cause(summary);
            let doubt = match is_contradicted(summary) {
                true => "; indicators contradict each other, see findings",
                false => "",
            };
            let text = format!("{subject} above {limit}, worst {worst}{cause}{doubt}");
            (Ink::Bad, "FAIL:", text)
        }
        (Outcome::Inconclusive, guest) => (
            Ink::Doubt,
            "INCONCLUSIVE:",
            inconclusive(summary, guest, &limit),
        ),
    }
}

/// Whether a finding forbids to trust what rests on the indicators of the kernel.
fn is_contradicted(summary: &Summary<'_>) -> bool {
    let mut ids = summary.findings.iter().map(|finding| finding.id.as_str());
    ids.any(|id| matches!(id, "footprint-contradicted" | "ring-zero-contradicted"))
}

/// The main reason where it fits the line, else the bare fact.
fn inconclusive(summary: &Summary<'_>, guest: bool, limit: &str) -> String {
    match summary.verdict.reasons.first() {
        Some(reason) if "INCONCLUSIVE: ".len() + reason.len() <= WIDTH => reason.clone(),
        _ => {
            let subject = if guest {
                "hypervisor or below"
            } else {
                "the hardware"
            };
            format!("no verdict on stalls above {limit} by {subject}")
        }
    }
}

/// Cause and confidence of the longest platform gap, where its record is at
/// hand.
fn worst_cause(summary: &Summary<'_>) -> String {
    let longest = summary.verdict.platform_max_ns;
    let worst = summary
        .worst
        .iter()
        .find(|gap| gap.cause.is_platform() && gap.platform_ns == longest);
    match worst {
        // In a guest the subject of the sentence is the cause already.
        Some(gap) if gap.cause.alone() == Cause::Hypervisor => {
            format!(" ({})", gap.platform_confidence)
        }
        Some(gap) => format!(
            " ({}, {})",
            cause_name(gap.cause.alone()),
            gap.confidence.min(gap.platform_confidence)
        ),
        None => String::new(),
    }
}

pub(super) fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Smi => "SMI",
        Cause::SmiOs => "SMI and OS",
        Cause::Cpu => "CPU, no SMI",
        Cause::CpuOs => "CPU and OS",
        Cause::FirmwareOrCpu => "firmware or CPU",
        Cause::FirmwareOrCpuOs => "firmware or CPU, and OS",
        Cause::HypervisorOs => "hypervisor and OS",
        Cause::Hypervisor | Cause::Os | Cause::Unknown => cause.name(),
    }
}

/// What the count says of the true rate. An inconclusive run has no count that
/// could be relied on.
pub(in crate::render) fn rate(summary: &Summary<'_>) -> Option<String> {
    let verdict = summary.verdict;
    let Some(upper) = verdict.platform_rate_upper95_per_hour else {
        return Some("No rate can be given: no time was covered.".to_owned());
    };
    let bound = format!("at most one every {}", each(upper));
    match verdict.result {
        Outcome::Inconclusive => None,
        Outcome::Fail => {
            let mut text = String::new();
            if verdict.platform_gaps > verdict.platform_stalls && summary.cpus.len() > 1 {
                let gaps = human::plural(verdict.platform_gaps, "gap");
                text.push_str(&format!(
                    "They appear as {gaps} because several CPUs recorded the same stall. "
                ));
            }
            if let Some(seen) = verdict.platform_rate_per_hour.filter(|seen| *seen > 0.0) {
                text.push_str(&format!("On average one every {}. ", each(seen)));
            }
            text.push_str(&format!("With 95 % confidence there is {bound}."));
            Some(text)
        }
        Outcome::Pass => {
            let mut text = format!("That is not \"none\": with 95 % confidence there is {bound}.");
            let hours = rates::hours_for_zero_to_show(1.0).filter(|_| upper > 1.0);
            if let Some(hours) = hours {
                text.push_str(&format!(
                    " To show less than one an hour takes {} covered without a stall.",
                    human::period(hours)
                ));
            }
            Some(text)
        }
    }
}

/// "3.33 s (1,080 an hour)".
fn each(per_hour: f64) -> String {
    let period = human::period(1.0 / per_hour);
    format!("{period} ({} an hour)", human::three_digits(per_hour))
}
