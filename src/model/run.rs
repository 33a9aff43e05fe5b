//! What was asked for and how the run went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::actions::{ActionsReport, CommandReport};
use crate::text::human;
use crate::units::Nanos;

/// How the gaps were sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// Pinned threads in user space.
    User,
    /// A BPF program with interrupts off.
    Bpf,
    /// The kernel's hwlat tracer.
    Hwlat,
    /// The kernel's osnoise tracer.
    Osnoise,
    /// The user and the BPF engine in turn.
    Both,
    /// Other engines in turn: `engines` names them.
    Several,
}

impl EngineName {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            EngineName::User => "user",
            EngineName::Bpf => "bpf",
            EngineName::Hwlat => "hwlat",
            EngineName::Osnoise => "osnoise",
            EngineName::Both => "both",
            EngineName::Several => "several",
        }
    }

    /// Whether it stands for engines that took turns.
    pub fn takes_turns(self) -> bool {
        matches!(self, EngineName::Both | EngineName::Several)
    }

    /// The name for engines that took turns; the engine's own where there is
    /// only one.
    pub fn of_turns(engines: &[EngineName]) -> EngineName {
        match *engines {
            [only] => only,
            [EngineName::User, EngineName::Bpf] => EngineName::Both,
            _ => EngineName::Several,
        }
    }
}

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// The duration was over.
    Duration,
    /// SIGINT or SIGTERM.
    Signal,
    /// A gap, as `--stop-on-gap` or `--on-gap stop` asks.
    Gap,
    /// The end of the command that the run was for.
    Command,
    /// Something made further sampling impossible.
    Error,
    /// Nothing yet: the report is a checkpoint of a run that was going on. A
    /// run that was killed, or whose machine lost power, leaves such a report.
    Running,
}

/// What was asked for and how the run went.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The engine that sampled.
    pub engine: EngineName,
    /// The command line, argument by argument joined by blanks.
    pub command_line: String,
    /// The user's own label.
    pub label: Option<String>,
    /// RFC 3339, UTC.
    pub started_utc: String,
    /// RFC 3339, UTC.
    pub ended_utc: String,
    /// From the first sample to the last, in wall time.
    pub elapsed_ns: Nanos,
    /// Gaps above this length became records.
    pub threshold_ns: Nanos,
    /// Platform gaps above this length fail the run.
    pub hardlimit_ns: Nanos,
    /// Time sampled in each window.
    pub width_ns: Nanos,
    /// Length of a window; equal to the width for continuous sampling.
    pub window_ns: Nanos,
    /// The duration that was asked for; `null` in reports of versions that did
    /// not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_ns: Option<Nanos>,
    /// What was sampled before the first sample and discarded, of engines in turn
    /// before each turn, where they differ the longest; absent in reports of
    /// versions that had no such warm-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up_ns: Option<Nanos>,
    /// What ended the run.
    pub ended_by: EndedBy,
    /// Why, where `ended_by` is `error`.
    pub error: Option<String>,
    /// The checkpoints of the run, where it made any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<Checkpoints>,
    /// The gaps that were written while the run went on, where any were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<StreamedEvents>,
    /// Rights while it sampled; `null` where the clock was a script, and in
    /// reports of versions that kept all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privileges: Option<Privileges>,
    /// What was done about gaps and at the end; absent where nothing was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<ActionsReport>,
    /// The load that it was made under, where hwgap started one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandReport>,
    /// CPUs that were online and were not sampled; in reports of the first
    /// version those of them that the process might use.
    pub cpus_not_sampled: String,
    /// The same, with the reason for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_sampled: Vec<NotSampledReport>,
    /// True for results of a scripted clock: a test of the program, not a
    /// measurement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scripted: bool,
}

impl Run {
    /// Why the run is not the whole that was asked for, if so.
    pub fn cut_short(&self) -> Option<String> {
        cut_short(self.ended_by, self.elapsed_ns, self.planned_ns)
    }
}

/// Why a run is not the whole that was asked for; `None` where it is. What it
/// did not measure it cannot have passed.
pub fn cut_short(ended_by: EndedBy, elapsed: Nanos, planned: Option<Nanos>) -> Option<String> {
    let how = match ended_by {
        EndedBy::Duration => return None,
        // The signal came when the run was over already.
        EndedBy::Signal if planned.is_some_and(|planned| elapsed >= planned) => return None,
        EndedBy::Signal => "cut short by a signal",
        EndedBy::Command if planned.is_none_or(|planned| elapsed >= planned) => return None,
        EndedBy::Command => "ended with its command",
        EndedBy::Gap => "ended by a gap, as asked",
        EndedBy::Error => "cut short by an error",
        EndedBy::Running => "checkpoint of an unfinished run (cut off, or still running)",
    };
    let elapsed = human::length(elapsed);
    Some(match planned {
        Some(planned) => format!("{how}, after {elapsed} of {}", human::chosen(planned)),
        None => format!("{how}, after {elapsed}"),
    })
}

/// CPUs that were online and were not sampled, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotSampledReport {
    /// The CPUs, as a list such as `1-3,5`.
    pub cpus: String,
    /// Why.
    pub reason: String,
}

/// Reports of a run that were saved while it went on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoints {
    /// Time from one to the next; a report that is a checkpoint lacks at most
    /// this much, and what the writing took.
    pub interval_ns: Nanos,
    /// How many were saved before this report.
    pub written: u64,
    /// How many could not be saved.
    pub failed: u64,
    /// Why the latest of those could not.
    pub last_error: Option<String>,
}

/// Gaps that were written as CSV while the run went on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamedEvents {
    /// Rows written.
    pub rows: u64,
    /// Of those, rows that are gone since: files beyond the two that are kept.
    pub rows_discarded: u64,
    /// Gaps that could not be written: the disk was full, or too slow.
    pub rows_lost: u64,
    /// Why, where there are any.
    pub error: Option<String>,
}

/// Capabilities of the process while it sampled (capabilities(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Privileges {
    /// Those it kept.
    pub kept: Vec<String>,
    /// Those it had for the set-up and gave up before the first sample.
    pub dropped: Vec<String>,
    /// Why it kept more than it needs to go on, if it did.
    pub reason: Option<String>,
}

/// What a run is to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepGaps {
    /// What a report needs.
    #[default]
    Usual,
    /// At most so many: first those that count against the limit or may, then
    /// those that the kernel explains; of each the longest.
    AtMost(usize),
    /// All of them, whatever memory they take.
    All,
}
