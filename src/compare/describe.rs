//! Lengths, time lost and the worst case of both sides.

use crate::stats::dispersion::blocks_of_runs;
use crate::stats::location::{self, Measured, Shift};
use crate::stats::mean_difference::{self, Part};
use crate::stats::rates::Rate;
use crate::text::human;
use crate::units::Nanos;

use super::Question;
use super::events::Series;
use super::model::{LengthRow, Lost, Worst};
use super::rates::block_of;

/// How the lengths differ; the corrected chance is filled in later.
pub(super) fn lengths(sides: [&[Series]; 2], question: &Question) -> Option<LengthRow> {
    let [before, after] = sides.map(measured);
    let Shift {
        chance_longer,
        shift_ns,
        low_ns,
        high_ns,
        p,
    } = location::compare(&before, &after, question.level)?;
    Some(LengthRow {
        median_before_ns: median(before),
        median_after_ns: median(after),
        chance_longer,
        shift_ns,
        shift_low_ns: low_ns,
        shift_high_ns: high_ns,
        p,
        p_corrected: p,
    })
}

/// The lengths of a side, each with the block of its run.
fn measured(runs: &[Series]) -> Vec<Measured> {
    let mut first = 0;
    let mut lengths = Vec::new();
    for (run, count) in runs.iter().zip(blocks(runs)) {
        lengths.extend(run.events.iter().map(|event| Measured {
            length: event.length,
            block: first + block_of(event, count),
        }));
        first += count;
    }
    lengths
}

fn blocks(runs: &[Series]) -> Vec<usize> {
    blocks_of_runs(&runs.iter().map(|run| run.hours).collect::<Vec<f64>>())
}

fn median(mut lengths: Vec<Measured>) -> Nanos {
    let middle = lengths.len() / 2;
    lengths.select_nth_unstable(middle).1.length
}

/// Time lost an hour.
pub(super) fn lost(sides: [&[Series]; 2], question: &Question) -> Lost {
    let [before, after] = sides.map(parts);
    let difference = mean_difference::compare(&before, &after, question.level);
    let interval = difference.and_then(|difference| difference.interval);
    Lost {
        before_ns_per_hour: difference.map(|difference| difference.before),
        after_ns_per_hour: difference.map(|difference| difference.after),
        difference_ns_per_hour: difference.map(|both| both.after - both.before),
        low_ns_per_hour: interval.map(|(low, _)| low),
        high_ns_per_hour: interval.map(|(_, high)| high),
    }
}

fn parts(runs: &[Series]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (run, count) in runs.iter().zip(blocks(runs)) {
        let hours = run.hours / count as f64;
        let first = parts.len();
        parts.resize(first + count, Part { amount: 0.0, hours });
        for event in &run.events {
            parts[first + block_of(event, count)].amount += event.length.0 as f64;
        }
    }
    parts
}

/// The longest stalls. A maximum grows with the time measured and hangs on one
/// stall, so it is bounded, not tested.
pub(super) fn worst(sides: [&[Series]; 2]) -> Worst {
    let mut all: Vec<(Nanos, usize)> = (sides.iter().enumerate())
        .flat_map(|(side, runs)| {
            let events = runs.iter().flat_map(|run| &run.events);
            events.map(move |event| (event.length, side))
        })
        .collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    let hours = sides.map(|runs| runs.iter().map(|run| run.hours).sum::<f64>());
    let longest = |side| {
        all.iter()
            .find(|(_, of)| *of == side)
            .map(|(length, _)| *length)
    };
    let maxima = [longest(0), longest(1)];
    // Equal maxima leave no side ahead.
    let row = {
        let [before, after] = maxima.map(Option::unwrap_or_default);
        let (limit, ahead) = (before.min(after), usize::from(after > before));
        let longer = |(length, side): &&(Nanos, usize)| *length > limit && *side == ahead;
        all.iter().filter(longer).count()
    };
    // As many of the longest all before, or all after: each falls on a side in
    // proportion to its hours.
    let total = hours[0] + hours[1];
    let chance = (total > 0.0 && row > 0).then(|| {
        let power = i32::try_from(row).unwrap_or(i32::MAX);
        hours.iter().map(|own| (own / total).powi(power)).sum()
    });
    Worst {
        before_ns: maxima[0],
        after_ns: maxima[1],
        longest_on_one_side: row as u64,
        chance,
        text: words(&all, maxima, hours, row),
    }
}

fn words(
    all: &[(Nanos, usize)],
    maxima: [Option<Nanos>; 2],
    hours: [f64; 2],
    beyond: usize,
) -> String {
    let caveat = "A maximum grows with the time measured and hangs on a single stall: that one \
                  side's is longer shows nothing by itself.";
    let names = ["before", "after"];
    let Some(&(longest, leader)) = all.first() else {
        return "No stall was seen on either side; longer and rarer ones may still come."
            .to_owned();
    };
    let other = 1 - leader;
    if maxima[0] == maxima[1] {
        return format!("The longest stall of both sides is {longest}. {caveat}");
    }
    let bound = Rate {
        events: 0,
        hours: hours[other],
    };
    let mut text = format!(
        "The longest stall of all, {longest}, fell {}. ",
        names[leader]
    );
    if let Some(limit) = maxima[other] {
        text.push_str(&format!(
            "{beyond} of that side exceeded the longest {}, {limit}. ",
            names[other]
        ));
    }
    if let Some(upper) = bound.upper95_per_hour() {
        text.push_str(&format!(
            "None as long was seen {}: with 95 % confidence there are at most {} an hour. ",
            names[other],
            human::three_digits(upper)
        ));
    }
    text.push_str(caveat);
    text
}
