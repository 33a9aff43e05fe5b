//! `hwgap run`: plan, prepare, sample, judge, show, save.

mod assembly;
mod engine;
mod ongoing;
mod output;
mod policy;
mod presenter;
mod quieting;
mod turns;

use std::path::PathBuf;
use std::thread::Scope;

use crate::actions::load::{Load, LoadWatch};
use crate::cli::RunArgs;
use crate::evidence::MachineFacts;
use crate::evidence::watches::{FreezeRequest, RegisterSources};
use crate::files::event_file::EventFile;
use crate::files::identity::{Named, distinct};
use crate::files::patient::tell;
use crate::host::cpuid_facts::CpuidFacts;
use crate::host::permissions::Capability;
use crate::host::process_limits::ProcessLimits;
use crate::host::root::Root;
use crate::host::{Host, cpuid, inventory};
use crate::judgement::assembly::assemble;
use crate::judgement::circumstances::{first_rate, setting, throttling};
use crate::model::inventory::SerialNumbers;
use crate::model::{EngineName, Platform};
use crate::plan::{RunPlan, TriggerPlan};
use crate::privileges::{Keep, Writes};
use crate::render::csv::header;
use crate::sampler::{Readings, SamplingPlan, Script, Window};
use crate::selftest::store;
use crate::session::preparation::prepare;
use crate::session::{
    Budget, ClockWatch, Limits, Pace, Progress, Request, Requests, Timeline, Trigger, limits,
};
use crate::sys::sched;
use crate::sys::signals::RunSignals;
use crate::units::{Cycles, Hertz, Nanos};

use super::{Exit, Failure, command_line};
use assembly::Assembly;
use engine::{Choice, Scripts, USER_WARM_UP, choose};
use ongoing::{CheckpointWriter, EventStream, Frame, LiveLines, Ongoing, Opened, Target};
use policy::Acceptance;
use quieting::Quieting;
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
    let root = args.host_root.clone().map_or_else(Root::live, Root::at);
    let scripts = scripts(args)?;
    let mut timeline = match &scripts {
        Some(scripts) => Timeline::scripted(Hertz(scripts.user.hz)),
        None => Timeline::live(),
    };
    let host = Host::read(&root);
    let plan = plan(&host)?;
    let policy = args.policy.as_deref().map(|path| Named {
        option: "--policy",
        path,
    });
    let inputs: Vec<Named<'_>> = policy.into_iter().collect();
    distinct(&inputs, &plan.outputs.named()).map_err(Failure::usage)?;
    let acceptance = Acceptance::load(args, &plan)?;
    if scripts.is_none() {
        within_limits(&root, &host, &plan)?;
    }
    let cpuid = match args.host_root {
        Some(_) => CpuidFacts::read(&root).map_err(Failure::usage)?,
        None => cpuid::facts(),
    };
    let machine = MachineFacts::new(cpuid, &host);
    let scripted = scripts.is_some();
    let mut choices = choose(&plan, scripts, &root, &host, &machine)?;
    for choice in &mut choices {
        choice.chosen.warm_up = plan.warm_up.unwrap_or(choice.chosen.warm_up);
    }
    // While signals still end the program: an output may be a pipe that nobody
    // reads.
    presenter.open(&plan)?;
    let events = plan.outputs.events.as_ref();
    let events = events.map(|events| EventFile::open(&events.file, events.rows, &header()));
    let events = events.transpose().map_err(Failure::usage)?;
    let live = plan.outputs.live.as_ref();
    let live = live.map(|live| EventFile::open(&live.file, live.rows, b""));
    let live = live.transpose().map_err(Failure::usage)?;
    // Before the first thread is started: each inherits what is blocked.
    let signals = RunSignals::listen()
        .map_err(|error| Failure::NoVerdict(format!("signals cannot be listened for: {error}")))?;
    let progress = presenter.begin(&Start {
        plan: &plan,
        topology: &host.topology,
        platform: machine.platform(),
        engines: choices.iter().map(|choice| &choice.chosen).collect(),
    })?;
    let checkpoints = presenter.checkpoints(&plan);
    let serials = match args.with_serials {
        true => SerialNumbers::Stored,
        false => SerialNumbers::LeftOut,
    };
    let guard_root = args.host_root.clone();
    let mut quieting = Quieting::begin(&plan, &choices, &root, guard_root, timeline.now())?;
    let earlier = quieting.take_earlier();
    // What counts is the host as it is sampled.
    let host = match quieting.is_active() {
        true => Host::read(&root),
        false => host,
    };
    let inventory = inventory::collect(&root, &host, &plan.cpus, serials);
    let prepared = prepare(&plan.housekeeping, &host, &root);
    let first = first_rate(&machine, &mut timeline);

    let setting = setting(&machine, &host);
    let throttling = throttling(&host, &plan.cpus, &root);
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
        .map(|cpu| machine.smi_sources(&root, &host, cpu))
        .collect();
    let pmu = host.smi_sources.msr_pmu.as_ref();
    let frozen = quieting.freeze_on_smi(&root, plan.freeze_on_smi);
    let registers = RegisterSources::find(&root, pmu.map_err(ToString::to_string), frozen);
    let keep = keep(&plan, &choices, scripted);
    let actions = Opened::open(&plan, &root, quieting.changes().as_ref())?;
    let load = plan.load.as_ref().map(Load::prepare).transpose();
    let load = load.map_err(no_thread)?;
    let requests = LoadRequests {
        signals,
        load: load.as_ref().map(Load::watch),
    };
    let turns = Turns {
        plan: &plan,
        machine: &machine,
        root: &root,
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
        let actions = actions
            .map(|actions| actions.start(scope, limits, !scripted, &keep))
            .transpose()?;
        let ongoing = ongoing(
            scope,
            &assembly,
            progress,
            (checkpoints, events, live),
            keep,
        )?;
        let mut ongoing = Ongoing {
            actions,
            load,
            ..ongoing
        };
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

/// Raises the limits of this process, and refuses a run that one of them would
/// end.
fn within_limits(root: &Root, host: &Host, plan: &RunPlan) -> Result<(), Failure> {
    limits::raise();
    let allowed = ProcessLimits::read(root).realtime_priority;
    let held = host.permissions.capabilities.as_ref();
    let is_realtime = held.is_ok_and(|held| held.grants(Capability::SysNice))
        || allowed.is_ok_and(|limit| limit.allows(u64::from(plan.priority)));
    let need = limits::Need {
        cpus: plan.cpus.len() as u64,
        stretch: match plan.width < plan.window {
            true => plan.width.min(plan.duration),
            false => (plan.duration).saturating_add(plan.warm_up.unwrap_or(USER_WARM_UP)),
        },
        duration: plan.duration,
        priority: match is_realtime {
            true => limits::Priority::Realtime,
            false => limits::Priority::Ordinary,
        },
        records: limits::Records::allowed_to(host),
    };
    for one in limits::shortfalls(root, need) {
        match one.effect {
            limits::Effect::Ends => return Err(Failure::NoVerdict(one.to_string())),
            limits::Effect::Cripples => tell(&format!("hwgap: {one}\n")),
        }
    }
    Ok(())
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

/// Starts all that is told of a run while it goes on.
fn ongoing<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    assembly: &'env Assembly<'env>,
    progress: Box<dyn Progress>,
    (target, file, live): (Option<Target>, Option<EventFile>, Option<EventFile>),
    keep: Keep,
) -> Result<Ongoing<'scope>, Failure> {
    let (plan, messages) = (assembly.plan, progress.messages());
    let events = plan
        .outputs
        .events
        .as_ref()
        .zip(file)
        .map(|(events, file)| {
            EventStream::start(
                scope,
                events,
                file,
                &plan.cpus,
                assembly.limits,
                messages.clone(),
                keep.clone(),
            )
        });
    let clock = Timeline::scripted(assembly.limits.hz);
    let frame = Frame {
        planned: plan.duration,
        scripted: assembly.scripted.then(|| clock.now()),
    };
    let no_thread =
        |error: std::io::Error| Failure::NoVerdict(format!("no thread can be started: {error}"));
    let live = live
        .map(|file| LiveLines::start(file, frame, messages.clone(), keep.clone()))
        .transpose()
        .map_err(no_thread)?;
    let checkpoints = CheckpointWriter::start(scope, assembly, target, messages, keep.clone())
        .map_err(no_thread)?;
    Ok(Ongoing {
        events: events.transpose().map_err(Failure::usage)?,
        actions: None,
        load: None,
        checkpoints,
        live,
        progress,
        privileges: None,
        keep: (!assembly.scripted).then_some(keep),
    })
}

