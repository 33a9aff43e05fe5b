//! `hwgap run`: plan, prepare, sample, judge, show, save.

mod engine;
mod output;
mod policy;
mod presenter;
mod turns;

use std::path::PathBuf;

use crate::attribution::Platform;
use crate::cli::RunArgs;
use crate::evidence::MachineFacts;
use crate::evidence::watches::{FrozenOnSmi, RegisterSources};
use crate::host::Host;
use crate::host::cpuid_facts::CpuidFacts;
use crate::host::root::Root;
use crate::judgement::{Case, exclude_unsteady_gaps, recast_aligned_stalls};
use crate::plan::RunPlan;
use crate::preparation::prepare;
use crate::report::assemble::{Particulars, assemble};
use crate::report::inventory::{self, SerialNumbers};
use crate::report::model::{EngineName, Outcome};
use crate::sampler::{Readings, SamplingPlan, Script, Window};
use crate::selftest::store;
use crate::session::{ClockWatch, Limits, Pace, Rate, StopOnGap, Timeline};
use crate::sys::signals::EndSignals;
use crate::sys::{cpuid, sched};
use crate::units::{Cycles, Hertz, Nanos};

use super::measure::{first_rate, setting, throttling};
use super::{Exit, Failure};
use engine::{Scripts, choose};
use policy::Acceptance;
use turns::Turns;

pub(super) use output::Sinks;
pub(super) use presenter::{Presenter, Start, on_terminal};

pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let plan = |host: &Host| RunPlan::new(args, host).map_err(Failure::usage);
    measure(args, plan, presenter::Outputs::default())
}

/// Measures by a plan that is made of `args` and the host, and hands the report
/// to the presenter.
///
/// # Errors
/// Where the plan is wrong, or the machine cannot be measured by it.
pub(super) fn measure(
    args: &RunArgs,
    plan: impl FnOnce(&Host) -> Result<RunPlan, Failure>,
    mut presenter: impl Presenter,
) -> Result<Exit, Failure> {
    let root = args.host_root.clone().map_or_else(Root::live, Root::at);
    let scripts = scripts(args)?;
    let mut timeline = match &scripts {
        Some(scripts) => Timeline::scripted(Hertz(scripts.user.hz)),
        None => Timeline::live(),
    };
    let host = Host::read(&root);
    let plan = plan(&host)?;
    let acceptance = Acceptance::load(args, &plan)?;
    let cpuid = match args.host_root {
        Some(_) => CpuidFacts::read(&root).map_err(Failure::usage)?,
        None => cpuid::facts(),
    };
    let machine = MachineFacts::new(cpuid, &host);
    let scripted = scripts.is_some();
    let choices = choose(&plan, scripts, &root, &host, &machine)?;
    let mut progress = presenter.begin(&Start {
        plan: &plan,
        platform: machine.platform(),
        engines: choices.iter().map(|choice| &choice.chosen).collect(),
    })?;
    let signals = EndSignals::listen()
        .map_err(|error| Failure::NoVerdict(format!("signals cannot be listened for: {error}")))?;
    let serials = match args.with_serials {
        true => SerialNumbers::Stored,
        false => SerialNumbers::LeftOut,
    };
    let inventory = inventory::collect(&root, &host, &plan.cpus, serials);
    let prepared = prepare(&plan.housekeeping, &host, &root);
    let first = first_rate(&machine, &mut timeline);

    let setting = setting(&machine, &host);
    let throttling = throttling(&host, &plan.cpus, &root);
    let limits = Limits {
        hardlimit: first.hz.to_cycles(plan.hardlimit),
        threshold: first.hz.to_cycles(plan.threshold),
        hz: first.hz,
        stop_on_gap: if plan.stop_on_gap {
            StopOnGap::Yes
        } else {
            StopOnGap::No
        },
        throttling,
        setting,
        pace: pace(&plan, scripted),
    };
    let smi_sources = (plan.cpus.iter())
        .map(|cpu| machine.smi_sources(&root, &host, cpu))
        .collect();
    let pmu = host.smi_sources.msr_pmu.as_ref();
    let frozen = FrozenOnSmi::prepare(&root, plan.freeze_on_smi);
    let registers = RegisterSources::find(
        &root,
        pmu.map_err(ToString::to_string),
        frozen.as_ref().map(|_| ()).map_err(Clone::clone),
    );
    let turns = Turns {
        plan: &plan,
        machine: &machine,
        root: &root,
        sampling: sampling_plan(&plan, &machine, first.hz, registers),
        smi_sources,
        limits,
        stopper: &signals,
    };
    let clock = ClockWatch::begin(root.clone(), host.cpu_model.flags.clone().ok());
    let mut turns = turns.take(&choices, timeline, clock, progress.as_mut())?;
    // The machine is to be as before as soon as nothing counts any more.
    drop(frozen);
    let fitted = turns[0].collected.timeline.rate();
    let rate = match machine.tsc_rate() {
        Some(hz) if !scripted => Rate { hz, ..fitted },
        _ => fitted,
    };
    for turn in &mut turns {
        exclude_unsteady_gaps(&mut turn.collected, limits.hardlimit, rate.hz);
        recast_aligned_stalls(&mut turn.collected, rate.hz);
    }

    let cases: Vec<Case<'_>> = (turns.iter())
        .map(|turn| Case {
            plan: &plan,
            host: &host,
            machine: &machine,
            preparation: &prepared.facts,
            chosen: &choices[turn.choice].chosen,
            collected: &turn.collected,
            fitted,
            rate,
        })
        .collect();
    let selftest = match scripted {
        true => None,
        false => store::default_path().and_then(|path| store::load(&path, &host)),
    };
    let command_line = std::env::args().collect::<Vec<_>>().join(" ");
    let particulars = Particulars {
        command_line: &command_line,
        engine: EngineName::of_turns(
            &(choices.iter())
                .map(|choice| choice.chosen.engine)
                .collect::<Vec<_>>(),
        ),
        hz_source: match (scripted, machine.tsc_rate()) {
            (true, _) => "script",
            (false, Some(_)) => "CPUID 15h",
            (false, None) => "fit to CLOCK_MONOTONIC_RAW over the run",
        },
        setting,
        throttling,
        selftest: selftest.as_ref(),
        inventory: &inventory,
        scripted,
    };
    let report = assemble(&cases, particulars);
    presenter.end(&report)?;
    let outcome = match acceptance {
        Some(acceptance) => acceptance.judge(&report, &plan.outputs)?,
        None => report.verdict.result,
    };
    Ok(match outcome {
        Outcome::Pass => Exit::Good,
        Outcome::Fail => Exit::Latency,
        Outcome::Inconclusive => Exit::NoVerdict,
    })
}

