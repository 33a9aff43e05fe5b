//! One CPU sampled in shots, from the first to the last.

use std::io;

use crate::evidence::LEAST_SMI;
use crate::model::{Evidence, Footprint};
use crate::sampler::calibrate::Calibration;
use crate::sampler::ends::Ends;
use crate::sampler::engine::{SamplingPlan, Window};
use crate::sampler::engines::bpf::edges::Edges;
use crate::sampler::engines::bpf::interruptions::{Interruptions, footprint};
use crate::sampler::engines::bpf::neighbours::Neighbour;
use crate::sampler::engines::bpf::shot::{Loaded, Order, Shot};
use crate::sampler::engines::bpf::smi_ledger::SmiLedger;
use crate::sampler::engines::bpf::{Pace, SHORTEST_SHOT};
use crate::sampler::gap::{
    CountSource, CpuTotals, EndedEarly, Ledger, MaskedTotals, RawGap, TripKind,
};
use crate::sampler::machine::Machine;
use crate::sampler::rise::Events;
use crate::sampler::workers::GapChannel;
use crate::sys::clock::{MonotonicMoment, monotonic_moment};
use crate::sys::clock_fit::ClockFit;
use crate::units::{CpuId, Cycles, Nanos};

/// Shots whose edges are only learnt from, before the first that counts.
const WARM_UP: usize = 8;

/// What is to be sampled, and how.
pub(super) struct Task<'a> {
    /// The CPU under the calling thread.
    pub(super) cpu: CpuId,
    /// The plan of the run.
    pub(super) plan: &'a SamplingPlan,
    /// How shots follow each other.
    pub(super) pace: Pace,
    /// What was found out about the program's loop here.
    pub(super) calibration: Calibration,
    /// How long a look at the counters takes at least.
    pub(super) look: Nanos,
    /// How NMIs and machine checks are counted.
    pub(super) source: CountSource,
}

/// A CPU's sampler between two shots.
struct Shots<'a, M> {
    machine: M,
    loaded: Loaded,
    plan: &'a SamplingPlan,
    order: Order,
    nanos_a_round: f64,
    channel: GapChannel,
    totals: CpuTotals,
    masked: MaskedTotals,
    smi: SmiLedger,
    edges: Edges,
    interruptions: Interruptions,
    fit: Option<ClockFit>,
    home: Option<u32>,
    /// Time sampled.
    sampled: Cycles,
}

/// The moments around a shot at which the SMI counter is read.
struct Bracket {
    begun: Cycles,
    before: MonotonicMoment,
    after: MonotonicMoment,
    ended: Cycles,
    rise: Option<u32>,
}

/// Samples until the plan's duration is over, the stop flag is set, or the CPU
/// is lost.
pub(super) fn sample<M: Machine>(
    mut machine: M,
    loaded: Loaded,
    channel: GapChannel,
    task: &Task<'_>,
) -> CpuTotals {
    let &Task {
        cpu,
        plan,
        pace,
        calibration,
        look,
        source,
    } = task;
    let nanos = |cycles: Cycles| plan.hz.to_nanos(cycles);
    let mut shots = Shots {
        home: machine.cpu_mark(),
        smi: SmiLedger::begin(&mut machine, plan.smi_readings, loaded.counts_smis()),
        machine,
        loaded,
        plan,
        order: Order {
            length: pace.shot,
            trip: nanos(calibration.trip),
            threshold: nanos(plan.threshold),
            rounds: 0,
            look: look.saturating_add(nanos(calibration.trip)),
        },
        nanos_a_round: calibration.median.0.max(1) as f64 * 1e9 / plan.hz.0,
        channel,
        totals: CpuTotals {
            shots: (pace.ledger == Ledger::Ends).then(Vec::new),
            ..CpuTotals::begin(cpu, calibration.floor, plan.limit)
        },
        masked: MaskedTotals::begin(source),
        edges: Edges::new(),
        interruptions: Interruptions::begin(source, cpu),
        fit: None,
        sampled: Cycles(0),
    };
    shots.warm_up(pace, source);
    let ends = Ends::begin(&mut shots.machine);
    shots.run(pace, &ends);
    shots.finish(ends)
}

