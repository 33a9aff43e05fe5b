//! Whether the instrument works on this host: stalls of known kind and length
//! are raised, and each must be found and rightly classed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{CpuId, Nanos};

/// The value of [`SelfTest::schema`].
pub const SCHEMA: &str = "hwgap.selftest";

/// The result of a self-test, as it is stored and carried by reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfTest {
    /// What the document is.
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
    /// How busy the machine was: its load average over a minute, as the kernel
    /// prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
}

/// What a self-test holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// How many another event met, of those that were not found or classed as
    /// they should: they say nothing of the instrument.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overlapped: u64,
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
            overlapped: 0,
            median_excess_ns: None,
            smi_count: None,
            note: Some(reason.into()),
        }
    }

    /// What the trials show. A stall that another event met is no trial; one
    /// that was missed among many is not yet a failure, as on a loaded machine
    /// no record says everything. The machine's own SMIs count as well.
    pub fn standing(&self) -> Standing {
        let Some(raised) = self.raised else {
            return Standing::NotRaised;
        };
        let trials = raised.saturating_sub(self.overlapped);
        let good = self.rightly_classed.min(trials);
        if self.smi_count.is_some_and(|count| count < raised) {
            return Standing::Failed;
        }
        let bound = |side: f64| score_bound(good, trials, side);
        if trials > 0 && bound(1.0) < WANTED_RATE {
            Standing::Failed
        } else if trials >= LEAST_TRIALS && (good == trials || bound(-1.0) >= WANTED_RATE) {
            Standing::Passed
        } else {
            Standing::Undecided
        }
    }

    /// Both as one.
    #[must_use]
    pub fn and(self, more: Check) -> Check {
        let (Some(raised), Some(also)) = (self.raised, more.raised) else {
            return self;
        };
        Check {
            raised: Some(raised + also),
            found: self.found + more.found,
            rightly_classed: self.rightly_classed + more.rightly_classed,
            overlapped: self.overlapped + more.overlapped,
            median_excess_ns: more.median_excess_ns.or(self.median_excess_ns),
            smi_count: self.smi_count.zip(more.smi_count).map(|(a, b)| a + b),
            note: more.note.or(self.note),
            ..self
        }
    }
}

/// What trials of one kind show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Such stalls are found and rightly classed.
    Passed,
    /// They are not, more often than chance allows.
    Failed,
    /// Too few trials were clean to say.
    Undecided,
    /// No such stall was raised.
    NotRaised,
}

/// This share of the stalls must be found and rightly classed, shown with 95 %
/// confidence, or all of them.
const WANTED_RATE: f64 = 0.95;
/// Fewer clean trials show nothing.
pub const LEAST_TRIALS: u64 = 8;

/// One end of the 95 % score interval of a share, one-sided (E. B. Wilson,
/// JASA 22, 1927).
fn score_bound(good: u64, trials: u64, side: f64) -> f64 {
    const Z: f64 = 1.644_853_626_951_47;
    let (n, p) = (trials as f64, good as f64 / trials as f64);
    let centre = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    (centre + side * reach) / (1.0 + Z * Z / n)
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl SelfTest {
    /// Whether every kind of stall that was raised passed, and one at least
    /// was raised.
    pub fn passed(&self) -> bool {
        self.standing() == Standing::Passed
    }

    /// Of all kinds together: failed if one has, else undecided if one is.
    pub fn standing(&self) -> Standing {
        let any = |wanted| self.checks.iter().any(|check| check.standing() == wanted);
        [Standing::Failed, Standing::Undecided, Standing::Passed]
            .into_iter()
            .find(|wanted| any(*wanted))
            .unwrap_or(Standing::NotRaised)
    }

    /// How many days before a moment it was made; `None` where that cannot be
    /// said.
    pub fn days_before(&self, moment: &str) -> Option<i64> {
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let seconds = time(moment)?.as_second() - time(&self.made_utc)?.as_second();
        Some(seconds.div_euclid(86_400))
    }
}

/// A result holds for so many days: firmware settings change, and no file says
/// so.
pub const DAYS_VALID: i64 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raised: u64, good: u64, overlapped: u64) -> Check {
        Check {
            raised: Some(raised),
            found: good,
            rightly_classed: good,
            overlapped,
            ..Check::skipped("page fault", None, "")
        }
    }

    #[test]
    fn one_of_many_is_no_failure_and_many_are() {
        for (raised, good, overlapped, standing) in [
            (200, 200, 0, Standing::Passed),
            (200, 199, 0, Standing::Passed),
            (200, 199, 1, Standing::Passed),
            (200, 120, 80, Standing::Passed),
            (10, 10, 0, Standing::Passed),
            (50, 49, 0, Standing::Undecided),
            (200, 190, 0, Standing::Undecided),
            (200, 150, 0, Standing::Failed),
            (50, 0, 0, Standing::Failed),
            (200, 0, 200, Standing::Undecided),
            (4, 4, 0, Standing::Undecided),
        ] {
            let found = check(raised, good, overlapped).standing();
            assert_eq!(found, standing, "{raised} {good} {overlapped}");
        }
    }

    #[test]
    fn rounds_add_up_until_they_show_something() {
        let both = check(50, 49, 0).and(check(150, 150, 0));
        assert_eq!(
            (both.raised, both.standing()),
            (Some(200), Standing::Passed)
        );
        let skipped = Check::skipped("page fault", None, "no right");
        assert_eq!(check(50, 50, 0).and(skipped).raised, Some(50));
    }
}