fn scripts(args: &RunArgs) -> Result<Option<Scripts>, Failure> {
    let load = |path: &Option<PathBuf>| {
        let script = path.as_deref().map(Script::load);
        script.transpose().map_err(Failure::usage)
    };
    let bpf = load(&args.second_script)?;
    Ok(load(&args.script)?.map(|user| Scripts { user, bpf }))
}

/// How often to collect. Where all CPUs are sampled, the collector must come
/// before the samplers, or records would be lost until they pause.
fn pace(plan: &RunPlan, scripted: bool) -> Pace {
    if scripted || !plan.housekeeping.is_empty() {
        return Pace::OwnCpu;
    }
    // Without the right to it, the samplers have no such priority either.
    let _ = sched::set_fifo(plan.priority + 1);
    Pace::SharedCpu
}

fn sampling_plan(
    plan: &RunPlan,
    machine: &MachineFacts,
    hz: Hertz,
    registers: RegisterSources,
) -> SamplingPlan {
    let cycles = |length: Nanos| -> Cycles { hz.to_cycles(length) };
    SamplingPlan {
        cpus: plan.cpus.iter().collect(),
        threshold: cycles(plan.threshold),
        duration: cycles(plan.duration),
        window: if plan.width == plan.window {
            Window::Continuous
        } else {
            Window::Partial {
                width: cycles(plan.width),
                window: cycles(plan.window),
            }
        },
        priority: plan.priority,
        hz,
        smi_readings: match machine.platform() {
            Platform::BareMetal => Readings::AfterGaps,
            Platform::Guest => Readings::StartAndEnd,
        },
        registers,
    }
}
