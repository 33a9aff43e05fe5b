//! What was asked for and how the run went.

use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// How the gaps were sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// The duration was over.
    Duration,
    /// SIGINT or SIGTERM.
    Signal,
    /// The first platform gap, as `--stop-on-gap` asks.
    Gap,
    /// Something made further sampling impossible.
    Error,
}

/// What was asked for and how the run went.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What ended the run.
    pub ended_by: EndedBy,
    /// Why, where `ended_by` is `error`.
    pub error: Option<String>,
    /// CPUs that this process may use and that were not sampled.
    pub cpus_not_sampled: String,
    /// True for results of a scripted clock: a test of the program, not a
    /// measurement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scripted: bool,
}
