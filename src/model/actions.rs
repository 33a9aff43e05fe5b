//! What a run did about its gaps, and the load that it was made under.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{CpuId, Cycles, Nanos};

/// Which gaps ask for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActedOn {
    /// Those of which the platform's part is above the length.
    Platform,
    /// All above the length, whatever their cause.
    Any,
}

/// What was done about gaps, and at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionsReport {
    /// Gaps above this length asked for actions; `null` where none was to be
    /// carried out at gaps.
    pub above_ns: Option<Nanos>,
    /// The length of what.
    pub of: ActedOn,
    /// Gaps that did.
    pub gaps: u64,
    /// Each action.
    pub actions: Vec<ActionReport>,
}

impl ActionsReport {
    /// The same with the starts of gaps as a report has them.
    pub fn from_origin(mut self, origin: Cycles) -> ActionsReport {
        let runs = self.actions.iter_mut().flat_map(|action| &mut action.runs);
        for start in runs.filter_map(|run| run.start_cycles.as_mut()) {
            *start = start.since(origin);
        }
        self
    }
}

/// When an action is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActionWhen {
    /// At a gap.
    Gap,
    /// When sampling has ended.
    End,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionReport {
    /// As it was asked for, such as `mark` or `shell:logger hwgap`.
    pub action: String,
    /// When it was to be carried out.
    pub when: ActionWhen,
    /// How often it was.
    pub done: u64,
    /// How often it was tried and failed.
    pub failed: u64,
    /// Gaps that it was not carried out for, as it was still at work or had
    /// been begun within the last second.
    pub busy: u64,
    /// Gaps that it was not carried out for, as it had been as often as it may.
    pub beyond_limit: u64,
    /// From the end of a gap to the beginning of the action, at worst; `null`
    /// where it was never begun for a gap, and of a scripted clock.
    pub latency_max_ns: Option<Nanos>,
    /// The same on average.
    pub latency_mean_ns: Option<Nanos>,
    /// The first 100 times.
    pub runs: Vec<ActionRun>,
}

impl ActionReport {
    /// Times that a report tells of.
    pub const TOLD: usize = 100;
    /// Gaps that may wait for an action, as a mark takes microseconds.
    pub const WAITING: usize = 64;
}

/// One time that an action was carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionRun {
    /// The CPU of the gap; `null` at the end.
    pub cpu: Option<CpuId>,
    /// The start of the gap, as in `gaps`.
    pub start_cycles: Option<Cycles>,
    /// From the gap's end to the beginning of the action.
    pub latency_ns: Option<Nanos>,
    /// How long the action took.
    pub took_ns: Nanos,
    /// What went wrong; `null` where nothing did.
    pub error: Option<String>,
    /// Of a shell: its exit status, unless a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    /// Of a shell: the first of what it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Of a trace: its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Of a trace: how long before the gap's start the records of all CPUs reach
    /// back, where they were overwritten since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaches_back_ns: Option<Nanos>,
}

/// The load that a run was made under.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandReport {
    /// The program with its arguments.
    pub arguments: Vec<String>,
    /// The CPUs that it might use, as a list.
    pub cpus: String,
    /// Whether the sampled CPUs are among them.
    pub on_sampled: bool,
    /// Whether it was still running when sampling ended, and was ended then;
    /// `null` while the run goes on.
    pub was_ended: Option<bool>,
    /// Its exit status, unless a signal ended it.
    pub exit_status: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// Why it could not be started or waited for.
    pub error: Option<String>,
    /// From its start to its end; `null` while it runs.
    pub elapsed_ns: Option<Nanos>,
    /// Time of all its processes in user mode, of those that were waited for;
    /// `null` where a signal ended it, which may have kept it from waiting.
    pub user_ns: Option<Nanos>,
    /// The same in the kernel.
    pub system_ns: Option<Nanos>,
    /// The most memory that one of them had resident; `null` where that was no
    /// more than hwgap's own, below which it cannot be known, and where a signal
    /// ended it.
    pub max_rss_kib: Option<u64>,
}

impl CommandReport {
    /// How it ended, for people; `None` where nothing is wrong with it.
    pub fn trouble(&self) -> Option<String> {
        match (&self.error, self.exit_status, self.signal) {
            (Some(error), ..) => Some(error.clone()),
            _ if self.was_ended != Some(false) => None,
            (_, Some(0), _) | (_, None, None) => None,
            (_, Some(status), _) => Some(format!("exit status {status}")),
            (_, None, Some(signal)) => Some(format!("ended by signal {signal}")),
        }
    }
}
