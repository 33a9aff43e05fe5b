//! Gaps as rows of CSV, while they happen.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::evidence::kernel_trace::Names;
use crate::files::event_file::EventFile;
use crate::judgement::assembly::GapContext;
use crate::model::{EngineName, StreamedEvents};
use crate::privileges::Keep;
use crate::render::csv;
use crate::session::{JudgedNow, Limits, MessageSink, PackedGap};
use crate::units::{CpuId, Cycles, UtcNanos};

use super::super::assembly::Assembly;
use super::{helper, offer};

/// Gaps that may wait for the file: 5 MB, or 13 s of 5,000 gaps a second. The
/// memory is taken at once, so that a slow moment of the disk does not show in
/// the size of the process.
const MOST_WAITING: usize = 65_536;
/// Changes of the frame that may wait.
const MOST_FRAMES: usize = 64;
/// Rows that are written at a time.
const BATCH: usize = 1_024;
/// How long the writer sleeps where nothing wakes it.
const NAP: Duration = Duration::from_secs(1);

/// The collector's end of the stream.
pub(in super::super) struct EventStream<'scope> {
    ring: Producer<Event>,
    frames: SyncSender<Frame>,
    /// As it was sent last.
    frame: Frame,
    names_sent: usize,
    /// Gaps for which there was no room.
    slow: u64,
    state: Arc<Mutex<StreamedEvents>>,
    thread: ScopedJoinHandle<'scope, ()>,
}

struct Event {
    engine: EngineName,
    index: usize,
    gap: PackedGap,
    utc: UtcNanos,
}

/// What it takes to show gaps. A change is sent before the gaps that it bears
/// on, and taken after them.
#[derive(Clone)]
struct Frame {
    names: Option<Arc<Names>>,
    limits: Limits,
    /// The cycle that the report will count from; no row is written before it
    /// is known.
    origin: Option<Cycles>,
}

impl<'scope> EventStream<'scope> {
    /// Starts the thread that writes to the file.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(in super::super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        file: EventFile,
        assembly: &Assembly<'_>,
        messages: MessageSink,
        keep: Keep,
    ) -> io::Result<EventStream<'scope>> {
        let (ring, inbox) = RingBuffer::new(MOST_WAITING);
        let (frames, changes) = sync_channel(MOST_FRAMES);
        let state = Arc::new(Mutex::new(StreamedEvents::default()));
        let frame = Frame {
            names: None,
            limits: assembly.limits,
            origin: None,
        };
        let writer = Writer {
            file,
            cpus: assembly.plan.cpus.iter().collect(),
            inbox,
            changes,
            frame: frame.clone(),
            messages,
            state: state.clone(),
        };
        let thread = helper(scope, "events", keep, move || writer.serve())?;
        Ok(EventStream {
            ring,
            frames,
            frame,
            names_sent: 0,
            slow: 0,
            state,
            thread,
        })
    }

    pub(super) fn gap(&mut self, engine: EngineName, now: &JudgedNow<'_>) {
        let names = now.names.filter(|names| names.count() > self.names_sent);
        if names.is_some() || self.frame.limits.setting != now.limits.setting {
            self.frame.limits = *now.limits;
            if let Some(names) = names {
                self.frame.names = Some(Arc::new(names.clone()));
            }
            // Where there is no room, the next gap tries again.
            if offer(&self.frames, self.frame.clone()) {
                self.names_sent = now.names.map_or(0, Names::count);
            }
        }
        let event = Event {
            engine,
            index: now.index,
            gap: now.gap,
            utc: now.timeline.utc(now.gap.start()),
        };
        self.slow += u64::from(self.ring.push(event).is_err());
    }

    /// Wakes the writer after a visit to the engine.
    pub(super) fn send(&mut self, origin: Option<Cycles>) {
        // Of two engines that take turns, the first sets the origin.
        if self.frame.origin.is_none() && origin.is_some() {
            self.frame.origin = origin;
            if !offer(&self.frames, self.frame.clone()) {
                self.frame.origin = None;
            }
        }
        if self.ring.slots() < MOST_WAITING {
            self.thread.thread().unpark();
        }
    }

    pub(super) fn so_far(&self) -> StreamedEvents {
        account(&self.state, self.slow)
    }

    /// Waits for the last rows.
    pub(super) fn end(self) -> StreamedEvents {
        drop(self.ring);
        self.thread.thread().unpark();
        // A writer that panicked has told so, and its account stands.
        let _ = self.thread.join();
        account(&self.state, self.slow)
    }
}

fn account(state: &Mutex<StreamedEvents>, slow: u64) -> StreamedEvents {
    let written = match state.lock() {
        Ok(state) => state.clone(),
        Err(poisoned) => poisoned.into_inner().clone(),
    };
    let too_slow = || String::from("the file could not keep up with the gaps");
    StreamedEvents {
        rows_lost: written.rows_lost + slow,
        error: written.error.or_else(|| (slow > 0).then(too_slow)),
        ..written
    }
}

struct Writer {
    file: EventFile,
    cpus: Vec<CpuId>,
    inbox: Consumer<Event>,
    changes: Receiver<Frame>,
    frame: Frame,
    messages: MessageSink,
    state: Arc<Mutex<StreamedEvents>>,
}

impl Writer {
    fn serve(mut self) {
        let (mut batch, mut lines) = (Vec::with_capacity(BATCH), Vec::new());
        loop {
            // Asked first: what was pushed before the end is popped below.
            let is_last = self.inbox.is_abandoned();
            while batch.len() < BATCH
                && let Ok(event) = self.inbox.pop()
            {
                batch.push(event);
            }
            while let Ok(frame) = self.changes.try_recv() {
                self.frame = frame;
            }
            // A run may end before all samplers have begun.
            let origin = self.frame.origin.or(is_last.then_some(Cycles(0)));
            match origin.filter(|_| !batch.is_empty()) {
                Some(origin) => self.write(origin, &mut batch, &mut lines),
                None if is_last => return,
                None => std::thread::park_timeout(NAP),
            }
        }
    }

    fn write(&mut self, origin: Cycles, batch: &mut Vec<Event>, lines: &mut Vec<u8>) {
        let limits = self.frame.limits;
        let context = GapContext {
            hz: limits.hz,
            origin,
            names: self.frame.names.as_deref(),
            setting: limits.setting,
            throttling: limits.throttling,
        };
        lines.clear();
        let rows = batch.len() as u64;
        for event in batch.drain(..) {
            let row = context.row(self.cpus[event.index], &event.gap, event.utc);
            // A vector takes all that is written to it.
            let _ = csv::append(&row, event.engine, lines);
        }
        let written = self.file.append(lines, rows);
        self.note(rows, written);
    }

    fn note(&self, rows: u64, written: io::Result<u64>) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        match written {
            Ok(discarded) => {
                state.rows += rows;
                state.rows_discarded += discarded;
            }
            Err(error) => {
                state.rows_lost += rows;
                let reason = error.to_string();
                if state.error.as_ref() != Some(&reason) {
                    self.messages.tell(format!(
                        "hwgap: rows of --events-csv are lost: {reason}; the run goes on, and \
                         later rows are tried\n"
                    ));
                    state.error = Some(reason);
                }
            }
        }
    }
}
