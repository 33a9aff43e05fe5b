//! Whether the guest is fit for real-time work, and who took how much of the
//! worst.

use crate::model::absence::HostCause;
use crate::model::explained::{ExplainedPart, ExplainedVerdict};
use crate::model::{Outcome, Report};
use crate::text::human;
use crate::units::Nanos;

use super::observed::Doubt;
use super::told::Told;

/// Parts of the worst that the sentence names.
const NAMED: usize = 2;

/// The verdict, by what the hosts' reports leave in doubt; they observed this share of
/// the run.
pub(super) fn verdict(
    report: &Report,
    gaps: &[Told],
    doubt: Option<Doubt>,
    observed: f64,
) -> ExplainedVerdict {
    let below = gaps.iter().filter(|one| one.gap.below_ns.0 > 0);
    let listed = below.max_by_key(|one| one.gap.below_ns);
    let listed_ns = listed.map_or(Nanos(0), |one| one.gap.below_ns);
    let worst_ns = counted(report).max(listed_ns);
    // What was counted without a moment may have been anything.
    let is_listed = worst_ns
        <= listed_ns
            .max(report.run.threshold_ns)
            .saturating_add(Nanos(1));
    let worst = listed.filter(|_| is_listed);
    let limit = report.run.hardlimit_ns;
    let is_explained = is_listed && worst.is_none_or(Told::is_explained);
    // Of a guest without stalls its host need not know.
    let doubt = doubt.filter(|doubt| worst.is_some() || !matches!(doubt, Doubt::NotObserved(_)));
    let result = match report.verdict.result {
        Outcome::Pass if !is_explained || doubt.is_some() => Outcome::Inconclusive,
        own => own,
    };
    let parts = worst.map(|one| one.gap.parts.clone()).unwrap_or_default();
    let found = match (is_listed, worst) {
        (true, None) => format!(
            "nothing above {} below its kernel",
            human::chosen(report.run.threshold_ns)
        ),
        (true, Some(_)) => format!("worst {worst_ns}{}", of_it(&parts, is_explained)),
        (false, _) => format!("worst {worst_ns}, which its report does not list with its moment"),
    };
    let text = match (result, doubt) {
        (Outcome::Pass, _) => format!("guest fit: {found}"),
        (Outcome::Fail, _) => format!(
            "guest not fit: {found}; the limit is {}",
            human::chosen(limit)
        ),
        (Outcome::Inconclusive, _) if report.verdict.result == Outcome::Inconclusive => {
            let reasons = report.verdict.reasons.first();
            let why = reasons.map_or("it does not say why", String::as_str);
            format!(
                "not known whether the guest is fit: its own run is inconclusive ({why}); {found}"
            )
        }
        (Outcome::Inconclusive, Some(doubt @ Doubt::NoGuest)) => {
            format!("not known whether the guest is fit: {doubt}; {found}")
        }
        (Outcome::Inconclusive, Some(doubt)) if is_explained => {
            format!("not known whether the guest is fit: {doubt}; {found}")
        }
        (Outcome::Inconclusive, _) => format!("nobody can say what stalled the guest: {found}"),
    };
    ExplainedVerdict {
        result,
        worst_ns,
        limit_ns: limit,
        observed,
        worst_parts: parts,
        text,
    }
}

/// The longest that the guest's run counted below its kernel, listed or not.
fn counted(report: &Report) -> Nanos {
    let unknown = report.cpus.iter().filter_map(|cpu| cpu.max_unknown_ns);
    unknown.fold(report.verdict.platform_max_ns, Nanos::max)
}

/// `, of it 9.00 us by host-interrupt local_timer, proved`.
fn of_it(parts: &[ExplainedPart], is_explained: bool) -> String {
    let is_known = |part: &&ExplainedPart| part.cause != HostCause::NotObserved;
    let known: Vec<&ExplainedPart> = parts.iter().filter(is_known).take(NAMED).collect();
    let why = parts.iter().find(|part| !is_known(part));
    let why = why.map_or(String::new(), |part| format!(" ({})", part.what));
    let Some(sure) = known.iter().map(|part| part.confidence).min() else {
        return format!(", which nothing explains{why}");
    };
    let named = |part: &&ExplainedPart| {
        let who = part.cause.named(&part.what);
        format!("{} by {who}", part.length_ns)
    };
    let named: Vec<String> = known.iter().map(named).collect();
    let rest = match is_explained {
        true => String::new(),
        false => format!("; the rest is not explained{why}"),
    };
    format!(", of it {}, {}{rest}", named.join(" and "), sure.name())
}
