//! A tracer at work: set up for a plan, switched on, and everything as before
//! at the end.

use std::fs;
use std::time::Duration;

use crate::changes::{Format, SharedChanges};
use crate::sampler::engine::{SamplingPlan, Window};
use crate::sampler::engines::tracer::error::TracerError;
use crate::sampler::engines::tracer::hwlat::threshold_us;
use crate::sampler::engines::tracer::instance::Instance;
use crate::sampler::engines::tracer::kind::Tracer;
use crate::sampler::engines::tracer::osnoise::Interrupts;
use crate::sampler::engines::tracer::pipe::Pipe;
use crate::sampler::engines::tracer::probe::{IRQ_DISABLE, OSNOISE_OPTIONS, TracerAbility};
use crate::sampler::engines::tracer::settings::Settings;
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Nanos};

/// hwlat's own width is 500 ms. A tenth of that hides fewer gaps behind the
/// longest of a window, holds other CPUs up for less long, and still samples
/// nine tenths of the time beside the sleep of one to two ticks.
const HWLAT_WIDTH: Nanos = Nanos(50_000_000);
/// The sleep after it is told in whole milliseconds, and never shorter.
const HWLAT_SLEEP: Nanos = Nanos(1_000_000);
/// A run of osnoise without a pause; the last one is not covered to its end.
const OSNOISE_RUN: Nanos = Nanos(100_000_000);
/// A run with interrupts off, and the pause after it.
const OSNOISE_SHOT: Nanos = Nanos(10_000_000);
const OSNOISE_PAUSE: Nanos = Nanos(250_000);
/// osnoise is asked for every gap that could be an SMI.
pub(super) const OSNOISE_LEAST_US: u64 = 1;
/// Longer widths would keep interrupts from the CPU for too long.
const LONGEST_WIDTH: Nanos = Nanos(1_000_000_000);
/// Patience with threads that are starting, in steps of 10 ms.
const THREAD_STEPS: u32 = 100;

/// When the tracer samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rhythm {
    pub(super) width: Nanos,
    pub(super) window: Nanos,
}

impl Rhythm {
    /// The rhythm for a plan.
    pub(super) fn of(plan: &SamplingPlan, ability: &TracerAbility) -> Result<Rhythm, TracerError> {
        let masks = ability.interrupts == Interrupts::Off;
        let rhythm = match (plan.window, ability.tracer) {
            (Window::Partial { width, window }, _) => Rhythm {
                width: plan.hz.to_nanos(width),
                window: plan.hz.to_nanos(window),
            },
            (Window::Continuous, Tracer::Hwlat) => Rhythm {
                width: HWLAT_WIDTH,
                window: Nanos(HWLAT_WIDTH.0 + HWLAT_SLEEP.0),
            },
            (Window::Continuous, Tracer::Osnoise) if masks => Rhythm {
                width: OSNOISE_SHOT,
                window: Nanos(OSNOISE_SHOT.0 + OSNOISE_PAUSE.0),
            },
            (Window::Continuous, Tracer::Osnoise) => Rhythm {
                width: OSNOISE_RUN,
                window: OSNOISE_RUN,
            },
        };
        if masks && rhythm.width > LONGEST_WIDTH {
            return Err(TracerError::WidthTooLong(ability.tracer));
        }
        Ok(rhythm)
    }
}

/// The tracer, set up.
pub(super) struct Session {
    tracer: Tracer,
    // In the order in which they go: the pipe would keep the instance, which
    // goes with the settings.
    pipe: Option<Pipe>,
    instance: Instance,
    settings: Settings,
}

impl Session {
    /// Sets everything up, among the `changes` of the run. Nothing samples yet.
    pub(super) fn set_up(
        ability: &TracerAbility,
        plan: &SamplingPlan,
        rhythm: Rhythm,
        changes: SharedChanges,
    ) -> Result<Session, TracerError> {
        let cpus: CpuList = plan.cpus.iter().copied().collect();
        let mut settings = Settings::begin(changes);
        match ability.tracer {
            Tracer::Hwlat => hwlat(&mut settings, plan, rhythm)?,
            Tracer::Osnoise => osnoise(&mut settings, plan, rhythm, &cpus)?,
        }
        let instance = Instance::create(&ability.tracefs, &mut settings, &cpus)?;
        let name = ability.tracer.thread_name();
        let filter = format!("prev_comm ~ \"{name}*\" || next_comm ~ \"{name}*\"");
        instance.set("events/sched/sched_switch/filter", &filter)?;
        instance.set("events/sched/sched_switch/enable", "1")?;
        if ability.tracer == Tracer::Osnoise {
            instance.set("events/osnoise/sample_threshold/enable", "1")?;
        }
        instance.choose(ability.tracer)?;
        let pipe =
            Pipe::open(instance.folder()).map_err(|cause| TracerError::Instance { cause })?;
        Ok(Session {
            tracer: ability.tracer,
            pipe: Some(pipe),
            instance,
            settings,
        })
    }

