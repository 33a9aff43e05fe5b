//! Better, worse, no difference that matters, or not enough data.

use crate::stats::planning::{POWER, hours_to_tell};
use crate::stats::rates::{Rate, hours_for_zero_to_show};

use super::Question;
use super::assess::FIRST_SHARE;
use super::model::{Finding, HoursNeeded, LengthRow, Note, RateRow, Side, Verdict, Weight};
use super::rates::Rated;
use super::words;

/// Stalls that are shown to be rarer than this, an hour, count as rare: a
/// factor between two such rates is of no account.
const RARE_PER_HOUR: f64 = 1.0;

/// Differences shown to be below this factor are none.
const TRIVIAL: f64 = 1.1;

pub(super) struct Case<'a> {
    pub(super) question: &'a Question,
    /// The first one is the platform as a whole.
    pub(super) rated: &'a [Rated],
    pub(super) lengths: Option<&'a LengthRow>,
    pub(super) notes: &'a [Note],
    pub(super) before: &'a Side,
    pub(super) after: &'a Side,
}

pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let barred = case.notes.iter().find(|note| note.weight == Weight::Bars);
    if let Some(note) = barred {
        return Verdict {
            result: Finding::NotEnoughData,
            text: format!("these runs allow no verdict. {}", note.text),
            reasons: Vec::new(),
            hours_needed: None,
        };
    }
    let (worse, better) = findings(case);
    let whole = &case.rated[0];
    let (result, text) = match (worse.is_empty(), better.is_empty()) {
        (false, true) => (Finding::Worse, worse[0].clone()),
        (true, false) => (Finding::Better, better[0].clone()),
        (false, false) => {
            let text = format!("{}; but {}", worse[0], better[0]);
            (Finding::Mixed, text)
        }
        (true, true) => nothing_found(case, whole),
    };
    let settled = matches!(
        result,
        Finding::Worse | Finding::Better | Finding::Mixed | Finding::NoDifference
    );
    Verdict {
        result,
        text,
        reasons: worse.into_iter().chain(better).collect(),
        hours_needed: (!settled).then(|| hours_needed(case, whole)).flatten(),
    }
}

/// What was found to be worse and to be better, in words.
fn findings(case: &Case<'_>) -> (Vec<String>, Vec<String>) {
    let level = case.question.level;
    let risk = 1.0 - level;
    let found: Vec<&RateRow> = (case.rated.iter().map(|rated| &rated.row))
        .filter(|row| row.p_corrected.is_some_and(|p| p <= risk) && !is_trivial(row))
        .collect();
    let (mut worse, mut better) = (Vec::new(), Vec::new());
    for row in &found {
        if found.iter().any(|longer| moved(row, longer)) {
            continue;
        }
        let list = if rose(row) { &mut worse } else { &mut better };
        list.push(words::rate(row, level));
    }
    let lengths = case.lengths.filter(|row| row.p_corrected <= risk);
    if let Some(row) = lengths.filter(|row| !is_trivial_shift(row)) {
        let grew = row.chance_longer > 0.5;
        let list = if grew { &mut worse } else { &mut better };
        list.push(words::lengths(row, level));
    }
    (worse, better)
}

fn rose(row: &RateRow) -> bool {
    row.after.per_hour > row.before.per_hour
}

/// Whether a difference is shown to be too small to care about. Series of a
/// timer are counted so exactly that a crystal's drift may show.
fn is_trivial(row: &RateRow) -> bool {
    match (row.ratio_low, row.ratio_high) {
        (Some(low), Some(high)) => low >= 1.0 / TRIVIAL && high <= TRIVIAL,
        _ => false,
    }
}

fn is_trivial_shift(row: &LengthRow) -> bool {
    let trivial = row.median_before_ns.0 as f64 * (TRIVIAL - 1.0);
    let small = |end: Option<i64>| end.is_some_and(|ns| ns.unsigned_abs() as f64 <= trivial);
    small(row.shift_low_ns) && small(row.shift_high_ns)
}

/// Stalls that became longer are missing among the shorter ones, and the other
/// way round: such a row says the contrary of what it means.
fn moved(row: &RateRow, longer: &RateRow) -> bool {
    let is_longer = row.up_to_ns.is_some_and(|end| longer.above_ns >= end);
    is_longer && row.class == longer.class && rose(row) != rose(longer)
}

/// What can be said where no difference was found: how large one may be hidden.
fn nothing_found(case: &Case<'_>, whole: &Rated) -> (Finding, String) {
    let upper = |side: &Side| {
        let rate = Rate {
            events: side.stalls,
            hours: side.covered_hours,
        };
        rate.upper95_per_hour()
    };
    let (Some(before), Some(after)) = (upper(case.before), upper(case.after)) else {
        return (
            Finding::NotEnoughData,
            "a side has no covered time".to_owned(),
        );
    };
    let Some(ratio) = whole.ratio else {
        let finding = match before.max(after) <= RARE_PER_HOUR {
            true => Finding::NoDifference,
            false => Finding::NotEnoughData,
        };
        return (finding, words::none_seen(before, after));
    };
    let margin = case.question.margin;
    let (low, high) = (ratio.low, ratio.high.unwrap_or(f64::INFINITY));
    let hidden = words::hidden(low, ratio.high, case.question.level);
    if high <= margin && low >= 1.0 / margin {
        return (Finding::NoDifference, hidden);
    }
    if high <= margin {
        return (Finding::NotWorse, hidden);
    }
    if after <= RARE_PER_HOUR {
        return (Finding::NotWorse, words::rare(after, &hidden));
    }
    (Finding::NotEnoughData, hidden)
}

fn hours_needed(case: &Case<'_>, whole: &Rated) -> Option<HoursNeeded> {
    let risk = (1.0 - case.question.level) * FIRST_SHARE;
    let hours = case.before.covered_hours + case.after.covered_hours;
    let stalls = case.before.stalls + case.after.stalls;
    let margin = case.question.margin;
    let (each_side, assumption) = match stalls {
        0 => (
            hours_for_zero_to_show(RARE_PER_HOUR)?,
            "that no stall is seen then either: fewer than one an hour are shown with 95 % \
             confidence"
                .to_owned(),
        ),
        _ => (
            hours_to_tell(stalls as f64 / hours, margin, whole.dispersion, risk)?,
            format!(
                "four runs a side or more, and that stalls keep coming at the mean rate of both \
                 sides and vary as they do; rates that differ by a factor of {margin} are then told apart in {:.0} of 100 \
                 such comparisons",
                POWER * 100.0
            ),
        ),
    };
    let more = |side: &Side| (each_side - side.covered_hours).max(0.0);
    Some(HoursNeeded {
        each_side,
        more_before: more(case.before),
        more_after: more(case.after),
        assumption,
    })
}
