//! The kernel's clocks, read between two TSC readings.

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use crate::units::{Cycles, Nanos, UtcNanos};

use super::tsc;

#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The TSC, midway between the two readings around the others.
    pub tsc: Cycles,
    /// CLOCK_MONOTONIC_RAW: no NTP slewing.
    pub raw: Nanos,
    /// CLOCK_REALTIME: UTC as the host believes it.
    pub utc: UtcNanos,
    /// Half the distance between the TSC readings around `raw`: the error of
    /// the pair `tsc`, `raw`.
    pub error: Cycles,
    /// What nobody but a hand on the clock changes.
    pub ahead: Ahead,
}

/// How far CLOCK_REALTIME is ahead of clocks that are slewed as it is: NTP's
/// slewing leaves both differences alone, and only a step changes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Of CLOCK_MONOTONIC, in nanoseconds; a suspend adds its length.
    pub of_monotonic: i64,
    /// Of CLOCK_BOOTTIME, which counts suspends as CLOCK_REALTIME does.
    pub of_boottime: i64,
}

/// Of several tries the one whose readings lie closest together.
fn ahead() -> Ahead {
    (0..4)
        .map(|_| {
            let before = read(ClockId::CLOCK_MONOTONIC);
            let utc = read(ClockId::CLOCK_REALTIME);
            let boot = read(ClockId::CLOCK_BOOTTIME);
            let after = read(ClockId::CLOCK_MONOTONIC);
            let ahead = Ahead {
                of_monotonic: utc - before,
                of_boottime: utc - boot,
            };
            (after - before, ahead)
        })
        .min_by_key(|(width, _)| *width)
        .expect("the range is not empty")
        .1
}

/// Reads all three clocks; of several tries the one with the closest bracket,
/// as an interrupt in between would widen it.
pub fn moment() -> Moment {
    (0..16)
        .map(|_| {
            let before = tsc::read();
            let raw = read(ClockId::CLOCK_MONOTONIC_RAW);
            let after = tsc::read();
            let utc = read(ClockId::CLOCK_REALTIME);
            let width = after.wrapping_sub(before);
            Moment {
                tsc: Cycles(before.wrapping_add(width / 2)),
                raw: Nanos(raw.unsigned_abs()),
                utc: UtcNanos(utc),
                error: Cycles(width.div_ceil(2)),
                ahead: Ahead::default(),
            }
        })
        .min_by_key(|moment| moment.error)
        .map(|moment| Moment {
            ahead: ahead(),
            ..moment
        })
        .expect("the range is not empty")
}

/// One moment on the TSC and on the clock that BPF programs read.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicMoment {
    /// The TSC, midway between the two readings around the other clock.
    pub tsc: Cycles,
    pub monotonic: Nanos,
    /// Half the distance between the TSC readings.
    pub error: Cycles,
}

/// Reads both clocks; of a few tries the one with the closest bracket.
pub fn monotonic_moment() -> MonotonicMoment {
    (0..4)
        .map(|_| {
            let before = tsc::read();
            let monotonic = monotonic();
            let width = tsc::read().wrapping_sub(before);
            MonotonicMoment {
                tsc: Cycles(before.wrapping_add(width / 2)),
                monotonic,
                error: Cycles(width.div_ceil(2)),
            }
        })
        .min_by_key(|moment| moment.error)
        .expect("the range is not empty")
}

/// CLOCK_MONOTONIC, for deadlines and progress.
pub fn monotonic() -> Nanos {
    Nanos(read(ClockId::CLOCK_MONOTONIC).unsigned_abs())
}

/// How long the machine was suspended since boot: CLOCK_BOOTTIME counts that,
/// CLOCK_MONOTONIC does not. Of several tries the least, as a preemption
/// between the two readings would add to it.
pub fn suspended() -> Nanos {
    (0..4)
        .map(|_| {
            let monotonic = read(ClockId::CLOCK_MONOTONIC);
            let boot = read(ClockId::CLOCK_BOOTTIME);
            Nanos(u64::try_from(boot - monotonic).unwrap_or(0))
        })
        .min()
        .expect("the range is not empty")
}

/// The unit of the times in /proc/stat (sysconf(3), _SC_CLK_TCK).
pub fn clock_tick() -> Nanos {
    // SAFETY: sysconf has no preconditions.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    // Linux has never had another value than 100 on x86.
    Nanos(Nanos::SECOND.0 / u64::try_from(per_second).unwrap_or(100).max(1))
}

fn read(clock: ClockId) -> i64 {
    let time: TimeSpec = clock_gettime(clock)
        .expect("Linux has had this clock since 2.6.28, and the pointer is nix's own");
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}
