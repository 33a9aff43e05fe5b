//! The stalls of a report, in brief.

use serde::{Deserialize, Deserializer};

use crate::model::Cause;
use crate::read::brief::limited::each;
use crate::read::brief::text::Text;
use crate::read::brief::times::Times;
use crate::units::Nanos;

const LISTED: usize = 1_000;
/// A report of two engines may list those of both; beyond it is no report.
const MOST: usize = 10 * LISTED;

/// The stalls that a report lists: the longest ones.
#[derive(Clone, Debug, Default)]
pub struct StallsInBrief<'a> {
    listed: Vec<StallInBrief<'a>>,
    times: Times,
}

#[derive(Clone, Debug, Deserialize)]
pub struct StallInBrief<'a> {
    /// When it began, RFC 3339, UTC.
    #[serde(borrow)]
    pub start_utc: Text<'a>,
    pub duration_ns: Nanos,
    pub gaps: u64,
    pub smi_delta: Option<u32>,
    /// Who took the time.
    pub cause: Cause,
}

impl<'de: 'a, 'a> Deserialize<'de> for StallsInBrief<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut stalls = StallsInBrief::default();
        each(deserializer, MOST, |stall: StallInBrief<'a>| {
            stalls.times.add(&stall.start_utc);
            stalls.listed.push(stall);
        })?;
        Ok(stalls)
    }
}

impl StallsInBrief<'_> {
    pub fn listed(&self) -> &[StallInBrief<'_>] {
        &self.listed
    }

    pub fn times(&self) -> &Times {
        &self.times
    }

    pub fn is_full(&self) -> bool {
        self.listed.len() >= LISTED
    }

    /// The listed ones above a length.
    pub fn longer_than(&self, length: Nanos) -> impl Iterator<Item = &StallInBrief<'_>> {
        self.listed
            .iter()
            .filter(move |stall| stall.duration_ns > length)
    }

    /// Whether all recorded stalls above a length are listed: the list is not
    /// full, or goes down to that length.
    pub fn is_complete_above(&self, length: Nanos) -> bool {
        self.listed.len() < LISTED || self.listed.iter().any(|stall| stall.duration_ns <= length)
    }
}
