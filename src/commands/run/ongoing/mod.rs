//! What is told of a run while it goes on: checkpoints of its report, gaps as
//! they happen, and how it stands. Files and terminals can make a writer wait,
//! and the collector must not wait, so that each has a thread of its own, on
//! the CPUs that are not sampled.

mod actions;
mod checkpoints;
mod display;
mod events;
mod live;
mod screen;

use std::sync::mpsc::SyncSender;
use std::thread::{Scope, ScopedJoinHandle};

use crate::actions::load::Load;
use crate::files::event_file::EventFile;
use crate::judgement::assembly::RunNotes;
use crate::model::{EngineName, Privileges};
use crate::plan::{EventsPlan, Outputs};
use crate::privileges::Keep;
use crate::render::csv::header;
use crate::session::{JudgedNow, LiveGap, Progress, Snapshot, Timeline, View};
use crate::sys::sched;
use crate::units::Cycles;

use super::super::Failure;
use super::assembly::Assembly;
use super::no_thread;
use super::turns::Turn;
use actions::Actions;
pub(super) use actions::Opened;
use checkpoints::CheckpointWriter;
pub(super) use checkpoints::Target;
pub(super) use display::Display;
use events::EventStream;
use live::{Frame, LiveLines};

/// Stack of each of these threads. All of it is locked in memory.
const STACK: usize = 512 * 1024;

/// All that is told of a run while it goes on.
pub(super) struct Ongoing<'scope> {
    checkpoints: CheckpointWriter<'scope>,
    events: Option<EventStream<'scope>>,
    actions: Option<Actions<'scope>>,
    /// The command that the run is for.
    load: Option<Load>,
    live: Option<LiveLines>,
    progress: Box<dyn Progress>,
    /// The rights that this thread keeps, where it gives any up.
    pub(super) keep: Option<Keep>,
    privileges: Option<Privileges>,
}

/// What is written meanwhile, open before the run begins.
pub(super) struct Files {
    checkpoints: Option<Target>,
    events: Option<EventFile>,
    live: Option<EventFile>,
}

impl Files {
    /// # Errors
    /// Names the file that cannot be opened.
    pub(super) fn open(outputs: &Outputs, checkpoints: Option<Target>) -> Result<Files, Failure> {
        let open = |plan: &Option<EventsPlan>, header: &[u8]| {
            let open = |plan: &EventsPlan| EventFile::open(&plan.file, plan.rows, header);
            plan.as_ref().map(open).transpose().map_err(Failure::usage)
        };
        Ok(Files {
            checkpoints,
            events: open(&outputs.events, &header())?,
            live: open(&outputs.live, b"")?,
        })
    }
}

impl<'scope> Ongoing<'scope> {
    /// Starts all of it.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        assembly: &'env Assembly<'env>,
        files: Files,
        actions: Option<Opened>,
        load: Option<Load>,
        progress: Box<dyn Progress>,
        keep: Keep,
    ) -> Result<Ongoing<'scope>, Failure> {
        let (limits, is_live) = (assembly.limits, !assembly.scripted);
        let (messages, kept) = (|| progress.messages(), || keep.clone());
        let frame = Frame {
            planned: assembly.plan.duration,
            scripted: assembly
                .scripted
                .then(|| Timeline::scripted(limits.hz).now()),
        };
        let actions = actions.map(|actions| actions.start(scope, limits, is_live, &keep));
        let events = files
            .events
            .map(|file| EventStream::start(scope, file, assembly, messages(), kept()));
        let live = files
            .live
            .map(|file| LiveLines::start(file, frame, messages(), kept()));
        let checkpoints =
            CheckpointWriter::start(scope, assembly, files.checkpoints, messages(), kept());
        Ok(Ongoing {
            actions: actions.transpose()?,
            events: events.transpose().map_err(no_thread)?,
            live: live.transpose().map_err(no_thread)?,
            checkpoints: checkpoints.map_err(no_thread)?,
            load,
            privileges: None,
            keep: is_live.then(kept),
            progress,
        })
    }
}

impl Ongoing<'_> {
    /// All that takes rights is open.
    pub(super) fn ready(&mut self) {
        if let Some(keep) = self.keep.take() {
            self.privileges = Some(keep.apply());
        }
        if let Some(load) = &self.load {
            load.begin();
        }
    }

    pub(super) fn gap(&mut self, engine: EngineName, gap: &JudgedNow<'_>) {
        if let Some(platform) = gap.platform {
            self.progress.found(LiveGap {
                cpu: gap.cpu,
                start: gap.timeline.utc(gap.gap.start()),
                length: gap.limits.hz.to_nanos(platform),
            });
        }
        if let Some(events) = &mut self.events {
            events.gap(engine, gap);
        }
    }

    pub(super) fn act(&mut self, gap: &JudgedNow<'_>) {
        if let Some(actions) = &mut self.actions {
            actions.gap(gap);
        }
    }

    pub(super) fn visited(&mut self, origin: Option<Cycles>) {
        if let Some(actions) = &mut self.actions {
            actions.counts_from(origin);
        }
        if let Some(events) = &mut self.events {
            events.send(origin);
        }
    }

    pub(super) fn wants_snapshot(&mut self) -> bool {
        self.checkpoints.is_due()
    }

    pub(super) fn snapshot(&mut self, choice: usize, snapshot: Snapshot) {
        let told = RunNotes {
            // The writer keeps that account itself.
            checkpoints: None,
            events: self.events.as_ref().map(EventStream::so_far),
            privileges: self.privileges.clone(),
            actions: self.actions.as_ref().map(Actions::so_far),
            command: self.load.as_ref().map(Load::so_far),
        };
        self.checkpoints.write(choice, snapshot, told);
    }

    pub(super) fn asked(&mut self) {
        self.checkpoints.ask();
    }

    pub(super) fn turn_ended(&mut self, turn: &Turn) {
        self.checkpoints.turn_ended(turn);
    }

    pub(super) fn tell(&self, text: String) {
        self.progress.messages().tell(text);
    }

    pub(super) fn look(&mut self, view: &View) {
        self.progress.look(view);
        if let Some(live) = &mut self.live {
            live.look(view);
        }
    }

    /// How the run stood when sampling ended.
    pub(super) fn stood(&mut self, view: &View) {
        if let Some(live) = &mut self.live {
            live.stood(view);
        }
    }

    /// Ends all threads and waits for what they still have to write.
    pub(super) fn end(mut self) -> RunNotes {
        let told = RunNotes {
            actions: self.actions.map(Actions::end),
            command: self.load.map(Load::end),
            events: self.events.map(EventStream::end),
            checkpoints: self.checkpoints.end(),
            privileges: self.privileges,
        };
        if let Some(live) = self.live {
            live.end();
        }
        self.progress.end();
        told
    }
}

/// A thread for work that may wait, named for `ps -L`.
fn helper<'scope, 'env, T: Send + 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    name: &str,
    keep: Keep,
    body: impl FnOnce() -> T + Send + 'scope,
) -> std::io::Result<ScopedJoinHandle<'scope, T>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn_scoped(scope, move || {
            // Where it is refused, the work competes with the collector.
            let _ = sched::set_background();
            keep.apply();
            body()
        })
}

/// Sends where there is room; what waits for a slow file or terminal is
/// bounded.
fn offer<T>(sender: &SyncSender<T>, message: T) -> bool {
    sender.try_send(message).is_ok()
}
