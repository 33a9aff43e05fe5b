//! Gaps as rows of CSV, while they happen.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::attribution::Throttling;
use crate::cpulist::CpuList;
use crate::evidence::kernel_trace::Names;
use crate::plan::EventsPlan;
use crate::privileges::Keep;
use crate::report::OutputError;
use crate::report::assemble::Lens;
use crate::report::csv;
use crate::report::event_file::EventFile;
use crate::report::model::StreamedEvents;
use crate::session::{JudgedNow, Limits, PackedGap, Teller};
use crate::units::{CpuId, Cycles, UtcNanos};

use super::{helper, offer};

/// Gaps that may wait for the file: 4 MB, or 13 s of 5,000 gaps a second.
const MOST_WAITING: usize = 65_536;
/// Batches that may; a visit to the engine makes at most one.
const MOST_BATCHES: usize = 4_096;

/// The collector's end of the stream.
pub(in super::super) struct EventStream<'scope> {
    gaps: Vec<(usize, PackedGap, UtcNanos)>,
    names: Option<Names>,
    limits: Limits,
    names_sent: usize,
    origin: Option<Cycles>,
    waiting: Arc<AtomicUsize>,
    /// Gaps for which there was no room.
    slow: Arc<AtomicU64>,
    state: Arc<Mutex<StreamedEvents>>,
    batches: SyncSender<Batch>,
    thread: ScopedJoinHandle<'scope, ()>,
}

/// The gaps of one visit to the engine.
struct Batch {
    /// The names in accounts, where there are new ones.
    names: Option<Names>,
    limits: Limits,
    origin: Cycles,
    gaps: Vec<(usize, PackedGap, UtcNanos)>,
}

impl<'scope> EventStream<'scope> {
    /// Opens the file and starts the thread.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(in super::super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        plan: &EventsPlan,
        cpus: &CpuList,
        limits: Limits,
        teller: Teller,
        keep: Keep,
    ) -> Result<EventStream<'scope>, OutputError> {
        let file = EventFile::open(&plan.file, plan.rows)?;
        let (batches, inbox) = sync_channel(MOST_BATCHES);
        let state = Arc::new(Mutex::new(StreamedEvents::default()));
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            file,
            cpus: cpus.iter().collect(),
            throttling: limits.throttling,
            names: None,
            teller,
            waiting: waiting.clone(),
            state: state.clone(),
        };
        let thread = helper(scope, "events", keep, move || writer.serve(&inbox))
            .map_err(|error| OutputError::of_thread(&plan.file, error))?;
        Ok(EventStream {
            gaps: Vec::new(),
            names: None,
            limits,
            names_sent: 0,
            origin: None,
            waiting,
            slow: Arc::new(AtomicU64::new(0)),
            state,
            batches,
            thread,
        })
    }

    pub(super) fn gap(&mut self, now: &JudgedNow<'_>) {
        if self.waiting.load(Ordering::Relaxed) + self.gaps.len() >= MOST_WAITING {
            self.slow.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Some(names) = now.names.filter(|names| names.count() > self.names_sent) {
            self.names_sent = names.count();
            self.names = Some(names.clone());
        }
        self.limits = *now.limits;
        let utc = now.timeline.utc(now.gap.start());
        self.gaps.push((now.index, now.gap, utc));
    }

    /// Passes on what has come in since the last time, once the cycle is known
    /// that the report will count from.
    pub(super) fn send(&mut self, origin: Option<Cycles>) {
        self.origin = self.origin.or(origin);
        let (count, Some(origin)) = (self.gaps.len(), self.origin) else {
            return;
        };
        if count == 0 {
            return;
        }
        self.waiting.fetch_add(count, Ordering::Relaxed);
        let batch = Batch {
            names: self.names.take(),
            limits: self.limits,
            origin,
            gaps: std::mem::take(&mut self.gaps),
        };
        if !offer(&self.batches, batch) {
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            self.slow.fetch_add(count as u64, Ordering::Relaxed);
            // They may have gone with the batch.
            self.names_sent = 0;
        }
    }

    /// The account so far.
    pub(super) fn so_far(&self) -> StreamedEvents {
        account(&self.state, &self.slow)
    }

    /// Waits for the last rows.
    pub(super) fn end(mut self) -> StreamedEvents {
        self.send(None);
        drop(self.batches);
        // A writer that panicked has told so, and its account stands.
        let _ = self.thread.join();
        account(&self.state, &self.slow)
    }
}

fn account(state: &Mutex<StreamedEvents>, slow: &AtomicU64) -> StreamedEvents {
    let written = match state.lock() {
        Ok(state) => state.clone(),
        Err(poisoned) => poisoned.into_inner().clone(),
    };
    let slow = slow.load(Ordering::Relaxed);
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
    throttling: Option<Throttling>,
    names: Option<Names>,
    teller: Teller,
    waiting: Arc<AtomicUsize>,
    state: Arc<Mutex<StreamedEvents>>,
}

impl Writer {
    fn serve(mut self, inbox: &Receiver<Batch>) {
        let mut lines = Vec::new();
        while let Ok(batch) = inbox.recv() {
            let rows = batch.gaps.len();
            lines.clear();
            if let Some(names) = batch.names {
                self.names = Some(names);
            }
            let lens = Lens {
                hz: batch.limits.hz,
                origin: batch.origin,
                names: self.names.as_ref(),
                setting: batch.limits.setting,
                throttling: self.throttling,
            };
            for (index, gap, utc) in batch.gaps {
                // A vector takes all that is written to it.
                let _ = csv::append(&lens.row(self.cpus[index], &gap, utc), &mut lines);
            }
            let written = self.file.append(&lines, rows as u64);
            self.waiting.fetch_sub(rows, Ordering::Relaxed);
            self.note(rows as u64, written);
        }
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
                    self.teller.tell(format!(
                        "hwgap: rows of --events-csv are lost: {reason}; the run goes on, and \
                         later rows are tried\n"
                    ));
                    state.error = Some(reason);
                }
            }
        }
    }
}
