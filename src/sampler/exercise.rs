//! A real CPU that raises known stalls in its own loop: what the self-test
//! samples. Each stall lies between two readings, so that the loop must see it
//! as one delta, and the log says when it was.

use std::sync::{Arc, Mutex};

use crate::evidence::pmu::PmuReading;
use crate::evidence::watches::RegisterReading;
use crate::sampler::live::LiveMachine;
use crate::sampler::span::Permit;
use crate::sys::memory::FreshPages;
use crate::sys::port::Port;
use crate::units::{Cycles, Nanos};

use super::calibrate::FootprintTest;
use super::machine::{Machine, UsageReading};

/// Readings before the first stall: calibration takes some 50,000.
const BEFORE_FIRST: u32 = 400_000;

/// What a self-test raises in the sampler's own loop.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// The kind of stall.
    pub kind: ExerciseKind,
    /// How many.
    pub count: usize,
    /// Readings between two of them.
    pub every: u32,
    /// Where they are noted.
    pub log: Arc<Mutex<Vec<RaisedSpan>>>,
}

/// A kind of stall that a thread can raise on itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExerciseKind {
    /// None: others raise what is to be seen.
    Nothing,
    /// The first touch of a page.
    PageFault,
    /// The same, each other time after a stall of this length, in which the
    /// thread spins without the kernel: the delta holds both.
    LateFault {
        /// How long it spins.
        stall: Cycles,
    },
    /// A write to the SMI command port.
    Smi {
        /// The port.
        port: u16,
        /// A value that means nothing to the firmware.
        value: u8,
    },
}

/// A stall that was raised, by the clock of the CPU that it was raised on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaisedSpan {
    /// Just before.
    pub start: Cycles,
    /// Just after.
    pub end: Cycles,
}

/// Raises the stalls of an exercise.
enum Raiser {
    Nothing,
    Pages(FreshPages),
    Late(FreshPages, Cycles),
    Smi(Port, u8),
}

/// The machine under exercise.
pub(super) struct ExercisedMachine {
    inner: LiveMachine,
    raiser: Raiser,
    every: u32,
    until_next: u32,
    left: usize,
    spans: Vec<RaisedSpan>,
    log: Arc<Mutex<Vec<RaisedSpan>>>,
}

impl ExercisedMachine {
    /// Prepares the exercise on the thread that will sample.
    ///
    /// # Errors
    /// Where the pages or the port cannot be had.
    pub(super) fn open(inner: LiveMachine, exercise: &Exercise) -> std::io::Result<Self> {
        let raiser = match exercise.kind {
            ExerciseKind::Nothing => Raiser::Nothing,
            ExerciseKind::PageFault => Raiser::Pages(FreshPages::map(exercise.count)?),
            ExerciseKind::LateFault { stall } => {
                Raiser::Late(FreshPages::map(exercise.count)?, stall)
            }
            ExerciseKind::Smi { port, value } => Raiser::Smi(Port::open(port)?, value),
        };
        Ok(ExercisedMachine {
            inner,
            raiser,
            every: exercise.every,
            until_next: BEFORE_FIRST,
            left: exercise.count,
            spans: Vec::with_capacity(exercise.count),
            log: Arc::clone(&exercise.log),
        })
    }

    #[cold]
    fn raise(&mut self) {
        self.until_next = self.every;
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let start = Cycles(self.inner.tsc());
        match &mut self.raiser {
            Raiser::Nothing => return,
            Raiser::Pages(pages) => {
                pages.touch_next();
            }
            Raiser::Late(pages, stall) => {
                let is_late = self.left.is_multiple_of(2);
                while is_late && self.inner.tsc().wrapping_sub(start.0) < stall.0 {}
                pages.touch_next();
                // The others teach what a fault takes here.
                if !is_late {
                    return;
                }
            }
            Raiser::Smi(port, value) => port.write(*value),
        }
        let end = Cycles(self.inner.tsc());
        self.spans.push(RaisedSpan { start, end });
    }
}

impl Drop for ExercisedMachine {
    fn drop(&mut self) {
        if let Ok(mut log) = self.log.lock() {
            log.append(&mut self.spans);
        }
    }
}

impl Machine for ExercisedMachine {
    #[inline(always)]
    fn tsc(&mut self) -> u64 {
        self.until_next -= 1;
        if self.until_next == 0 {
            self.raise();
        }
        self.inner.tsc()
    }

    fn cpu_mark(&mut self) -> Option<u32> {
        self.inner.cpu_mark()
    }

    fn arm(&mut self, permit: Permit) {
        self.inner.arm(permit);
    }

    fn armed(&mut self) -> bool {
        self.inner.armed()
    }

    fn test_footprint(&mut self) -> FootprintTest {
        self.inner.test_footprint()
    }

    fn smi_count(&mut self) -> Option<u32> {
        self.inner.smi_count()
    }

    fn pmu(&mut self) -> Option<PmuReading> {
        self.inner.pmu()
    }

    fn usage(&mut self) -> UsageReading {
        self.inner.usage()
    }

    fn held_back(&mut self) -> Option<Nanos> {
        self.inner.held_back()
    }

    fn registers(&mut self) -> RegisterReading {
        self.inner.registers()
    }

    fn run_delay(&mut self) -> Option<Nanos> {
        self.inner.run_delay()
    }

    fn pause(&mut self, length: Cycles) {
        self.inner.pause(length);
    }
}
