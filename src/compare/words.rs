//! The sentences of a verdict.

use crate::units::Nanos;

use super::events::Class;
use super::model::{LengthRow, RateRow};

/// What a rate's row found.
pub(super) fn rate(row: &RateRow, level: f64) -> String {
    let subject = subject(row);
    let (before, after) = (
        number(row.before.per_hour.unwrap_or(0.0)),
        number(row.after.per_hour.unwrap_or(0.0)),
    );
    let interval = interval(row.ratio_low.unwrap_or(0.0), row.ratio_high, level);
    let times = match (row.before.events, row.after.events) {
        (0, _) => "from none seen".to_owned(),
        (_, 0) => "to none seen".to_owned(),
        _ => format!("{} times as many", number(row.ratio.unwrap_or(0.0))),
    };
    format!("{subject} went from {before} to {after} an hour, {times} ({interval})")
}

/// What the lengths found.
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
                percent(level),
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
    let level = percent(level);
    let fewer = (low > 0.0).then(|| number(1.0 / low));
    let more = high.map(|high| number(high.max(1.0)));
    let open = match (fewer, more) {
        (Some(fewer), Some(more)) => {
            format!("no rise beyond {more} times and no fall below 1/{fewer} could be hidden")
        }
        (None, Some(more)) => format!("no rise beyond {more} times could be hidden, but any fall"),
        (Some(fewer), None) => format!("no fall below 1/{fewer} could be hidden, but any rise"),
        (None, None) => "any rise and any fall could be hidden".to_owned(),
    };
    format!(
        "no difference in the rate of stalls that matters was found; {open} ({level} % confidence)"
    )
}

/// Where no side saw a stall.
pub(super) fn none_seen(before: f64, after: f64) -> String {
    format!(
        "no stall was seen on either side; up to {} an hour before and {} after could be hidden \
         (95 % confidence)",
        number(before),
        number(after)
    )
}

/// Where stalls after are rare, whatever the factor.
pub(super) fn rare(after: f64, hidden: &str) -> String {
    format!(
        "{hidden}; after the change there is less than one every {} h",
        number(1.0 / after)
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
        Some(end) => format!("{class} of {} to {}", chosen(row.above_ns), chosen(end)),
        None => format!("{class} above {}", chosen(row.above_ns)),
    }
}

/// A length that somebody chose: `10 us`, not `10.0 us`.
fn chosen(length: Nanos) -> String {
    let text = length.to_string();
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
        _ => text,
    }
}

fn interval(low: f64, high: Option<f64>, level: f64) -> String {
    let level = percent(level);
    match high {
        Some(high) => format!("{level} % interval {} to {}", number(low), number(high)),
        None => format!("{level} % interval above {}", number(low)),
    }
}

fn percent(level: f64) -> String {
    let text = format!("{:.2}", level * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three significant digits.
fn number(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{v:.2e}"),
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v if v >= 0.0995 => format!("{v:.2}"),
        0.0 => "0".to_owned(),
        v => format!("{v:.2e}"),
    }
}
