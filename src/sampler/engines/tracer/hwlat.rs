//! The hwlat tracer's windows: its thread samples for a width with interrupts
//! off, writes one record if it found anything, and sleeps
//! (kernel/trace/trace_hwlat.c, `kthread_fn` and `get_sample`).
//!
//! The record alone would not tell how much was sampled, for a window without
//! a gap leaves none. So the switches to the thread and away from it are
//! recorded as well: the thread samples exactly once between the two.

use crate::model::Footprint;
use crate::sampler::engines::tracer::found::{Found, Seen, Stretch};
use crate::sampler::engines::tracer::kind::Tracer;
use crate::sampler::engines::tracer::records::{HwlatRecord, Switch};
use crate::sampler::engines::tracer::wall_clock::WallClock;
use crate::units::{CpuId, Cycles, Hertz, Nanos};

/// One CPU's windows.
pub(super) struct HwlatTrack {
    /// The thread's name where each CPU has its own, else that of the one.
    names: [String; 2],
    width: Cycles,
    threshold: Cycles,
    hz: Hertz,
    /// Windows that began before do not count, nor do their gaps.
    from: Cycles,
    open: Option<Window>,
}

/// From the switch to the thread on.
struct Window {
    begun: Cycles,
    /// A gap was found, and told at this moment, when sampling had ended.
    record: Option<(Cycles, HwlatRecord)>,
}

impl HwlatTrack {
    pub(super) fn new(cpu: CpuId, width: Nanos, threshold: Cycles, hz: Hertz) -> HwlatTrack {
        let name = Tracer::Hwlat.thread_name();
        HwlatTrack {
            names: [format!("{name}/{cpu}"), name.to_owned()],
            width: hz.to_cycles(width),
            threshold,
            hz,
            from: Cycles(0),
            open: None,
        }
    }

    /// Windows count from this moment on.
    pub(super) fn begin(&mut self, at: Cycles) {
        self.from = at;
    }

    /// Since when a window may be open.
    pub(super) fn open_since(&self) -> Option<Cycles> {
        self.open.as_ref().map(|window| window.begun)
    }

    /// Takes a record of this CPU.
    pub(super) fn take(&mut self, at: Cycles, text: &str, clock: &WallClock, found: &mut Found) {
        if let Some(switch) = Switch::parse(text) {
            if self.is_thread(switch.to) {
                self.open = Some(Window {
                    begun: at,
                    record: None,
                });
            } else if self.is_thread(switch.from)
                && let Some(window) = self.open.take()
            {
                self.close(&window, at, clock, found);
            }
        } else if let Some(record) = HwlatRecord::parse(text) {
            match &mut self.open {
                Some(window) => window.record = Some((at, record)),
                // Its beginning was lost; the gap was not.
                None => {
                    let window = Window {
                        begun: at.saturating_sub(self.width),
                        record: Some((at, record)),
                    };
                    self.close(&window, at, clock, found);
                }
            }
        }
        found.settled = found.settled.max(at);
    }

    /// Records were lost: what is open may be anything.
    pub(super) fn lose(&mut self) {
        self.open = None;
    }

