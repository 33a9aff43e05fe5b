//! One CPU under a tracer: its records, the readings beside them, and what
//! both come to.

use std::collections::VecDeque;

use crate::model::{Evidence, SmiEvidence};
use crate::sampler::engines::tracer::brackets::{Brackets, Reading, Scale, drop_before};
use crate::sampler::engines::tracer::found::{Found, Seen, Stretch, pop_if};
use crate::sampler::engines::tracer::hwlat::HwlatTrack;
use crate::sampler::engines::tracer::osnoise::OsnoiseTrack;
use crate::sampler::engines::tracer::wall_clock::WallClock;
use crate::sampler::gap::{CpuTotals, Ledger, RawGap, SmiTotals, TripKind};
use crate::units::{CpuId, Cycles};

/// How the records are to be read.
pub(super) enum Track {
    Hwlat(HwlatTrack),
    Osnoise(OsnoiseTrack),
}

impl Track {
    fn open_since(&self) -> Option<Cycles> {
        match self {
            Track::Hwlat(track) => track.open_since(),
            Track::Osnoise(track) => track.open_since(),
        }
    }

    fn lose(&mut self) {
        match self {
            Track::Hwlat(track) => track.lose(),
            Track::Osnoise(track) => track.lose(),
        }
    }
}

/// Whether gaps wait for readings of the SMI counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// The counter is read beside the tracer.
    Beside,
    /// No reading speaks of a gap.
    None,
}

/// The CPU.
pub(super) struct TracedCpu {
    pub(super) cpu: CpuId,
    track: Track,
    counting: Counting,
    scale: Scale,
    found: Found,
    brackets: Brackets,
    /// Gaps that are ready.
    ready: VecDeque<RawGap>,
    /// Nothing counts that began before.
    begun: Cycles,
    /// Windows that begin after this do not count.
    closing: Cycles,
    /// The end of the latest stretch that has been entered.
    counted: Cycles,
    sampled: Cycles,
    longest: Cycles,
    windows: u64,
    shots: Option<Vec<[Cycles; 2]>>,
    pub(super) totals: CpuTotals,
    companions: u64,
}

/// What one CPU came to, beside its totals.
pub(super) struct Sampled {
    /// Time that was surely sampled.
    pub(super) time: Cycles,
    /// The longest stretch.
    pub(super) longest: Cycles,
    /// How many there were.
    pub(super) windows: u64,
    /// Gaps without a record of their own.
    pub(super) companions: u64,
    /// NMIs in windows with gaps.
    pub(super) nmis: u64,
    /// Records that were lost.
    pub(super) lost: u64,
}

impl TracedCpu {
    pub(super) fn new(
        cpu: CpuId,
        track: Track,
        counting: Counting,
        scale: Scale,
        ledger: Ledger,
    ) -> TracedCpu {
        TracedCpu {
            cpu,
            track,
            counting,
            scale,
            found: Found::default(),
            brackets: Brackets::default(),
            ready: VecDeque::new(),
            begun: Cycles(u64::MAX),
            closing: Cycles(u64::MAX),
            counted: Cycles(0),
            sampled: Cycles(0),
            longest: Cycles(0),
            windows: 0,
            shots: (ledger == Ledger::Ends).then(Vec::new),
            totals: CpuTotals::begin(cpu, Cycles(0), scale.limit),
            companions: 0,
        }
    }

    /// From this moment on, what is found counts.
    pub(super) fn begin(&mut self, at: Cycles) {
        self.begun = at;
        if let Track::Hwlat(track) = &mut self.track {
            track.begin(at);
        }
        (self.totals.first, self.totals.last) = (at, at);
    }

    /// From this moment on, no window begins that counts.
    pub(super) fn close(&mut self, at: Cycles) {
        self.closing = at;
    }

    /// Whether a window that counts may be open. All that was recorded before
    /// now must have been taken.
    pub(super) fn is_open(&self) -> bool {
        let open = self.track.open_since();
        open.is_some_and(|since| since <= self.closing)
    }

    /// Takes a record.
    pub(super) fn take(&mut self, at: Cycles, text: &str, clock: &WallClock) {
        if at > self.closing && !self.is_open() {
            return;
        }
        match &mut self.track {
            Track::Hwlat(track) => track.take(at, text, clock, &mut self.found),
            Track::Osnoise(track) => track.take(at, text, &mut self.found),
        }
    }

    /// Records were lost here.
    pub(super) fn lose(&mut self, records: Option<u64>) {
        self.found.lost += records.unwrap_or(1);
        self.track.lose();
    }

    /// Whether the SMI counter has been read, where it is to be.
    pub(super) fn is_counted(&self) -> bool {
        self.counting == Counting::None || self.brackets.has_begun()
    }

