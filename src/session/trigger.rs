//! Which gaps ask for something to be done.

use crate::model::ActedOn;
use crate::units::Cycles;

use super::packed::PackedGap;

/// The gaps that ask for it, by what is known of a gap when it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Those longer than this.
    pub above: Cycles,
    /// The length of what.
    pub of: ActedOn,
}

impl Trigger {
    /// Whether this gap does. `platform` is the platform's share of it, where it
    /// has one that is known.
    pub fn asks(&self, gap: &PackedGap, platform: Option<Cycles>) -> bool {
        match self.of {
            ActedOn::Platform => platform > Some(self.above),
            ActedOn::Any => gap.length() > self.above,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::packed::tests::gap;

    #[test]
    fn the_share_counts_or_the_whole() {
        let above = Cycles(10);
        let long = PackedGap::pack(&gap(100, 20));
        let asks = |of, platform| Trigger { above, of }.asks(&long, platform);
        let share = |cycles| Some(Cycles(cycles));
        let platform = [None, share(10), share(11)].map(|share| asks(ActedOn::Platform, share));
        assert_eq!(platform, [false, false, true]);
        assert!(asks(ActedOn::Any, None));
        let short = PackedGap::pack(&gap(100, 10));
        let of = ActedOn::Any;
        assert!(!Trigger { above, of }.asks(&short, share(11)));
    }
}
