//! One shot: a stretch of bounded length in which this CPU does nothing but
//! read the clock, with interrupts off.

use std::io;

use crate::sampler::engines::bpf::counters::{Counters, Watched};
use crate::sampler::engines::bpf::layout::{Field, RECORDS, Slot, WORDS};
use crate::sampler::engines::bpf::program::{Functions, assemble};
use crate::sys::bpf::{Area, AsmError, EventSlot, LoadError, Program};
use crate::units::Nanos;

/// What a shot is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// How long to sample.
    pub(super) length: Nanos,
    /// Deltas above this become records.
    pub(super) trip: Nanos,
    /// Deltas above this are gaps.
    pub(super) threshold: Nanos,
    /// Rounds at most: ends the shot also where the clock stands still.
    pub(super) rounds: u64,
    /// A look at the counters takes no longer, unless something hits it.
    pub(super) look: Nanos,
}

/// What a shot saw, all of it exact. Times are CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shot {
    /// The first reading.
    pub(super) first: Nanos,
    /// The last reading.
    pub(super) last: Nanos,
    /// Rounds of the loop.
    pub(super) rounds: u64,
    /// The shortest delta; `None` without a round.
    pub(super) shortest: Option<Nanos>,
    /// The longest delta above the trip level, or 0.
    pub(super) longest: Nanos,
    /// Deltas above the trip level.
    pub(super) trips: u64,
    /// Deltas above the threshold.
    pub(super) gaps: u64,
    /// Readings below the one before.
    pub(super) backward: u64,
    /// The kernel's counts before the first reading.
    pub(super) counts: Counts,
    /// How long the look at them took.
    pub(super) look: Nanos,
    /// The count of SMIs before the first reading; `None` where the program
    /// cannot read it.
    pub(super) smis_before: Option<u32>,
    /// The same after the last reading.
    pub(super) smis_after: Option<u32>,
    /// The clock after that; 0 where SMIs are not counted.
    pub(super) closed: Nanos,
}

/// The kernel's counts of what arrives although interrupts are off, modulo
/// 2^32; 0 for ever where the program cannot read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// NMIs.
    pub(super) nmis: u32,
    /// Machine checks.
    pub(super) machine_checks: u32,
}

/// A delta above the trip level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The reading before it.
    pub(super) start: Nanos,
    /// The reading after it.
    pub(super) end: Nanos,
    /// The kernel's counts after it.
    pub(super) counts: Counts,
    /// The count of SMIs after it; `None` where the program cannot read it.
    pub(super) smis: Option<u32>,
}

impl Record {
    /// The delta.
    pub(super) fn length(&self) -> Nanos {
        self.end.saturating_sub(self.start)
    }
}

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArmError {
    /// The shared memory could not be had.
    #[error("no shared memory: {0}")]
    Area(#[source] io::Error),
    /// The source of the program is wrong.
    #[error("a defect of hwgap: {0}")]
    Source(#[from] AsmError),
    /// The kernel refused the program.
    #[error(transparent)]
    Refused(#[from] LoadError),
}

/// The program of one CPU with its memory. Both go with their descriptors:
/// nothing is pinned in a file system.
#[derive(Debug)]
pub(super) struct Loaded {
    area: Area,
    program: Program,
    smis: Option<EventSlot>,
}

impl Loaded {
    /// Has the kernel verify the program.
    pub(super) fn new(
        functions: Functions,
        counters: Option<Counters>,
        smis: Option<EventSlot>,
    ) -> Result<Loaded, ArmError> {
        let area = Area::new(WORDS, "hwgap_records").map_err(ArmError::Area)?;
        let watched = Watched {
            counters,
            smis: smis.as_ref().map(EventSlot::array),
        };
        let code = assemble(area.map(), functions, watched)?;
        let program = Program::load(&code, "hwgap_shot")?;
        Ok(Loaded {
            area,
            program,
            smis,
        })
    }

    /// Samples on the CPU under the calling thread, which must be pinned.
    pub(super) fn fire(&mut self, order: Order) -> io::Result<Shot> {
        for (slot, value) in [
            (Slot::Length, order.length.0),
            (Slot::Trip, order.trip.0),
            (Slot::Threshold, order.threshold.0),
            (Slot::Rounds, order.rounds),
            (Slot::LookLimit, order.look.0),
            (Slot::Shortest, u64::MAX),
            (Slot::Trips, 0),
            (Slot::Gaps, 0),
            (Slot::Longest, 0),
            (Slot::Backward, 0),
        ] {
            self.area.set(slot.index(), value);
        }
        self.program.run()?;
        let get = |slot: Slot| self.area.get(slot.index());
        Ok(Shot {
            first: Nanos(get(Slot::First)),
            last: Nanos(get(Slot::Last)),
            rounds: order.rounds - get(Slot::Rounds),
            shortest: Some(Nanos(get(Slot::Shortest))).filter(|&Nanos(ns)| ns != u64::MAX),
            longest: Nanos(get(Slot::Longest)),
            trips: get(Slot::Trips),
            gaps: get(Slot::Gaps),
            backward: get(Slot::Backward),
            counts: Counts {
                nmis: get(Slot::Nmis) as u32,
                machine_checks: get(Slot::MachineChecks) as u32,
            },
            look: Nanos(get(Slot::Look)),
            smis_before: self.smi_count(get(Slot::Smis)),
            smis_after: self.smi_count(get(Slot::SmisAfter)),
            closed: Nanos(get(Slot::Closed)),
        })
    }

    /// Whether the program reads the count of SMIs.
    pub(super) fn counts_smis(&self) -> bool {
        self.smis.is_some()
    }

    /// The low 32 bits of what the program read: what the hardware counts in.
    fn smi_count(&self, read: u64) -> Option<u32> {
        let is_error = read.cast_signed() < 0;
        (self.smis.is_some() && !is_error).then_some(read as u32)
    }

    /// The records of the latest shot; where there were more deltas than room,
    /// the first ones.
    pub(super) fn records(&self, shot: &Shot) -> impl Iterator<Item = Record> + '_ {
        let count = usize::try_from(shot.trips).unwrap_or(RECORDS).min(RECORDS);
        (0..count).map(|record| {
            let get = |field: Field| self.area.get(field.index(record));
            Record {
                start: Nanos(get(Field::Start)),
                end: Nanos(get(Field::End)),
                counts: Counts {
                    nmis: get(Field::Nmis) as u32,
                    machine_checks: get(Field::MachineChecks) as u32,
                },
                smis: self.smi_count(get(Field::Smis)),
            }
        })
    }
}
