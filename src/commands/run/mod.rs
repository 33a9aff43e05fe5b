//! `hwgap run`: plan, prepare, sample, judge, show, save.

mod assembly;
mod engine;
mod ongoing;
mod output;
mod policy;
mod presenter;
mod quieting;
mod sampling;
mod scripted;
mod turns;

use crate::actions::load::{Load, LoadWatch};
use crate::cli::RunArgs;
use crate::evidence::MachineFacts;
use crate::evidence::watches::RegisterSources;
use crate::files::identity::{Named, distinct};
use crate::host::cpuid_facts::CpuidFacts;
use crate::host::{Host, cpuid, inventory};
use crate::judgement::assembly::assemble;
use crate::judgement::circumstances::{first_rate, setting, throttling};
use crate::model::inventory::SerialNumbers;
use crate::plan::{RunPlan, TriggerPlan};
use crate::sampler::SamplingPlan;
use crate::selftest::store;
use crate::session::preparation::prepare;
use crate::session::{Budget, ClockWatch, Limits, Request, Requests, Timeline, Trigger};
use crate::sys::signals::RunSignals;
use crate::units::{Hertz, Nanos};

use super::{Exit, Failure, command_line};
use assembly::Assembly;
use engine::choose;
use ongoing::{Files, Ongoing, Opened};
use policy::Acceptance;
use quieting::Quieting;
use sampling::{keep, pace, sampling_plan, within_limits};
use scripted::scripts;
use turns::Turns;

pub(super) use output::Sinks;
pub(super) use presenter::{Presenter, Start, shown};

pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    if args.dry_run {
        return quieting::dry_run(args);
    }
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
    let root = &args.host_root;
    let host = Host::read(root);
    let plan = plan(&host)?;
    let scripts = scripts(root, &plan)?;
    let mut timeline = match scripts.as_deref() {
        Some([(_, first), ..]) => Timeline::scripted(Hertz(first.hz)),
        _ => Timeline::live(),
    };
    let policy = args.policy.as_deref().map(|path| Named {
        option: "--policy",
        path,
    });
    let inputs: Vec<Named<'_>> = policy.into_iter().collect();
    distinct(&inputs, &plan.outputs.named()).map_err(Failure::usage)?;
    let acceptance = Acceptance::load(args, &plan)?;
    if scripts.is_none() {
        within_limits(root, &host, &plan)?;
    }
    let cpuid = match root.is_live() {
        true => cpuid::facts(),
        false => CpuidFacts::read(root).map_err(Failure::usage)?,
    };
    let machine = MachineFacts::new(cpuid, &host);
    let scripted = scripts.is_some();
    let mut choices = choose(&plan, scripts, root, &host, &machine)?;
    for choice in &mut choices {
        choice.chosen.warm_up = plan.warm_up.unwrap_or(choice.chosen.warm_up);
    }
    // While signals still end the program: an output may be a pipe that nobody
    // reads.
    presenter.open(&plan)?;
    let files = Files::open(&plan.outputs, presenter.checkpoints(&plan))?;
    // Before the first thread is started: each inherits what is blocked.
    let signals = RunSignals::listen()
        .map_err(|error| Failure::NoVerdict(format!("signals cannot be listened for: {error}")))?;
    let progress = presenter.begin(&Start {
        plan: &plan,
        topology: &host.topology,
        platform: machine.platform(),
        engines: choices.iter().map(|choice| &choice.chosen).collect(),
    })?;
    let serials = match args.with_serials {
        true => SerialNumbers::Stored,
        false => SerialNumbers::LeftOut,
    };
    let mut quieting = Quieting::begin(&plan, &choices, root, timeline.now())?;
    let earlier = quieting.take_earlier();
    // What counts is the host as it is sampled.
    let host = match quieting.is_active() {
        true => Host::read(root),
        false => host,
    };
    let inventory = inventory::collect(root, &host, &plan.cpus, serials);
    let prepared = prepare(&plan.housekeeping, &host, root);
    let first = first_rate(&machine, &mut timeline);

    let setting = setting(&machine, &host);
    let throttling = throttling(&host, &plan.cpus, root);
    let trigger = |asked: TriggerPlan| Trigger {
        above: first.hz.to_cycles(asked.above),
        of: asked.of,
    };
    let limits = Limits {
        hardlimit: first.hz.to_cycles(plan.hardlimit),
        threshold: first.hz.to_cycles(plan.threshold),
        hz: first.hz,
        stop: plan.stop.map(trigger),
        act: plan.act.map(trigger),
        throttling,
        setting,
        pace: pace(&plan, scripted),
        keep: Budget::of(plan.keep, turns::count(choices.len()), plan.cpu_time()),
    };
    let smi_sources = (plan.cpus.iter())
        .map(|cpu| machine.smi_sources(root, &host, cpu))
        .collect();
    let pmu = host.smi_sources.msr_pmu.as_ref();
    let frozen = quieting.freeze_on_smi(root, plan.freeze_on_smi);
    let registers = RegisterSources::find(root, pmu.map_err(ToString::to_string), frozen);
    let keep = keep(&plan, &choices, scripted);
    let actions = Opened::open(&plan, root, quieting.changes().as_ref())?;
    let load = plan.load.as_ref().map(Load::prepare).transpose();
    let load = load.map_err(no_thread)?;
    let requests = LoadRequests {
        signals,
        load: load.as_ref().map(Load::watch),
    };
    let turns = Turns {
        plan: &plan,
        machine: &machine,
        root,
        sampling: SamplingPlan {
            threads_file: quieting.threads_file(),
            ..sampling_plan(&plan, &machine, first.hz, registers, keep.clone())
        },
        smi_sources,
        changes: quieting.changes(),
        limits,
        requests: &requests,
    };
    let clock = ClockWatch::begin(root.clone(), host.cpu_model.flags.clone().ok());
    let selftest = match scripted {
        true => None,
        false => store::default_path().and_then(|path| store::load(&path, &host)),
    };
    let command_line = command_line();
    let assembly = Assembly {
        plan: &plan,
        host: &host,
        machine: &machine,
        preparation: &prepared.facts,
        choices: &choices,
        inventory: &inventory,
        selftest: selftest.as_ref(),
        command_line: &command_line,
        limits,
        setting,
        throttling,
        scripted,
        quieted: quieting.so_far(),
        earlier: earlier.as_ref(),
    };
    let (mut turns, told) = std::thread::scope(|scope| {
        let mut ongoing = Ongoing::start(scope, &assembly, files, actions, load, progress, keep)?;
        let turns = turns.take(&choices, timeline, clock, &mut ongoing);
        let told = ongoing.end();
        Ok::<_, Failure>((turns?, told))
    })?;
    // The machine is to be as before as soon as nothing counts any more.
    let assembly = Assembly {
        quieted: quieting.end(),
        ..assembly
    };
    let cases = assembly.cases(&mut turns);
    let input = assembly.input(&told);
    let report = assemble(&cases, input);
    let outcome = presenter.outcome(&report.verdict);
    presenter.end(&report)?;
    let outcome = match acceptance {
        Some(acceptance) => acceptance.judge(&report, &plan.outputs)?,
        None => outcome,
    };
    Ok(outcome.into())
}

/// The signals, and the end of the command that the run is for.
struct LoadRequests {
    signals: RunSignals,
    load: Option<LoadWatch>,
}

impl Requests for LoadRequests {
    fn wait(&self, longest: Nanos) -> Request {
        match Requests::wait(&self.signals, longest) {
            Request::GoOn if self.load.as_ref().is_some_and(LoadWatch::is_over) => Request::Done,
            request => request,
        }
    }
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure::NoVerdict(format!("no thread can be started: {error}"))
}
