//! What a run did about its gaps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which gaps ask for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActedOn {
    /// Those of which the platform's part is above the length.
    Platform,
    /// All above the length, whatever their cause.
    Any,
}
