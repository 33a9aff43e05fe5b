//! How long both sides must be measured to tell a difference.
//!
//! The usual formula for two counts (for example J. D. Parker and
//! N. E. Breslow's, in Breslow and Day, "Statistical Methods in Cancer
//! Research" II, 1987, ch. 7): the logarithm of a ratio of counts has the
//! variance `1/n1 + 1/n2`, times the dispersion.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::dispersion::Dispersion;

/// The chance with which a difference of the size asked for is to be found.
pub const POWER: f64 = 0.8;

/// The test will estimate the dispersion anew, takes no less than 1 for events
/// at random moments, and goes by the runs where these seem to differ: on the
/// whole it takes more than there is. So much more keeps the promise in the
/// simulations of `tests/compare_statistics`, with four runs a side.
const ESTIMATED_ANEW: f64 = 1.4;
/// Degrees of freedom of that estimate: two sides of 16 blocks.
const FREEDOM: f64 = 30.0;

/// Hours of each side after which rates that differ by `factor`, either way,
/// are told apart at two-sided `risk` with a chance of [`POWER`]. `None` where
/// nothing was seen that a length could be taken from.
pub fn hours_to_tell(per_hour: f64, factor: f64, dispersion: Dispersion, risk: f64) -> Option<f64> {
    if !(per_hour.is_finite() && per_hour > 0.0 && factor > 1.0) {
        return None;
    }
    let freedom = dispersion.freedom.unwrap_or(FREEDOM);
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    let distance = student.inverse_cdf(1.0 - risk / 2.0) + Normal::standard().inverse_cdf(POWER);
    // Regular events are planned for as random ones: that they are regular
    // shows only once there are many, so the hours saved cannot be promised.
    let scatter = dispersion.factor.max(1.0) * ESTIMATED_ANEW;
    // The lower rate is the scarcer, so a fall takes longer than a rise.
    let variance = scatter * (1.0 + factor) / per_hour;
    // One event more than the formula: the exact test gives nothing for parts
    // of an event.
    let one_event = scatter * factor / per_hour;
    let hours = distance.powi(2) * variance / factor.ln().powi(2) + one_event;
    hours.is_finite().then_some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_is_as_by_hand() {
        // 1.4 * ((2.042272 + 0.841621)^2 * 3 / ln(2)^2 / 10 + 2 / 10).
        let hours = hours_to_tell(10.0, 2.0, Dispersion::RANDOM, 0.05).unwrap();
        assert!((hours - 7.550_37).abs() < 1e-3, "{hours}");
    }

    #[test]
    fn nothing_seen_gives_no_length() {
        assert_eq!(hours_to_tell(0.0, 2.0, Dispersion::RANDOM, 0.05), None);
        assert_eq!(hours_to_tell(f64::NAN, 2.0, Dispersion::RANDOM, 0.05), None);
        assert_eq!(hours_to_tell(1.0, 1.0, Dispersion::RANDOM, 0.05), None);
    }
}
