//! The sentences of a verdict.

use crate::text::human;
use crate::units::Nanos;

use super::events::Class;
use super::model::{LengthRow, RateRow, told_bound};

/// What a rate's row found.
pub(super) fn rate(row: &RateRow, level: f64) -> String {
    let subject = subject(row);
    let (before, after) = (
        human::three_digits(row.before.per_hour.unwrap_or(0.0)),
        human::three_digits(row.after.per_hour.unwrap_or(0.0)),
    );
    let interval = interval(row.ratio_low.unwrap_or(0.0), row.ratio_high, level);
    let times = match (row.before.events, row.after.events) {
        (0, _) => "from none seen".to_owned(),
        (_, 0) => "to none seen".to_owned(),
        _ => format!(
            "{} times as many",
            human::three_digits(row.ratio.unwrap_or(0.0))
        ),
    };
    format!("{subject} went from {before} to {after} an hour, {times} ({interval})")
}

pub(super) fn lengths(row: &LengthRow, level: f64) -> String {
    let word = if row.chance_longer > 0.5 {
        "longer"
    } else {
        "shorter"
    };
    let bounds = match (row.shift_low_ns, row.shift_high_ns) {
        (Some(low), Some(high)) => {
            let (low, high) = (low.unsigned_abs(), high.unsigned_abs());
            format!(
                " ({} % interval {} to {})",
                human::chosen_percent(level),
                Nanos(low.min(high)),
                Nanos(low.max(high))
            )
        }
        _ => String::new(),
    };
    format!(
        "stalls are {} {word}{bounds}, median {} before and {} after",
        Nanos(row.shift_ns.unsigned_abs()),
        row.median_before_ns,
        row.median_after_ns
    )
}

/// How large a difference the interval leaves open.
pub(super) fn hidden(low: f64, high: Option<f64>, level: f64) -> String {
    let level = human::chosen_percent(level);
    let low = (low > 0.0).then(|| human::three_digits(low));
    let high = high.map(human::three_digits);
    let ratio = match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high} times"),
        (None, Some(high)) => format!("at most {high} times"),
        (Some(low), None) => format!("at least {low} times"),
        (None, None) => "any multiple of".to_owned(),
    };
    format!(
        "no relevant difference in the stall rate was found; the rate after is {ratio} that before \
         ({level} % confidence)"
    )
}

/// Where no side saw a stall.
pub(super) fn none_seen(before: f64, after: f64) -> String {
    format!(
        "no stall was seen on either side; up to {} an hour before and {} after could be hidden \
         (95 % confidence)",
        human::three_digits(before),
        human::three_digits(after)
    )
}

/// Where stalls after are rare, whatever the factor.
pub(super) fn rare(after: f64, hidden: &str) -> String {
    format!(
        "{hidden}; after the change there is less than one every {} h",
        human::three_digits(1.0 / after)
    )
}

fn subject(row: &RateRow) -> String {
    let class = match row.class {
        Class::Platform => "platform stalls",
        Class::Smi => "SMI stalls",
        Class::FirmwareOrCpu => "stalls by firmware or CPU",
        Class::Hypervisor => "stalls by hypervisor or below",
    };
    match row.up_to_ns {
        Some(end) => format!(
            "{class} of {} to {}",
            human::chosen(row.above_ns),
            human::chosen(end)
        ),
        None => format!("{class} above {}", human::chosen(row.above_ns)),
    }
}

fn interval(low: f64, high: Option<f64>, level: f64) -> String {
    let level = human::chosen_percent(level);
    match told_bound(high) {
        Some(high) => format!(
            "{level} % interval {} to {}",
            human::three_digits(low),
            human::three_digits(high)
        ),
        None => format!("{level} % interval above {}", human::three_digits(low)),
    }
}
