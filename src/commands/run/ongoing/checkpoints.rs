//! Saves the report of a run while it goes on, and shows it on request.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::files::OutputError;
use crate::files::output::PendingFile;
use crate::judgement::assembly::{RunNotes, assemble};
use crate::model::Checkpoints;
use crate::privileges::Keep;
use crate::render::style::Style;
use crate::render::terminal as text;
use crate::session::{MessageSink, Snapshot};
use crate::sys::clock::monotonic;
use crate::text::json;
use crate::text::look::Extent;
use crate::units::Nanos;

use super::super::assembly::Assembly;
use super::super::turns::Turn;
use super::{helper, offer};

/// Turns of two engines that take turns.
const MOST_WAITING: usize = 16;

/// The collector's end of the writer.
pub(in super::super) struct CheckpointWriter<'scope> {
    interval: Option<Nanos>,
    due: Nanos,
    asked: Asked,
    keeps_turns: bool,
    busy: Arc<AtomicBool>,
    orders: SyncSender<Order>,
    thread: ScopedJoinHandle<'scope, Option<Checkpoints>>,
}

/// Whether somebody wants to see how the run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    No,
    Yes,
}

enum Order {
    /// A turn that has ended: part of every report from now on.
    Keep(Box<Turn>),
    Write {
        turn: usize,
        snapshot: Box<Snapshot>,
        told: Box<RunNotes>,
        save: bool,
        tell: Asked,
    },
}

/// Where checkpoints go, and how often.
pub(in crate::commands) struct Target {
    pub(super) file: PathBuf,
    pub(super) interval: Nanos,
}

impl Target {
    pub(in super::super) fn new(file: PathBuf, interval: Nanos) -> Target {
        Target { file, interval }
    }
}

impl<'scope> CheckpointWriter<'scope> {
    /// Starts the thread. Without a target it only shows the run on request.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(in super::super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        assembly: &'env Assembly<'env>,
        target: Option<Target>,
        messages: MessageSink,
        keep: Keep,
    ) -> std::io::Result<CheckpointWriter<'scope>> {
        let (orders, inbox) = sync_channel(MOST_WAITING);
        let busy = Arc::new(AtomicBool::new(false));
        let interval = target.as_ref().map(|target| target.interval);
        let mut writer = Writer {
            assembly,
            state: interval.map(|interval_ns| Checkpoints {
                interval_ns,
                ..Checkpoints::default()
            }),
            target,
            messages,
            ended: Vec::new(),
        };
        let working = busy.clone();
        let thread = helper(scope, "checkpoints", keep, move || {
            writer.serve(&inbox, &working);
            writer.state
        })?;
        Ok(CheckpointWriter {
            interval,
            due: interval.map_or(Nanos(u64::MAX), |every| monotonic().saturating_add(every)),
            asked: Asked::No,
            keeps_turns: assembly.choices.len() > 1,
            busy,
            orders,
            thread,
        })
    }

    /// Whether a snapshot is to be made. While the one before is still being
    /// written none is.
    pub(super) fn is_due(&self) -> bool {
        let wanted = self.asked == Asked::Yes || monotonic() >= self.due;
        wanted && !self.busy.load(Ordering::Acquire)
    }

    pub(super) fn ask(&mut self) {
        self.asked = Asked::Yes;
    }

    pub(super) fn write(&mut self, turn: usize, snapshot: Snapshot, told: RunNotes) {
        let now = monotonic();
        let save = now >= self.due;
        if let Some(interval) = self.interval.filter(|_| save) {
            self.due = now.saturating_add(interval);
        }
        self.busy.store(true, Ordering::Release);
        let order = Order::Write {
            turn,
            snapshot: Box::new(snapshot),
            told: Box::new(told),
            save,
            tell: std::mem::replace(&mut self.asked, Asked::No),
        };
        offer(&self.orders, order);
    }

    /// Two engines that take turns have one report.
    pub(super) fn turn_ended(&mut self, turn: &Turn) {
        if self.keeps_turns {
            offer(&self.orders, Order::Keep(Box::new(turn.clone())));
        }
    }

    /// Waits for the writer; the result is the account of its work.
    pub(super) fn end(self) -> Option<Checkpoints> {
        drop(self.orders);
        self.thread.join().unwrap_or_default()
    }
}

struct Writer<'a> {
    assembly: &'a Assembly<'a>,
    target: Option<Target>,
    state: Option<Checkpoints>,
    messages: MessageSink,
    ended: Vec<Turn>,
}

impl Writer<'_> {
    fn serve(&mut self, inbox: &Receiver<Order>, busy: &AtomicBool) {
        while let Ok(order) = inbox.recv() {
            match order {
                Order::Keep(turn) => self.ended.push(*turn),
                Order::Write {
                    turn,
                    snapshot,
                    told,
                    save,
                    tell,
                } => {
                    let collected = snapshot.into_collected();
                    let choice = turn;
                    self.ended.push(Turn { choice, collected });
                    self.write(*told, save, tell);
                    // What it shares with the run, the run can change in place
                    // again.
                    self.ended.pop();
                    busy.store(false, Ordering::Release);
                }
            }
        }
    }

    fn write(&mut self, told: RunNotes, save: bool, tell: Asked) {
        let told = RunNotes {
            checkpoints: self.state.clone(),
            ..told
        };
        super::super::turns::share_clocks(&mut self.ended);
        let cases = self.assembly.cases(&mut self.ended);
        let input = self.assembly.input(&told);
        let report = assemble(&cases, input);
        if tell == Asked::Yes {
            let (head, gaps) = (report.without_gaps(), report.gaps.iter());
            let screen = text::render(&head, gaps, Style::Plain, Extent::Screen);
            self.messages.tell(screen);
        }
        let saved = match (&self.target, save) {
            (Some(target), true) => Some(
                PendingFile::create(&target.file)
                    .and_then(|file| file.save(|out| json::write(&report, out))),
            ),
            _ => None,
        };
        drop(report);
        drop(cases);
        if let Some(saved) = saved {
            self.note(saved);
        }
    }

    /// A failure is told once; the checkpoint before it is still there, and the
    /// next one tries again.
    fn note(&mut self, saved: Result<(), OutputError>) {
        let Some(state) = &mut self.state else { return };
        match saved {
            Ok(()) => {
                if state.last_error.take().is_some() {
                    self.messages
                        .tell(String::from("hwgap: checkpoints are saved again\n"));
                }
                state.written += 1;
            }
            Err(error) => {
                let reason = error.to_string();
                if state.last_error.as_ref() != Some(&reason) {
                    let kept = match state.written {
                        0 => "there is none yet",
                        _ => "the one before is kept",
                    };
                    self.messages.tell(format!(
                        "hwgap: a checkpoint could not be saved, {kept}; the run goes on and \
                         tries again: {reason}\n"
                    ));
                }
                state.failed += 1;
                state.last_error = Some(reason);
            }
        }
    }
}
