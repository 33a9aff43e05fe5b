//! What was done about gaps, and the load that the run was made under.

use crate::model::{ActionReport, ActionWhen, CommandReport, Report, Run};
use crate::render::document::{Block, Rank, Section};
use crate::render::style::Ink;
use crate::text::human;
use crate::units::cpulist::CpuList;

pub(super) fn section(report: &Report<()>) -> Option<Section> {
    let run = &report.run;
    let load = (run.command.iter()).map(|load| Block::Facts(vec![("Load", loaded(load).1)]));
    let actions = run.actions.as_ref().map(|all| all.actions.as_slice());
    let rows = actions.unwrap_or_default().iter().map(|action| {
        vec![
            action.action.clone(),
            done(action),
            latency(action).unwrap_or_default(),
            told(action),
        ]
    });
    let header = [
        "action",
        "carried out",
        "begun after the gap",
        "first trouble, or result",
    ];
    let blocks = load.chain([Block::table(header, rows)]).collect();
    super::section("Actions and load", Rank::Detail, blocks)
}

/// The load and each action in a line, what went wrong in its ink; of many
/// actions the first.
pub(in crate::render) fn in_short(run: &Run) -> Vec<(Ink, &'static str, String)> {
    let load = run.command.as_ref().map(|load| {
        let (ink, text) = loaded(load);
        (ink, "Load", text)
    });
    let actions = run
        .actions
        .iter()
        .flat_map(|all| all.actions.iter().take(2));
    let actions = actions.map(|action| {
        let ink = match action.failed {
            0 => Ink::Plain,
            _ => Ink::Bad,
        };
        let after = latency(action).map(|latency| format!(", begun {latency} after the gap"));
        let told = match told(action).as_str() {
            "" => String::new(),
            told => format!(" ({told})"),
        };
        let (done, after) = (done(action), after.unwrap_or_default());
        (
            ink,
            "Action",
            format!("{done}{after}{told}: {}", action.action),
        )
    });
    load.into_iter().chain(actions).collect()
}

fn loaded(load: &CommandReport) -> (Ink, String) {
    let beside = match load.on_sampled {
        true => ", sampled ones too",
        false => "",
    };
    let elapsed = load.elapsed_ns.map_or(String::new(), |elapsed| {
        format!(", {}", human::length(elapsed))
    });
    let used = match (load.user_ns, load.system_ns) {
        (Some(user), Some(system)) => {
            format!(
                ", user {}, system {}",
                human::length(user),
                human::length(system)
            )
        }
        _ => String::new(),
    };
    let rss = load
        .max_rss_kib
        .map(|rss| format!(", {} MiB", human::grouped(rss / 1024)));
    let used = used + &rss.unwrap_or_default();
    let (ink, end) = match (load.trouble(), load.was_ended) {
        (Some(trouble), _) => (Ink::Bad, trouble),
        (None, Some(true)) => (Ink::Plain, String::from("ended with the run")),
        (None, Some(false)) => (Ink::Plain, String::from("exit status 0")),
        (None, None) => (Ink::Plain, String::from("still running")),
    };
    let line = load.arguments.join(" ");
    let cpus = load.cpus.parse().map(|cpus: CpuList| cpus.named());
    let cpus = cpus.unwrap_or_else(|_| load.cpus.clone());
    (
        ink,
        format!("{line}: {end}{elapsed}{used}; on {cpus}{beside}"),
    )
}

fn done(action: &ActionReport) -> String {
    let when = match action.when {
        ActionWhen::Gap => "",
        ActionWhen::End => " at the end",
    };
    let mut text = format!("{}{when}", human::counted(action.done, "time"));
    for (count, what) in [
        (action.failed, "FAILED"),
        (action.busy, "left out as it was busy"),
        (action.beyond_limit, "left out beyond the limit"),
    ] {
        if count > 0 {
            text += &format!(", {} {what}", human::grouped(count));
        }
    }
    text
}

fn latency(action: &ActionReport) -> Option<String> {
    let (mean, worst) = (action.latency_mean_ns?, action.latency_max_ns?);
    Some(match mean == worst {
        true => human::length(worst),
        false => format!("{}, at most {}", human::length(mean), human::length(worst)),
    })
}

fn told(action: &ActionReport) -> String {
    let trouble = action.runs.iter().find_map(|run| run.error.clone());
    let result = || {
        action
            .runs
            .iter()
            .find_map(|run| run.file.clone().or(run.output.clone()))
    };
    trouble.or_else(result).unwrap_or_default()
}
