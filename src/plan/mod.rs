//! From what the user typed and what the machine is to what the run will do.
//! Everything that can be wrong with the one or the other is found here,
//! before anything is measured.

mod actions;
mod choice;
mod error;
mod quiet;
mod shots;

use std::path::{Path, PathBuf};

use crate::cli::{FormatArg, RunArgs};
use crate::evidence::watches::FreezeRequest;
use crate::files::event_file;
use crate::files::identity::Named;
use crate::host::Host;
use crate::model::KeepGaps;
use crate::quiet::{QuietPlan, Starve};
use crate::sampler::Pace;
use crate::text::look::Look;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

pub use actions::{ActionPlan, ActionsPlan, Deed, LoadPlan, Rights, TracePlan, TriggerPlan};
pub use choice::{Choice, NotSampled, left_out};
pub use error::PlanError;
pub use quiet::{Keeping, Leftovers};
pub use shots::{EngineChoice, TURNS_EACH};

/// Priority of the samplers: below 50, where the kernel puts its interrupt
/// threads (kernel/irq/manage.c, sched_set_fifo), so that devices are served.
pub(crate) const DEFAULT_PRIORITY: u8 = 49;
/// Sampled part of each window where no CPU is left to others.
const SHARED_WIDTH: Nanos = Nanos(80_000_000);
const SHARED_WINDOW: Nanos = Nanos(100_000_000);
/// How long a run lasts where nothing is said.
const DURATION: Nanos = Nanos(120 * 1_000_000_000);
/// How often the report so far is saved.
const CHECKPOINT: Nanos = Nanos(60 * 1_000_000_000);
/// A snapshot costs each sampler some microseconds.
const SHORTEST_CHECKPOINT: Nanos = Nanos(100_000_000);
/// A day of lines, 50 MB.
const LIVE_ROWS: u64 = 86_400;
/// The longest duration: ten years. Beyond it is a typing error.
const LONGEST: Nanos = Nanos(10 * 365 * 86_400 * 1_000_000_000);
/// The longest warm-up: nothing is told meanwhile.
const LONGEST_WARM_UP: Nanos = Nanos(86_400 * 1_000_000_000);

#[derive(Clone, Debug)]
pub struct RunPlan {
    pub cpus: CpuList,
    /// The CPUs that this process may use and will not sample: where its
    /// collector runs. Empty when all are sampled.
    pub housekeeping: CpuList,
    /// The CPUs that are online and will not be sampled, with the reasons.
    pub not_sampled: Vec<NotSampled>,
    /// How long to sample at most.
    pub duration: Nanos,
    /// What was asked for; `None` where a command ends the run.
    pub planned: Option<Nanos>,
    /// What is sampled before and discarded; `None` for what the engine needs.
    pub warm_up: Option<Nanos>,
    /// Gaps above this become records.
    pub threshold: Nanos,
    /// Platform gaps above this fail the run.
    pub hardlimit: Nanos,
    /// Sampled part of each window.
    pub width: Nanos,
    /// Length of a window; equal to `width` for continuous sampling.
    pub window: Nanos,
    /// Why `width` is what it is.
    pub pauses: Pauses,
    /// Real-time priority of the samplers.
    pub priority: u8,
    pub engine: EngineChoice,
    /// How the shots of the BPF engine follow each other.
    pub pace: Pace,
    /// The gaps of which the first ends the run.
    pub stop: Option<TriggerPlan>,
    /// The gaps about which something is done.
    pub act: Option<TriggerPlan>,
    pub actions: ActionsPlan,
    /// What the machine does meanwhile.
    pub load: Option<LoadPlan>,
    pub keep: KeepGaps,
    /// Whether counters are made to stand still in SMM.
    pub freeze_on_smi: FreezeRequest,
    /// What of the host is made quiet; `None` where nothing of it is.
    pub quiet: Option<QuietPlan>,
    /// How changes of the host are kept.
    pub keeping: Keeping,
    /// The user's own text.
    pub label: Option<String>,
    pub outputs: Outputs,
}

/// Whether sampling pauses, and at whose wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pauses {
    None,
    /// `--width` and `--window` ask for it.
    AsAsked,
    /// No CPU is left to others, so that they get a share of each.
    ForOthers,
}

