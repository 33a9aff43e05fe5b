//! The time line that the gaps of all CPUs of a report share: the one place
//! where a report's gaps become stretches of the platform's time.

use std::collections::HashMap;

use crate::model::{Gap, Tsc};
use crate::stats::stalls::{Span, Stall, from_unsorted};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

/// The offsets of the CPUs' clocks, taken off.
pub struct TimeLine {
    /// The rate that lengths are converted with.
    pub hz: Hertz,
    /// What is added to a CPU's cycles. All are moved by as much as the
    /// farthest CPU, so that none comes before 0.
    shifts: HashMap<CpuId, u64>,
    /// For CPUs without an offset of their own.
    usual: u64,
    tolerance: Cycles,
}

impl TimeLine {
    pub fn new(tsc: &Tsc) -> TimeLine {
        let offsets = &tsc.offsets;
        let farthest = offsets.iter().map(|offset| offset.offset_cycles).max();
        let farthest = i128::from(farthest.unwrap_or(0).max(0));
        let shift = |offset: i64| {
            // Offsets out of a broken file may span more than 64 bits.
            u64::try_from(farthest - i128::from(offset)).unwrap_or(u64::MAX)
        };
        TimeLine {
            hz: Hertz(tsc.hz),
            shifts: (offsets.iter())
                .map(|offset| (offset.cpu, shift(offset.offset_cycles)))
                .collect(),
            usual: shift(0),
            tolerance: Cycles((offsets.iter().map(|o| o.error_cycles).max()).unwrap_or(0)),
        }
    }

    /// The place of the platform's part of a gap; `None` where it has none.
    pub fn span(&self, gap: &Gap) -> Option<Span> {
        let cycles = |nanos: Nanos| self.hz.to_cycles(nanos);
        let (start, end) = match gap.cause.is_mixed() {
            true => {
                let start = gap.start_cycles.saturating_add(cycles(gap.platform_at_ns));
                (start, start.saturating_add(cycles(gap.platform_ns)))
            }
            false => (gap.start_cycles, gap.end_cycles.max(gap.start_cycles)),
        };
        let shift = Cycles(*self.shifts.get(&gap.cpu).unwrap_or(&self.usual));
        (gap.platform_ns > Nanos(0)).then(|| Span {
            start: start.saturating_add(shift),
            end: end.saturating_add(shift),
            cpu: gap.cpu,
        })
    }

    /// Stretches that overlap across CPUs as stalls, in order of time.
    pub fn stalls(&self, spans: impl IntoIterator<Item = Span>) -> impl Iterator<Item = Stall> {
        from_unsorted(spans, self.tolerance)
    }

    /// Time from the begin of the run.
    pub fn since_start(&self, at: Cycles) -> Cycles {
        at.saturating_sub(Cycles(self.usual))
    }
}
