//! What a run did about gaps, and the command that it was for.

use crate::model::{ActionReport, ActionWhen, EndedBy};
use crate::read::brief::{ActionInBrief, ActionsInBrief, Brief, CommandInBrief};
use crate::read::consistency::counts::reach;
use crate::read::consistency::{Checked, must, slack};
use crate::units::cpulist::CpuList;
use crate::units::{Hertz, Nanos};

/// What a command or an action may come late, or last longer than the run: each is
/// waited for before sampling begins or at the end.
const BESIDE: Nanos = Nanos(60_000_000_000);
/// Gaps that an action whose thread has failed leaves without an account: those that
/// wait, and the one at hand.
const UNTOLD: u64 = ActionReport::WAITING as u64 + 1;

pub(super) fn check(report: &Brief<'_>) -> Checked {
    let run = &report.run;
    must(
        run.ended_by != EndedBy::Command || run.command.is_some(),
        || "run.ended_by is command, but there is no run.command".to_owned(),
    )?;
    if let Some(load) = &run.command {
        command(load, report)?;
    }
    let Some(all) = &run.actions else {
        return Ok(());
    };
    let (asked, seen) = (all.gaps, report.cpus.gaps_seen);
    // In mid-run something is done about gaps that are not judged yet.
    must(run.ended_by == EndedBy::Running || asked <= seen, || {
        format!("run.actions.gaps is {asked}, more than the cpus count, {seen}")
    })?;
    let is_at_gaps = |one: &ActionInBrief| one.when == ActionWhen::Gap;
    must(
        all.above_ns.is_some() == all.actions.iter().any(is_at_gaps),
        || "run.actions.above_ns does not fit the actions at gaps".to_owned(),
    )?;
    let threshold = report.run.threshold_ns;
    must(
        (all.above_ns).is_none_or(|above| above.saturating_add(slack(threshold)) >= threshold),
        || "run.actions.above_ns is less than run.threshold_ns".to_owned(),
    )?;
    (all.actions.iter())
        .enumerate()
        .try_for_each(|(n, one)| action(&format!("run.actions.actions[{n}]"), one, all, report))
}

fn action(name: &str, one: &ActionInBrief, all: &ActionsInBrief, report: &Brief<'_>) -> Checked {
    let run = &report.run;
    let carried_out = one.done.saturating_add(one.failed);
    let counted = carried_out
        .saturating_add(one.busy)
        .saturating_add(one.beyond_limit);
    let (least, most) = match one.when {
        ActionWhen::End => (0, 1),
        // Those at work are in no account yet.
        ActionWhen::Gap if run.ended_by == EndedBy::Running => (0, all.gaps),
        ActionWhen::Gap => (all.gaps.saturating_sub(UNTOLD), all.gaps),
    };
    must((least..=most).contains(&counted), || {
        format!(
            "{name} accounts for {counted} gaps, run.actions.gaps is {}",
            all.gaps
        )
    })?;
    let told = one.runs.len() as u64;
    must(told <= carried_out, || {
        format!("{name} was carried out {carried_out} times, but lists {told}")
    })?;
    let wrong = (one.runs.iter()).filter(|run| run.error.is_some()).count() as u64;
    must(wrong <= one.failed && told - wrong <= one.done, || {
        format!(
            "{name} failed {} times, but lists {wrong} that failed",
            one.failed
        )
    })?;
    let longest = (one.runs.iter()).filter_map(|run| run.latency_ns).max();
    let worst = one.latency_max_ns;
    must(
        one.latency_mean_ns.is_some() == worst.is_some()
            && one.latency_mean_ns <= worst
            && longest <= worst
            && (worst.is_none() || carried_out > 0),
        || format!("latency_max_ns of {name} does not fit the others"),
    )?;
    let latest = reach(run.elapsed_ns).saturating_add(BESIDE);
    must(worst.is_none_or(|worst| worst <= latest), || {
        format!("latency_max_ns of {name} is longer than the run")
    })?;
    for of in one.runs.iter() {
        let is_of_gap = one.when == ActionWhen::Gap;
        must(
            of.cpu.is_some() == is_of_gap && of.start_cycles.is_some() == is_of_gap,
            || format!("a gap is missing or named in the wrong place in {name}"),
        )?;
        must(
            of.cpu.is_none_or(|cpu| report.cpus.list.contains(cpu)),
            || format!("{name} has a gap of a CPU that is not sampled"),
        )?;
        let start = of.start_cycles.unwrap_or_default();
        must(
            Hertz(report.tsc.hz).to_nanos(start) <= reach(run.elapsed_ns),
            || format!("{name} has a gap after the end of the run"),
        )?;
    }
    Ok(())
}

fn command(load: &CommandInBrief<'_>, report: &Brief<'_>) -> Checked {
    let run = &report.run;
    must(!load.arguments.is_empty(), || {
        "run.command.arguments is empty".to_owned()
    })?;
    must(
        run.ended_by != EndedBy::Command || load.was_ended != Some(true),
        || "run.ended_by is command, but run.command.was_ended is true".to_owned(),
    )?;
    must(load.exit_status.is_none() || load.signal.is_none(), || {
        "run.command has an exit_status and a signal".to_owned()
    })?;
    let cpus: Option<CpuList> = load.cpus.parse().ok();
    let cpus = cpus.filter(|cpus| !cpus.is_empty());
    let sampled = &report.cpus.list;
    must(
        (cpus.as_ref())
            .is_some_and(|cpus| load.on_sampled || cpus.intersection(sampled).is_empty()),
        || "run.command.cpus is no list of CPUs that fits on_sampled".to_owned(),
    )?;
    let elapsed = load.elapsed_ns.unwrap_or_default();
    must(
        run.scripted || elapsed <= reach(run.elapsed_ns).saturating_add(BESIDE),
        || format!("run.command.elapsed_ns {elapsed} is longer than the run"),
    )?;
    let used =
        (load.user_ns.unwrap_or_default()).saturating_add(load.system_ns.unwrap_or_default());
    let most = cpus.map_or(0, |cpus| cpus.len() as u64);
    must(used.0 <= reach(elapsed).0.saturating_mul(most), || {
        format!("run.command took {used} of {most} CPUs in {elapsed}")
    })
}
