//! The stretches of a gap that no activity has: the ways into the kernel, from
//! one activity to the next, and back.

use crate::units::Nanos;

use super::costs::{Costs, Passage};

/// How many SMIs a gap holds, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Smis {
    /// None that is known.
    None,
    /// One.
    One,
    /// Several, or an unknown number.
    Several,
}

/// The passages of one gap.
#[derive(Debug, Default)]
pub(super) struct Passages(Vec<(Passage, Nanos)>);

impl Passages {
    /// Adds the next one.
    pub(super) fn add(&mut self, passage: Passage, length: Nanos) {
        if length > Nanos(0) {
            self.0.push((passage, length));
        }
    }

    /// The passage that an SMI in this gap has stretched, if it has stretched
    /// one and not an activity: the one that exceeds its usual length by most.
    fn most_stretched(&self, costs: &Costs) -> Option<usize> {
        (0..self.0.len()).max_by_key(|&index| {
            let (passage, length) = self.0[index];
            length.saturating_sub(costs.passage(passage))
        })
    }

    /// What they took of the kernel's own. A single SMI is in one place: the
    /// others are what they are.
    pub(super) fn cost(&self, costs: &Costs, smis: Smis) -> Nanos {
        let stretched = self.most_stretched(costs);
        let own = |index: usize, (passage, length): (Passage, Nanos)| match smis {
            Smis::One if stretched != Some(index) => length,
            _ => costs.passage(passage),
        };
        (self.0.iter().enumerate())
            .map(|(index, &passage)| own(index, passage))
            .fold(Nanos(0), Nanos::saturating_add)
    }

    /// Learns what they usually take, but for the one that an SMI may have
    /// stretched.
    pub(super) fn teach(&self, costs: &mut Costs, smis: Smis) {
        let stretched = match smis {
            Smis::None => None,
            Smis::One => self.most_stretched(costs),
            Smis::Several => return,
        };
        for (index, &(passage, length)) in self.0.iter().enumerate() {
            if stretched != Some(index) {
                costs.learn_passage(passage, length);
            }
        }
    }
}
