//! What was done about gaps and the load, as far as they can contradict the rest.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::{ActionReport, ActionWhen};
use crate::read::brief::limited::Limited;
use crate::read::brief::text::Text;
use crate::units::{CpuId, Cycles, Nanos};

#[derive(Clone, Debug, Deserialize)]
pub struct ActionsInBrief {
    pub above_ns: Option<Nanos>,
    pub gaps: u64,
    pub actions: Limited<ActionInBrief, 1_000>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ActionInBrief {
    pub when: ActionWhen,
    pub done: u64,
    pub failed: u64,
    pub busy: u64,
    pub beyond_limit: u64,
    pub latency_max_ns: Option<Nanos>,
    pub latency_mean_ns: Option<Nanos>,
    pub runs: Limited<ActionRunInBrief, { ActionReport::TOLD }>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ActionRunInBrief {
    pub cpu: Option<CpuId>,
    pub start_cycles: Option<Cycles>,
    pub latency_ns: Option<Nanos>,
    pub error: Option<IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct CommandInBrief<'a> {
    pub arguments: Limited<IgnoredAny, 4_000_000>,
    #[serde(borrow)]
    pub cpus: Text<'a>,
    pub on_sampled: bool,
    pub was_ended: Option<bool>,
    pub exit_status: Option<i32>,
    pub signal: Option<i32>,
    pub elapsed_ns: Option<Nanos>,
    pub user_ns: Option<Nanos>,
    pub system_ns: Option<Nanos>,
}
