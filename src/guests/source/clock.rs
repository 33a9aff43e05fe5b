//! From the kernel's clocks to the TSC: straight lines between moments at which
//! they were read together.

use std::collections::VecDeque;
use std::time::Duration;

use crate::sys::clock::{MonotonicMoment, moment, monotonic_moment};
use crate::sys::clock_fit::ClockFit;
use crate::units::{Cycles, Nanos};

/// Moments that lie closer make no line: the error of the readings would count.
const SHORTEST: Nanos = Nanos(20_000_000);
/// Lines that are kept for records that come late.
const LINES: usize = 64;

/// One of the two clocks.
#[derive(Debug)]
struct Lines {
    read: fn() -> MonotonicMoment,
    latest: MonotonicMoment,
    lines: VecDeque<(Nanos, ClockFit)>,
    error: Nanos,
}

/// CLOCK_MONOTONIC, which programs read, and CLOCK_MONOTONIC_RAW, which the rings
/// have.
#[derive(Debug)]
pub(super) struct Clock {
    monotonic: Lines,
    raw: Lines,
}

impl Clock {
    /// Takes the first two moments.
    pub(super) fn begin() -> Clock {
        let mut clock = Clock {
            monotonic: Lines::begin(monotonic_moment),
            raw: Lines::begin(|| {
                let moment = moment();
                MonotonicMoment {
                    tsc: moment.tsc,
                    monotonic: moment.raw,
                    error: moment.error,
                }
            }),
        };
        while clock.raw.lines.is_empty() || clock.monotonic.lines.is_empty() {
            std::thread::sleep(Duration::from_nanos(SHORTEST.0));
            clock.tick();
        }
        clock
    }

    /// Takes a moment, if the latest is old enough.
    pub(super) fn tick(&mut self) {
        self.monotonic.tick();
        self.raw.tick();
    }

    pub(super) fn monotonic(&self, time: u64) -> Cycles {
        self.monotonic.tsc(Nanos(time))
    }

    pub(super) fn raw(&self, time: u64) -> Cycles {
        self.raw.tsc(Nanos(time))
    }

    /// The bound of the error of what programs have timed, and of what rings have.
    pub(super) fn errors(&self) -> (Nanos, Nanos) {
        (self.monotonic.error, self.raw.error)
    }
}

impl Lines {
    fn begin(read: fn() -> MonotonicMoment) -> Lines {
        Lines {
            read,
            latest: read(),
            lines: VecDeque::new(),
            error: Nanos(0),
        }
    }

    fn tick(&mut self) {
        let now = (self.read)();
        let length = now.monotonic.saturating_sub(self.latest.monotonic);
        if length < SHORTEST {
            return;
        }
        if let Some(line) = ClockFit::new(self.latest, now) {
            let before = self.lines.back().map(|(_, line)| line);
            self.error = self.error.max(line.error(before));
            self.lines.push_back((self.latest.monotonic, line));
            if self.lines.len() > LINES {
                self.lines.pop_front();
            }
        }
        self.latest = now;
    }

    fn tsc(&self, time: Nanos) -> Cycles {
        let after = self.lines.partition_point(|(begin, _)| *begin <= time);
        let line = self.lines.get(after.saturating_sub(1));
        line.map_or(Cycles(0), |(_, line)| line.tsc(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tsc;

    #[test]
    fn both_clocks_lead_to_the_tsc() {
        let mut clock = Clock::begin();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(25));
            clock.tick();
        }
        let before = tsc::read();
        let (monotonic, raw) = (monotonic_moment().monotonic, moment().raw);
        let after = tsc::read();
        // As far as the lines' error goes, with room for other speeds of the TSC.
        let slack = 10 * clock.errors().0.max(clock.errors().1).0 + 10_000;
        for found in [clock.monotonic(monotonic.0), clock.raw(raw.0)] {
            assert!((before.saturating_sub(slack)..after + slack).contains(&found.0));
        }
        let (_, first) = &clock.monotonic.lines[0];
        let early = clock.monotonic.lines[0].0;
        assert_eq!(clock.monotonic(early.0), first.tsc(early));
    }
}
