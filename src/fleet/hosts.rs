//! From runs to hosts, where a host may have several.
//!
//! The rule: a run that is there twice counts once. A host is what it was at
//! its latest run; runs with another BIOS, microcode, kernel or machine under
//! the same name are superseded. Of the others any that fails makes the host
//! fail; else any that passes makes it pass, as it shows what the inconclusive
//! ones do not; else it is inconclusive.

use std::collections::HashMap;

use crate::policy::Reason;
use crate::report::model::Outcome;
use crate::units::Nanos;

use super::names::Name;
use super::run::{Identity, Run};

/// A host with the runs that count.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name; where the reports hold none, the place of the report.
    pub name: Name,
    /// The runs that count, the latest last; at least one.
    pub runs: Vec<Run>,
    /// Runs that were there more than once.
    pub duplicates: u64,
    /// Runs of an earlier state of the machine.
    pub superseded: u64,
}

/// Makes hosts of runs, in order of name.
pub fn merge(runs: Vec<Run>) -> Vec<Host> {
    let mut by_name: HashMap<Name, Vec<Run>> = HashMap::new();
    for run in runs {
        let name = match &run.host {
            Some(name) => name.clone(),
            None => Name::from(run.source.as_str()),
        };
        by_name.entry(name).or_default().push(run);
    }
    let mut hosts: Vec<Host> = by_name
        .into_iter()
        .map(|(name, runs)| host(name, runs))
        .collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    hosts
}

fn host(name: Name, mut runs: Vec<Run>) -> Host {
    // Times in UTC and RFC 3339 are in order as texts.
    runs.sort_by(|a, b| (&a.started_utc, &a.source).cmp(&(&b.started_utc, &b.source)));
    let all = runs.len();
    runs.dedup_by(|later, earlier| later.is_same(earlier));
    let duplicates = all - runs.len();
    let now = runs
        .last()
        .map(|run| run.identity.clone())
        .unwrap_or_default();
    let distinct = runs.len();
    runs.retain(|run| run.identity == now);
    Host {
        name,
        duplicates: duplicates as u64,
        superseded: (distinct - runs.len()) as u64,
        runs,
    }
}

impl Host {
    /// The outcome by the rule above.
    pub fn outcome(&self) -> Outcome {
        let any = |outcome| self.runs.iter().any(|run| run.judgement.outcome == outcome);
        if any(Outcome::Fail) {
            Outcome::Fail
        } else if any(Outcome::Pass) {
            Outcome::Pass
        } else {
            Outcome::Inconclusive
        }
    }

    /// Every reason of the runs that decide, each once.
    pub fn reasons(&self) -> Vec<&Reason> {
        let outcome = self.outcome();
        let deciding = self
            .runs
            .iter()
            .filter(|run| run.judgement.outcome == outcome);
        let mut reasons: Vec<&Reason> = Vec::new();
        for reason in deciding.flat_map(|run| &run.judgement.reasons) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }

    /// What the machine is.
    pub fn identity(&self) -> &Identity {
        &self.latest().identity
    }

    /// The latest run.
    pub fn latest(&self) -> &Run {
        self.runs.last().expect("a host is made of a run at least")
    }

    /// The longest that the platform took in any run.
    pub fn worst(&self) -> Nanos {
        self.runs
            .iter()
            .map(|run| run.worst)
            .max()
            .unwrap_or_default()
    }

    /// Stalls above the runs' own limits.
    pub fn stalls(&self) -> u64 {
        self.runs
            .iter()
            .fold(0, |sum, run| sum.saturating_add(run.stalls))
    }

    /// Covered machine time, in hours.
    pub fn covered_hours(&self) -> f64 {
        self.runs.iter().map(|run| run.covered_hours).sum()
    }

    /// SMIs and the hours they were counted in; `None` where some run did not
    /// count them.
    pub fn smis(&self) -> Option<(u64, f64)> {
        self.runs
            .iter()
            .try_fold((0u64, 0.0), |(count, hours), run| {
                let (more, longer) = run.smis?;
                Some((count.saturating_add(more), hours + longer))
            })
    }
}
