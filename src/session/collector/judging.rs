//! The gaps that have come in: held against the kernel's records, and judged as
//! soon as all is known that it takes.

use std::collections::VecDeque;

use crate::evidence::kernel_trace::{KernelTime, KernelTrace, Lesson, Measured};
use crate::model::SmiEvidence;
use crate::sampler::{RawGap, TripKind};
use crate::units::{Cycles, Hertz};

use super::super::judged::JudgedGap;
use super::super::observer::JudgedNow;
use super::super::packed::PackedGap;
use super::{Collector, Stop};

/// Gaps that wait at most until the run has seen what their like takes.
const MOST: usize = 64;
/// And for how many visits to the engine: two seconds and more.
const PATIENCE: u32 = 400;
/// Visits to the engine after which all CPUs' gaps of one moment have come in.
const ASKED: u8 = 4;

/// Whether a gap can wait until the run has seen more of its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// It can.
    Patient,
    /// It has waited long enough, or nothing more comes.
    Now,
}

/// The gaps of one CPU that are still to be judged, in order of time.
#[derive(Default)]
pub(super) struct Waiting {
    gaps: VecDeque<Gap>,
    visits: u32,
}

struct Gap {
    raw: RawGap,
    measured: Option<Measured>,
    count: Count,
    /// How often it was asked whether another CPU saw the same.
    asked: u8,
    told: Told,
}

impl Gap {
    /// What the kernel's records say of it by now.
    fn kernel_time(
        &self,
        trace: Option<&KernelTrace>,
        index: usize,
        hz: Hertz,
    ) -> Option<KernelTime> {
        let own = hz.to_nanos(self.raw.own);
        Some(trace?.kernel_time(index, self.measured.as_ref()?, own))
    }
}

/// Whether the observer knows that a gap asks for something to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    NotYet,
    Done,
}

/// Whether it was looked at to which gaps the count of SMIs belongs that this
/// one shares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Count {
    Open,
    Settled,
}

impl Waiting {
    /// Whether the first one has waited long enough.
    fn haste(&self, haste: Haste) -> Haste {
        match self.gaps.len() > MOST || self.visits > PATIENCE {
            true => Haste::Now,
            false => haste,
        }
    }

    /// Gives a count of SMIs that the first gap shares with others to those that
    /// can hold one.
    fn resolve_shared(&mut self, explained: impl Fn(&Gap) -> bool) {
        let Some(shared) = self.shared(0, explained) else {
            return;
        };
        for (gap, smi) in self.gaps.iter_mut().zip(shared.smis) {
            gap.count = Count::Settled;
            gap.raw.evidence.smi = smi;
        }
    }

    /// What the gaps that share a count of SMIs with the gap at `index` have of it:
    /// a gap whose time the records explain can hold none. `explained` tells.
    fn shared(&self, index: usize, explained: impl Fn(&Gap) -> bool) -> Option<Shared> {
        let one = (self.gaps.get(index)).filter(|gap| gap.count == Count::Open)?;
        let SmiEvidence::Shared { delta, among } = one.raw.evidence.smi else {
            return None;
        };
        let reading = one.raw.smi_reading;
        let shared = one.raw.evidence.smi;
        let is_shared =
            |gap: &&Gap| gap.raw.smi_reading == reading && gap.raw.evidence.smi == shared;
        let before = self.gaps.range(..index).rev().take_while(is_shared).count();
        let first = index - before;
        let group = self.gaps.range(first..).take_while(is_shared);
        let held: Vec<bool> = group.map(|gap| !explained(gap)).collect();
        let few = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let open = held.iter().filter(|&&held| held).count();
        let left = among.saturating_sub(few(held.len() - open));
        let smi = match (left, few(open)) {
            // No event is left: one of the records must be wrong.
            (0, _) => shared,
            (1, _) => SmiEvidence::Alone { delta },
            // The others are entries below the threshold. They are long enough
            // for an SMI, but only these have time that nothing explains.
            (_, open @ 1..) if open <= delta => SmiEvidence::Shared { delta, among: open },
            (among, _) => SmiEvidence::Shared { delta, among },
        };
        let of = |held| if held { smi } else { shared };
        let smis = held.into_iter().map(of).collect();
        Some(Shared { first, smis })
    }
}

