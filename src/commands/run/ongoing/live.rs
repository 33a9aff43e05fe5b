//! How a run stands, as lines of JSON: for dashboards, and for the programs that
//! have started it. Only this thread waits for their reader.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::files::event_file::EventFile;
use crate::model::{CauseCounts, LIVE_SCHEMA, LiveStanding, LiveState, SCHEMA_VERSION};
use crate::privileges::Keep;
use crate::session::{CpuView, MessageSink, Sampling, View};
use crate::sys::{sched, signals};
use crate::text::{human, json};
use crate::units::{Nanos, UtcNanos};

use super::{STACK, offer};

/// From one line to the next.
const INTERVAL: Nanos = Nanos::SECOND;
/// Lines that wait for a slow reader at most.
const MOST_WAITING: usize = 8;
/// How long the end of a run waits for the last line to be taken.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is the same in all lines.
#[derive(Clone, Copy)]
pub(in super::super) struct Frame {
    pub(in super::super) planned: Nanos,
    /// Where a scripted clock stands; else the time is the host's.
    pub(in super::super) scripted: Option<UtcNanos>,
}

/// The collector's end.
pub(in super::super) struct LiveLines {
    lines: SyncSender<LiveStanding>,
    ended: Receiver<()>,
    frame: Frame,
    next: Nanos,
    last: Option<LiveStanding>,
    dropped: u64,
}

impl LiveLines {
    /// Starts the thread. It belongs to no scope: a reader that takes nothing
    /// must not keep the program from its end.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(in super::super) fn start(
        file: EventFile,
        frame: Frame,
        messages: MessageSink,
        keep: Keep,
    ) -> io::Result<LiveLines> {
        let (lines, inbox) = sync_channel(MOST_WAITING);
        let (end, ended) = sync_channel(1);
        std::thread::Builder::new()
            .name(String::from("live"))
            .stack_size(STACK)
            .spawn(move || {
                signals::block_all();
                // Where it is refused, writing competes with the collector.
                let _ = sched::set_background();
                keep.apply();
                write(&inbox, file, &messages);
                let _ = end.send(());
            })?;
        Ok(LiveLines {
            lines,
            ended,
            frame,
            next: Nanos(0),
            last: None,
            dropped: 0,
        })
    }

    pub(super) fn look(&mut self, view: &View) {
        if view.elapsed < self.next {
            return;
        }
        let whole = view.elapsed.0 - view.elapsed.0 % INTERVAL.0;
        self.next = Nanos(whole).saturating_add(INTERVAL);
        let line = LiveStanding {
            lines_dropped: self.dropped,
            ..self.frame.standing(view)
        };
        self.dropped += u64::from(!offer(&self.lines, line));
    }

    pub(super) fn stood(&mut self, view: &View) {
        self.last = Some(self.frame.standing(view));
    }

    /// Writes the last line, where it is taken.
    pub(super) fn end(self) {
        let Some(last) = self.last else { return };
        let line = LiveStanding {
            state: LiveState::Ended,
            lines_dropped: self.dropped,
            ..last
        };
        if offer(&self.lines, line) {
            drop(self.lines);
            let _ = self.ended.recv_timeout(PATIENCE);
        }
    }
}

fn write(inbox: &Receiver<LiveStanding>, mut file: EventFile, messages: &MessageSink) {
    let (mut dropped, mut is_told, mut text) = (0, false, Vec::new());
    while let Ok(mut line) = inbox.recv() {
        line.lines_dropped += dropped;
        text.clear();
        // A vector takes all that is written to it.
        let _ = json::write_line(&line, &mut text);
        let Err(error) = file.append(&text, 1) else {
            continue;
        };
        dropped += 1;
        match error.kind() {
            // Whoever closes a pipe has read enough.
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => return,
            io::ErrorKind::TimedOut => {}
            _ if is_told => {}
            _ => {
                is_told = true;
                messages.tell(format!(
                    "hwgap: lines of --live-json are lost: {error}; the run goes on, and later \
                     lines are tried\n"
                ));
            }
        }
    }
}

impl Frame {
    fn standing(self, view: &View) -> LiveStanding {
        let cpus = &view.cpus;
        let ended = |cpu: &&CpuView| cpu.sampling == Sampling::Ended;
        let share = |cpu: &CpuView| {
            let covered = cpu.elapsed.saturating_sub(cpu.uncovered);
            (cpu.elapsed > Nanos(0)).then(|| human::share(covered, cpu.elapsed))
        };
        let shares: Option<f64> = cpus.iter().map(share).sum();
        let longest = cpus.iter().map(|cpu| cpu.max_platform).max();
        let smis: Option<Vec<u64>> = cpus.iter().map(|cpu| cpu.smis).collect();
        LiveStanding {
            schema: LIVE_SCHEMA,
            schema_version: SCHEMA_VERSION,
            time_utc: self.now(),
            state: LiveState::Running,
            elapsed_ns: view.elapsed,
            planned_ns: self.planned,
            cpus: cpus.len(),
            cpus_ended: cpus.iter().filter(ended).count(),
            coverage: shares
                .filter(|_| !cpus.is_empty())
                .map(|sum| sum / cpus.len() as f64),
            gaps_by_cause: (cpus.iter())
                .fold(CauseCounts::default(), |all, cpu| all.and(cpu.counts)),
            platform_gaps: cpus.iter().map(|cpu| cpu.above_limit).sum(),
            platform_max_ns: longest.unwrap_or_default(),
            unknown_ns: (cpus.iter()).fold(Nanos(0), |all, cpu| all.saturating_add(cpu.unknown)),
            smis: smis.and_then(|smis| smis.into_iter().max()),
            lines_dropped: 0,
        }
    }

    fn now(self) -> String {
        match self.scripted {
            Some(time) => time.rfc3339(),
            None => format!("{:.9}", jiff::Timestamp::now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame {
        planned: Nanos::SECOND,
        scripted: None,
    };

    fn at(millis: u64) -> View {
        View {
            elapsed: Nanos(millis * Nanos::MILLISECOND.0),
            cpus: Vec::new(),
        }
    }

    #[test]
    fn a_line_comes_each_second_and_those_that_find_no_room_are_counted() {
        let (lines, inbox) = sync_channel(1);
        let mut live = LiveLines {
            lines,
            ended: sync_channel(1).1,
            frame: FRAME,
            next: Nanos(0),
            last: None,
            dropped: 0,
        };
        for millis in [200, 400, 990, 1_100, 2_050, 2_900] {
            live.look(&at(millis));
        }
        assert_eq!(inbox.recv().unwrap().elapsed_ns, Nanos(200_000_000));
        live.stood(&at(3_000));
        live.end();
        let last = inbox.recv().unwrap();
        // Those of 1.1 and 2.05 s.
        assert_eq!((last.state, last.lines_dropped), (LiveState::Ended, 2));
        assert_eq!(last.coverage, None);
    }

    #[test]
    fn a_full_disk_is_told_once() {
        let file = EventFile::open("/dev/full".as_ref(), 9, b"").unwrap();
        let (lines, inbox) = sync_channel(9);
        for _ in 0..3 {
            lines.send(FRAME.standing(&at(0))).unwrap();
        }
        drop(lines);
        let (told, texts) = sync_channel(9);
        write(
            &inbox,
            file,
            &MessageSink::new(move |text| told.send(text).unwrap()),
        );
        assert_eq!(texts.try_iter().count(), 1);
    }
}
