//! What of the host was changed for a run, and whether it is as before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A host that was made quiet for the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuietHost {
    /// Each setting, in the order in which they were changed.
    pub settings: Vec<QuietSetting>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuietSetting {
    /// The step that it belongs to, as `--quiet-host` names it.
    pub step: String,
    /// The file, or what it is about.
    pub setting: String,
    /// Its value before; `null` where it could not be read.
    pub before: Option<String>,
    /// Its value for the run; `null` where it was not changed.
    pub during: Option<String>,
    /// What happened.
    pub result: QuietResult,
    /// Why, where it was refused or skipped.
    pub reason: Option<String>,
    /// How it was put back; `null` where it was not changed.
    pub put_back: Option<PutBackResult>,
    /// Why it is not as before, or what somebody else has set.
    pub put_back_reason: Option<String>,
}

/// What happened to a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuietResult {
    /// Changed.
    Changed,
    /// So already.
    Unchanged,
    /// The kernel refused.
    Refused,
    /// Not tried.
    Skipped,
}

/// How a setting was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PutBackResult {
    /// As before.
    Done,
    /// Somebody else had put it back.
    Already,
    /// The file or thread is no longer there.
    Gone,
    /// Somebody else has set it: left alone.
    Conflict,
    /// Refused.
    Failed,
}
