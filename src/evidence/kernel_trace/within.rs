//! What counts of the kernel's records: only what lies between the first and
//! the last sample of a CPU. A sampler may wait for its CPU long after the
//! recording began, for another one of its priority for instance.

use crate::units::Nanos;

use super::fold::Segment;

/// The stretch in which records count.
#[derive(Debug, Default)]
pub(super) struct Within {
    /// The first sample; `None` before there is one.
    began: Option<Nanos>,
    lost: u64,
    /// Losses that came before the first sample was known of.
    undecided: Vec<(Nanos, u64)>,
}

impl Within {
    /// The first sample was taken then. The first word holds.
    pub(super) fn begin(&mut self, first: Nanos) {
        if self.began.is_none() {
            self.began = Some(first);
            let later = self.undecided.drain(..).filter(|(at, _)| *at >= first);
            self.lost += later.map(|(_, count)| count).sum::<u64>();
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    /// How much of a segment counts; `None` where nothing of it does. Marks have
    /// no length, but count.
    pub(super) fn length(&self, segment: &Segment) -> Option<Nanos> {
        let began = self.began?;
        (segment.end > began || segment.start >= began)
            .then(|| segment.end.saturating_sub(segment.start.max(began)))
    }

    /// Records were lost at that time.
    pub(super) fn lose(&mut self, at: Nanos, count: u64) {
        match self.began {
            Some(began) if at >= began => self.lost += count,
            Some(_) => {}
            None => self.undecided.push((at, count)),
        }
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::super::activity::ActivityId;
    use super::super::fold::Who;
    use super::*;

    fn segment(start: u64, end: u64) -> Segment {
        Segment {
            start: Nanos(start),
            end: Nanos(end),
            who: Who::Named(ActivityId(1)),
        }
    }

    #[test]
    fn what_came_before_the_first_sample_does_not_count() {
        let mut within = Within::default();
        // A run of 200 ms that waited a second for another sampler.
        assert_eq!(within.length(&segment(0, 983)), None);
        within.lose(Nanos(500), 7);
        within.lose(Nanos(1_100), 2);
        within.begin(Nanos(1_000));
        assert_eq!(within.length(&segment(0, 983)), None);
        assert_eq!(within.length(&segment(900, 1_050)), Some(Nanos(50)));
        assert_eq!(within.length(&segment(1_010, 1_020)), Some(Nanos(10)));
        assert_eq!(within.length(&segment(1_000, 1_000)), Some(Nanos(0)));
        assert_eq!(within.length(&segment(990, 1_000)), None);
        within.lose(Nanos(900), 1);
        within.lose(Nanos(1_200), 1);
        assert_eq!(within.lost(), 3);
        within.begin(Nanos(0));
        assert_eq!(within.length(&segment(0, 983)), None);
    }
}
