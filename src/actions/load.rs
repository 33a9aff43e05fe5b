//! The command that a run is for: started when the samplers have begun. The run
//! ends when it does, and it ends with the run.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitPidFlag;

use crate::model::CommandReport;
use crate::plan::{LoadPlan, Rights};
use crate::privileges::{Keep, Writes};
use crate::sys::sched;
use crate::units::Nanos;
use crate::waits;

use super::process::{Ended, Process, Watch, has_ended};

/// Stack of its thread, all of which is locked in memory.
const STACK: usize = 128 * 1024;

/// The command of a run.
pub struct Load {
    begin: SyncSender<()>,
    shared: Arc<Shared>,
}

struct Shared {
    plan: LoadPlan,
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    process: Option<Process>,
    report: CommandReport,
    is_over: bool,
}

/// Looks on while it runs.
#[derive(Clone)]
pub struct LoadWatch(Arc<Shared>);

impl Load {
    /// Prepares its thread, which belongs to no scope: a process that the kernel
    /// does not let go must not keep the program from its end.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn prepare(plan: &LoadPlan) -> io::Result<Load> {
        let arguments = plan.command.iter();
        let shared = Arc::new(Shared {
            plan: plan.clone(),
            state: Mutex::new(State {
                process: None,
                report: CommandReport {
                    arguments: arguments
                        .map(|one| one.to_string_lossy().into_owned())
                        .collect(),
                    cpus: plan.cpus.to_string(),
                    on_sampled: plan.on_sampled,
                    ..CommandReport::default()
                },
                is_over: false,
            }),
            ended: Condvar::new(),
        });
        let (begin, awaited) = sync_channel(1);
        let (of_thread, watch) = (shared.clone(), Watch::start()?);
        std::thread::Builder::new()
            .name(String::from("command"))
            .stack_size(STACK)
            .spawn(move || of_thread.serve(&awaited, watch))?;
        Ok(Load { begin, shared })
    }

    /// Starts the command.
    pub fn begin(&self) {
        let _ = self.begin.try_send(());
    }

    pub fn watch(&self) -> LoadWatch {
        LoadWatch(self.shared.clone())
    }

    pub fn so_far(&self) -> CommandReport {
        self.shared.lock().report.clone()
    }

    /// Ends it where it still runs: by SIGTERM, and where it takes its time by
    /// SIGKILL.
    pub fn end(self) -> CommandReport {
        drop(self.begin);
        let mut state = self.shared.lock();
        if !state.is_over {
            state.report.was_ended = Some(true);
        }
        for (signal, patience) in [
            (Signal::SIGTERM, waits::COMMAND_END),
            (Signal::SIGKILL, waits::COMMAND_KILLED),
        ] {
            if let Some(process) = &state.process {
                process.signal(signal);
            }
            let waited = self
                .shared
                .ended
                .wait_timeout_while(state, patience, |state| !state.is_over);
            state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        }
        if !state.is_over {
            state.report.error = Some(String::from("it was killed and has not ended"));
        }
        state.report.clone()
    }
}

impl LoadWatch {
    pub fn is_over(&self) -> bool {
        self.0.lock().is_over
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, awaited: &Receiver<()>, mut watch: Watch) {
        // Where it is refused, this thread waits all the same.
        let _ = sched::set_background();
        // What it starts has those of its user.
        Keep::least(Writes::Nothing).apply();
        let started = match awaited.recv() {
            Ok(()) => Some(self.start(&mut watch)),
            // The run ended before its samplers had begun.
            Err(_) => None,
        };
        let mut state = self.lock();
        match started {
            None => state.report.was_ended = Some(true),
            Some(Err(error)) => state.report.error = Some(format!("it cannot be started: {error}")),
            Some(Ok(process)) => {
                let pid = process.pid();
                // The run ended while it was being started.
                if state.report.was_ended.is_some() {
                    process.signal(Signal::SIGTERM);
                }
                let begun = Instant::now();
                state.process = Some(process);
                drop(state);
                has_ended(pid, WaitPidFlag::empty());
                state = self.lock();
                if let Some(process) = state.process.take() {
                    state.report.note(process.end(&mut watch), begun.elapsed());
                }
            }
        }
        state.is_over = true;
        self.ended.notify_all();
    }

    fn start(&self, watch: &mut Watch) -> io::Result<Process> {
        Process::start(
            &self.plan.command,
            &self.plan.cpus,
            Rights::Kept,
            watch,
            |command| {
                // In a group of its own it may not read from the terminal.
                if io::stdin().is_terminal() {
                    command.stdin(Stdio::null());
                }
                // Standard output is the report's.
                command.stdout(io::stderr().as_fd().try_clone_to_owned()?);
                Ok(())
            },
        )
    }
}

fn own_max_rss_kib() -> u64 {
    getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| usage.max_rss().unsigned_abs())
}

impl CommandReport {
    fn note(&mut self, ended: io::Result<Ended>, elapsed: Duration) {
        use std::os::unix::process::ExitStatusExt;
        self.was_ended.get_or_insert(false);
        self.elapsed_ns = Some(Nanos::of(elapsed));
        match ended {
            Err(error) => self.error = Some(error.to_string()),
            Ok(ended) => {
                let reaped = ended.reaped;
                self.exit_status = reaped.status.code();
                self.signal = reaped.status.signal();
                if self.signal.is_some() {
                    // It may not have waited for its own children.
                    return;
                }
                self.user_ns = Some(reaped.user);
                self.system_ns = Some(reaped.system);
                // A process that was made by vfork begins with what its parent had.
                let own = own_max_rss_kib();
                self.max_rss_kib = Some(reaped.max_rss_kib).filter(|kib| *kib > own);
            }
        }
    }
}
