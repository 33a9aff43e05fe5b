//! From runs to hosts, where a host may have several.
//!
//! The rule: a host is a machine. Its name is a label, which others may share:
//! runs of one name are told apart by machine-id, model and board. A run that
//! is there twice counts once; where the two do not say the same, neither can
//! be believed. A host is what it was at its latest run; runs with another
//! BIOS, microcode or kernel are superseded. Of the others any that fails makes
//! the host fail; else any that passes makes it pass, as it shows what the
//! inconclusive ones do not; else it is inconclusive.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::{iter, mem};

use crate::model::Outcome;
use crate::policy::{Reason, Rule};
use crate::units::Nanos;

use super::machines;
use super::model::{HostRow, RunRow};
use super::names::Name;
use super::run::{Identity, Run, WORST_STALLS, WorstStall};

#[derive(Clone, Debug)]
pub struct Host {
    /// Its name, with what tells it from other machines of that name; where the
    /// reports hold none, the place of the report.
    pub name: Name,
    pub label: Name,
    pub latest: Run,
    /// Runs before it that count as well, in order of time.
    pub earlier: Vec<Run>,
    /// Runs that were there more than once.
    pub duplicates: u64,
    /// Reports that say other things of a run than those that count.
    pub conflicts: Vec<Reason>,
    /// Runs of an earlier state of the machine.
    pub superseded: u64,
}

/// Makes hosts of runs, in order of name.
pub fn merge(runs: Vec<Run>) -> Vec<Host> {
    let named = |run: Run| match &run.host {
        Some(name) => (name.clone(), run),
        None => (Name::from(run.source.as_str()), run),
    };
    let mut named: Vec<(Name, Run)> = runs.into_iter().map(named).collect();
    // Times in UTC and RFC 3339 are in order as texts.
    named.sort_by(|(a, one), (b, other)| {
        let time = || one.started_utc.cmp(&other.started_utc);
        a.cmp(b)
            .then_with(time)
            .then_with(|| one.source.cmp(&other.source))
    });
    let mut hosts: Vec<Host> = Vec::new();
    let mut named = named.into_iter().peekable();
    while let Some((label, first)) = named.next() {
        let mut of_name = vec![first];
        while let Some((_, run)) = named.next_if(|(name, _)| *name == label) {
            of_name.push(run);
        }
        for machine in machines::of_name(&label, of_name) {
            let mut runs = machine.runs.into_iter();
            let Some(first) = runs.next() else { continue };
            let mut host = Host {
                name: machine.name,
                label: label.clone(),
                latest: first,
                earlier: Vec::new(),
                duplicates: 0,
                conflicts: Vec::new(),
                superseded: 0,
            };
            runs.for_each(|run| host.add(run));
            hosts.push(host);
        }
    }
    hosts.iter_mut().for_each(Host::leave_out_other_states);
    hosts
}

impl Host {
    /// Adds a run that is not older than the latest.
    fn add(&mut self, run: Run) {
        let same = iter::once(&mut self.latest)
            .chain(self.earlier.iter_mut().rev())
            .find(|other| run.is_same(other));
        match same {
            Some(other) if run.says_the_same(other) || run.is_checkpoint_of(other) => {
                self.duplicates += 1;
            }
            Some(other) if other.is_checkpoint_of(&run) => {
                self.duplicates += 1;
                *other = run;
            }
            Some(other) => {
                let text = format!(
                    "{} and {} say different things of one run",
                    other.source, run.source
                );
                self.conflicts.push(Reason {
                    rule: Rule::Conflict,
                    outcome: Outcome::Inconclusive,
                    text,
                    waived: None,
                });
                // Whichever fails counts.
                if run.judgement.outcome == Outcome::Fail {
                    *other = run;
                }
            }
            None => {
                let before = mem::replace(&mut self.latest, run);
                self.earlier.push(before);
            }
        }
    }

    fn leave_out_other_states(&mut self) {
        let now = &self.latest.identity;
        let all = self.earlier.len();
        self.earlier.retain(|run| run.identity == *now);
        self.superseded = (all - self.earlier.len()) as u64;
    }

