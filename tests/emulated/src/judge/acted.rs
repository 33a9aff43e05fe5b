//! What was done about gaps: each action was carried out, soon enough, and
//! trace-cmd reads events right before and after the gap out of the trace.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Outcome;
use crate::report::{Action, Report};
use crate::scenario::{Acted, Around};
use crate::units::{display, nanoseconds};

pub fn judge(outcome: &mut Outcome, expect: &Acted, report: &Report, results: &Path) -> Result<()> {
    let actions = report.run.actions.iter().flat_map(|all| &all.actions);
    let actions: Vec<_> = actions.collect();
    outcome.require(!actions.is_empty(), "no action is told of");
    for (kind, within) in &expect.within {
        let named = |action: &&&Action| action.action.starts_with(kind.as_str());
        let Some(action) = actions.iter().find(named) else {
            outcome.require(false, format!("no action {kind} is told of"));
            continue;
        };
        let most = nanoseconds(within)?;
        let soon = action.latency_max_ns.is_some_and(|latency| latency <= most);
        let done = format!("{kind}: {} times, at most ", action.done);
        let latency = action.latency_max_ns.map_or("?".into(), display);
        outcome.figures.push(done + &latency);
        outcome.require(
            action.done > 0 && action.failed == 0 && soon,
            format!("action {action:?}, at most {within} after the gap was due"),
        );
    }
    match &expect.trace {
        Some(trace) => judge_trace(outcome, trace, report, &actions, results),
        None => Ok(()),
    }
}

fn judge_trace(
    outcome: &mut Outcome,
    expect: &Around,
    report: &Report,
    actions: &[&Action],
    results: &Path,
) -> Result<()> {
    let runs = actions.iter().flat_map(|action| &action.runs);
    let mut runs = runs.filter(|run| run.file.as_deref() == Some(&*expect.file));
    let Some(start) = runs.next().and_then(|run| run.start_cycles) else {
        outcome.require(false, format!("no gap has the trace {}", expect.file));
        return Ok(());
    };
    let start = report.origin()? + start;
    let file = results.join(&expect.file);
    let output = Command::new("trace-cmd")
        .arg("report")
        .arg("-i")
        .arg(&file)
        .output();
    let output = output.context("trace-cmd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let around = (nanoseconds(&expect.around)? as f64 * report.tsc.hz / 1e9) as u64;
    // "task-pid [cpu]time: event", in cycles.
    let times: Vec<u64> = text
        .lines()
        .filter_map(|line| {
            let time = line.split_once(']')?.1.split_once(':')?.0;
            time.trim().parse().ok()
        })
        .collect();
    for (name, has) in [
        (
            "before",
            times
                .iter()
                .any(|time| (start - around..start).contains(time)),
        ),
        (
            "after",
            times
                .iter()
                .any(|time| (start + 1..start + around).contains(time)),
        ),
    ] {
        outcome.require(
            has,
            format!(
                "no event in the {} {name} the gap at {start}: {times:?}",
                expect.around
            ),
        );
    }
    outcome.require(
        text.contains(&format!("start_tsc={start} ")),
        "the trace has no mark of its gap",
    );
    Ok(())
}
