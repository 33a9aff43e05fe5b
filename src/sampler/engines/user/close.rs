//! What becomes of a trip once its end is known: the counters are asked, it is
//! counted, and above the threshold it becomes a record.

use crate::model::{Counts, Evidence, Footprint, SmiEvidence};
use crate::sampler::engines::user::slow_path::{Part, Phase, Sampler, Smm, Trip};
use crate::sampler::engines::user::smi_watch::Event;
use crate::sampler::gap::{RawGap, TripKind};
use crate::sampler::histogram::Presence;
use crate::sampler::machine::{FullRing, Machine, UsageReading};
use crate::sampler::span::{Begin, MOST_ECHOES};
use crate::units::Cycles;

/// What was read for a trip.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    smi: Option<SmiEvidence>,
    usage: Option<UsageReading>,
    smm: Smm,
}

/// The sampler's own work in a new span, followed by the clock.
struct Stretch {
    since: u64,
    limit: u64,
    /// From where to where something hit.
    hit: Option<(u64, u64)>,
}

impl<M: Machine> Sampler<M> {
    /// Deals with a trip. Returns what hit the sampler while the trip was
    /// written down, if anything did: the loop goes on where nothing has.
    pub(in crate::sampler) fn finish(&mut self, mut trip: Trip, echo: u32) -> Option<Part> {
        let read = self.ask(&mut trip);
        // An SMI, and the interrupt that waited for its end: one gap.
        if let (Some(lead), Some(SmiEvidence::Own { delta: 1.. })) = (trip.lead, read.smi) {
            trip.part.start = lead.start;
            trip.lead = None;
        }
        let begun = self.last;
        let mut stretch = Stretch {
            since: begun,
            limit: self.quiet_limit(echo),
            hit: None,
        };
        self.count_blind(trip.part.end);
        self.look(&mut stretch);
        if let Some(lead) = trip.lead {
            self.write_lead(lead, read.smi);
            self.look(&mut stretch);
        }
        let presence = self.count(&trip, read.smi);
        self.look(&mut stretch);
        let smi = self.place(&trip, read.smi);
        self.look(&mut stretch);
        let gap = self.evidence(trip, read, smi, presence);
        self.look(&mut stretch);
        self.write(gap, presence);
        self.look(&mut stretch);
        if trip.part.seen.footprint != Footprint::Intact {
            self.check_cpu();
        }
        self.look(&mut stretch);
        match stretch.hit {
            None => {
                self.last = stretch.since;
                self.count_blind(begun);
                None
            }
            Some((start, end)) => {
                self.last = start;
                self.count_blind(begun);
                // Own time from there on is behind the next trip.
                self.last = stretch.since;
                let seen = self.chain.look(&mut self.machine);
                Some(Part { start, end, seen })
            }
        }
    }

    /// Reads the counters that speak of a trip, and begins the next span. What
    /// hits meanwhile joins the trip, and the counters are read again: an SMI
    /// would else be lost in the tool's own time, and its count given to the
    /// next gap.
    fn ask(&mut self, trip: &mut Trip) -> Read {
        let mut read = Read::default();
        let mut noted = (false, false);
        for echo in 0..MOST_ECHOES {
            self.note_events(trip, &mut noted);
            let event = self.event(trip);
            let mut cost = Cycles(0);
            if read.usage.is_some() || self.wants_usage(trip, event) {
                let mut more = self.machine.usage();
                cost.0 += 2 * self.calibration.usage_read.0;
                if !more.kept_cpu() {
                    more.run_delay = self.machine.held_back();
                    cost.0 += 2 * self.calibration.delay_read.0;
                }
                read.usage = Some(read.usage.map_or(more, |usage| usage.and(more)));
            }
            let is_due =
                read.smi.is_some() || (self.smi).is_due(event, trip.part.end, &self.calibration);
            if is_due {
                read.smi = Some(self.smi.read(&mut self.machine, read.smi));
                cost.0 += 2 * self.calibration.smi_read.0;
            }
            let had_lead = trip.lead.is_some();
            if self.renew_behind(trip, cost, &mut read.smm, echo) == Begin::Quiet {
                break;
            }
            if trip.lead.is_some() && !had_lead {
                noted = (noted.1, false);
            }
        }
        read
    }

    /// Counts the parts of a trip that can hold an SMI.
    fn note_events(&mut self, trip: &Trip, noted: &mut (bool, bool)) {
        let parts = [
            (trip.lead.as_ref(), &mut noted.0),
            (Some(&trip.part), &mut noted.1),
        ];
        for (part, noted) in parts {
            if let Some(part) = part
                && !*noted
                && self
                    .smi
                    .can_hold(part.length(), part.seen.presence(SmiEvidence::NotRead))
            {
                self.smi.note_event();
                *noted = true;
            }
        }
    }

    /// The scheduling counts tell what ran in a gap; after a shorter trip they
    /// are read because it would else be charged to the next gap.
    fn wants_usage(&mut self, trip: &Trip, event: Event) -> bool {
        trip.part.seen.presence(SmiEvidence::NotRead) != Presence::Absent
            && (self.usage).is_due(event, &self.calibration, trip.part.end)
    }

