//! From a finished run to its report.

mod gaps;
pub mod merge;
mod rows;
pub mod watched;

use crate::attribution::Throttling;
use crate::changes::Earlier;
use crate::evidence::MachineFacts;
use crate::host::Host;
use crate::host::root::Known;
use crate::judgement::assembly::gaps::gaps_of;
use crate::judgement::assembly::rows::rows;
use crate::judgement::{
    Case, account, action_findings, compare, earlier_changes, judge, list_stalls, period,
    periodicity, quieted, stall_events,
};
use crate::model::agreement::EngineReport;
use crate::model::inventory::Inventory;
use crate::model::selftest::SelfTest;
use crate::model::{
    ActionsReport, BiosIdentity, Checkpoints, CommandReport, CpuIdentity, CpuReport, EngineName,
    Gap, HostIdentity, KernelIdentity, LazyGaps, NotSampledReport, Outcome, Privileges, Report,
    Run, SCHEMA, SCHEMA_VERSION, Setting, StreamedEvents, SystemIdentity, Tool, Tsc, TscOffset,
    UtcPoint, Verdict,
};
use crate::plan::{RunPlan, left_out};
use crate::quiet::Quieted;
use crate::session::Timeline;
use crate::units::Cycles;

pub use gaps::GapContext;

/// What a report needs beside the case.
#[derive(Clone, Copy)]
pub struct ReportInput<'a> {
    /// The arguments of this process.
    pub command_line: &'a str,
    pub engine: EngineName,
    /// Where the rate in use comes from.
    pub hz_source: &'a str,
    /// The circumstances in which the gaps were judged at first.
    pub setting: Setting,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
    /// The latest self-test that holds for this host.
    pub selftest: Option<&'a SelfTest>,
    /// Settings and parts of the machine.
    pub inventory: &'a Inventory,
    /// What of the host was changed for the run.
    pub quieted: Option<&'a Quieted>,
    /// What another run has changed of it.
    pub earlier: Option<&'a Earlier>,
    pub scripted: bool,
    /// What was done beside sampling, up to now.
    pub told: &'a RunNotes,
}

#[derive(Clone, Debug, Default)]
pub struct RunNotes {
    pub checkpoints: Option<Checkpoints>,
    /// The gaps written, where they are written as they come.
    pub events: Option<StreamedEvents>,
    /// The rights that it kept and gave up.
    pub privileges: Option<Privileges>,
    /// What was done about gaps, whose starts are TSC values.
    pub actions: Option<ActionsReport>,
    /// The load that it is made under.
    pub command: Option<CommandReport>,
}

/// The report of a run: of one slice, or of several in which engines took
/// turns. Its gaps are made one by one while it is written.
pub fn assemble<'a>(
    cases: &'a [Case<'a>],
    input: ReportInput<'a>,
) -> Report<LazyGaps<impl Fn() -> Box<dyn Iterator<Item = Gap> + 'a>>> {
    let (first, last) = (&cases[0], &cases[cases.len() - 1]);
    let origin = origin(cases);
    let cpus = all_rows(cases, origin);
    let engines = match input.engine {
        several if several.takes_turns() => engines(cases, origin),
        _ => Vec::new(),
    };
    let verdict = match engines
        .iter()
        .map(|engine| &engine.verdict)
        .max_by_key(badness)
    {
        // What one engine calls into question the other cannot settle.
        Some(worst) => Verdict {
            result: worst.result,
            ..judge(cases, &cpus)
        },
        None => judge(cases, &cpus),
    };
    let tsc = tsc(last, &input, origin);
    let stalls = stall_events(cases, origin);
    let series = periodicity::of_events(stalls, verdict.coverage, verdict.subject);
    let mut findings = merge::findings(cases, &cpus);
    // Of a guest's CPUs, each by itself, the same is told already.
    if findings.iter().all(|finding| finding.id != "host-period") {
        findings.extend(periodicity::finding(&series));
    }
    findings.extend(input.earlier.map(earlier_changes));
    findings.extend(action_findings::findings(input.told));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Report {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        run: run(cases, &input, origin),
        host: host_identity(first.host, first.machine),
        tsc,
        evidence: merge::evidence(cases),
        gaps: LazyGaps(move || gaps(cases, input, origin)),
        cpus,
        findings,
        verdict,
        stalls: merge::stalls(cases.iter().map(|case| list_stalls(case, origin))),
        selftest: input.selftest.cloned(),
        quiet_host: (input.quieted).map(|quieted| quieted::report(&quieted.records)),
        inventory: Some(input.inventory.clone()),
        periodicity: Some(series),
        agreement: match engines.as_slice() {
            [] => None,
            engines => Some(compare(cases, engines)),
        },
        engines,
    }
}

