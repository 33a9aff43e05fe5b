//! Whether the instrument works on this host: stalls of known kind and length
//! are raised, and each must be found and rightly classed.

mod judge;
mod raise;
pub mod store;
pub mod text;

pub use judge::{Expected, Found, judge};
pub use raise::{CompetingTask, SignalStorm};

use serde::{Deserialize, Serialize};

use crate::units::{CpuId, Nanos};

/// The value of [`SelfTest::schema`].
pub const SCHEMA: &str = "hwgap.selftest";

/// The result of a self-test, as it is stored and carried by reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The version of the schema, from 1.
    pub schema_version: u32,
    /// The version of hwgap that was tested.
    pub tool_version: String,
    /// When, RFC 3339, UTC.
    pub made_utc: String,
    /// The host: a result says nothing of another one.
    pub host: TestedHost,
    /// The CPU that was sampled.
    pub cpu: CpuId,
    /// Deltas above this length leave the loop: the smallest stall that this
    /// host resolves.
    pub resolution_ns: Nanos,
    /// Each kind of stall.
    pub checks: Vec<Check>,
}

/// What a self-test holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedHost {
    /// Host name.
    pub hostname: Option<String>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// CPU model name.
    pub cpu: Option<String>,
    /// Microcode revision.
    pub microcode: Option<String>,
}

/// One kind of stall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was raised.
    pub kind: String,
    /// Its length, where that is chosen.
    pub length_ns: Option<Nanos>,
    /// How many were raised; `null` where none was, with the reason in `note`.
    pub raised: Option<u64>,
    /// How many of them were found.
    pub found: u64,
    /// How many of those were rightly classed.
    pub rightly_classed: u64,
    /// Found length minus raised length, median.
    pub median_excess_ns: Option<Nanos>,
    /// What the SMI counter rose by meanwhile; `null` where no SMIs were
    /// raised, or none can be counted.
    #[serde(default)]
    pub smi_count: Option<u64>,
    /// What is to be said of it.
    pub note: Option<String>,
}

impl Check {
    /// A kind of stall that was not raised.
    pub fn skipped(kind: &str, length: Option<Nanos>, reason: impl Into<String>) -> Check {
        Check {
            kind: kind.to_owned(),
            length_ns: length,
            raised: None,
            found: 0,
            rightly_classed: 0,
            median_excess_ns: None,
            smi_count: None,
            note: Some(reason.into()),
        }
    }

    /// Whether all that was raised was found and rightly classed, and counted
    /// where it is an SMI. The machine's own SMIs count as well.
    pub fn passed(&self) -> bool {
        self.raised.is_none_or(|raised| {
            raised == self.found
                && raised == self.rightly_classed
                && self.smi_count.is_none_or(|count| count >= raised)
        })
    }
}

impl SelfTest {
    /// Whether every kind of stall that was raised passed, and one at least
    /// was raised.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
            && self
                .checks
                .iter()
                .any(|check| check.raised.is_some_and(|raised| raised > 0))
    }
}
