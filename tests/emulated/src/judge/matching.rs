//! Which gap holds which SMI, by the TSC alone.

use std::collections::HashMap;

use crate::smilog::{Hit, Smi};

/// SMIs closer than this follow each other without an instruction between:
/// less than one iteration of the tightest sampling loop here.
const BACK_TO_BACK: u64 = 15;

/// One or more SMIs back to back, as the software outside sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stall {
    pub entry: u64,
    pub exit: u64,
    pub smis: usize,
    /// What the first of them interrupted.
    pub hit: Option<Hit>,
    pub victim: Victim,
    /// What of the sampler it hit.
    pub work: Work,
}

/// What the sampler was at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Work {
    /// Its loop, as far as is known.
    #[default]
    Loop,
    /// What it does after a gap, where its readings lie further apart.
    Other,
}

/// Who ran when a stall came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Victim {
    /// The log does not tell.
    #[default]
    Unknown,
    /// The sampler's own code.
    Sampler,
    /// The kernel, with the sampler as its current task: an interrupt, a fault
    /// or one of the sampler's system calls.
    Kernel,
    /// Another task, or the kernel meanwhile.
    OtherTask,
}

impl Stall {
    /// How long nothing else ran.
    pub fn cycles(self) -> u64 {
        self.exit - self.entry
    }
}

/// Joins SMIs that left no time between them.
pub fn stalls(smis: &[Smi]) -> Vec<Stall> {
    let mut stalls: Vec<Stall> = Vec::new();
    for smi in smis {
        match stalls.last_mut() {
            Some(last) if smi.entry.saturating_sub(last.exit) <= BACK_TO_BACK => {
                last.exit = smi.exit;
                last.smis += 1;
            }
            _ => stalls.push(Stall {
                entry: smi.entry,
                exit: smi.exit,
                smis: 1,
                hit: smi.hit,
                victim: Victim::Unknown,
                work: Work::Loop,
            }),
        }
    }
    stalls
}

/// Names the victim of each stall, where the log has the tasks: the sampler is
/// the task that was hit outside the kernel most often while it sampled.
pub fn name_victims(stalls: &mut [Stall], sampled: Span) {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for hit in stalls
        .iter()
        .filter(|&&stall| sampled.holds(stall))
        .filter_map(|stall| stall.hit)
    {
        if let (3, Some(task)) = (hit.ring, hit.task) {
            *counts.entry(task).or_default() += 1;
        }
    }
    let sampler = counts.into_iter().max_by_key(|&(_, count)| count);
    let Some((sampler, _)) = sampler else {
        return;
    };
    for stall in &mut *stalls {
        stall.victim = match stall.hit.and_then(|hit| Some((hit.task?, hit.ring))) {
            None => Victim::Unknown,
            Some((task, _)) if task != sampler => Victim::OtherTask,
            Some((_, 3)) => Victim::Sampler,
            Some(_) => Victim::Kernel,
        };
    }
    name_work(stalls);
}

/// The sampler's loop fits into so many bytes.
const LOOP: u32 = 64;

/// Tells hits of the sampler's loop, where most of them are, from others of its
/// code.
fn name_work(stalls: &mut [Stall]) {
    let place = |stall: &Stall| {
        let hit = stall.hit.filter(|_| stall.victim == Victim::Sampler)?;
        Some(hit.rip)
    };
    let places: Vec<u32> = stalls.iter().filter_map(place).collect();
    let near = |at: u32| (places.iter()).filter(move |&&rip| rip.wrapping_sub(at) < LOOP);
    let Some(&begin) = places.iter().max_by_key(|&&at| near(at).count()) else {
        return;
    };
    for stall in stalls {
        if place(stall).is_some_and(|rip| rip.wrapping_sub(begin) >= LOOP) {
            stall.work = Work::Other;
        }
    }
}

/// A stretch of absolute TSC time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

impl Span {
    /// Whether the stall lies wholly inside.
    pub fn holds(self, stall: Stall) -> bool {
        self.start <= stall.entry && stall.exit <= self.end
    }

    /// Whether any part of the stall lies inside.
    pub fn touches(self, stall: Stall) -> bool {
        self.start < stall.exit && stall.entry < self.end
    }

    /// How much of the stall lies inside.
    pub fn share_of(self, stall: Stall) -> u64 {
        (self.end.min(stall.exit)).saturating_sub(self.start.max(stall.entry))
    }
}

/// Where a stall ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Wholly inside the gap of that index.
    Inside(usize),
    /// Only partly inside it: the gap's ends are wrong.
    Torn(usize),
    /// In no gap, but so soon after one that hwgap was still writing it down: in
    /// a system call, as far as is known. Its own code is no excuse.
    Blind,
    /// In no gap, and shorter than what hwgap was asked to report.
    BelowThreshold,
    /// In no gap: missed.
    Missed,
}

/// How long after a gap hwgap may be busy with it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub threshold: u64,
    pub blind: u64,
}

