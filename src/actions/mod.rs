//! What is done about a gap and at the end of a run, and the load that a run is
//! made under. Each action has a thread of its own (`commands/run/ongoing`), off
//! the sampled CPUs: none of this is seen by a sampler or waited for by the
//! collector.

pub mod load;
mod marker;
mod process;
mod shell;
mod trace;

use nix::sys::signal::Signal;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::changes::SharedChanges;
use crate::host::root::Root;
use crate::model::{ActionRun, Gap};
use crate::plan::Deed;
use crate::sys::tsc;
use crate::units::cpulist::CpuList;
use crate::units::{Cycles, Hertz, Nanos};

use marker::Marker;
use shell::Shell;
use trace::Trace;

/// What an action is told.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The gap as reports have it, by what was known when it was judged; `None`
    /// at the end of the run.
    pub gap: Option<Gap>,
    /// The TSC at its start and its end; at the end of the run, now.
    pub span: [Cycles; 2],
    pub hz: Hertz,
    /// Gaps that have asked for actions so far, with this one.
    pub gaps: u64,
    /// Whether the clock is this machine's.
    pub is_live: bool,
}

impl Notice {
    /// How long ago the gap ended.
    fn age(&self) -> Option<Nanos> {
        let now = Cycles(tsc::read());
        (self.is_live && self.gap.is_some()).then(|| self.hz.to_nanos(now.since(self.span[1])))
    }

    /// For a trace or a log, in one line.
    fn line(&self) -> String {
        let Some(gap) = &self.gap else {
            return format!("hwgap: end gaps={}\n", self.gaps);
        };
        let [start, end] = self.span;
        format!(
            "hwgap: gap cpu={} start_tsc={} end_tsc={} duration_ns={} platform_ns={} cause={} \
             confidence={}\n",
            gap.cpu,
            start.0,
            end.0,
            gap.duration_ns.0,
            gap.platform_ns.0,
            gap.cause.name(),
            gap.confidence.name()
        )
    }
}

/// What an action needs to be carried out, opened before the run.
pub enum Performer {
    Mark(Marker),
    Signal(std::os::fd::OwnedFd, Signal),
    Shell(Shell),
    Trace(Box<Trace>),
}

impl Performer {
    /// Opens what a deed needs, so that what cannot be done is said before the
    /// run.
    ///
    /// # Errors
    /// Why it cannot be done, for people.
    pub fn open(
        deed: &Deed,
        root: &Root,
        changes: Option<SharedChanges>,
        housekeeping: &CpuList,
    ) -> Result<Performer, String> {
        Ok(match deed {
            Deed::Mark(instance) => Performer::Mark(Marker::open(root, instance.as_deref())?),
            Deed::Signal { pid, signal } => {
                // By a descriptor, as numbers are used again.
                let number = i32::try_from(*pid).ok().and_then(Pid::from_raw);
                let process = number.ok_or(rustix::io::Errno::SRCH);
                let process = process.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()));
                let process = process.map_err(|error| format!("process {pid}: {error}"))?;
                Performer::Signal(process, *signal)
            }
            Deed::Shell {
                command,
                timeout,
                rights,
            } => {
                let shell = Shell::new(command, *timeout, *rights, housekeeping);
                Performer::Shell(shell.map_err(|error| error.to_string())?)
            }
            Deed::Trace(plan) => {
                let changes = changes.ok_or("the run keeps no journal")?;
                Performer::Trace(Box::new(Trace::arm(plan, root, changes)?))
            }
        })
    }

    /// Carries it out, and says what came of it.
    pub fn perform(&mut self, notice: &Notice) -> ActionRun {
        let latency_ns = notice.age();
        let begun = std::time::Instant::now();
        let mut run = ActionRun::default();
        let done = match self {
            Performer::Mark(marker) => marker.write(notice),
            Performer::Signal(process, signal) => {
                let signal = rustix::process::Signal::from_named_raw(*signal as i32);
                let signal = signal.ok_or(rustix::io::Errno::INVAL);
                let sent = signal.and_then(|signal| pidfd_send_signal(process, signal));
                sent.map_err(|error| error.to_string())
            }
            Performer::Shell(shell) => shell.run(notice, &mut run),
            Performer::Trace(trace) => trace.save(notice, &mut run),
        };
        ActionRun {
            cpu: notice.gap.as_ref().map(|gap| gap.cpu),
            start_cycles: notice.gap.as_ref().map(|_| notice.span[0]),
            latency_ns,
            took_ns: Nanos::of(begun.elapsed()),
            error: done.err(),
            ..run
        }
    }
}
