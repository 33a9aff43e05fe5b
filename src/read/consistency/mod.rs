//! Whether the parts of a report agree. What a file says of itself is not
//! believed where its other words say otherwise: a report that contradicts
//! itself is set aside with the contradiction named.
//!
//! This finds files that were damaged, merged by hand or changed in one place.
//! It is no proof against forgery: whoever changes all parts alike is not
//! found. For that, sign the files and hold the SHA-256 that `hwgap fleet`
//! gives against the signed ones.
//!
//! What a report does not say, as those of earlier versions, contradicts
//! nothing.

mod actions;
mod counts;
mod stalls;
mod times;
mod verdict;

use crate::read::brief::Brief;
use crate::read::saved::Problem;
use crate::units::Nanos;

/// What two parts of a report say that cannot both be true.
struct Contradiction(String);

type Checked = Result<(), Contradiction>;

impl From<Contradiction> for Problem {
    fn from(found: Contradiction) -> Problem {
        Problem::Contradiction(crate::text::clean_text(&found.0))
    }
}

/// A condition, and what is wrong where it does not hold.
fn must(holds: bool, wrong: impl FnOnce() -> String) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Contradiction(wrong())),
    }
}

/// Holds the parts of a report against each other.
///
/// # Errors
/// Names the parts that do not agree.
pub(super) fn check(report: &Brief<'_>) -> Result<(), Problem> {
    times::check(report)?;
    counts::check(report)?;
    stalls::check(report)?;
    actions::check(report)?;
    verdict::check(report)?;
    Ok(())
}

/// Limits are compared in cycles as the run goes on, by a rate that is known
/// better at its end: two lengths that far apart are the same one.
fn slack(length: Nanos) -> Nanos {
    Nanos(length.0 / 1_000 + 2)
}

/// Whether two figures of the same are alike to what rounding makes of them.
fn alike(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-9)
}