/// All recorded gaps, CPU by CPU and in order of time, each made as it is asked
/// for.
fn gaps<'a>(
    cases: &'a [Case<'a>],
    input: ReportInput<'a>,
    origin: Cycles,
) -> Box<dyn Iterator<Item = Gap> + 'a> {
    let count = cases[0].collected.setups.len();
    Box::new((0..count).flat_map(move |index| {
        cases
            .iter()
            .flat_map(move |case| gaps_of(case, input, origin, index))
    }))
}

fn all_rows(cases: &[Case<'_>], origin: Cycles) -> Vec<CpuReport> {
    let mut all = merge::cpus(cases.iter().map(|case| rows(case, origin)));
    for (index, row) in all.iter_mut().enumerate() {
        if let Some(watched) = &mut row.watched {
            watched.gap_period = period(cases, index);
        }
    }
    all
}

fn engines(cases: &[Case<'_>], origin: Cycles) -> Vec<EngineReport> {
    let mut names: Vec<EngineName> = Vec::new();
    for case in cases {
        if !names.contains(&case.chosen.engine) {
            names.push(case.chosen.engine);
        }
    }
    let of = |name| -> Vec<Case<'_>> {
        let own = cases.iter().filter(|case| case.chosen.engine == name);
        own.copied().collect()
    };
    let own = names.into_iter().map(of);
    own.map(|own| account(&own, all_rows(&own, origin)))
        .collect()
}

/// Failed, then open, then passed.
fn badness(verdict: &&Verdict) -> u8 {
    match verdict.result {
        Outcome::Pass => 0,
        Outcome::Inconclusive => 1,
        Outcome::Fail => 2,
    }
}

/// The earliest reading: all cycles of a report count from it.
fn origin(cases: &[Case<'_>]) -> Cycles {
    let totals = cases.iter().flat_map(|case| &case.collected.totals);
    totals.map(|cpu| cpu.first).min().unwrap_or_default()
}

fn run(cases: &[Case<'_>], input: &ReportInput<'_>, origin: Cycles) -> Run {
    let case = &cases[cases.len() - 1];
    let RunPlan {
        threshold,
        hardlimit,
        width,
        window,
        label,
        not_sampled,
        planned,
        ..
    } = case.plan;
    let timeline = &case.collected.timeline;
    let totals = || cases.iter().flat_map(|case| &case.collected.totals);
    let last = totals().map(|cpu| cpu.last).max().unwrap_or_default();
    Run {
        engine: input.engine,
        command_line: input.command_line.to_owned(),
        label: label.clone(),
        started_utc: timeline.utc(origin).rfc3339(),
        ended_utc: timeline.utc(last).rfc3339(),
        elapsed_ns: case.rate.hz.to_nanos(last.since(origin)),
        threshold_ns: *threshold,
        hardlimit_ns: *hardlimit,
        width_ns: *width,
        window_ns: *window,
        planned_ns: *planned,
        warm_up_ns: cases.iter().map(|case| case.chosen.warm_up).max(),
        ended_by: case.collected.ended_by,
        error: totals()
            .find_map(|cpu| cpu.ended_early.map(|why| format!("CPU {}: {why}", cpu.cpu))),
        checkpoints: input.told.checkpoints.clone(),
        events: input.told.events.clone(),
        privileges: input.told.privileges.clone(),
        actions: input
            .told
            .actions
            .clone()
            .map(|actions| actions.from_origin(origin)),
        command: input.told.command.clone(),
        cpus_not_sampled: left_out(not_sampled).to_string(),
        not_sampled: (not_sampled.iter())
            .map(|one| NotSampledReport {
                cpus: one.cpus.to_string(),
                reason: one.reason.clone(),
            })
            .collect(),
        scripted: input.scripted,
    }
}

/// The machine's names, as every document of this program gives them.
pub fn host_identity(host: &Host, machine: &MachineFacts) -> HostIdentity {
    let (identity, cpu, kernel) = (&host.identity, &host.cpu_model, &host.kernel);
    let text = |known: &Known<String>| known.as_ref().ok().cloned();
    let board = [&identity.board.vendor, &identity.board.name];
    let board: Vec<&str> = board
        .iter()
        .filter_map(|part| part.as_deref().ok())
        .collect();
    HostIdentity {
        hostname: text(&identity.hostname),
        machine_id_hash: text(&identity.machine_id_hash),
        system: SystemIdentity {
            vendor: text(&identity.system.vendor),
            product: text(&identity.system.name),
            board: (!board.is_empty()).then(|| board.join(" ")),
        },
        bios: BiosIdentity {
            vendor: text(&identity.bios.vendor),
            version: text(&identity.bios.version),
            date: text(&identity.bios.date),
        },
        cpu: CpuIdentity {
            vendor: text(&cpu.vendor),
            model_name: text(&cpu.name),
            family: cpu.family.as_ref().ok().copied(),
            model: cpu.model.as_ref().ok().copied(),
            stepping: cpu.stepping.as_ref().ok().copied(),
            microcode: text(&cpu.microcode),
        },
        kernel: KernelIdentity {
            release: kernel
                .release
                .as_ref()
                .ok()
                .map(|release| release.as_str().to_owned()),
            command_line: kernel
                .command_line
                .as_ref()
                .ok()
                .map(|line| line.text.clone()),
        },
        hypervisor: machine.hypervisor.as_ref().map(ToString::to_string),
    }
}

/// The course of the time of day. What lies before the first sample is given
/// as the first sample, by the same line.
pub(crate) fn utc_points(timeline: &Timeline, origin: Cycles) -> Vec<UtcPoint> {
    let points = timeline.utc_points();
    let at = |tsc: Cycles| UtcPoint {
        cycles: tsc.since(origin),
        utc: timeline.utc(tsc).rfc3339(),
    };
    std::iter::once(origin)
        .chain(points.into_iter().filter(|&tsc| tsc > origin))
        .map(at)
        .collect()
}

fn tsc(case: &Case<'_>, input: &ReportInput<'_>, origin: Cycles) -> Tsc {
    let clock = &case.collected.clock;
    let flags = case.host.cpu_model.flags.as_ref();
    let setups = &case.collected.setups;
    Tsc {
        origin: origin.0.to_string(),
        hz: case.rate.hz.0,
        hz_source: input.hz_source.to_owned(),
        hz_error_ppm: Some(case.rate.error_ppm),
        invariant: Some(case.machine.tsc_is_invariant()),
        flags: flags
            .map(|flags| flags.about_tsc().into_iter().map(str::to_owned).collect())
            .unwrap_or_default(),
        granularity_cycles: setups
            .iter()
            .map(|setup| setup.calibration.granularity.0)
            .min(),
        clocksource_start: clock.start().map(str::to_owned),
        clocksource_end: clock.end().map(str::to_owned),
        clocksource_changes: clock.changes().to_vec(),
        offsets: setups
            .iter()
            .filter_map(|setup| {
                setup.offset.map(|offset| TscOffset {
                    cpu: setup.cpu,
                    offset_cycles: offset.cycles,
                    error_cycles: offset.error,
                })
            })
            .collect(),
        utc_points: utc_points(&case.collected.timeline, origin),
        utc_error_ns: Some(case.collected.timeline.utc_error()),
        utc_steps: watched::utc_steps(case, origin),
        steps: watched::steps(case, origin),
        log: watched::log(case),
    }
}
