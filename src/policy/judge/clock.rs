//! What the clock must be: conditions on the machine, so that it can fail them.

use crate::policy::rule::Rule;
use crate::policy::rules::{Clock, Need};
use crate::read::brief::Brief;
use crate::text::human::counted;

use super::Reasons;

pub(super) fn judge(asked: &Clock, run: &Brief, reasons: &mut Reasons) {
    let tsc = &run.tsc;
    if let Some(allowed) = &asked.clocksource {
        match (&tsc.clocksource_start, &tsc.clocksource_end) {
            (Some(start), Some(end)) => {
                let other = [end, start].into_iter().find(|name| {
                    !allowed
                        .iter()
                        .any(|one| one.trim().eq_ignore_ascii_case(name))
                });
                if let Some(other) = other {
                    let text = format!(
                        "the kernel's clocksource is {other}; allowed is {}",
                        allowed.join(" or ")
                    );
                    reasons.fail(Rule::Clocksource, text);
                }
            }
            _ => reasons.inconclusive(Rule::Clocksource, "the kernel's clocksource is not known"),
        }
    }
    if asked.invariant_tsc == Some(Need::Required) {
        match tsc.invariant {
            Some(true) => (),
            Some(false) => reasons.fail(Rule::InvariantTsc, "the TSC is not invariant"),
            None => reasons.inconclusive(
                Rule::InvariantTsc,
                "whether the TSC is invariant is not known",
            ),
        }
    }
    if asked.steady == Some(Need::Required) {
        let changes = tsc.clocksource_changes.len() as u64;
        if changes > 0 {
            let text = format!(
                "the kernel changed its clocksource {} in the run",
                counted(changes, "time")
            );
            reasons.fail(Rule::Steady, text);
        }
        let steps = tsc.steps.as_ref().map(|steps| steps.len() as u64);
        if steps.is_none() {
            let text = "whether the clocks went apart is not known (an older version wrote it)";
            reasons.inconclusive(Rule::Steady, text);
        }
        let steps = steps.unwrap_or_default();
        if steps > 0 {
            let text = format!(
                "the clocks went apart {} in the run",
                counted(steps, "time")
            );
            reasons.fail(Rule::Steady, text);
        }
    }
}