    /// The runs that count, the latest last; at least one.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.earlier.iter().chain(iter::once(&self.latest))
    }

    pub fn outcome(&self) -> Outcome {
        let any = |outcome| self.runs().any(|run| run.judgement.outcome == outcome);
        if any(Outcome::Fail) {
            Outcome::Fail
        } else if !self.conflicts.is_empty() {
            Outcome::Inconclusive
        } else if any(Outcome::Pass) {
            Outcome::Pass
        } else {
            Outcome::Inconclusive
        }
    }

    /// Every reason of the runs that decide, each once.
    pub fn reasons(&self) -> Vec<&Reason> {
        let outcome = self.outcome();
        let deciding = self.runs().filter(|run| run.judgement.outcome == outcome);
        let mut known: HashSet<&Reason> = HashSet::new();
        let reasons = deciding.flat_map(|run| &run.judgement.reasons);
        let reasons = self.conflicts.iter().chain(reasons);
        reasons.filter(|reason| known.insert(reason)).collect()
    }

    pub fn identity(&self) -> &Identity {
        &self.latest.identity
    }

    /// The longest that the platform took in any run.
    pub fn worst(&self) -> Nanos {
        self.runs().map(|run| run.worst).max().unwrap_or_default()
    }

    /// Stalls above the runs' own limits.
    pub fn stalls(&self) -> u64 {
        self.runs()
            .fold(0, |sum, run| sum.saturating_add(run.stalls))
    }

    /// The longest stalls of the runs that do not pass.
    fn worst_stalls(&self) -> Vec<WorstStall> {
        let of_runs = self.runs().flat_map(|run| &run.worst_stalls);
        let mut stalls: Vec<WorstStall> = of_runs.cloned().collect();
        stalls.sort_by_key(|stall| Reverse(stall.duration_ns));
        stalls.truncate(WORST_STALLS);
        stalls
    }

    /// Covered machine time, in hours.
    pub fn covered_hours(&self) -> f64 {
        self.runs().map(|run| run.covered_hours).sum()
    }

    /// SMIs and the hours they were counted in; `None` where some run did not
    /// count them.
    pub fn smis(&self) -> Option<(u64, f64)> {
        self.runs().try_fold((0u64, 0.0), |(count, hours), run| {
            let (more, longer) = run.smis?;
            Some((count.saturating_add(more), hours + longer))
        })
    }
}

impl From<Host> for HostRow {
    fn from(host: Host) -> HostRow {
        let hours = host.covered_hours();
        let runs = match host.earlier.is_empty() {
            true => Vec::new(),
            false => host.runs().map(RunRow::from).collect(),
        };
        HostRow {
            result: host.outcome(),
            reasons: host.reasons().into_iter().cloned().collect(),
            coverage: host.latest.coverage,
            platform_max_ns: host.worst(),
            platform_stalls: host.stalls(),
            platform_rate_per_hour: (hours > 0.0).then(|| host.stalls() as f64 / hours),
            smi_per_hour: (host.smis())
                .filter(|(_, hours)| *hours > 0.0)
                .map(|(count, hours)| count as f64 / hours),
            covered_hours: hours,
            cut_short: (host.runs().filter_map(|run| run.cut_short.clone())).last(),
            duplicates: host.duplicates,
            superseded: host.superseded,
            runs,
            worst_stalls: host.worst_stalls(),
            sketches: host.runs().filter_map(|run| run.sketch.clone()).collect(),
            sha256: host.runs().map(|run| run.sha256.to_string()).collect(),
            conflicts: host.conflicts.len() as u64,
            hostname: host.latest.host.clone(),
            machine_id_hash: host.latest.machine_id.clone(),
            reports: (host.earlier.into_iter().map(|run| run.source))
                .chain(iter::once(host.latest.source))
                .collect(),
            identity: host.latest.identity,
            started_utc: host.latest.started_utc,
            host: host.name,
        }
    }
}

impl From<&Run> for RunRow {
    fn from(run: &Run) -> RunRow {
        RunRow {
            report: run.source.clone(),
            sha256: run.sha256.to_string(),
            result: run.judgement.outcome,
            started_utc: run.started_utc.clone(),
            elapsed_ns: run.elapsed,
            planned_ns: run.planned,
            cut_short: run.cut_short.clone(),
            platform_max_ns: run.worst,
            platform_stalls: run.stalls,
        }
    }
}
