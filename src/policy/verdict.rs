//! What a policy says of a run.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Outcome;

use super::rule::Rule;

/// Pass, fail or inconclusive, with every reason.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Judgement {
    /// The outcome, waivers allowed for.
    pub outcome: Outcome,
    /// Everything against a pass, and what was waived.
    pub reasons: Vec<Reason>,
}

/// A rule that is broken, or not shown to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// Fail, or inconclusive where more evidence may show that it is kept.
    pub outcome: Outcome,
    /// What was found, and what was asked.
    pub text: String,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

/// A waiver that was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Waived {
    /// The reason that it gives.
    pub reason: String,
    /// The last day on which it holds.
    pub until: String,
}

impl Judgement {
    pub(super) fn of(reasons: Vec<Reason>) -> Judgement {
        let counts = || reasons.iter().filter(|reason| reason.waived.is_none());
        let outcome = if counts().any(|reason| reason.outcome == Outcome::Fail) {
            Outcome::Fail
        } else if counts().next().is_some() {
            Outcome::Inconclusive
        } else {
            Outcome::Pass
        };
        Judgement { outcome, reasons }
    }
}
