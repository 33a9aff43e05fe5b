//! The time at the edges of a shot, between the clock and the SMI counter.

use crate::units::Cycles;

/// The shortest time between a reading of the counter and the shot, and back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    before: Cycles,
    after: Cycles,
}

impl Edges {
    /// Nothing seen yet.
    pub(super) fn new() -> Edges {
        Edges {
            before: Cycles(u64::MAX),
            after: Cycles(u64::MAX),
        }
    }

    /// Takes note of a shot's two edges and returns by how much the one or the
    /// other is longer than the shortest: an SMI that hides is in one of them.
    pub(super) fn excess(&mut self, before: Cycles, after: Cycles) -> Cycles {
        self.before = self.before.min(before);
        self.after = self.after.min(after);
        let excess = before.saturating_sub(self.before);
        excess.max(after.saturating_sub(self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_held_against_the_shortest_ones() {
        let mut edges = Edges::new();
        assert_eq!(edges.excess(Cycles(50), Cycles(90)), Cycles(0));
        assert_eq!(edges.excess(Cycles(55), Cycles(190)), Cycles(100));
        assert_eq!(edges.excess(Cycles(40), Cycles(90)), Cycles(0));
    }
}
