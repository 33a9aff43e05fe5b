//! `hwgap run`: plan, prepare, sample, judge, show, save.

mod output;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use crate::attribution::{ClockTrust, Platform, Setting, Throttling};
use crate::cli::RunArgs;
use crate::evidence::MachineFacts;
use crate::evidence::watches::{FrozenOnSmi, RegisterSources};
use crate::host::Host;
use crate::host::cpuid_facts::CpuidFacts;
use crate::host::realtime;
use crate::host::root::Root;
use crate::judgement::{Case, exclude_unsteady_gaps, recast_aligned_stalls, tsc_given_up};
use crate::plan::RunPlan;
use crate::preparation::prepare;
use crate::report::assemble::{Particulars, assemble};
use crate::report::model::{EngineName, Outcome};
use crate::sampler::{MachineKind, Readings, SamplingPlan, Script, UserEngine, Window};
use crate::session::{
    ClockWatch, Collector, Limits, Progress, Rate, Silent, StopOnGap, Stopper, TerminalProgress,
    Timeline,
};
use crate::sys::cpuid;
use crate::sys::signals::EndSignals;
use crate::units::{Cycles, Hertz, Nanos};

use super::{Exit, Failure};
use output::Sinks;

/// Shortest stretch over which the TSC's rate is fitted before a run; it is
/// fitted again over the whole run.
const FIRST_FIT: Nanos = Nanos(100_000_000);

pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let root = args.host_root.clone().map_or_else(Root::live, Root::at);
    let script = args
        .script
        .as_deref()
        .map(Script::load)
        .transpose()
        .map_err(Failure::usage)?;
    let mut timeline = match &script {
        Some(script) => Timeline::scripted(Hertz(script.hz)),
        None => Timeline::live(),
    };
    let host = Host::read(&root);
    let plan = RunPlan::new(args, &host).map_err(Failure::usage)?;
    let cpuid = match args.host_root {
        Some(_) => CpuidFacts::read(&root).map_err(Failure::usage)?,
        None => cpuid::facts(),
    };
    let machine = MachineFacts::new(cpuid, &host);
    let sinks = Sinks::open(&plan.outputs).map_err(Failure::usage)?;
    let signals = EndSignals::listen()
        .map_err(|error| Failure::NoVerdict(format!("signals cannot be listened for: {error}")))?;
    let prepared = prepare(&plan, &host, &root);
    let first = first_rate(&machine, &mut timeline);

    let setting = Setting {
        platform: machine.platform(),
        clock: match (machine.platform(), tsc_given_up(&host)) {
            (Platform::BareMetal, true) => ClockTrust::Broken,
            _ => ClockTrust::Trusted,
        },
    };
    let throttling = throttling(&host, &plan, &root);
    let limits = Limits {
        hardlimit: first.hz.to_cycles(plan.hardlimit),
        hz: first.hz,
        stop_on_gap: if plan.stop_on_gap {
            StopOnGap::Yes
        } else {
            StopOnGap::No
        },
        throttling,
        setting,
    };
    let scripted = script.is_some();
    let kind = match script {
        Some(script) => MachineKind::Scripted(Arc::new(script)),
        None => MachineKind::Live {
            smi_sources: plan
                .cpus
                .iter()
                .map(|cpu| machine.smi_sources(&root, &host, cpu))
                .collect(),
            kernel_return: machine.kernel_return,
        },
    };
    let pmu = host.smi_sources.msr_pmu.as_ref();
    let frozen = FrozenOnSmi::prepare(&root, plan.freeze_on_smi);
    let registers = RegisterSources::find(
        &root,
        pmu.map_err(ToString::to_string),
        frozen.as_ref().map(|_| ()).map_err(Clone::clone),
    );
    let sampling = sampling_plan(&plan, &machine, first.hz, registers);
    let mut engine = UserEngine::new(sampling, kind);
    let clock = ClockWatch::begin(root.clone(), host.cpu_model.flags.clone().ok());
    let mut progress = progress(&plan, machine.platform());
    let mut collected = Collector::new(
        limits,
        plan.cpus.len(),
        timeline,
        clock,
        &signals,
        progress.as_mut(),
    )
    .run(&mut engine, &root)
    .map_err(|error| Failure::NoVerdict(error.to_string()))?;
    // The machine is to be as before as soon as nothing counts any more.
    drop(frozen);
    let rate = match machine.tsc_rate() {
        Some(hz) if !scripted => Rate {
            hz,
            ..collected.timeline.rate()
        },
        _ => collected.timeline.rate(),
    };
    exclude_unsteady_gaps(&mut collected, limits.hardlimit, rate.hz);
    recast_aligned_stalls(&mut collected, rate.hz);

    let case = Case {
        plan: &plan,
        host: &host,
        machine: &machine,
        preparation: &prepared.facts,
        collected: &collected,
        fitted: collected.timeline.rate(),
        rate,
    };
    let command_line = std::env::args().collect::<Vec<_>>().join(" ");
    let particulars = Particulars {
        command_line: &command_line,
        engine: EngineName::User,
        hz_source: match (scripted, machine.tsc_rate()) {
            (true, _) => "script",
            (false, Some(_)) => "CPUID 15h",
            (false, None) => "fit to CLOCK_MONOTONIC_RAW over the run",
        },
        setting,
        throttling,
        scripted,
    };
    let report = assemble(case, particulars);
    sinks.write(&report).map_err(Failure::usage)?;
    Ok(match report.verdict.result {
        Outcome::Pass => Exit::Good,
        Outcome::Fail => Exit::Latency,
        Outcome::Inconclusive => Exit::NoVerdict,
    })
}

/// The TSC's rate before the run: CPUID's, or a fit over a short stretch.
fn first_rate(machine: &MachineFacts, timeline: &mut Timeline) -> Rate {
    let by_cpuid = machine.tsc_rate();
    if by_cpuid.is_none() {
        let rest = FIRST_FIT.saturating_sub(timeline.age());
        std::thread::sleep(Duration::from_nanos(rest.0));
    }
    timeline.mark();
    match by_cpuid {
        Some(hz) if timeline.is_live() => Rate { hz, error_ppm: 0.0 },
        _ => timeline.rate(),
    }
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

/// The pause that real-time tasks must make in each period: RT throttling's,
/// or the fair server's, which has the same default.
fn throttling(host: &Host, plan: &RunPlan, root: &Root) -> Option<Throttling> {
    let fair = plan
        .cpus
        .first()
        .and_then(|cpu| realtime::fair_server(root, cpu).ok());
    if let Some(realtime::Throttling::On { runtime, .. }) = fair {
        return Some(Throttling { pause: runtime });
    }
    match host.rt_throttling {
        Ok(realtime::Throttling::On { runtime, period }) => Some(Throttling {
            pause: period.saturating_sub(runtime),
        }),
        _ => None,
    }
}

fn progress(plan: &RunPlan, platform: Platform) -> Box<dyn Progress> {
    if plan.outputs.quiet || !std::io::stderr().is_terminal() {
        return Box::new(Silent);
    }
    let word = match platform {
        Platform::BareMetal => "platform",
        Platform::Guest => "hypervisor-or-below",
    };
    Box::new(TerminalProgress::new(plan.duration, word))
}

impl Stopper for EndSignals {
    fn wait(&self, milliseconds: u16) -> bool {
        EndSignals::wait(self, milliseconds).is_some()
    }
}
