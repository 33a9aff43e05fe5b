//! What a run with several engines says of each, and of all together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Cause, CpuReport, EngineName, Verdict};
use crate::units::Nanos;

/// What one of several engines made of the same CPUs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EngineReport {
    /// The engine.
    pub engine: EngineName,
    /// Slices of the run that were its own.
    pub slices: u64,
    /// From the first sample of each slice to its last, in all; mean over CPUs.
    pub elapsed_ns: Nanos,
    /// Time in which a stall above the threshold could not have been missed;
    /// mean over CPUs.
    pub covered_ns: Nanos,
    /// Platform stalls above the limit: of all causes first, then by cause.
    pub rates: Vec<StallRate>,
    /// Gaps above the limit that hold an SMI and kernel work in unknown
    /// shares: they may be platform stalls, and are in no rate.
    pub unknown_shares: u64,
    /// What the engine by itself would have said.
    pub verdict: Verdict,
    /// Its own counts, CPU by CPU.
    pub cpus: Vec<CpuReport>,
}

/// How often platform stalls of one kind came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StallRate {
    /// The cause; `null` for all of them. An SMI that met kernel work is an
    /// SMI here, if its own share is above the limit.
    pub cause: Option<Cause>,
    /// Separate moments; a stall of several CPUs is one.
    pub stalls: u64,
    /// The time in which they would have been seen. Where SMIs can be counted,
    /// one shows in the kernel's time as well.
    pub exposure_ns: Nanos,
    /// Stalls an hour of that time; `null` without any.
    pub per_hour: Option<f64>,
    /// Lower end of the exact 95 % interval (Poisson; Garwood 1936).
    pub low95_per_hour: Option<f64>,
    /// Its upper end.
    pub high95_per_hour: Option<f64>,
}

/// Whether several engines saw the same machine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// What the tests say together.
    pub result: Agreed,
    /// A test is taken for a difference below this: 5 %, shared among the
    /// tests (Bonferroni), so that many of them find no more by chance.
    pub level: f64,
    /// Each test: of all stalls first, then by cause; of each pair of engines
    /// where there are more than two.
    pub tests: Vec<RateTest>,
    /// What one engine sees that the other cannot, in words, with figures.
    pub differences: Vec<String>,
}

/// What the tests say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Agreed {
    /// No rate differs by more than chance explains.
    Agree,
    /// At least one does.
    Differ,
    /// An engine covered no time.
    Untested,
}

/// A test of equal rates: the exact conditional binomial test, of counts that
/// are divided by their dispersion among the slices of one engine. A machine
/// whose rate changes from slice to slice is no difference between engines.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateTest {
    /// The two engines, where there are more than two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engines: Option<[EngineName; 2]>,
    /// The cause; `null` for all of them.
    pub cause: Option<Cause>,
    /// The probability of counts at least as uneven, were the rates equal;
    /// `null` where one engine covered no time.
    pub p_value: Option<f64>,
    /// The variance of a slice's count as a multiple of its mean, 1 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispersion: Option<f64>,
}
