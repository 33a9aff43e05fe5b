//! The osnoise tracer's runs: its thread samples for a runtime, writes an event
//! for each gap with the number of NMIs, interrupts, softirqs and tasks that
//! came in it, and a summary at the end (kernel/trace/trace_osnoise.c,
//! `run_osnoise`).

use crate::attribution::Footprint;
use crate::units::{Cycles, Hertz, Nanos};

use super::found::{Found, Seen, Stretch};
use super::records::{OsnoiseRecord, OsnoiseSummary};

/// Whether interrupts come while the tracer samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupts {
    /// They wait: OSNOISE_IRQ_DISABLE, Linux 6.2, or hwlat.
    Off,
    /// They come, and are counted.
    On,
}

/// One CPU's runs.
pub(super) struct OsnoiseTrack {
    interrupts: Interrupts,
    hz: Hertz,
    /// The end of the latest run.
    ended: Option<Cycles>,
}

impl OsnoiseTrack {
    pub(super) fn new(interrupts: Interrupts, hz: Hertz) -> OsnoiseTrack {
        OsnoiseTrack {
            interrupts,
            hz,
            ended: None,
        }
    }

    /// Takes a record of this CPU.
    pub(super) fn take(&mut self, at: Cycles, text: &str, found: &mut Found) {
        if let Some(record) = OsnoiseRecord::parse(text) {
            let footprint = match (record.interference, self.interrupts) {
                (0, Interrupts::Off) => Footprint::Excluded,
                (0, Interrupts::On) => Footprint::Undisturbed,
                (_, Interrupts::Off) => Footprint::Interrupted,
                (_, Interrupts::On) => Footprint::Disturbed,
            };
            // The event is written as soon as the gap is over.
            let start = at.saturating_sub(self.hz.to_cycles(record.length));
            found.seen.push_back(Seen {
                start,
                end: at,
                footprint,
                companions: 0,
            });
        } else if let Some(summary) = OsnoiseSummary::parse(text) {
            let runtime = Nanos(summary.runtime_us.saturating_mul(1_000));
            // A run begins after the one before has ended, whatever it says.
            let first = at.saturating_sub(self.hz.to_cycles(runtime));
            let first = self.ended.map_or(first, |ended| first.max(ended));
            found.stretches.push_back(Stretch { first, last: at });
            found.nmis += summary.nmis;
            found.settled = found.settled.max(at);
            self.ended = Some(at);
        }
    }

    /// Sampling was ended at this moment, in the middle of a run that has no
    /// summary. Where runs follow each other without a pause, it was sampled.
    pub(super) fn end(&mut self, at: Cycles, found: &mut Found) {
        if let (Interrupts::On, Some(first)) = (self.interrupts, self.ended)
            && first < at
        {
            found.stretches.push_back(Stretch { first, last: at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: &str = "sample_threshold: start 0.000090000 duration 20000 ns interference 0";
    const TICK: &str = "sample_threshold: start 0.000190000 duration 3000 ns interference 2";
    const SUMMARY: &str = "1000   23   97.70000   20   1   0   1   1   0";

    fn found(interrupts: Interrupts, lines: &[(u64, &str)]) -> (OsnoiseTrack, Found) {
        let mut track = OsnoiseTrack::new(interrupts, Hertz(1e9));
        let mut found = Found::default();
        for &(at, text) in lines {
            track.take(Cycles(at), text, &mut found);
        }
        (track, found)
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
    fn runs_are_sampled_and_do_not_overlap() {
        let lines = [(1_100_000, SUMMARY), (2_050_000, SUMMARY)];
        let (mut track, mut found) = found(Interrupts::On, &lines);
        track.end(Cycles(2_500_000), &mut found);
        let expected = [
            (100_000, 1_100_000),
            (1_100_000, 2_050_000),
            (2_050_000, 2_500_000),
        ];
        let stretches: Vec<(u64, u64)> = (found.stretches.iter())
            .map(|stretch| (stretch.first.0, stretch.last.0))
            .collect();
        assert_eq!(stretches, expected);
    }

    #[test]
    fn with_interrupts_off_the_last_run_may_have_been_a_pause() {
        let (mut track, mut found) = found(Interrupts::Off, &[(1_100_000, SUMMARY)]);
        track.end(Cycles(2_500_000), &mut found);
        assert_eq!(found.stretches.len(), 1);
    }
}