/// Finds the place of each stall among gaps that are in order of time.
pub fn place(stalls: &[Stall], gaps: &[Span], limits: Limits) -> Vec<Place> {
    stalls
        .iter()
        .map(|&stall| {
            // The last gap that begins no later than the stall, or the one
            // after it, which a torn stall could reach into.
            let after = gaps.partition_point(|gap| gap.start <= stall.entry);
            let candidates = after.saturating_sub(1)..gaps.len().min(after + 1);
            for index in candidates.clone() {
                if gaps[index].holds(stall) {
                    return Place::Inside(index);
                }
            }
            for index in candidates {
                if gaps[index].touches(stall) {
                    return Place::Torn(index);
                }
            }
            let since_gap = after
                .checked_sub(1)
                .map(|index| stall.entry - gaps[index].end.min(stall.entry));
            if stall.cycles() < limits.threshold {
                Place::BelowThreshold
            } else if since_gap.is_some_and(|since| since <= limits.blind)
                && stall.victim != Victim::Sampler
            {
                Place::Blind
            } else {
                Place::Missed
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        threshold: 10_000,
        blind: 5_000,
    };

    fn stall(entry: u64, exit: u64) -> Stall {
        Stall {
            entry,
            exit,
            smis: 1,
            ..Stall::default()
        }
    }

    fn span(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    #[test]
    fn a_burst_is_one_stall_and_neighbours_are_two() {
        let smis = [(100, 200), (205, 300), (320, 400)].map(|(entry, exit)| Smi {
            entry,
            exit,
            hit: None,
        });
        let joined = stalls(&smis);
        assert_eq!(joined.len(), 2);
        assert_eq!((joined[0].cycles(), joined[0].smis), (200, 2));
    }

    #[test]
    fn a_covered_stall_is_found_and_an_uncovered_one_missed() {
        let gaps = [span(90, 20_110), span(900_000, 990_000)];
        let stalls = [stall(100, 20_100), stall(500_000, 530_000)];
        assert_eq!(
            place(&stalls, &gaps, LIMITS),
            [Place::Inside(0), Place::Missed]
        );
    }

    #[test]
    fn a_gap_that_ends_too_early_or_starts_too_late_is_torn() {
        let gaps = [span(90, 15_000), span(100_500, 130_000)];
        let stalls = [stall(100, 20_100), stall(100_000, 125_000)];
        assert_eq!(
            place(&stalls, &gaps, LIMITS),
            [Place::Torn(0), Place::Torn(1)]
        );
    }

    #[test]
    fn short_stalls_and_blind_ones_are_not_missed() {
        let gaps = [span(0, 1_000)];
        let stalls = [
            stall(3_000, 4_000),
            stall(5_500, 50_000),
            stall(6_500, 50_000),
        ];
        assert_eq!(
            place(&stalls, &gaps, LIMITS),
            [Place::BelowThreshold, Place::Blind, Place::Missed]
        );
    }

    #[test]
    fn the_samplers_own_code_is_no_excuse() {
        let hit = |victim| Stall {
            victim,
            ..stall(5_500, 50_000)
        };
        let placed = |victim| place(&[hit(victim)], &[span(0, 1_000)], LIMITS)[0];
        assert_eq!(placed(Victim::Kernel), Place::Blind);
        assert_eq!(placed(Victim::Sampler), Place::Missed);
    }

    #[test]
    fn the_sampler_is_who_was_hit_most_while_it_sampled() {
        let hit = |entry, ring, task| Stall {
            hit: Some(Hit { ring, rip: 0, task }),
            ..stall(entry, entry + 1)
        };
        let mut stalls = [
            hit(1, 3, Some(7)),
            hit(2, 3, Some(7)),
            hit(100, 3, Some(9)),
            hit(110, 0, Some(9)),
            hit(120, 0, Some(7)),
            hit(130, 3, None),
        ];
        name_victims(&mut stalls, span(50, 200));
        let victims = stalls.map(|stall| stall.victim);
        let other = Victim::OtherTask;
        let due = [
            other,
            other,
            Victim::Sampler,
            Victim::Kernel,
            other,
            Victim::Unknown,
        ];
        assert_eq!(victims, due);
    }

    #[test]
    fn what_lies_apart_from_most_hits_is_not_the_loop() {
        let hit = |entry, rip| Stall {
            hit: Some(Hit {
                ring: 3,
                rip,
                task: Some(9),
            }),
            ..stall(entry, entry + 1)
        };
        let mut stalls = [
            hit(60, 0x1020),
            hit(70, 0x1000),
            hit(80, 0x1030),
            hit(90, 0x0800),
            hit(100, 0x2000),
        ];
        name_victims(&mut stalls, span(50, 200));
        let due = [Work::Loop, Work::Loop, Work::Loop, Work::Other, Work::Other];
        assert_eq!(stalls.map(|stall| stall.work), due);
    }

    #[test]
    fn a_stall_before_the_first_gap_is_missed() {
        assert_eq!(
            place(&[stall(10, 50_000)], &[span(60_000, 70_000)], LIMITS),
            [Place::Missed]
        );
    }
}