/// The rights that a run keeps while it samples.
fn keep(plan: &RunPlan, choices: &[Choice], scripted: bool) -> Keep {
    match choices {
        _ if scripted => Keep::All("a scripted clock takes no rights"),
        _ if plan.quiet.is_some()
            || plan.freeze_on_smi == FreezeRequest::SetForRun
            || plan.actions.changes_host() =>
        {
            Keep::All("the host is put back at the end")
        }
        [only] if only.chosen.engine == EngineName::User => {
            let outputs = &plan.outputs;
            let files = [&outputs.json, &outputs.csv, &outputs.html];
            let writes = files.iter().any(|file| file.is_some())
                || outputs.events.is_some()
                || outputs.live.is_some();
            Keep::least(match writes {
                true => Writes::Files,
                false => Writes::Nothing,
            })
        }
        _ => Keep::All("this engine uses them while it samples"),
    }
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
        return match plan.act {
            Some(_) => Pace::Prompt,
            None => Pace::OwnCpu,
        };
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
    keep: Keep,
) -> SamplingPlan {
    let cycles = |length: Nanos| -> Cycles { hz.to_cycles(length) };
    SamplingPlan {
        cpus: plan.cpus.iter().collect(),
        threshold: cycles(plan.threshold),
        limit: cycles(plan.hardlimit),
        // Each engine has its own.
        warm_up: Cycles(0),
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
        threads_file: None,
        hz,
        smi_readings: match machine.platform() {
            Platform::BareMetal => Readings::AfterGaps,
            Platform::Guest => Readings::StartAndEnd,
        },
        registers,
        keep,
    }
}