impl<M: Machine> Shots<'_, M> {
    fn run(&mut self, pace: Pace, ends: &Ends) {
        let begun = self.machine.tsc();
        let mut window_begun = begun;
        let shot = self.plan.hz.to_cycles(pace.shot);
        let shortest = self.plan.hz.to_cycles(SHORTEST_SHOT);
        while !self.channel.shared.is_stopped() {
            let now = self.machine.tsc();
            let left = Cycles(self.plan.duration.0).saturating_sub(Cycles(now.wrapping_sub(begun)));
            let in_window = Cycles(now.wrapping_sub(window_begun));
            let (sampled, window) = match self.plan.window {
                Window::Continuous => (Cycles(u64::MAX), Cycles(u64::MAX)),
                Window::Partial { width, window } => (width, window),
            };
            let length = shot.min(left).min(sampled.saturating_sub(in_window));
            if left < shortest {
                break;
            }
            if length < shortest {
                let rest = window.saturating_sub(in_window).min(left);
                self.machine.pause(rest);
                window_begun = self.machine.tsc();
                self.totals.paused.0 += window_begun.wrapping_sub(now);
                continue;
            }
            if let Err(error) = self.shoot(self.plan.hz.to_nanos(length)) {
                let code = error.raw_os_error().unwrap_or_default();
                self.totals.ended_early = Some(EndedEarly::ShotRefused(code));
            }
            if self.machine.cpu_mark() != self.home {
                self.totals.ended_early = Some(EndedEarly::CpuChanged);
            }
            if self.totals.ended_early.is_some() {
                break;
            }
            self.tell(ends);
            self.machine.pause(self.plan.hz.to_cycles(pace.pause));
        }
    }

    /// Learns the shortest edges; what else is asked for is sampled and
    /// discarded.
    fn warm_up(&mut self, pace: Pace, source: CountSource) {
        for _ in 0..WARM_UP {
            let Ok((shot, bracket)) = self.fire(SHORTEST_SHOT) else {
                return;
            };
            if let Some(fit) = ClockFit::new(bracket.before, bracket.after) {
                self.excess(&fit, &shot, &bracket);
            }
        }
        let begun = self.machine.tsc();
        while self.machine.tsc().wrapping_sub(begun) < self.plan.warm_up.0
            && !self.channel.shared.is_stopped()
            && self.fire(pace.shot).is_ok()
        {
            self.machine.pause(self.plan.hz.to_cycles(pace.pause));
        }
        if self.plan.warm_up > Cycles(0) {
            let (readings, counts) = (self.plan.smi_readings, self.loaded.counts_smis());
            self.smi = SmiLedger::begin(&mut self.machine, readings, counts);
            self.interruptions = Interruptions::begin(source, self.totals.cpu);
        }
    }

    fn fire(&mut self, length: Nanos) -> io::Result<(Shot, Bracket)> {
        // Four times what the clock should allow: it bounds the shot where the
        // clock stands still.
        let rounds = (length.0 as f64 * 4.0 / self.nanos_a_round) as u64 + 1_000;
        let order = Order {
            length,
            rounds,
            ..self.order
        };
        let begun = Cycles(self.machine.tsc());
        self.smi.before_shot(&mut self.machine);
        let before = monotonic_moment();
        let shot = self.loaded.fire(order)?;
        let after = monotonic_moment();
        let rise = self.smi.after_shot(&mut self.machine);
        let bracket = Bracket {
            begun,
            before,
            after,
            ended: Cycles(self.machine.tsc()),
            rise,
        };
        Ok((shot, bracket))
    }

    fn shoot(&mut self, length: Nanos) -> io::Result<()> {
        let (shot, bracket) = self.fire(length)?;
        let Some(fit) = ClockFit::new(bracket.before, bracket.after) else {
            self.totals.backward_steps += 1;
            return Ok(());
        };
        let unwatched = self.excess(&fit, &shot, &bracket);
        self.account(&fit, &shot);
        self.take_deltas(&fit, &shot, bracket.rise, unwatched);
        self.fit = Some(fit);
        Ok(())
    }

    fn excess(&mut self, fit: &ClockFit, shot: &Shot, bracket: &Bracket) -> Nanos {
        let before = fit.tsc(shot.first).saturating_sub(bracket.begun);
        let after = bracket.ended.saturating_sub(fit.tsc(shot.last));
        self.plan.hz.to_nanos(self.edges.excess(before, after))
    }

    /// Counts the shot as a whole.
    fn account(&mut self, fit: &ClockFit, shot: &Shot) {
        let (first, last) = (fit.tsc(shot.first), fit.tsc(shot.last));
        let length = last.since(first);
        if self.masked.shots == 0 {
            self.totals.first = first;
            self.channel.shared.begin(first);
        }
        self.totals.last = last;
        self.totals.iterations += shot.rounds;
        self.totals.gaps_seen += shot.gaps;
        if let Some(shortest) = shot.shortest {
            self.totals.floor = self.totals.floor.min(fit.cycles(shortest));
        }
        self.sampled.0 += length.0;
        if let Some(shots) = &mut self.totals.shots {
            shots.push([first, last]);
        }
        self.masked.shots += 1;
        self.masked.longest_shot = self.masked.longest_shot.max(length);
        self.masked.clock_steps += shot.backward;
        let error = fit.error(self.fit.as_ref());
        self.masked.clock_error = self.masked.clock_error.max(error);
    }

    /// Counts the deltas of a shot and hands on those that are gaps.
    fn take_deltas(&mut self, fit: &ClockFit, shot: &Shot, rise: Option<u32>, unwatched: Nanos) {
        let mut events = Events {
            count: 0,
            watched: shot.last.saturating_sub(shot.first),
            gaps: shot.gaps,
            unwatched,
        };
        let mut last = None;
        for record in self.loaded.records(shot) {
            let length = record.length();
            if length >= LEAST_SMI || length > self.order.threshold {
                events.count += 1;
            }
            last = Some(record);
        }
        let lost = shot.trips - self.loaded.records(shot).count() as u64;
        events.count = events
            .count
            .saturating_add(u32::try_from(lost).unwrap_or(u32::MAX));
        let shared = self.smi.place(rise, events);
        self.smi.open(shot.smis_before);
        let common = self.interruptions.after(shot, last);
        let (mut counts, mut recorded, mut longest) = (shot.counts, 0, Nanos(0));
        let mut before = None;
        for record in self.loaded.records(shot) {
            let is_gap = record.length() > self.order.threshold;
            let counted = (
                common.unwrap_or_else(|| footprint(counts, record.counts)),
                self.smi.delta(record.smis, is_gap),
            );
            let (footprint, smi) = Neighbour::join(before, record.start, counted.0, counted.1);
            before = Some(Neighbour {
                end: record.end,
                footprint: counted.0,
                smi: counted.1,
            });
            counts = record.counts;
            longest = longest.max(record.length());
            self.totals
                .count(fit.cycles(record.length()), footprint.into());
            let smi = smi.unwrap_or(shared);
            if !is_gap {
                continue;
            }
            recorded += 1;
            let start = fit.tsc(record.start);
            let gap = RawGap {
                kind: TripKind::Gap,
                start,
                end: start.saturating_add(fit.cycles(record.length())),
                smi_reading: self.smi.reading(),
                own: Cycles(0),
                companions: 0,
                evidence: Evidence::new(footprint, smi),
            };
            hand_over(&mut self.channel, &mut self.totals, gap);
        }
        // Between the last reading of the clock and of the counter there is no
        // more than a look, unless something hit it.
        let edge = shot.closed.saturating_sub(shot.last);
        self.smi
            .close(shot.smis_after, lost, edge > self.order.look);
        // More deltas than room for records: their number and the longest are
        // still exact, what they were is not known.
        self.totals.gaps_dropped += shot.gaps - recorded;
        if shot.longest > longest {
            self.totals
                .count(fit.cycles(shot.longest), Footprint::Unusable.into());
        }
    }

    /// Tells the collector where this CPU stands, between two shots.
    fn tell(&mut self, ends: &Ends) {
        let elapsed = self.totals.last.since(self.totals.first);
        let (smi, masked) = (self.smi.so_far(), self.masked_so_far());
        let smis = smi.map(|smi| smi.count.delta);
        let shared = &self.channel.shared;
        shared.note(&self.totals, elapsed, masked.between, smis);
        if shared.is_wanted() {
            let mut totals = CpuTotals {
                smi,
                masked: Some(masked),
                ..self.totals.clone()
            };
            ends.so_far(&mut self.machine, &mut totals);
            self.channel.shared.publish(totals);
        }
    }

    fn masked_so_far(&self) -> MaskedTotals {
        let elapsed = self.totals.last.since(self.totals.first);
        let seen = self.interruptions.seen();
        MaskedTotals {
            between: elapsed
                .saturating_sub(self.sampled)
                .saturating_sub(self.totals.paused),
            nmis: u64::from(seen.nmis),
            machine_checks: u64::from(seen.machine_checks),
            ..self.masked
        }
    }

    fn finish(mut self, ends: Ends) -> CpuTotals {
        self.totals.masked = Some(self.masked_so_far());
        self.totals.smi = self.smi.finish(&mut self.machine);
        ends.finish(&mut self.machine, &mut self.totals);
        self.channel.shared.note_stall(&mut self.totals);
        self.channel.shared.publish(self.totals.clone());
        self.totals
    }
}

fn hand_over(channel: &mut GapChannel, totals: &mut CpuTotals, gap: RawGap) {
    if channel.ring.push(gap).is_err() {
        totals.gaps_dropped += 1;
        if gap.evidence.footprint == Footprint::Interrupted {
            totals.gaps_dropped_kernel_ran += 1;
        }
    }
}
