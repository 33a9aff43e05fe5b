//! The parts of hwgap's report that the judge reads, by the names of its
//! published schema. Read here with types of our own on purpose: a field that
//! hwgap renames must fail this suite.

use anyhow::{Context, Result};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Report {
    pub schema: String,
    pub schema_version: u32,
    pub run: Run,
    pub tsc: Tsc,
    pub cpus: Vec<Cpu>,
    pub gaps: Vec<Gap>,
    pub findings: Vec<Finding>,
    pub verdict: Verdict,
    /// Only where the host was made quiet.
    pub quiet_host: Option<QuietHost>,
}

/// What of the host was changed.
#[derive(Clone, Debug, Deserialize)]
pub struct QuietHost {
    pub settings: Vec<QuietSetting>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct QuietSetting {
    pub step: String,
    pub setting: String,
    pub result: String,
    pub reason: Option<String>,
    pub put_back: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    pub hardlimit_ns: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Tsc {
    /// Decimal, so that no reader loses digits.
    pub origin: String,
    pub hz: f64,
}

/// What came of holding interrupts off.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Masked {
    /// How far a gap's place on the TSC may be off.
    pub clock_error_ns: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Cpu {
    pub cpu: u32,
    pub elapsed_ns: u64,
    pub covered_ns: u64,
    /// Only of an engine that holds interrupts off.
    pub masked: Option<Masked>,
    /// First and last reading of each shot, where they were asked for.
    pub shots: Option<Vec<[u64; 2]>>,
    pub iterations: u64,
    pub smi: Option<Counter>,
    pub smi_reason: Option<String>,
    pub gaps_seen: u64,
    pub gaps_recorded: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Counter {
    pub delta: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Gap {
    pub cpu: u32,
    pub start_cycles: u64,
    pub end_cycles: u64,
    pub duration_ns: u64,
    pub cause: String,
    pub kernel_ran: Option<bool>,
    pub residual_ns: Option<u64>,
    #[serde(default)]
    pub detail: Option<String>,
}

impl Gap {
    /// Its length in cycles.
    pub fn cycles(&self) -> u64 {
        self.end_cycles - self.start_cycles
    }

    /// Whether the cause is one of the platform's.
    pub fn is_platform(&self) -> bool {
        !matches!(self.cause.as_str(), "os" | "unknown")
    }

    /// The platform's time in it, as far as hwgap knows it: of a mixed gap
    /// only what the kernel's own work does not explain.
    pub fn platform_ns(&self) -> Option<u64> {
        match self.cause.as_str() {
            "os" | "unknown" => Some(0),
            "smi+os" => self.residual_ns,
            _ => Some(self.duration_ns),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    pub id: String,
    pub text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Verdict {
    pub result: String,
    pub subject: String,
    pub platform_gaps: u64,
    pub coverage: f64,
}

impl Report {
    /// Reads a report.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("hwgap's report does not follow its schema")
    }

    /// The TSC value that every cycle count is relative to.
    pub fn origin(&self) -> Result<u64> {
        self.tsc.origin.parse().context("tsc.origin")
    }
}
