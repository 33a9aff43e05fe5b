//! The answer for a fleet, as outputs show it and programs read it.

#![warn(missing_docs)]

mod hosts;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Outcome, Tool};
use crate::units::Nanos;

use super::groups::Dimension;
use super::names::Name;
use super::read::SetAside;

pub use hosts::{HostRow, RunRow};

/// The value of [`FleetReport::schema`].
pub const SCHEMA: &str = "hwgap.fleet";
/// The value of [`FleetReport::schema_version`].
pub const SCHEMA_VERSION: u32 = 1;

/// The whole answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FleetReport {
    /// What the document is.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// The version of the schema, from 1.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The program that judged.
    pub tool: Tool,
    /// The policy; `null` where the runs' own verdicts were taken.
    pub policy: Option<PolicyNamed>,
    /// The day for which waivers were looked at, UTC.
    pub as_of: String,
    /// The answer.
    pub verdict: FleetVerdict,
    /// How many of what.
    pub totals: Totals,
    /// Every host, in order of name.
    pub hosts: Vec<HostRow>,
    /// Every group.
    pub groups: Vec<GroupRow>,
    /// What separates failing from passing hosts, the strongest first.
    pub separators: Vec<SeparatorRow>,
    /// Passing hosts that stand out in their own group.
    pub outliers: Vec<OutlierRow>,
    /// How outliers were looked for.
    pub outlier_search: OutlierSearch,
    /// Regular series that several hosts share.
    pub series: Vec<SeriesRow>,
    /// Names that several machines share: each is a host of its own.
    pub shared_names: Vec<SharedName>,
    /// What each name of the list stands for.
    pub matched: Vec<Matched>,
    /// Expected hosts without a report.
    pub missing: Vec<String>,
    /// Hosts that were not expected.
    pub unexpected: Vec<Name>,
    /// What could not be used: the first 10,000; `totals.set_aside` counts all.
    pub set_aside: Vec<SetAside>,
}

/// A name that several machines share.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SharedName {
    /// The name.
    pub name: Name,
    /// The hosts, as they are told apart.
    pub hosts: Vec<Name>,
}

/// A name of the list of expected hosts, and who answers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Matched {
    /// The name as the list has it.
    pub expected: String,
    /// The hosts: several where machines share the name.
    pub hosts: Vec<Name>,
}

/// The policy that was used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PolicyNamed {
    /// Its file.
    pub file: String,
    /// Its name.
    pub name: Option<String>,
}

/// The answer in short.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FleetVerdict {
    /// Fail if any host fails; else inconclusive if any is, or is missing, or
    /// something was set aside; else pass.
    pub result: Outcome,
    /// One sentence.
    pub text: String,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Totals {
    /// Hosts with a report.
    pub hosts: u64,
    /// Of these, how many pass.
    pub pass: u64,
    /// How many fail.
    pub fail: u64,
    /// How many are neither.
    pub inconclusive: u64,
    /// Expected hosts without a report.
    pub missing: u64,
    /// Runs that count.
    pub runs: u64,
    /// Of these, how many were cut short.
    pub cut_short: u64,
    /// Runs that were there more than once.
    pub duplicates: u64,
    /// Reports that say other things of a run than another one does.
    pub conflicts: u64,
    /// Runs of an earlier state of their machine.
    pub superseded: u64,
    /// Documents that could not be used.
    pub set_aside: u64,
    /// Files in folders whose names are not those of reports.
    pub passed_over: u64,
    /// Reports that no machine made: generated, or of a scripted clock.
    pub made_up: u64,
}

/// One group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupRow {
    /// What it is grouped by.
    pub dimension: Dimension,
    /// What its hosts share.
    pub name: String,
    /// Its hosts.
    pub hosts: u64,
    /// Of these, how many pass.
    pub pass: u64,
    /// How many fail.
    pub fail: u64,
    /// How many are neither.
    pub inconclusive: u64,
    /// The longest that the platform took on any of them.
    pub platform_max_ns: Nanos,
    /// Median over hosts of the longest.
    pub median_max_ns: Nanos,
}

/// A group that fails more, or less, than the rest.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SeparatorRow {
    /// What it is grouped by.
    pub dimension: Dimension,
    /// What its hosts share.
    pub name: String,
    /// Hosts of the group that fail.
    pub group_fail: u64,
    /// Hosts of the group that pass.
    pub group_pass: u64,
    /// Other hosts that fail.
    pub rest_fail: u64,
    /// Other hosts that pass.
    pub rest_pass: u64,
    /// How many times as often the group's hosts fail; `null` where no other
    /// host does.
    pub risk_ratio: Option<f64>,
    /// Lower end of its 95 % score interval.
    pub risk_ratio_low: Option<f64>,
    /// Upper end; `null` where nothing bounds it.
    pub risk_ratio_high: Option<f64>,
    /// Fisher's exact chance.
    pub p: f64,
    /// The chance corrected for all groups (Benjamini and Hochberg).
    pub q: f64,
    /// The stronger group that explains this one.
    pub follows_from: Option<String>,
}

impl SeparatorRow {
    /// Whether its hosts fail more often than the rest, not less.
    pub fn fails_more(&self) -> bool {
        let [group_fail, group_pass, rest_fail, rest_pass] = [
            self.group_fail,
            self.group_pass,
            self.rest_fail,
            self.rest_pass,
        ]
        .map(u128::from);
        group_fail * (rest_fail + rest_pass) > rest_fail * (group_fail + group_pass)
    }
}

/// A passing host that stands out among its like.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OutlierRow {
    /// The host.
    pub host: Name,
    /// What it has more of.
    pub quantity: Quantity,
    /// How many it had.
    pub events: u64,
    /// How many the rest of its group let expect in the same time.
    pub expected: f64,
    /// The group: hosts of the same machine, BIOS, microcode and threshold.
    pub group: String,
    /// Its hosts.
    pub group_hosts: u64,
    /// How often a host like the others has as many.
    pub p: f64,
    /// The chance corrected for all hosts (Benjamini and Hochberg).
    pub p_corrected: f64,
}

/// What is counted on each host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// SMIs by the counter.
    Smis,
    /// Stalls of the platform above the threshold.
    Stalls,
}

impl Quantity {
    /// The name for a reader.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Smis => "SMIs",
            Quantity::Stalls => "stalls",
        }
    }
}

/// How outliers were looked for.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct OutlierSearch {
    /// A fleet without outliers has any named with at most this chance.
    pub false_alarm: f64,
    /// Groups smaller than this were not looked at.
    pub smallest_group: u64,
    /// Hosts that were looked at.
    pub hosts: u64,
}

/// A regular series that several hosts share.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SeriesRow {
    /// Median period.
    pub period_ns: Nanos,
    /// Median length of its stalls.
    pub length_ns: Nanos,
    /// Hosts that show it.
    pub hosts: u64,
    /// The group that it goes with best; `null` where it is everywhere.
    pub group: Option<SeriesGroup>,
    /// Known sources that fit. They are candidates, no more.
    pub candidates: Vec<String>,
}

/// The group that a series goes with.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SeriesGroup {
    /// What it is grouped by.
    pub dimension: Dimension,
    /// What its hosts share.
    pub name: String,
    /// Its hosts.
    pub hosts: u64,
    /// Of these, how many show the series.
    pub with_series: u64,
    /// Fisher's exact chance against the rest, corrected for all groups.
    pub q: f64,
}
