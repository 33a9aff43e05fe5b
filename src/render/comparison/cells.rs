//! Values as text, Markdown and web page all show them.

use crate::compare::model::{Comparison, Finding, RateRow, Side, told_bound};
use crate::render::document::{Block, Table};
use crate::render::style::Ink;
use crate::text::human;
use crate::units::Nanos;

pub(super) fn word(finding: Finding) -> (Ink, &'static str) {
    match finding {
        Finding::Better => (Ink::Good, "BETTER:"),
        Finding::Worse => (Ink::Bad, "WORSE:"),
        Finding::Mixed => (Ink::Bad, "WORSE AND BETTER:"),
        Finding::NoDifference => (Ink::Good, "NO DIFFERENCE THAT MATTERS:"),
        Finding::NotWorse => (Ink::Good, "NOT WORSE:"),
        Finding::NotEnoughData => (Ink::Doubt, "NOT ENOUGH DATA:"),
    }
}

/// "100 us to 300 us", "above 10 us".
pub(super) fn range(row: &RateRow) -> String {
    let above = human::chosen(row.above_ns);
    match row.up_to_ns {
        Some(end) => format!("{above} to {}", human::chosen(end)),
        None => format!("above {above}"),
    }
}

/// A rate, or "?" without covered time.
pub(super) fn rate(per_hour: Option<f64>) -> String {
    per_hour.map_or_else(|| "?".to_owned(), human::three_digits)
}

/// The ratio, where there was something on both sides.
pub(super) fn ratio(row: &RateRow) -> String {
    match row.ratio {
        Some(0.0) => "to none".to_owned(),
        Some(ratio) => human::three_digits(ratio),
        None if row.after.events > 0 => "from none".to_owned(),
        None => "-".to_owned(),
    }
}

pub(super) fn interval(row: &RateRow) -> String {
    bounds(row.ratio_low, row.ratio_high)
}

fn bounds(low: Option<f64>, high: Option<f64>) -> String {
    let digits = human::three_digits;
    match (low, told_bound(high)) {
        (None, _) | (Some(0.0), None) => "-".to_owned(),
        (Some(0.0), Some(high)) => format!("below {}", digits(high)),
        (Some(low), Some(high)) => format!("{} to {}", digits(low), digits(high)),
        (Some(low), None) => format!("above {}", digits(low)),
    }
}

/// The table of rates; how many stalls they rest on is spared where room is short.
pub(super) fn rates<'a>(comparison: &Comparison, rows: impl Iterator<Item = &'a RateRow>) -> Block {
    let level = format!("{} % interval", human::chosen_percent(comparison.level));
    let header = [
        "class",
        "length",
        "seen before",
        "before",
        "seen after",
        "after",
        "ratio",
        &level,
        "p-value",
    ];
    let row = |row: &RateRow| {
        vec![
            row.class.name().to_owned(),
            range(row),
            human::grouped(row.before.events),
            rate(row.before.per_hour),
            human::grouped(row.after.events),
            rate(row.after.per_hour),
            ratio(row),
            interval(row),
            chance(row.p_corrected),
        ]
    };
    Block::Table(Table {
        header: header.map(str::to_owned).to_vec(),
        spare: &[2, 4],
        rows: rows.map(row).collect(),
        more: 0,
    })
}

pub(super) fn chance(p: Option<f64>) -> String {
    match p {
        None => "-".to_owned(),
        Some(p) if p < 0.0001 => "<0.0001".to_owned(),
        Some(p) => human::three_digits(p),
    }
}

/// "3 runs, 12.3 h covered, 40 stalls".
pub(super) fn side(side: &Side) -> String {
    format!(
        "{}, {} covered, {}",
        human::counted(side.runs.len() as u64, "run"),
        human::period(side.covered_hours),
        human::counted(side.stalls, "stall")
    )
}

pub(super) fn signed(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "+" };
    format!("{sign}{}", human::length(Nanos(ns.unsigned_abs())))
}

/// A time of day, to the second.
pub(super) fn moment(utc: &str) -> String {
    match human::day_and_time(utc) {
        Some((day, time)) => format!("{day} {}", &time[..8]),
        None => utc.to_owned(),
    }
}

pub(super) fn signed_amount(ns: f64) -> String {
    signed(ns as i64)
}

pub(super) fn amount(ns: Option<f64>) -> String {
    ns.map_or_else(|| "?".to_owned(), |ns| human::length(Nanos(ns as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bounds_nothing_is_no_bound() {
        let told = |low, high| bounds(Some(low), high);
        assert_eq!(told(0.5, Some(2.0)), "0.50 to 2.00");
        assert_eq!(told(0.0, Some(5.54e34)), "-");
        assert_eq!(told(1.5, Some(5.54e34)), "above 1.50");
        assert_eq!(told(0.0, Some(1.5)), "below 1.50");
        assert_eq!(bounds(None, Some(2.0)), "-");
    }
}
