//! Figures of SciPy and statsmodels, kept in fixtures/statistics with the script that made
//! them.

use hwgap::stats::dispersion::{self, Block, Dispersion};
use hwgap::stats::location::{self, Measured};
use hwgap::stats::mean_difference::{self, Part};
use hwgap::stats::multiplicity::{Weighted, holm};
use hwgap::stats::rate_ratio::{self, Tally};
use hwgap::stats::rates::Rate;
use hwgap::units::Nanos;
use serde_json::Value;
use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, StudentsT};

fn reference() -> Value {
    let text = include_str!("../../fixtures/statistics/reference.json");
    serde_json::from_str(text).unwrap()
}

fn number(case: &Value, field: &str) -> f64 {
    case[field].as_f64().unwrap()
}

fn assert_close(found: f64, reference: f64, relative: f64, what: &str) {
    let error = (found - reference).abs();
    assert!(
        error <= relative * reference.abs().max(1e-12),
        "{what}: {found} is not {reference}"
    );
}

#[test]
fn ratios_and_their_exact_intervals_agree() {
    for case in reference()["ratios"].as_array().unwrap() {
        let tally = |events: &str, hours: &str| Tally {
            events: case[events].as_u64().unwrap(),
            hours: number(case, hours),
        };
        let (before, after) = (
            tally("before", "hours_before"),
            tally("after", "hours_after"),
        );
        let level = number(case, "level");
        let found = rate_ratio::compare(before, after, Dispersion::RANDOM, level).unwrap();
        // Beyond some thousand events an approximation stands in.
        let relative = match before.events + after.events {
            0..4_000 => 1e-7,
            _ => 2e-4,
        };
        let what = case.to_string();
        assert_close(found.low, number(case, "low"), relative, &what);
        assert_eq!(found.high.is_none(), case["high"].is_null(), "{what}");
        if let Some(high) = found.high {
            assert_close(high, number(case, "high"), relative, &what);
        }
        assert_close(found.p, number(case, "p"), relative.max(1e-7) * 20.0, &what);
    }
}

fn numbers(case: &Value, field: &str) -> Vec<f64> {
    let all = case[field].as_array().unwrap();
    all.iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn poisson_bounds_agree() {
    for case in reference()["bounds"].as_array().unwrap() {
        let rate = Rate {
            events: case["events"].as_u64().unwrap(),
            hours: 1.0,
        };
        let (what, both) = (case.to_string(), rate.interval95_per_hour().unwrap());
        let upper = rate.upper95_per_hour().unwrap();
        assert_close(upper, number(case, "upper95"), 1e-8, &what);
        assert_close(both.low, number(case, "low"), 1e-8, &what);
        assert_close(both.high, number(case, "high"), 1e-8, &what);
    }
}

#[test]
fn dispersion_is_that_of_a_poisson_regression() {
    for case in reference()["dispersion"].as_array().unwrap() {
        let hours = number(case, "hours");
        let side = |field: &str| -> Vec<Vec<Block>> {
            let counts = case[field].as_array().unwrap().iter();
            let block = |count: &Value| Block {
                events: count.as_u64().unwrap(),
                hours,
            };
            vec![counts.map(block).collect()]
        };
        let found = dispersion::estimate([&side("before"), &side("after")]);
        assert_close(
            found.factor,
            number(case, "factor"),
            1e-8,
            &case.to_string(),
        );
    }
}

#[test]
fn tails_agree() {
    for case in reference()["tails"].as_array().unwrap() {
        let (freedom, value) = (numbers(case, "freedom"), number(case, "value"));
        let what = case.to_string();
        let chi_squared = ChiSquared::new(freedom[0]).unwrap();
        let found = chi_squared.cdf(value * freedom[0]);
        assert_close(found, number(case, "chi_squared"), 1e-8, &what);
        let f = FisherSnedecor::new(freedom[0], freedom[1]).unwrap();
        assert_close(f.sf(value), number(case, "f"), 1e-8, &what);
    }
}

/// Over blocks of equal time the ratio estimator is the mean.
#[test]
fn differences_of_time_lost_agree_with_welch() {
    for case in reference()["welch"].as_array().unwrap() {
        let parts = |field: &str| -> Vec<Part> {
            let part = |amount| Part { amount, hours: 1.0 };
            numbers(case, field).into_iter().map(part).collect()
        };
        let (before, after) = (parts("before"), parts("after"));
        let found = mean_difference::compare(&before, &after, number(case, "level")).unwrap();
        let (low, high) = found.interval.unwrap();
        assert_close(low, number(case, "low"), 1e-6, &case.to_string());
        assert_close(high, number(case, "high"), 1e-6, &case.to_string());
    }
}

#[test]
fn corrected_chances_agree() {
    for case in reference()["holm"].as_array().unwrap() {
        let chance = |p| Weighted { p, weight: 1.0 };
        let chances: Vec<Weighted> = numbers(case, "p").into_iter().map(chance).collect();
        for (found, expected) in holm(&chances).iter().zip(numbers(case, "corrected")) {
            assert_close(*found, expected, 1e-12, &case.to_string());
        }
    }
}

#[test]
fn students_quantiles_agree() {
    for case in reference()["student"].as_array().unwrap() {
        let student = StudentsT::new(0.0, 1.0, number(case, "freedom")).unwrap();
        let found = student.inverse_cdf(number(case, "p"));
        assert_close(found, number(case, "t"), 1e-6, &case.to_string());
    }
}

#[test]
fn shifts_and_rank_tests_agree() {
    for case in reference()["shifts"].as_array().unwrap() {
        let mut next = 0;
        let mut lengths = |field: &str| -> Vec<Measured> {
            let lengths = case[field].as_array().unwrap().iter();
            lengths
                .map(|length| {
                    next += 1;
                    Measured {
                        length: Nanos(length.as_u64().unwrap()),
                        block: next,
                    }
                })
                .collect()
        };
        let (before, after) = (lengths("before"), lengths("after"));
        let found = location::compare(&before, &after, number(case, "level")).unwrap();
        let what = case.to_string();
        assert_close(
            found.chance_longer,
            number(case, "chance_longer"),
            1e-12,
            &what,
        );
        // The variance by blocks may be the larger, never the smaller one.
        assert!(
            found.p >= number(case, "p") * (1.0 - 1e-6),
            "{what}: {found:?}"
        );
        let shift = case["shift"].as_i64().unwrap();
        assert!((found.shift_ns - shift).abs() <= 1, "{what}: {found:?}");
        let (low, high) = (
            case["low"].as_i64().unwrap(),
            case["high"].as_i64().unwrap(),
        );
        assert!(found.low_ns.unwrap() <= low, "{what}: {found:?}");
        assert!(found.high_ns.unwrap() >= high, "{what}: {found:?}");
        let reach = (found.high_ns.unwrap() - found.low_ns.unwrap()) as f64;
        assert!(
            reach <= (high - low) as f64 * 1.5 + 2.0,
            "{what}: {found:?}"
        );
    }
}