    /// Lets the tracer sample, and returns its threads, CPU by CPU.
    ///
    /// # Errors
    /// Where it has started none.
    pub(super) fn switch_on(&self, cpus: &[CpuId]) -> Result<Vec<Option<u32>>, TracerError> {
        self.instance.set("tracing_on", "1")?;
        for _ in 0..THREAD_STEPS {
            let threads = threads(self.tracer, cpus);
            if threads.iter().any(Option::is_some) {
                return Ok(threads);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(TracerError::NoThread(self.tracer))
    }

    /// Ends the sampling. What was recorded can still be read.
    pub(super) fn switch_off(&self) -> Result<(), TracerError> {
        self.instance.set("tracing_on", "0")
    }

    /// Hands over the lines that have come.
    pub(super) fn drain(&mut self, sink: &mut dyn FnMut(&[u8])) {
        if let Some(pipe) = &mut self.pipe {
            // Whatever cannot be read is in the statistics of lost records.
            let _ = pipe.drain(sink);
        }
    }

    /// Records of a CPU that its buffer had no room for.
    pub(super) fn overruns(&self, cpu: CpuId) -> u64 {
        self.instance.overruns(cpu)
    }

    /// Makes everything as it was, and says what could not be.
    pub(super) fn take_down(mut self) -> Vec<String> {
        self.pipe = None;
        self.instance.end();
        self.settings.put_back()
    }
}

fn hwlat(settings: &mut Settings, plan: &SamplingPlan, rhythm: Rhythm) -> Result<(), TracerError> {
    let threshold = plan.hz.to_nanos(plan.threshold);
    let threshold = threshold_us(threshold).ok_or(TracerError::ThresholdTooLow {
        tracer: Tracer::Hwlat,
        least: 2,
    })?;
    settings.set("tracing_thresh", Format::Text, &threshold.to_string())?;
    let (width, window) = (rhythm.width.0 / 1_000, rhythm.window.0 / 1_000);
    // Before Linux 5.14 the window must be the longer of the two.
    let window = window.max(width + 1);
    settings.set_pair(
        ("hwlat_detector/width", width),
        ("hwlat_detector/window", window),
    )?;
    match settings.set("hwlat_detector/mode", Format::Choice, "per-cpu") {
        // Before Linux 5.14 one thread goes from CPU to CPU.
        Err(TracerError::Setting { missing: true, .. }) => Ok(()),
        chosen => chosen,
    }
}

fn osnoise(
    settings: &mut Settings,
    plan: &SamplingPlan,
    rhythm: Rhythm,
    cpus: &CpuList,
) -> Result<(), TracerError> {
    if plan.hz.to_nanos(plan.threshold).0 < OSNOISE_LEAST_US * 1_000 {
        return Err(TracerError::ThresholdTooLow {
            tracer: Tracer::Osnoise,
            least: OSNOISE_LEAST_US,
        });
    }
    settings.set(
        "tracing_thresh",
        Format::Text,
        &OSNOISE_LEAST_US.to_string(),
    )?;
    settings.set("osnoise/cpus", Format::CpuList, &cpus.to_string())?;
    settings.set_pair(
        ("osnoise/runtime_us", rhythm.width.0 / 1_000),
        ("osnoise/period_us", rhythm.window.0 / 1_000),
    )?;
    settings.set("osnoise/stop_tracing_us", Format::Text, "0")?;
    settings.set("osnoise/stop_tracing_total_us", Format::Text, "0")?;
    settings.switch_on(OSNOISE_OPTIONS, IRQ_DISABLE)?;
    // Without it, other threads would have to sample.
    settings.switch_on(OSNOISE_OPTIONS, "OSNOISE_WORKLOAD")
}

/// The kernel's sampling threads, by their names in /proc; `None` where this
/// process cannot see them.
fn threads(tracer: Tracer, cpus: &[CpuId]) -> Vec<Option<u32>> {
    let name = tracer.thread_name();
    let all: Vec<(u32, String)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number = entry.file_name().to_str()?.parse().ok()?;
            let comm = fs::read_to_string(entry.path().join("comm")).ok()?;
            comm.starts_with(name)
                .then(|| (number, comm.trim().to_owned()))
        })
        .collect();
    let of = |wanted: &str| {
        let own = all.iter().find(|(_, comm)| comm == wanted);
        own.map(|&(number, _)| number)
    };
    cpus.iter()
        .map(|cpu| of(&format!("{name}/{cpu}")).or_else(|| of(name)))
        .collect()
}
