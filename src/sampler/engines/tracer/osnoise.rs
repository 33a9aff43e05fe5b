//! The osnoise tracer's runs: its thread samples for a runtime, writes an event
//! for each gap with the number of NMIs, interrupts, softirqs and tasks that
//! came in it, and a summary at the end (kernel/trace/trace_osnoise.c,
//! `run_osnoise`).

use crate::model::Footprint;
use crate::sampler::engines::tracer::found::{Found, Seen, Stretch};
use crate::sampler::engines::tracer::kind::Tracer;
use crate::sampler::engines::tracer::records::{Left, OsnoiseRecord, OsnoiseSummary, Switch};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

/// Whether interrupts come while the tracer samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupts {
    /// They wait: OSNOISE_IRQ_DISABLE, Linux 6.2, or hwlat.
    Off,
    /// They come, and are counted.
    On,
}

/// One CPU's runs.
///
/// A summary says for how long its run sampled, and comes late: what waited
/// while interrupts were off runs before it. So the switches to the thread and
/// away from it are recorded as well, and a run lies between two of them.
pub(super) struct OsnoiseTrack {
    /// The thread's name.
    name: String,
    interrupts: Interrupts,
    hz: Hertz,
    /// When the run that has no summary yet began at the earliest; `None` in
    /// pauses, and where records were lost.
    open: Option<Cycles>,
    /// When the thread was given the CPU that it has.
    entered: Option<Cycles>,
    /// Its longest stay since the latest summary: with interrupts off, the one
    /// in which it sampled.
    stay: Option<Stretch>,
}

impl OsnoiseTrack {
    pub(super) fn new(cpu: CpuId, interrupts: Interrupts, hz: Hertz) -> OsnoiseTrack {
        OsnoiseTrack {
            name: format!("{}/{cpu}", Tracer::Osnoise.thread_name()),
            interrupts,
            hz,
            open: None,
            entered: None,
            stay: None,
        }
    }

    /// Since when a run may be open.
    pub(super) fn open_since(&self) -> Option<Cycles> {
        self.open
    }

    /// Takes a record of this CPU.
    pub(super) fn take(&mut self, at: Cycles, text: &str, found: &mut Found) {
        if let Some(record) = OsnoiseRecord::parse(text) {
            found.seen.push_back(self.gap(at, &record));
        } else if let Some(switch) = Switch::parse(text) {
            if switch.to == self.name {
                self.entered = Some(at);
                self.open.get_or_insert(at);
            } else if switch.from == self.name {
                self.leave(at);
                // It sleeps between runs only.
                if switch.left == Left::Asleep {
                    (self.open, self.stay) = (None, None);
                }
            }
        } else if let Some(summary) = OsnoiseSummary::parse(text) {
            self.close(at, &summary, found);
        }
    }

    /// Records were lost: what is open may be anything.
    pub(super) fn lose(&mut self) {
        (self.open, self.entered, self.stay) = (None, None, None);
    }

    fn gap(&self, at: Cycles, record: &OsnoiseRecord) -> Seen {
        let footprint = match (record.interference, self.interrupts) {
            (0, Interrupts::Off) => Footprint::Excluded,
            (0, Interrupts::On) => Footprint::Undisturbed,
            (_, Interrupts::Off) => Footprint::Interrupted,
            (_, Interrupts::On) => Footprint::Disturbed,
        };
        Seen {
            // The event is written as soon as the gap is over.
            start: at.saturating_sub(self.hz.to_cycles(record.length)),
            end: at,
            footprint,
            companions: 0,
        }
    }

    fn leave(&mut self, at: Cycles) {
        if let Some(first) = self.entered.take() {
            let stay = Stretch { first, last: at };
            let longest = self.stay.is_none_or(|stay| stay.length() < at.since(first));
            if longest {
                self.stay = Some(stay);
            }
        }
    }