    /// A reading of the SMI counter has come in.
    pub(super) fn read(&mut self, reading: Reading) {
        self.brackets.push(reading);
    }

    /// Enters new stretches, and leaves out what lay before the beginning.
    fn sift(&mut self) {
        let begun = self.begun;
        while pop_if(&mut self.found.seen, |seen| seen.start < begun).is_some() {}
        self.found.stretches.retain(|stretch| stretch.last > begun);
        let counted = self.counted;
        let new = self.found.stretches.iter_mut().rev();
        let new: Vec<Stretch> = new
            .take_while(|stretch| stretch.last > counted)
            .map(|stretch| {
                stretch.first = stretch.first.max(begun);
                *stretch
            })
            .collect();
        for stretch in new.into_iter().rev() {
            self.span(stretch);
            self.counted = stretch.last;
            self.sampled.0 += stretch.length().0;
            self.longest = self.longest.max(stretch.length());
            self.windows += 1;
            if let Some(shots) = &mut self.shots {
                shots.push([stretch.first, stretch.last]);
            }
        }
        // Where a gap lies is known less well than how long it was, and its
        // window bounds the time that was sampled.
        let ends = [self.found.seen.front(), self.found.seen.back()];
        for seen in ends.map(Option::<&Seen>::copied).into_iter().flatten() {
            self.span(Stretch {
                first: seen.start,
                last: seen.end,
            });
        }
    }

    /// Stretches the time that the report speaks of over this.
    fn span(&mut self, found: Stretch) {
        let known = self.totals.last > self.totals.first;
        self.totals.first = match known {
            true => self.totals.first.min(found.first),
            false => found.first,
        };
        self.totals.last = self.totals.last.max(found.last);
    }

    /// All is known.
    pub(super) fn end(&mut self) {
        self.found.settled = Cycles(u64::MAX);
    }

    /// Makes the gaps ready of which all is known.
    pub(super) fn settle(&mut self) {
        self.sift();
        let mut settled = Vec::new();
        match self.counting {
            Counting::Beside => {
                let sink = &mut |seen, smi, number| settled.push((seen, smi, number));
                let span = Stretch {
                    first: self.totals.first,
                    last: self.totals.last,
                };
                self.brackets
                    .settle(&mut self.found, self.scale, span, sink);
            }
            Counting::None => self.pass_on(&mut settled),
        }
        // After the last reading nothing speaks of a gap any more.
        if self.found.settled == Cycles(u64::MAX) {
            self.pass_on(&mut settled);
        }
        for (seen, smi, number) in settled {
            self.enter(seen, smi, number);
        }
    }

    fn pass_on(&mut self, settled: &mut Vec<(Seen, SmiEvidence, u32)>) {
        drop_before(&mut self.found, Cycles(u64::MAX), |seen| {
            settled.push((seen, SmiEvidence::Unreadable, 0));
        });
    }

    /// The gaps that are ready.
    pub(super) fn ready(&mut self) -> impl Iterator<Item = RawGap> + '_ {
        self.ready.drain(..)
    }

    fn enter(&mut self, seen: Seen, smi: SmiEvidence, smi_reading: u32) {
        let length = seen.end.since(seen.start);
        self.totals.count(length, seen.footprint.into());
        if length <= self.scale.threshold {
            return;
        }
        self.totals.gaps_seen += 1 + u64::from(seen.companions);
        self.companions += u64::from(seen.companions);
        self.ready.push_back(RawGap {
            kind: TripKind::Gap,
            start: seen.start,
            end: seen.end,
            smi_reading,
            own: Cycles(0),
            companions: seen.companions,
            evidence: Evidence::new(seen.footprint, smi),
        });
    }

    /// Time that was surely sampled, up to now.
    pub(super) fn sampled(&self) -> Cycles {
        self.sampled
    }

    /// What it comes to; what the SMI poller counted goes with it.
    pub(super) fn tell(&self, attended: CpuTotals) -> (CpuTotals, Sampled) {
        // Without readings beside, its own span is that of the SMI poller.
        let smi = attended.smi.map(|smi| {
            self.brackets.totals.unwrap_or(SmiTotals {
                unassigned: smi.count.delta,
                ..smi
            })
        });
        let sampled = Sampled {
            time: self.sampled,
            longest: self.longest,
            windows: self.windows,
            companions: self.companions,
            nmis: self.found.nmis,
            lost: self.found.lost,
        };
        let totals = CpuTotals {
            smi,
            registers: attended.registers,
            shots: self.shots.clone(),
            ..self.totals.clone()
        };
        (totals, sampled)
    }
}

#[cfg(test)]
#[path = "cpu_tests.rs"]
mod tests;
