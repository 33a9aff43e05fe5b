//! The stalls of a run in few small marks, for the picture of its host: a fleet
//! has thousands.

use jiff::Timestamp;

use crate::model::Cause;
use crate::read::brief::{Brief, StallInBrief};
use crate::units::Nanos;

/// Stalls that are kept: the longest.
const MOST: usize = 150;
/// Moments that are told apart.
const COLUMNS: f64 = 200.0;
/// Lengths told apart in each factor of ten.
const ROWS_PER_DECADE: f64 = 12.0;

/// When the stalls of a run came, and how long they were.
#[derive(Clone, Debug, Default)]
pub struct Sketch {
    /// How long the run lasted.
    pub elapsed: Nanos,
    /// Its longest stalls, each moment, length and cause once.
    pub marks: Box<[Mark]>,
    /// Whether there were more.
    pub has_more: bool,
}

/// A stall, or several of one length and moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    column: u8,
    row: u8,
    /// Whether an SMI was known to be its cause.
    pub is_smi: bool,
}

impl Mark {
    /// Its place in the run, 0 to 1.
    pub fn at(self) -> f64 {
        f64::from(self.column) / COLUMNS
    }

    /// The logarithm to base 10 of its length in ns.
    pub fn log_length(self) -> f64 {
        f64::from(self.row) / ROWS_PER_DECADE
    }
}

impl Sketch {
    pub(super) fn of(brief: &Brief<'_>) -> Sketch {
        let mut longest: Vec<&StallInBrief<'_>> = (brief.stalls.iter())
            .flat_map(|stalls| stalls.listed())
            .collect();
        longest.sort_by_key(|stall| std::cmp::Reverse(stall.duration_ns));
        let has_more = longest.len() > MOST;
        longest.truncate(MOST);
        let elapsed = brief.run.elapsed_ns;
        let begun = moment(&brief.run.started_utc);
        let mark = |stall: &StallInBrief<'_>| {
            let after = moment(&stall.start_utc)? - begun?;
            let share = after as f64 / elapsed.0.max(1) as f64;
            Some(Mark {
                column: (share.clamp(0.0, 1.0) * COLUMNS) as u8,
                row: ((stall.duration_ns.0.max(1) as f64).log10() * ROWS_PER_DECADE) as u8,
                is_smi: matches!(stall.cause, Cause::Smi | Cause::SmiOs),
            })
        };
        let mut marks: Vec<Mark> = longest.into_iter().filter_map(mark).collect();
        marks.sort_unstable();
        marks.dedup();
        Sketch {
            elapsed,
            marks: marks.into(),
            has_more,
        }
    }
}

/// Nanoseconds since 1970.
fn moment(utc: &str) -> Option<i128> {
    Some(utc.parse::<Timestamp>().ok()?.as_nanosecond())
}
