//! Whether the guest is fit for real-time work, and who took how much of the
//! worst.

use crate::model::absence::HostCause;
use crate::model::explained::{ExplainedPart, ExplainedVerdict};
use crate::model::{Outcome, Report};
use crate::text::human;

use super::told::Told;

/// Parts of the worst that the sentence names.
const NAMED: usize = 2;

pub(super) fn verdict(report: &Report, gaps: &[Told]) -> ExplainedVerdict {
    let below = gaps.iter().filter(|one| one.gap.below_ns.0 > 0);
    let worst = below.max_by_key(|one| one.gap.below_ns);
    let limit = report.run.hardlimit_ns;
    let is_explained = worst.is_none_or(Told::is_explained);
    let result = match report.verdict.result {
        Outcome::Pass if !is_explained => Outcome::Inconclusive,
        own => own,
    };
    let worst_ns = worst.map_or(report.verdict.platform_max_ns, |one| one.gap.below_ns);
    let parts = worst.map(|one| one.gap.parts.clone()).unwrap_or_default();
    let of_it = of_it(&parts, is_explained);
    let text = match (result, worst) {
        (Outcome::Pass, None) => format!(
            "guest fit: nothing above {} below its kernel",
            human::chosen(report.run.threshold_ns)
        ),
        (Outcome::Pass, Some(_)) => format!("guest fit: worst {worst_ns}{of_it}"),
        (Outcome::Fail, _) => format!(
            "guest not fit: worst {worst_ns}, above the limit of {}{of_it}",
            human::chosen(limit)
        ),
        (Outcome::Inconclusive, _) => match report.verdict.result {
            Outcome::Inconclusive => {
                let reasons = report.verdict.reasons.first();
                let why = reasons.map_or("it does not say why", String::as_str);
                format!(
                    "not known whether the guest is fit: its own run is inconclusive ({why}); worst {worst_ns}{of_it}"
                )
            }
            _ => format!("nobody can say what the worst of the guest was: {worst_ns}{of_it}"),
        },
    };
    ExplainedVerdict {
        result,
        worst_ns,
        limit_ns: limit,
        worst_parts: parts,
        text,
    }
}

/// `, of it 9.00 us local_timer`.
fn of_it(parts: &[ExplainedPart], is_explained: bool) -> String {
    let named = |part: &ExplainedPart| {
        let who = match part.what.as_str() {
            "" => part.cause.name().to_owned(),
            what if part.cause.is_named_by_what() => what.to_owned(),
            what => format!("{} ({what})", part.cause.name()),
        };
        format!("{} {who}", part.length_ns)
    };
    let known = parts
        .iter()
        .filter(|part| part.cause != HostCause::NotObserved);
    let known: Vec<String> = known.take(NAMED).map(named).collect();
    let why = parts
        .iter()
        .find(|part| part.cause == HostCause::NotObserved);
    let why = why.map_or(String::new(), |part| format!(" ({})", part.what));
    match (known.is_empty(), is_explained) {
        (true, _) => format!(", which nothing explains{why}"),
        (false, true) => format!(", of it {}", known.join(" and ")),
        (false, false) => {
            format!(
                ", of it {}; the rest is not explained{why}",
                known.join(" and ")
            )
        }
    }
}

impl HostCause {
    /// Whether the name of what took the time says enough by itself.
    fn is_named_by_what(self) -> bool {
        matches!(
            self,
            Self::HostInterrupt | Self::HostSoftirq | Self::HostTask
        )
    }
}