/// Where results go.
#[derive(Clone, Debug)]
pub struct Outputs {
    pub json: Option<PathBuf>,
    pub csv: Option<PathBuf>,
    pub html: Option<PathBuf>,
    /// How often to save the report so far; `None` for the end only.
    pub checkpoint: Option<Nanos>,
    /// Where gaps go as they happen.
    pub events: Option<EventsPlan>,
    /// Where traces go, the first of each action.
    pub traces: Vec<PathBuf>,
    /// Where a line a second goes.
    pub live: Option<EventsPlan>,
    pub stdout: Printed,
    /// What is shown of the run while it goes on.
    pub progress: ProgressPlan,
}

impl Outputs {
    /// The files, with the options that name them; FILE.1 as well, which a full
    /// file of events becomes.
    pub fn named(&self) -> Vec<Named<'_>> {
        let (events, live) = (self.events.as_ref(), self.live.as_ref());
        Named::all("--output", &self.json)
            .chain(Named::all("--csv", &self.csv))
            .chain(Named::all("--html", &self.html))
            .chain(Named::all("--events-csv", events.map(|one| &one.file)))
            .chain(Named::all("--on-gap trace", &self.traces))
            .chain(Named::all(
                "the full file of --events-csv",
                events.map(|one| &one.full),
            ))
            .chain(Named::all("--live-json", live.map(|one| &one.file)))
            .chain(Named::all(
                "the full file of --live-json",
                live.map(|one| &one.full),
            ))
            .collect()
    }
}

/// Rows written while the run goes on.
#[derive(Clone, Debug)]
pub struct EventsPlan {
    pub file: PathBuf,
    pub full: PathBuf,
    /// Rows until it makes room for the next.
    pub rows: u64,
}

impl EventsPlan {
    fn new(file: PathBuf, rows: u64) -> EventsPlan {
        EventsPlan {
            full: event_file::full(&file),
            file,
            rows,
        }
    }
}

/// What is shown while a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressPlan {
    Nothing,
    /// A view on a terminal; where there is none, a line this often, or none.
    Shown(Option<Nanos>),
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    Text(Look),
    Json,
    Nothing,
}

impl RunPlan {
    pub fn cpu_time(&self) -> Nanos {
        let cpus = self.cpus.len() as u64;
        Nanos(self.duration.0.saturating_mul(cpus))
    }

    /// Makes the plan.
    ///
    /// # Errors
    /// Names the option and what to write in its place.
    pub fn new(args: &RunArgs, host: &Host) -> Result<RunPlan, PlanError> {
        let usable = host.confinement.usable(&host.topology.sets)?;
        let Choice {
            cpus,
            housekeeping,
            not_sampled,
        } = Choice::leaving(
            args.housekeeping.as_deref(),
            args.cpus.as_deref(),
            host,
            &usable,
        )?;
        let (threshold, hardlimit) = limits(args)?;
        let priority = args.priority.unwrap_or(DEFAULT_PRIORITY);
        let quiet = quiet::quiet(args, host, &cpus, priority)?;
        let starve = quiet.as_ref().map_or(Starve::Nobody, |quiet| quiet.starve);
        let (width, window, pauses) = windows(args, threshold, &housekeeping, starve)?;
        let (engine, pace) = shots::engine(args, threshold)?;
        let (stop, act) = actions::triggers(args, threshold, hardlimit)?;
        let load = actions::load(args, &housekeeping, &usable)?;
        let actions = actions::actions(args)?;
        let planned = match args.actions.load.is_empty() {
            true => Some(args.duration.unwrap_or(DURATION)),
            false => args.duration,
        };
        Ok(RunPlan {
            cpus,
            housekeeping,
            not_sampled,
            duration: duration(planned.unwrap_or(LONGEST))?,
            planned,
            threshold,
            hardlimit,
            width,
            window,
            pauses,
            priority,
            engine,
            pace,
            stop,
            act,
            load,
            keep: args.keep_gaps.unwrap_or_default(),
            warm_up: args.warm_up.map(warm_up).transpose()?,
            freeze_on_smi: FreezeRequest::from_flag(args.freeze_on_smi),
            quiet,
            keeping: quiet::keeping(args),
            label: args.label.clone(),
            outputs: outputs(args, &actions)?,
            actions,
        })
    }
}

fn duration(asked: Nanos) -> Result<Nanos, PlanError> {
    match asked {
        Nanos(0) => Err(PlanError::Zero("duration", "10s")),
        long if long > LONGEST => Err(PlanError::TooLong("duration", long, "ten years")),
        fitting => Ok(fitting),
    }
}