    fn event(&self, trip: &Trip) -> Event {
        let longest = trip.lead.map_or(Cycles(0), |lead| lead.length());
        match longest.max(trip.part.length()) > self.threshold {
            true => Event::Recorded,
            false => Event::BelowThreshold,
        }
    }

    /// Reads the clock after some work of the sampler's own in a new span.
    fn look(&mut self, stretch: &mut Stretch) {
        let now = self.machine.tsc();
        if now.wrapping_sub(stretch.since) > stretch.limit {
            let start = stretch.hit.map_or(stretch.since, |(start, _)| start);
            stretch.hit = Some((start, now));
        }
        stretch.since = now;
    }

    /// Writes down a stretch without the kernel that another one with it
    /// follows. A reading without a rise speaks of both, and a shared one is
    /// shared by both; any other is the later one's.
    fn write_lead(&mut self, lead: Part, smi: Option<SmiEvidence>) {
        let recorded = lead.length() > self.threshold;
        let smi = match smi {
            Some(smi @ (SmiEvidence::Own { delta: 0 } | SmiEvidence::Shared { .. })) => smi,
            _ => self.smi.unread(recorded),
        };
        self.totals.count(lead.length(), Presence::Absent);
        if recorded && self.phase == Phase::Counted {
            let evidence = Evidence {
                ring_zero: lead.seen.ring_zero,
                smm_ns: lead.seen.smm,
                ..Evidence::new(lead.seen.footprint, smi)
            };
            let gap = self.raw(TripKind::Gap, lead, evidence);
            self.record(gap, Presence::Absent);
        }
    }

    /// Counts a trip.
    fn count(&mut self, trip: &Trip, smi: Option<SmiEvidence>) -> Presence {
        let length = trip.part.length();
        let presence = trip.part.seen.presence(smi.unwrap_or(SmiEvidence::NotRead));
        self.totals.count(length, presence);
        self.smi.learn(length, presence);
        presence
    }

    /// Enters what the counter says of a trip into its account.
    fn place(&mut self, trip: &Trip, read: Option<SmiEvidence>) -> SmiEvidence {
        let recorded = trip.part.length() > self.threshold;
        let smi = match read {
            Some(smi) => smi,
            None => self.smi.unread(recorded),
        };
        self.smi.account(recorded, smi);
        smi
    }

    /// What was collected of a trip.
    fn evidence(&mut self, trip: Trip, read: Read, smi: SmiEvidence, presence: Presence) -> RawGap {
        let Trip {
            lead, part, own, ..
        } = trip;
        // The time in SMM that a lead has told of is not the part's.
        let earlier = lead.and_then(|lead| lead.seen.smm).unwrap_or_default();
        let smm_ns = read.smm.0.map(|all| all.saturating_sub(earlier));
        let usage = self.usage.of(read.usage, presence);
        let evidence = Evidence {
            involuntary_switches: usage.map(|(usage, _)| usage.involuntary_switches),
            page_faults: usage.map(|(usage, _)| usage.page_faults),
            run_delay_ns: usage.and_then(|(usage, _)| usage.run_delay),
            counts: usage.map_or(Counts::Own, |(_, counts)| counts),
            ring_zero: part.seen.ring_zero,
            smm_ns,
            ..Evidence::new(part.seen.footprint, smi)
        };
        let kind = match part.length() > self.threshold {
            true => TripKind::Gap,
            false => TripKind::Lesson,
        };
        RawGap {
            own: Cycles(own),
            ..self.raw(kind, part, evidence)
        }
    }

    /// Hands a trip over: above the threshold always, below now and then. In a
    /// warm-up all are lessons.
    fn write(&mut self, gap: RawGap, presence: Presence) {
        let kind = match self.phase {
            Phase::WarmUp => TripKind::Lesson,
            Phase::Counted => gap.kind,
        };
        let gap = RawGap { kind, ..gap };
        match kind {
            TripKind::Gap => self.record(gap, presence),
            TripKind::Lesson if presence == Presence::Ran && self.lessons.is_due(gap.end.0) => {
                // Where there is no room, the next one teaches as well.
                let _ = self.ring.push(gap);
            }
            TripKind::Lesson => {}
        }
    }

    fn raw(&self, kind: TripKind, part: Part, evidence: Evidence) -> RawGap {
        RawGap {
            kind,
            start: Cycles(part.start),
            end: Cycles(part.end),
            smi_reading: self.smi.covering(evidence.smi),
            own: Cycles(0),
            companions: 0,
            evidence,
        }
    }

    fn record(&mut self, gap: RawGap, presence: Presence) {
        self.totals.gaps_seen += 1;
        if !self.hand_over(gap) {
            self.totals.gaps_dropped += 1;
            if presence == Presence::Ran {
                self.totals.gaps_dropped_kernel_ran += 1;
            }
        }
    }

    /// Puts a gap into the ring; false where it is lost.
    fn hand_over(&mut self, gap: RawGap) -> bool {
        while self.ring.push(gap).is_err() {
            let wait = self.machine.on_full_ring() == FullRing::Wait;
            if !wait || self.ring.is_abandoned() {
                return false;
            }
            std::thread::yield_now();
        }
        true
    }
}
