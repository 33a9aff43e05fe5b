//! Times of day, and their order.

use jiff::Timestamp;

use crate::model::EndedBy;
use crate::read::brief::{Brief, Time, Times};
use crate::read::consistency::{Checked, Contradiction, must};
use crate::units::Nanos;

/// A clock that is right may be ahead of the reader's by this much.
const AHEAD_S: i64 = 86_400;
/// What the kernel's slewing and the ends of a run make of a time, at most, in
/// nanoseconds, and as a share of it.
const ROUGHLY: i128 = 2_000_000_000;
const SLEWED: i128 = 500;

pub(super) fn check(report: &Brief<'_>) -> Checked {
    let run = &report.run;
    let started = time("run.started_utc", &run.started_utc)?;
    let ended = time("run.ended_utc", &run.ended_utc)?;
    let ahead = started
        .as_second()
        .saturating_sub(Timestamp::now().as_second());
    must(ahead <= AHEAD_S, || {
        format!("run.started_utc {} is in the future", &*run.started_utc)
    })?;
    let course = &report.tsc.utc_points;
    for (name, times) in [
        ("tsc.utc_points", &course.times),
        ("stalls", &stalls(report)),
        ("gaps", &gaps(report)),
    ] {
        if let Some(bad) = &times.bad {
            return must(false, || {
                format!("a time of {name} is {bad:?}, which is none")
            });
        }
    }
    planned(report)?;
    if report
        .tsc
        .steps
        .as_ref()
        .is_some_and(|steps| !steps.is_empty())
    {
        // The clocks went apart; the report says where.
        return Ok(());
    }
    let elapsed = i128::from(run.elapsed_ns.0);
    let margin = ROUGHLY + elapsed / SLEWED + stepped(report)?.abs();
    let shown = ended.as_nanosecond() - started.as_nanosecond();
    must((shown - elapsed).abs() <= margin, || {
        format!(
            "from run.started_utc {} to run.ended_utc {} is not run.elapsed_ns {}",
            &*run.started_utc, &*run.ended_utc, run.elapsed_ns.0
        )
    })?;
    let shown = Span::new([started, ended], &course.times)?;
    for (name, times) in [("stall", stalls(report)), ("gap", gaps(report))] {
        for at in [times.first, times.last].into_iter().flatten() {
            let at = of_form(name, &at)?;
            let inside = shown.first - margin <= at && at <= shown.last + margin;
            must(inside, || {
                format!(
                    "a {name} began outside the run, which was from {} to {}",
                    &*run.started_utc, &*run.ended_utc
                )
            })?;
        }
    }
    Ok(())
}

/// A run that its duration ended lasted for it. A script may end before.
fn planned(report: &Brief<'_>) -> Checked {
    let run = &report.run;
    let Some(planned) = run.planned_ns else {
        return Ok(());
    };
    let least = Nanos(planned.0 / 10 * 9).saturating_sub(Nanos::SECOND);
    let whole = run.ended_by != EndedBy::Duration || run.scripted || run.elapsed_ns >= least;
    must(whole, || {
        format!(
            "run.ended_by is duration, but run.elapsed_ns {} is less than run.planned_ns {}",
            run.elapsed_ns.0, planned.0
        )
    })
}

/// By how much the time of day went ahead of the TSC between the first and the
/// last point of its course.
fn stepped(report: &Brief<'_>) -> Result<i128, Contradiction> {
    let course = &report.tsc.utc_points;
    let (Some(first), Some(last)) = (&course.first, &course.last) else {
        return Ok(0);
    };
    let shown = time("tsc.utc_points", &last.utc)?.as_nanosecond()
        - time("tsc.utc_points", &first.utc)?.as_nanosecond();
    let cycles = last.cycles.since(first.cycles).0 as f64;
    Ok(shown - (cycles * 1e9 / report.tsc.hz) as i128)
}

/// The times that the clock showed in a run.
struct Span {
    first: i128,
    last: i128,
}

impl Span {
    fn new(ends: [Timestamp; 2], course: &Times) -> Result<Span, Contradiction> {
        let ends = ends.map(|end| end.as_nanosecond());
        let mut span = Span {
            first: ends[0].min(ends[1]),
            last: ends[0].max(ends[1]),
        };
        for point in [course.first, course.last].into_iter().flatten() {
            let point = of_form("tsc.utc_points", &point)?;
            span.first = span.first.min(point);
            span.last = span.last.max(point);
        }
        Ok(span)
    }
}

fn stalls(report: &Brief<'_>) -> Times {
    let times = report.stalls.as_ref().map(|stalls| stalls.times());
    times.cloned().unwrap_or_default()
}

fn gaps(report: &Brief<'_>) -> Times {
    let times = report.gaps.as_ref().map(|gaps| gaps.times.clone());
    times.unwrap_or_default()
}

fn of_form(name: &str, text: &Time) -> Result<i128, Contradiction> {
    let text = str::from_utf8(text).unwrap_or_default();
    time(name, text).map(Timestamp::as_nanosecond)
}

fn time(name: &str, text: &str) -> Result<Timestamp, Contradiction> {
    let time: Option<Timestamp> = text.parse().ok().filter(|_| text.ends_with('Z'));
    time.ok_or_else(|| Contradiction(format!("{name} {text:?} is no time in UTC")))
}
