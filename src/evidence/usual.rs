//! What something usually takes, learnt from the latest times that it took.
//!
//! A cost of the kernel's has a floor, and what adds to it, such as a stall of
//! the platform, only lengthens it. So the times are followed upwards from
//! their lowest sixteenth as long as each lies near the one before: those are the
//! usual ones, and what lies beyond a jump stands apart. That holds with most of
//! the times lengthened, alike or not.

use std::collections::VecDeque;

use crate::units::Nanos;

/// Times that are kept: the latest ones.
const WINDOW: usize = 31;
/// The shortest of so many times is kept for longer, of so many such blocks.
const BLOCK: usize = 16;
const BLOCKS: usize = 16;
/// Times needed before they count.
const LEAST: usize = 4;
/// With a full window, what is usual is worked out anew after so many times.
const PACE: usize = 32;
/// No entry of the kernel usually takes this long, in a guest of a busy host
/// neither.
const IMPLAUSIBLE: Nanos = Nanos(250_000);
/// What is this many times beyond the bound is so for others of its kind too.
const FAR: u64 = 4;

/// Nothing shorter can be an SMI: entering and leaving System Management Mode
/// alone saves and restores the CPU's whole state, on all CPUs together.
pub const LEAST_SMI: Nanos = Nanos(1_000);

/// What something usually takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The median.
    pub typical: Nanos,
    /// The longest that does not stand apart.
    pub longest: Nanos,
}

impl Usual {
    /// Whether a time stands apart: beyond half as much again as the longest,
    /// and by more than the shortest SMI.
    pub fn is_exceeded_by(self, length: Nanos) -> bool {
        length > bound(self.longest)
    }

    /// Whether it stands apart so far that no other like it costs as much.
    pub fn is_far_exceeded_by(self, length: Nanos) -> bool {
        length.0 / FAR > bound(self.longest).0
    }

    /// The same from a bound, as a report states it.
    pub fn of_bound(typical: Nanos, bound: Nanos) -> Option<Usual> {
        let longest = Nanos(bound.0.checked_sub(LEAST_SMI.0)? / 3 * 2);
        Some(Usual { typical, longest })
    }

    /// The longest time that does not stand apart.
    pub fn bound(self) -> Nanos {
        bound(self.longest)
    }
}

fn bound(longest: Nanos) -> Nanos {
    Nanos(longest.0 + longest.0 / 2).saturating_add(LEAST_SMI)
}

/// The latest times of something, and the shortest of a longer past: where
/// nearly all are lengthened for a while, these keep the floor.
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    values: Vec<u32>,
    shortest: VecDeque<u32>,
    added: usize,
    usual: Option<Usual>,
}

impl Learnt {
    /// Adds a time; more than 4.29 s are as good as that.
    pub fn add(&mut self, value: Nanos) {
        let value = u32::try_from(value.0).unwrap_or(u32::MAX);
        if self.values.len() < WINDOW {
            self.values.push(value);
        } else {
            self.values[self.added % WINDOW] = value;
        }
        match self.shortest.back_mut() {
            Some(least) if !self.added.is_multiple_of(BLOCK) => *least = value.min(*least),
            _ => {
                self.shortest.push_back(value);
                if self.shortest.len() > BLOCKS {
                    self.shortest.pop_front();
                }
            }
        }
        self.added += 1;
        if self.added <= WINDOW || self.added.is_multiple_of(PACE) {
            self.usual = self.work_out();
        }
    }

    /// What it usually takes; `None` where it was hardly seen.
    pub fn usual(&self) -> Option<Usual> {
        self.usual
    }

    /// The same of a way into the kernel or an interrupt as a whole, which never
    /// takes as long as `IMPLAUSIBLE`: where it seems to, it was not seen
    /// without a stall yet.
    pub fn usual_entry(&self) -> Option<Usual> {
        self.usual.filter(|usual| usual.longest < IMPLAUSIBLE)
    }

    /// The shortest time.
    pub fn shortest(&self) -> Option<Nanos> {
        let value = self.values.iter().min()?;
        Some(Nanos(u64::from(*value)))
    }

    fn work_out(&self) -> Option<Usual> {
        if self.values.len() < LEAST {
            return None;
        }
        let mut sorted = self.values.clone();
        if self.added > WINDOW {
            sorted.extend(&self.shortest);
        }
        sorted.sort_unstable();
        let nanos = |index: usize| Nanos(u64::from(sorted[index]));
        let mut last = sorted.len() / 16;
        while last + 1 < sorted.len() && nanos(last + 1) <= bound(nanos(last)) {
            last += 1;
        }
        let longest = nanos(last);
        let mut usual: Vec<u32> = self.values.clone();
        usual.retain(|&value| Nanos(u64::from(value)) <= longest);
        usual.sort_unstable();
        let median = usual.get(usual.len().saturating_sub(1) / 2);
        Some(Usual {
            typical: median.map_or(nanos(last / 2), |&value| Nanos(u64::from(value))),
            longest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(values: &[u64]) -> Option<Usual> {
        let mut learnt = Learnt::default();
        values.iter().for_each(|&value| learnt.add(Nanos(value)));
        learnt.usual()
    }

    fn usual(typical: u64, longest: u64) -> Option<Usual> {
        Some(Usual {
            typical: Nanos(typical),
            longest: Nanos(longest),
        })
    }

    #[test]
    fn too_few_times_say_nothing() {
        assert_eq!(learnt(&[300, 300, 300]), None);
        assert_eq!(learnt(&[300, 300, 300, 300]), usual(300, 300));
    }

    #[test]
    fn what_stands_apart_moves_nothing_however_much_of_it_there_is() {
        let clean = [300, 310, 290, 420, 305, 600, 300, 310];
        let mut mixed = clean.to_vec();
        assert_eq!(learnt(&mixed), usual(305, 600));
        // Stalls of one length, more of them than there are clean times.
        mixed.extend([5_000_300; 15]);
        assert_eq!(learnt(&mixed).unwrap().longest, Nanos(600));
        // Stalls of any length.
        mixed.extend((1..8).map(|step| step * 700_000));
        assert_eq!(learnt(&mixed).unwrap().longest, Nanos(600));
    }

    #[test]
    fn times_that_spread_without_a_jump_are_all_usual() {
        let spread: Vec<u64> = (0..20).map(|step| 4_000 + step * 500).collect();
        let usual = learnt(&spread).unwrap();
        assert_eq!(usual.longest, Nanos(13_500));
        assert!(!usual.is_exceeded_by(Nanos(21_250)));
        assert!(usual.is_exceeded_by(Nanos(21_251)));
    }

    #[test]
    fn where_nearly_all_are_lengthened_for_a_while_the_floor_is_kept() {
        let mut learnt = Learnt::default();
        for step in 0..200u64 {
            let clean = step % 10 == 0;
            learnt.add(Nanos(if clean { 300 } else { 700_000 + step }));
        }
        assert_eq!(learnt.usual().unwrap().longest, Nanos(300));
    }

    #[test]
    fn the_latest_times_count() {
        let mut learnt = Learnt::default();
        (0..100).for_each(|_| learnt.add(Nanos(300)));
        (0..300).for_each(|_| learnt.add(Nanos(9_000)));
        assert_eq!(learnt.usual(), usual(9_000, 9_000));
    }
}