    fn is_thread(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    fn close(&self, window: &Window, ended: Cycles, clock: &WallClock, found: &mut Found) {
        if window.begun < self.from {
            return;
        }
        let Some((told, record)) = window.record else {
            // The thread was displaced before it began, or after it had ended.
            if ended.saturating_sub(window.begun) >= self.width {
                self.sampled(
                    ended.saturating_sub(self.width),
                    window.begun.saturating_add(self.width),
                    found,
                );
            }
            return;
        };
        // Without a count nothing tells whether there were more, so that what
        // was sampled cannot be called covered.
        if record.count.is_some() {
            let first = told.saturating_sub(self.width).max(window.begun);
            self.sampled(first, told, found);
        }
        found.nmis += u64::from(record.nmis);
        found.seen.push_back(self.gap(window, told, &record, clock));
    }

    fn sampled(&self, first: Cycles, last: Cycles, found: &mut Found) {
        if first < last {
            found.stretches.push_back(Stretch { first, last });
        }
    }

    fn gap(&self, window: &Window, told: Cycles, record: &HwlatRecord, clock: &WallClock) -> Seen {
        let micros = |count: u64| self.hz.to_cycles(Nanos(count.saturating_mul(1_000)));
        let half = self.hz.to_cycles(Nanos(500));
        // The record is rounded down: the middle of what it can mean.
        let told_length = micros(record.longest_us).saturating_add(half);
        // At least this is none of the NMIs', whichever gap they fell into.
        let beside_nmis = micros(record.longest_us.saturating_sub(record.nmi_us + 1));
        let (length, footprint) = match record.nmis {
            0 => (told_length, Footprint::Excluded),
            _ if beside_nmis > self.threshold => (beside_nmis, Footprint::Excluded),
            _ => (told_length, Footprint::Unusable),
        };
        let first = clock.tsc(record.first, self.hz);
        let end = end(
            window,
            told,
            first.filter(|_| record.count.is_some()),
            length,
        );
        Seen {
            start: end.saturating_sub(length),
            end,
            footprint,
            companions: record.count.map_or(0, |count| count.saturating_sub(1)),
        }
    }
}

/// Where the longest gap of a window ended. The record tells its length, but
/// the moment of the window's `first`; without that, only that it was before
/// the record. Nothing was sampled before the window, so that a gap which would
/// reach out of it was a later one.
fn end(window: &Window, told: Cycles, first: Option<Cycles>, length: Cycles) -> Cycles {
    first
        .filter(|first| (window.begun..=told).contains(first))
        .unwrap_or(told)
        .max(window.begun.saturating_add(length))
}

/// The tracer's threshold in microseconds, so that it finds every gap above
/// the plan's: it compares whole microseconds, rounded down.
pub(super) fn threshold_us(threshold: Nanos) -> Option<u64> {
    // 0 is no threshold but asks for the default.
    (threshold.0.div_ceil(1_000))
        .checked_sub(1)
        .filter(|&micros| micros > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    const TO: &str = "sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> \
                      next_comm=hwlatd/0 next_pid=9 next_prio=120";
    const FROM: &str = "sched_switch: prev_comm=hwlatd/0 prev_pid=9 prev_prio=120 prev_state=S ==> \
                        next_comm=swapper/0 next_pid=0 next_prio=120";

    /// A track at 1 GHz with windows of 1 ms, and what it makes of lines.
    fn found(lines: &[(u64, &str)]) -> Found {
        let hz = Hertz(1e9);
        let mut track = HwlatTrack::new(CpuId(0), Nanos(1_000_000), Cycles(10_000), hz);
        let mut found = Found::default();
        for &(at, text) in lines {
            track.take(Cycles(at), text, &WallClock::default(), &mut found);
        }
        found
    }

    #[test]
    fn a_window_without_a_record_was_sampled() {
        let found = found(&[(5_000, TO), (1_015_000, FROM)]);
        // It began at 5 to 15 us and ended 1 ms later.
        let sure = Stretch {
            first: Cycles(15_000),
            last: Cycles(1_005_000),
        };
        assert_eq!(found.stretches, [sure]);
        assert!(found.seen.is_empty());
        assert_eq!(found.settled, Cycles(1_015_000));
    }

    #[test]
    fn a_thread_that_was_displaced_sampled_nothing() {
        assert!(found(&[(5_000, TO), (900_000, FROM)]).stretches.is_empty());
        assert!(found(&[(900_000, FROM)]).stretches.is_empty());
    }

    #[test]
    fn a_record_is_a_gap_of_its_window() {
        let record = "#1     inner/outer(us):   11/206   ts:1.000000000 count:3";
        let found = found(&[(5_000, TO), (1_200_000, record), (1_201_000, FROM)]);
        let gap = found.seen[0];
        // The clock knows no moment: the record's own end is all that is known.
        assert_eq!((gap.start, gap.end), (Cycles(993_500), Cycles(1_200_000)));
        assert_eq!((gap.footprint, gap.companions), (Footprint::Excluded, 2));
        let sure = Stretch {
            first: Cycles(200_000),
            last: Cycles(1_200_000),
        };
        assert_eq!(found.stretches, [sure]);
    }

    #[test]
    fn nmis_take_their_time_off_or_leave_it_open() {
        let of = |text| found(&[(0, TO), (1_000_000, text), (1_001_000, FROM)]).seen[0];
        let long = of("#1 inner/outer(us): 50/3 ts:1.000000000 count:1 nmi-total:20 nmi-count:2");
        assert_eq!(long.footprint, Footprint::Excluded);
        assert_eq!(long.end.since(long.start), Cycles(29_000));
        let short = of("#1 inner/outer(us): 25/3 ts:1.000000000 count:1 nmi-total:20 nmi-count:2");
        assert_eq!(short.footprint, Footprint::Unusable);
    }

    #[test]
    fn without_a_count_a_window_with_a_gap_is_not_covered() {
        let record = "#1     inner/outer(us):   11/206   ts:1.000000000";
        let found = found(&[(5_000, TO), (1_200_000, record), (1_201_000, FROM)]);
        assert!(found.stretches.is_empty());
        assert_eq!(found.seen.len(), 1);
    }

    #[test]
    fn a_gap_whose_window_was_lost_is_kept() {
        let record = "#1     inner/outer(us):   11/206   ts:1.000000000 count:1";
        assert_eq!(found(&[(1_200_000, record)]).seen.len(), 1);
    }

    #[test]
    fn a_gap_ends_at_the_moment_told_where_that_lies_in_its_window() {
        let window = Window {
            begun: Cycles(500_000),
            record: None,
        };
        let end = |first| end(&window, Cycles(1_500_000), first, Cycles(20_000)).0;
        assert_eq!(end(Some(Cycles(800_000))), 800_000);
        assert_eq!(end(Some(Cycles(2_000_000))), 1_500_000);
        assert_eq!(end(Some(Cycles(499_999))), 1_500_000);
        assert_eq!(end(None), 1_500_000);
        // The longest was not the first: it would have begun before sampling.
        assert_eq!(end(Some(Cycles(510_000))), 520_000);
    }

    #[test]
    fn the_threshold_is_whole_microseconds_below() {
        assert_eq!(threshold_us(Nanos(10_000)), Some(9));
        assert_eq!(threshold_us(Nanos(10_001)), Some(10));
        assert_eq!(threshold_us(Nanos(2_000)), Some(1));
        assert_eq!(threshold_us(Nanos(1_000)), None);
    }
}
