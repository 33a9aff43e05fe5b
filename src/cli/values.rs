//! Values that are more than a word: times and numbers within a range.

use crate::model::KeepGaps;
use crate::units::Nanos;

use super::duration::{DurationError, Quantity, parse_duration};

pub(super) fn duration(text: &str) -> Result<Nanos, DurationError> {
    parse_duration(text, Quantity::Duration)
}

pub(super) fn threshold(text: &str) -> Result<Nanos, DurationError> {
    parse_duration(text, Quantity::Threshold)
}

pub(super) fn keep_gaps(text: &str) -> Result<KeepGaps, String> {
    match text.parse() {
        _ if text == "all" => Ok(KeepGaps::All),
        Ok(most @ 1..) => Ok(KeepGaps::AtMost(most)),
        _ => Err(String::from("must be a number from 1 on, or all")),
    }
}

pub(super) fn level(text: &str) -> Result<f64, String> {
    number_within(text, 0.5..=0.9999)
}

pub(super) fn margin(text: &str) -> Result<f64, String> {
    number_within(text, 1.05..=100.0)
}

fn number_within(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "must be a number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}