fn warm_up(asked: Nanos) -> Result<Nanos, PlanError> {
    match asked {
        long if long > LONGEST_WARM_UP => Err(PlanError::TooLong("warm-up", long, "a day")),
        fitting => Ok(fitting),
    }
}

fn limits(args: &RunArgs) -> Result<(Nanos, Nanos), PlanError> {
    let threshold = args.threshold;
    if threshold == Nanos(0) {
        return Err(PlanError::Zero("threshold", "10us"));
    }
    let hardlimit = args.hardlimit.unwrap_or(threshold);
    if hardlimit < threshold {
        return Err(PlanError::LimitBelowThreshold {
            hardlimit,
            threshold,
        });
    }
    Ok((threshold, hardlimit))
}

fn windows(
    args: &RunArgs,
    threshold: Nanos,
    housekeeping: &CpuList,
    starve: Starve,
) -> Result<(Nanos, Nanos, Pauses), PlanError> {
    let (width, window) = match (args.width, args.window) {
        (None, None) if housekeeping.is_empty() && starve == Starve::Nobody => {
            return Ok((SHARED_WIDTH, SHARED_WINDOW, Pauses::ForOthers));
        }
        (None, None) => return Ok((Nanos::SECOND, Nanos::SECOND, Pauses::None)),
        (Some(_), None) => {
            return Err(PlanError::HalfAWindow {
                given: "width",
                missing: "window",
            });
        }
        (None, Some(_)) => {
            return Err(PlanError::HalfAWindow {
                given: "window",
                missing: "width",
            });
        }
        (Some(width), Some(window)) => (width, window),
    };
    if width > window {
        return Err(PlanError::WidthAboveWindow { width, window });
    }
    if width <= threshold {
        return Err(PlanError::WidthBelowThreshold { width, threshold });
    }
    let pauses = if width == window {
        Pauses::None
    } else {
        Pauses::AsAsked
    };
    Ok((width, window, pauses))
}

/// The path of a descriptor that is named by its number.
fn descriptor(named: &Path) -> PathBuf {
    match named.to_str().map(str::parse::<u32>) {
        Some(Ok(1)) => PathBuf::from("-"),
        Some(Ok(number)) => PathBuf::from(format!("/proc/self/fd/{number}")),
        _ => named.to_owned(),
    }
}

fn outputs(args: &RunArgs, actions: &ActionsPlan) -> Result<Outputs, PlanError> {
    let is_stdout = |path: &Option<PathBuf>| path.as_deref().is_some_and(|p| p.as_os_str() == "-");
    let live = args.live_json.as_deref().map(descriptor);
    let files = [
        ("--output", is_stdout(&args.output)),
        ("--csv", is_stdout(&args.csv)),
        ("--html", is_stdout(&args.html)),
        ("--events-csv", is_stdout(&args.events_csv)),
        ("--live-json", is_stdout(&live)),
    ];
    let to_stdout: Vec<&str> = files
        .iter()
        .filter(|file| file.1)
        .map(|file| file.0)
        .collect();
    if to_stdout.len() > 1 {
        return Err(PlanError::StdoutTwice(to_stdout.join(" and ")));
    }
    let stdout = match (args.quiet || !to_stdout.is_empty(), args.format) {
        (true, _) => Printed::Nothing,
        (false, FormatArg::Text) => Printed::Text(args.look.look()),
        (false, FormatArg::Json) => Printed::Json,
    };
    Ok(Outputs {
        json: args.output.clone(),
        csv: args.csv.clone(),
        html: args.html.clone(),
        checkpoint: match args.checkpoint.unwrap_or(CHECKPOINT) {
            Nanos(0) => None,
            interval if interval < SHORTEST_CHECKPOINT => {
                return Err(PlanError::CheckpointTooOften(interval));
            }
            interval => args.output.as_ref().map(|_| interval),
        },
        events: (args.events_csv.clone()).map(|file| EventsPlan::new(file, args.events_rows)),
        live: live.map(|file| EventsPlan::new(file, LIVE_ROWS)),
        traces: actions.traces().map(|trace| trace.file.clone()).collect(),
        stdout,
        progress: match (args.quiet, args.progress) {
            (true, _) => ProgressPlan::Nothing,
            (false, Nanos(0)) => ProgressPlan::Shown(None),
            (false, interval) => ProgressPlan::Shown(Some(interval)),
        },
    })
}
