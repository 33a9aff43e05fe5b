//! Which kernel entries below the threshold are handed over, so that it can be
//! learnt what such entries take here: the first ones, and a few each second.

use crate::units::Hertz;

/// Entries handed over one after the other.
const FIRST: u32 = 64;
/// And of the later ones so many a second: a record costs the collector, which
/// may share the CPU, some microseconds.
const PER_SECOND: f64 = 4.0;

/// The lessons of one CPU.
#[derive(Debug)]
pub(in crate::sampler) struct Lessons {
    left: u32,
    next: u64,
    every: u64,
}

impl Lessons {
    pub(in crate::sampler) fn new(hz: Hertz) -> Lessons {
        Lessons {
            left: FIRST,
            next: 0,
            every: (hz.0 / PER_SECOND) as u64,
        }
    }

    /// Whether the entry that ended at `now` is one.
    pub(in crate::sampler) fn is_due(&mut self, now: u64) -> bool {
        if self.left > 0 {
            self.left -= 1;
            self.next = now.saturating_add(self.every);
            return true;
        }
        let due = now >= self.next;
        if due {
            self.next = now.saturating_add(self.every);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_lessons_and_then_a_few_a_second() {
        let mut lessons = Lessons::new(Hertz(1e9));
        let due = (0..1_000u64).filter(|at| lessons.is_due(at * 10_000_000));
        // 64 in the first 0.64 s, and four in each of the other 9.36 s.
        assert_eq!(due.count(), 64 + 37);
    }
}