/// A count of SMIs that neighbouring gaps share, as each has it.
struct Shared {
    /// The place of the first one among those that wait.
    first: usize,
    smis: Vec<SmiEvidence>,
}

impl Collector<'_> {
    /// Holds what has come in against the kernel's records, and learns from it
    /// what entries of the kernel take. What a gap consists of takes several times
    /// the memory of the gap: where more gaps of a CPU have come in than may wait,
    /// they are judged before those of the next CPU are looked at.
    pub(super) fn take_pending(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        for of_cpu in pending.chunk_by(|(a, _), (b, _)| a == b) {
            let index = of_cpu[0].0;
            for (_, raw) in of_cpu {
                self.measure(index, *raw);
            }
            if self.cpus[index].waiting.gaps.len() > MOST {
                self.judge_cpu(index, Haste::Patient);
                self.cpus[index].waiting.gaps.shrink_to(2 * MOST);
            }
        }
        pending.clear();
        // The memory is used again in the next turn.
        self.pending = pending;
    }

    fn measure(&mut self, index: usize, raw: RawGap) {
        let measured = self.trace.as_mut().map(|trace| {
            let (start, end) = (self.timeline.raw(raw.start), self.timeline.raw(raw.end));
            // Without the kernel there is no way into it; and where the
            // sampler itself was at work in between, it is in the way.
            let alone = raw.evidence.kernel_ran() != Some(false)
                && raw.own == Cycles(0)
                && !raw.evidence.smi.counts_smis();
            let lesson = match alone {
                true => Lesson::Taken,
                false => Lesson::Left,
            };
            trace.measure(index, start, end, lesson)
        });
        let cpu = &mut self.cpus[index];
        cpu.tally.learn(&raw, self.limits.hz);
        match raw.kind {
            TripKind::Gap => cpu.waiting.gaps.push_back(Gap {
                raw,
                measured,
                count: Count::Open,
                asked: 0,
                told: Told::NotYet,
            }),
            TripKind::Lesson => {}
        }
    }

    /// Judges what can be judged by now, in order.
    pub(super) fn judge(&mut self, haste: Haste) {
        // Nobody waits for more where the first gap ends the run.
        let haste = match self.limits.stop {
            Some(_) => Haste::Now,
            None => haste,
        };
        for index in 0..self.cpus.len() {
            self.judge_cpu(index, haste);
        }
    }

    fn judge_cpu(&mut self, index: usize, haste: Haste) {
        let several = self.cpus.len() > 1;
        let state = &mut self.cpus[index];
        let trace = self.trace.as_ref();
        let time = |gap: &Gap| gap.kernel_time(trace, index, self.limits.hz);
        loop {
            let can_wait = state.waiting.haste(haste) == Haste::Patient;
            let Some(first) = state.waiting.gaps.front_mut() else {
                state.waiting.visits = 0;
                return;
            };
            let kernel = time(first);
            let evidence = first.raw.evidence;
            let account = |raw: &RawGap| state.tally.account(raw, kernel.as_ref(), &self.limits);
            let so_far = account(&first.raw);
            if can_wait && state.tally.is_open(&so_far, kernel.as_ref()) {
                state.waiting.visits += u32::from(self.ages);
                break;
            }
            let elsewhere = match so_far.unknown_reason {
                Some(reason) if several && reason.is_by_length() => {
                    let found = (self.elsewhere).find(index, &first.raw, so_far.parts.unknown);
                    if found.is_none() && can_wait && first.asked < ASKED {
                        first.asked += u8::from(self.ages);
                        break;
                    }
                    found
                }
                _ => None,
            };
            first.raw.evidence.elsewhere_ns = elsewhere;
            state
                .waiting
                .resolve_shared(|gap| time(gap).is_some_and(|time| time.explains_all()));
            let Some(Gap { raw, told, .. }) = state.waiting.gaps.pop_front() else {
                return;
            };
            let account = match raw.evidence == evidence {
                true => so_far,
                false => account(&raw),
            };
            let (judged, platform) = state.tally.take(raw, kernel, account, &self.limits);
            if several {
                self.elsewhere.note(index, &judged, self.limits.hz);
            }
            let gap = PackedGap::pack(&judged);
            self.retention.keep(index as u32, gap);
            if platform > Some(self.limits.hardlimit) {
                self.moments.take(index, &gap);
            }
            if (self.limits.stop).is_some_and(|stop| stop.asks(&gap, platform)) {
                self.stop = Stop::Asked;
            }
            let now = JudgedNow {
                index,
                cpu: state.cpu,
                gap,
                platform,
                timeline: &self.timeline,
                names: trace.map(KernelTrace::names),
                limits: &self.limits,
            };
            self.observer.gap(&now);
            if told == Told::NotYet && now.asks() {
                self.observer.act(&now);
            }
        }
        self.act_on_waiting(index);
    }

    /// What is to be done about a gap is done by what is known of it at once: what
    /// may still be learnt takes up to two seconds.
    fn act_on_waiting(&mut self, index: usize) {
        if self.limits.act.is_none() {
            return;
        }
        let state = &mut self.cpus[index];
        let trace = self.trace.as_ref();
        let time = |gap: &Gap| gap.kernel_time(trace, index, self.limits.hz);
        for place in 0..state.waiting.gaps.len() {
            let waiting = &state.waiting.gaps[place];
            if waiting.told == Told::Done {
                continue;
            }
            let mut raw = waiting.raw;
            let kernel = time(waiting);
            let explained = |gap: &Gap| time(gap).is_some_and(|time| time.explains_all());
            if let Some(shared) = state.waiting.shared(place, explained) {
                raw.evidence.smi = shared.smis[place - shared.first];
            }
            let account = state.tally.account(&raw, kernel.as_ref(), &self.limits);
            let judged = JudgedGap {
                raw,
                kernel,
                account,
            };
            let now = JudgedNow {
                index,
                cpu: state.cpu,
                gap: PackedGap::pack(&judged),
                platform: Some(judged.platform(self.limits.hz)),
                timeline: &self.timeline,
                names: trace.map(KernelTrace::names),
                limits: &self.limits,
            };
            if now.asks() {
                state.waiting.gaps[place].told = Told::Done;
                self.observer.act(&now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Evidence, Footprint};

    fn waiting(gaps: &[(u32, SmiEvidence)]) -> Waiting {
        let gap = |(start, &(smi_reading, smi)): (u64, &(u32, SmiEvidence))| Gap {
            raw: RawGap {
                kind: TripKind::Gap,
                start: Cycles(start),
                end: Cycles(start + 1),
                smi_reading,
                own: Cycles(0),
                companions: 0,
                evidence: Evidence::new(Footprint::Cleared, smi),
            },
            measured: None,
            count: Count::Open,
            asked: 0,
            told: Told::NotYet,
        };
        Waiting {
            gaps: (0..).zip(gaps).map(gap).collect(),
            visits: 0,
        }
    }

    /// What is done about a gap may not wait for the one before it.
    #[test]
    fn a_shared_count_is_known_of_gaps_behind_one_that_waits() {
        let shared = SmiEvidence::Shared { delta: 1, among: 2 };
        let alone = SmiEvidence::Alone { delta: 1 };
        let other = SmiEvidence::Own { delta: 0 };
        let waiting = waiting(&[(1, other), (2, shared), (2, shared), (3, shared)]);
        let explained = |gap: &Gap| gap.raw.start == Cycles(1);
        assert!(waiting.shared(0, explained).is_none());
        for place in [1, 2] {
            let found = waiting.shared(place, explained).unwrap();
            assert_eq!((found.first, &*found.smis), (1, &[shared, alone][..]));
        }
    }
}
