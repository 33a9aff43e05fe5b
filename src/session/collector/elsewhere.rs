//! Stalls that stand in no doubt, kept for a while: what stopped a handler on
//! one CPU may be what another CPU saw in its loop.

use std::collections::VecDeque;

use crate::attribution::is_as_long;
use crate::model::Confidence;
use crate::sampler::RawGap;
use crate::session::judged::JudgedGap;
use crate::units::{Cycles, Hertz, Nanos};

/// Stalls kept: of one moment on each of 512 CPUs, some of them twice.
const MOST: usize = 1_024;

/// The latest stalls of all CPUs.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    stalls: VecDeque<Stall>,
}

#[derive(Clone, Copy, Debug)]
struct Stall {
    cpu: usize,
    start: Cycles,
    end: Cycles,
    length: Nanos,
}

impl Elsewhere {
    /// Notes what lay below the kernel in a gap, where that is sure and its
    /// place known.
    pub(super) fn note(&mut self, cpu: usize, gap: &JudgedGap, hz: Hertz) {
        let account = gap.account;
        let length = account.parts.platform;
        let at = match (account.kernel_ran, gap.kernel) {
            (Some(false), _) => Nanos(0),
            (Some(true), Some(kernel)) if kernel.ways_beyond == 1 => kernel.excess_at,
            _ => return,
        };
        let is_sure = account.platform_confidence >= Confidence::Strong;
        if length == Nanos(0) || !is_sure {
            return;
        }
        if self.stalls.len() == MOST {
            self.stalls.pop_front();
        }
        let start = gap.raw.start.saturating_add(hz.to_cycles(at));
        self.stalls.push_back(Stall {
            cpu,
            start,
            end: start.saturating_add(hz.to_cycles(length)),
            length,
        });
    }

    /// The stall of another CPU within this gap that is as long as what is open
    /// in it; of several the longest.
    pub(super) fn find(&self, cpu: usize, gap: &RawGap, open: Nanos) -> Option<Nanos> {
        let within =
            |stall: &&Stall| stall.cpu != cpu && stall.start >= gap.start && stall.end <= gap.end;
        (self.stalls.iter().filter(within))
            .map(|stall| stall.length)
            .filter(|&length| is_as_long(open, length))
            .max()
    }
}