    fn close(&mut self, at: Cycles, summary: &OsnoiseSummary, found: &mut Found) {
        let entered = self.entered;
        self.leave(at);
        let within = match self.interrupts {
            Interrupts::Off => self.stay,
            Interrupts::On => self.open.map(|first| Stretch { first, last: at }),
        };
        let runtime = Nanos(summary.runtime_us.saturating_mul(1_000));
        let runtime = self.hz.to_cycles(runtime);
        // It began and ended somewhere within: what all such places share.
        if let Some(within) = within
            && within.length() >= runtime
        {
            let first = within.last.saturating_sub(runtime);
            let last = within.first.saturating_add(runtime);
            if first < last {
                found.stretches.push_back(Stretch { first, last });
            }
        }
        found.nmis += summary.nmis;
        found.settled = found.settled.max(at);
        // Without a pause it goes on at once.
        let on = entered.map(|_| at);
        (self.open, self.entered, self.stay) = (on, on, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: &str = "sample_threshold: start 0.000090000 duration 20000 ns interference 0";
    const TICK: &str = "sample_threshold: start 0.000190000 duration 3000 ns interference 2";
    const SUMMARY: &str = "1000   23   97.70000   20   1   0   1   1   0";
    const TO: &str = "sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> \
                      next_comm=osnoise/0 next_pid=9 next_prio=120";
    const FROM: &str = "sched_switch: prev_comm=osnoise/0 prev_pid=9 prev_prio=120 prev_state=R ==> \
                        next_comm=ktimers/0 next_pid=7 next_prio=98";

    fn found(interrupts: Interrupts, lines: &[(u64, &str)]) -> (OsnoiseTrack, Found) {
        let mut track = OsnoiseTrack::new(CpuId(0), interrupts, Hertz(1e9));
        let mut found = Found::default();
        for &(at, text) in lines {
            track.take(Cycles(at), text, &mut found);
        }
        (track, found)
    }

    fn stretches(interrupts: Interrupts, lines: &[(u64, &str)]) -> Vec<(u64, u64)> {
        (found(interrupts, lines).1.stretches.iter())
            .map(|stretch| (stretch.first.0, stretch.last.0))
            .collect()
    }

    #[test]
    fn each_gap_is_told_by_what_interfered() {
        let (_, found) = found(Interrupts::On, &[(110_000, GAP), (193_000, TICK)]);
        let footprints: Vec<Footprint> = found.seen.iter().map(|seen| seen.footprint).collect();
        assert_eq!(footprints, [Footprint::Undisturbed, Footprint::Disturbed]);
        assert_eq!(found.seen[0].start, Cycles(90_000));
        assert_eq!(found.seen[0].end, Cycles(110_000));
        // Only a summary says that nothing else is to come.
        assert_eq!(found.settled, Cycles(0));
    }

    #[test]
    fn a_run_lies_between_the_switches_though_its_summary_is_late() {
        let lines = [
            (90_000, TO),
            // Sampling for 1 ms; then what had waited.
            (1_100_000, FROM),
            (1_300_000, TO),
            (1_301_000, SUMMARY),
            (1_302_000, FROM),
        ];
        // It began at 90 to 100 us.
        let sure = [(100_000, 1_090_000)];
        assert_eq!(stretches(Interrupts::Off, &lines), sure);
        // With nothing waiting the summary is the end.
        let quiet = [(90_000, TO), (1_092_000, SUMMARY)];
        assert_eq!(stretches(Interrupts::Off, &quiet), [(92_000, 1_090_000)]);
    }

    #[test]
    fn a_run_whose_beginning_is_not_known_is_not_called_sampled() {
        for interrupts in [Interrupts::Off, Interrupts::On] {
            assert_eq!(stretches(interrupts, &[(1_092_000, SUMMARY)]), []);
            // Of 1 ms no stay of half a millisecond can be.
            let late = [(600_000, TO), (1_092_000, SUMMARY)];
            assert_eq!(stretches(interrupts, &late), []);
        }
        let mut track = OsnoiseTrack::new(CpuId(0), Interrupts::Off, Hertz(1e9));
        let mut found = Found::default();
        track.take(Cycles(90_000), TO, &mut found);
        track.lose();
        track.take(Cycles(1_100_000), SUMMARY, &mut found);
        assert!(found.stretches.is_empty());
    }

    #[test]
    fn with_interrupts_on_a_run_goes_on_through_switches() {
        let lines = [
            (50_000, TO),
            (400_000, FROM),
            (500_000, TO),
            (1_060_000, SUMMARY),
            (2_070_000, SUMMARY),
        ];
        let expected = [(60_000, 1_050_000), (1_070_000, 2_060_000)];
        assert_eq!(stretches(Interrupts::On, &lines), expected);
    }

    #[test]
    fn a_run_is_open_until_its_summary() {
        let since = |lines: &[(u64, &str)]| found(Interrupts::Off, lines).0.open_since();
        assert_eq!(
            since(&[(90_000, TO), (1_100_000, FROM)]),
            Some(Cycles(90_000))
        );
        // The next one may begin at once.
        let mut lines = vec![(90_000, TO), (1_100_000, SUMMARY)];
        assert_eq!(since(&lines), Some(Cycles(1_100_000)));
        let asleep = FROM.replace("prev_state=R", "prev_state=S");
        lines.push((1_101_000, &asleep));
        assert_eq!(since(&lines), None);
    }
}
