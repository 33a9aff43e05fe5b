//! From runs to the answer.

use crate::model::{Outcome, Tool};
use crate::policy::Policy;
use crate::text::human::counted;
use crate::units::Nanos;

use super::expected::{Attendance, Expected};
use super::gather::Gathered;
use super::groups::{self, Dimension, Group, Kinds};
use super::hosts::{self, Host};
use super::model::{
    FleetReport, FleetVerdict, GroupRow, HostRow, PolicyNamed, SCHEMA, SCHEMA_VERSION,
    SeparatorRow, SharedName, Totals,
};
use super::outliers;
use super::separate::{Separator, separators};
use super::series;

/// What an answer is for, beside the reports.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The policy; `None` for the runs' own verdicts.
    pub policy: Option<(&'a str, &'a Policy)>,
    /// The day for which waivers were looked at.
    pub as_of: String,
    pub expected: Option<&'a Expected>,
}

pub fn assess(gathered: Gathered, question: &Question<'_>) -> FleetReport {
    let made_up = gathered.runs.iter().filter(|run| run.made_up).count() as u64;
    let hosts = hosts::merge(gathered.runs);
    let outcomes: Vec<Outcome> = hosts.iter().map(Host::outcome).collect();
    let kinds = Kinds::new(hosts.iter().map(Host::identity));
    let groups: Vec<Group> = (Dimension::ALL.into_iter())
        .flat_map(|dimension| groups::of(dimension, &kinds))
        .collect();
    let failed: Vec<Option<bool>> = (outcomes.iter())
        .map(|outcome| match outcome {
            Outcome::Fail => Some(true),
            Outcome::Pass => Some(false),
            Outcome::Inconclusive => None,
        })
        .collect();
    let attendance = match question.expected {
        Some(expected) => expected.compare(hosts.iter().map(|host| (&host.label, &host.name))),
        None => Attendance::default(),
    };
    let count = |wanted| outcomes.iter().filter(|one| **one == wanted).count() as u64;
    let sum = |part: fn(&Host) -> u64| hosts.iter().map(part).sum();
    let totals = Totals {
        hosts: hosts.len() as u64,
        pass: count(Outcome::Pass),
        fail: count(Outcome::Fail),
        inconclusive: count(Outcome::Inconclusive),
        missing: attendance.missing.len() as u64,
        runs: sum(|host| host.earlier.len() as u64 + 1),
        cut_short: sum(|host| host.runs().filter(|run| run.cut_short.is_some()).count() as u64),
        duplicates: sum(|host| host.duplicates),
        conflicts: sum(|host| host.conflicts.len() as u64),
        superseded: sum(|host| host.superseded),
        set_aside: gathered.set_aside_count,
        passed_over: gathered.passed_over,
        made_up,
    };
    let found = separators(&groups, &failed);
    let outliers = outliers::find(&hosts, &kinds, &outcomes);
    FleetReport {
        schema: SCHEMA,
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        policy: question.policy.map(|(file, policy)| PolicyNamed {
            file: file.to_owned(),
            name: policy.name.clone(),
        }),
        as_of: question.as_of.clone(),
        verdict: verdict(&totals),
        totals,
        groups: (groups.iter())
            .map(|group| group_row(group, &hosts, &outcomes))
            .collect(),
        separators: (found.iter())
            .map(|one| separator_row(one, &groups))
            .collect(),
        series: series::shared(&hosts, &groups),
        outlier_search: outliers.search,
        outliers: outliers.rows,
        shared_names: shared_names(&hosts),
        matched: attendance.matched,
        missing: attendance.missing,
        unexpected: attendance.unexpected,
        set_aside: gathered.set_aside,
        hosts: hosts.into_iter().map(HostRow::from).collect(),
    }
}

fn verdict(totals: &Totals) -> FleetVerdict {
    let result = if totals.fail > 0 {
        Outcome::Fail
    } else if totals.inconclusive + totals.missing + totals.set_aside > 0 || totals.hosts == 0 {
        Outcome::Inconclusive
    } else {
        Outcome::Pass
    };
    let mut parts = vec![format!(
        "of {} {} pass, {} fail, {} are inconclusive",
        counted(totals.hosts, "host"),
        totals.pass,
        totals.fail,
        totals.inconclusive
    )];
    for (count, what) in [(totals.missing, "missing"), (totals.set_aside, "set aside")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    FleetVerdict {
        result,
        text: parts.join("; "),
    }
}

/// Hosts stand in order of name.
fn shared_names(hosts: &[Host]) -> Vec<SharedName> {
    let of_name = hosts.chunk_by(|a, b| a.label == b.label);
    let several = of_name.filter(|hosts| hosts.len() > 1);
    several
        .map(|hosts| SharedName {
            name: hosts[0].label.clone(),
            hosts: hosts.iter().map(|host| host.name.clone()).collect(),
        })
        .collect()
}

fn group_row(group: &Group, hosts: &[Host], outcomes: &[Outcome]) -> GroupRow {
    let members = || group.members.iter().copied();
    let count = |wanted| members().filter(|at| outcomes[*at] == wanted).count() as u64;
    let mut longest: Vec<Nanos> = members().map(|at| hosts[at].worst()).collect();
    let middle = longest.len() / 2;
    GroupRow {
        dimension: group.dimension,
        name: group.name.clone(),
        hosts: group.members.len() as u64,
        pass: count(Outcome::Pass),
        fail: count(Outcome::Fail),
        inconclusive: count(Outcome::Inconclusive),
        platform_max_ns: longest.iter().max().copied().unwrap_or_default(),
        // A group has a host at least.
        median_max_ns: *longest.select_nth_unstable(middle).1,
    }
}

fn separator_row(one: &Separator, groups: &[Group]) -> SeparatorRow {
    let group = &groups[one.group];
    SeparatorRow {
        dimension: group.dimension,
        name: group.name.clone(),
        group_fail: one.table.group_with,
        group_pass: one.table.group_without,
        rest_fail: one.table.rest_with,
        rest_pass: one.table.rest_without,
        risk_ratio: one.ratio.and_then(|ratio| ratio.estimate),
        risk_ratio_low: one.ratio.map(|ratio| ratio.low),
        risk_ratio_high: one.ratio.and_then(|ratio| ratio.high),
        p: one.p,
        q: one.q,
        follows_from: one.follows_from.map(|cause| groups[cause].name.clone()),
    }
}
