//! Every interleaving of up to two events with the machine operations of the
//! slow path.
//!
//! One event makes the loop trip. Then up to two more strike, each before any
//! operation until the loop has gone on for a while: the reading and the setting
//! of the mark among them, and within system calls. What must hold is written
//! down in [`Run::check`].

use std::thread;

use rtrb::{Consumer, RingBuffer};

use crate::model::{Footprint, SmiEvidence};
use crate::sampler::calibrate::{Calibration, FootprintTest};
use crate::sampler::engines::user::slow_path::Sampler;
use crate::sampler::engines::user::smi_watch::SmiWatch;
use crate::sampler::gap::{CpuTotals, RawGap, SmiTotals, TripKind};
use crate::sampler::machine::{Machine, UsageReading};
use crate::sampler::smi_counter::Readings;
use crate::sampler::span::Permit;
use crate::sampler::spin::{Spin, spin};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

const HZ: Hertz = Hertz(1e9);
const STEP: u64 = 20;
const THRESHOLD: u64 = 10_000;
const SMI_READ: u64 = 400;
const USAGE_READ: u64 = 200;
const DELAY_READ: u64 = 300;
const SHORT: u64 = 2_500;
const LONG: u64 = 30_000;
/// What the sampler itself does within a gap, at most: two rounds of calls.
const OWN_WORK: u64 = 3_000;

/// What strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Time goes by; the kernel does not run.
    Stall,
    /// The same, and the counter rises.
    Smi,
    /// The kernel runs, and returns to user space: an interrupt or an NMI.
    Interrupt,
    /// The kernel is interrupted in a system call of ours, and returns to it.
    InterruptInCall,
    /// An SMI in such a call: before the counter is read there.
    SmiInCall,
}

impl Kind {
    const ALL: [Kind; 5] = [
        Kind::Stall,
        Kind::Smi,
        Kind::Interrupt,
        Kind::InterruptInCall,
        Kind::SmiInCall,
    ];

    fn is_kernel(self) -> bool {
        matches!(self, Kind::Interrupt | Kind::InterruptInCall)
    }

    fn is_smi(self) -> bool {
        matches!(self, Kind::Smi | Kind::SmiInCall)
    }

    fn is_in_call(self) -> bool {
        matches!(self, Kind::InterruptInCall | Kind::SmiInCall)
    }
}

#[derive(Clone, Copy, Debug)]
struct Strike {
    /// The number of the operation.
    before: usize,
    kind: Kind,
    length: u64,
}

/// What has struck.
#[derive(Clone, Copy, Debug)]
struct Struck {
    kind: Kind,
    start: u64,
    end: u64,
}

/// An operation of the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Plain,
    Call,
}

struct Enumerated {
    now: u64,
    operations: usize,
    strikes: Vec<Strike>,
    armed: bool,
    smi: Option<u32>,
    switches: u16,
    struck: Vec<Struck>,
}

impl Enumerated {
    fn operate(&mut self, operation: Operation) {
        let number = self.operations;
        self.operations += 1;
        for index in 0..self.strikes.len() {
            let Strike {
                before,
                kind,
                length,
            } = self.strikes[index];
            if before == number && (operation == Operation::Call || !kind.is_in_call()) {
                self.strike(kind, length);
            }
        }
    }

    fn strike(&mut self, kind: Kind, length: u64) {
        let start = self.now;
        self.now += length;
        self.struck.push(Struck {
            kind,
            start,
            end: self.now,
        });
        if kind.is_smi() {
            self.smi = self.smi.map(|count| count + 1);
        }
        if kind == Kind::Interrupt {
            self.armed = false;
        }
    }
}

impl Machine for Enumerated {
    fn tsc(&mut self) -> u64 {
        self.operate(Operation::Plain);
        self.now += STEP;
        self.now
    }

    fn cpu_mark(&mut self) -> Option<u32> {
        self.operate(Operation::Plain);
        Some(0)
    }

    fn arm(&mut self, _: Permit) {
        self.operate(Operation::Plain);
        self.armed = true;
    }

    fn armed(&mut self) -> bool {
        self.operate(Operation::Plain);
        self.armed
    }

    fn test_footprint(&mut self) -> FootprintTest {
        FootprintTest::Passed
    }

    fn smi_count(&mut self) -> Option<u32> {
        self.operate(Operation::Call);
        self.now += SMI_READ;
        self.smi
    }

    fn usage(&mut self) -> UsageReading {
        self.operate(Operation::Call);
        self.now += USAGE_READ;
        UsageReading {
            involuntary_switches: std::mem::take(&mut self.switches),
            voluntary_switches: 0,
            page_faults: 0,
            run_delay: None,
        }
    }

    fn held_back(&mut self) -> Option<Nanos> {
        self.operate(Operation::Call);
        self.now += DELAY_READ;
        None
    }

    fn pause(&mut self, length: Cycles) {
        self.now += length.0;
    }
}

/// How the SMI counter can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counter {
    Readable,
    Unreadable,
    OverBudget,
}

impl Counter {
    const ALL: [Counter; 3] = [Counter::Readable, Counter::Unreadable, Counter::OverBudget];
}

/// What came of one interleaving.
struct Run {
    first: u64,
    last: u64,
    quiet: u64,
    totals: CpuTotals,
    smi: Option<SmiTotals>,
    gaps: Vec<RawGap>,
    struck: Vec<Struck>,
    operations: usize,
}

/// Rounds of a block of the loop; there are three.
const ROUNDS: u32 = 6;

/// A block of the loop as a worker runs it, but for its length. Returns the
/// rounds in which nothing happened.
fn block(sampler: &mut Sampler<Enumerated>) -> u64 {
    let (mut left, mut quiet) = (ROUNDS, 0);
    while left > 0 {
        let (before, span) = (left, sampler.calibration.trip.0 - STEP);
        let end = spin(
            &mut sampler.machine,
            &mut sampler.last,
            &mut left,
            STEP,
            span,
        );
        quiet += u64::from(before - left);
        if let Spin::Tripped { delta } = end {
            quiet -= 1;
            sampler.on_delta(delta);
        }
    }
    if sampler.footprint() == Footprint::Cleared {
        sampler.on_silent_clear();
    }
    quiet
}

fn run(counter: Counter, strikes: &[Strike]) -> Run {
    let mut machine = Enumerated {
        now: 1_000_000,
        operations: 0,
        strikes: Vec::new(),
        armed: false,
        smi: (counter != Counter::Unreadable).then_some(7),
        switches: 0,
        struck: Vec::new(),
    };
    let calibration = Calibration {
        floor: Cycles(STEP),
        median: Cycles(STEP),
        trip: Cycles(6 * STEP),
        granularity: Cycles(STEP),
        footprint: FootprintTest::Passed,
        smi_read: Cycles(SMI_READ),
        usage_read: Cycles(USAGE_READ),
        delay_read: Cycles(DELAY_READ),
        pmu_read: Cycles(0),
    };
    let mut smi = SmiWatch::begin(&mut machine, Readings::AfterGaps, &calibration, HZ);
    if counter == Counter::OverBudget {
        smi.exhaust();
    }
    let (ring, gaps) = RingBuffer::new(64);
    let totals = CpuTotals::begin(CpuId(0), calibration.floor, Cycles(0));
    let threshold = Cycles(THRESHOLD);
    let mut sampler = Sampler::new(machine, calibration, threshold, smi, HZ, ring, totals);
    sampler.start();
    // Known to have been seen: the shortest entry of the kernel.
    sampler
        .smi
        .learn(Cycles(SHORT), crate::sampler::histogram::Presence::Ran);
    let first = sampler.last;
    // Operations are numbered from here on.
    sampler.machine.operations = 0;
    sampler.machine.strikes = strikes.to_vec();
    let quiet: u64 = (0..3).map(|_| block(&mut sampler)).sum();
    let Sampler {
        mut machine,
        smi,
        totals,
        last,
        ..
    } = sampler;
    let operations = machine.operations;
    machine.strikes.clear();
    Run {
        first,
        last,
        quiet: quiet * STEP,
        smi: smi.finish(&mut machine),
        gaps: drain(gaps),
        struck: machine.struck,
        totals,
        operations,
    }
}

fn drain(mut gaps: Consumer<RawGap>) -> Vec<RawGap> {
    let all = std::iter::from_fn(|| gaps.pop().ok());
    all.filter(|gap| gap.kind == TripKind::Gap).collect()
}

impl Run {
    /// What must hold, whatever strikes when.
    fn check(&self) -> Result<(), String> {
        self.no_kernel_in_an_absence()?;
        self.stalls_have_their_gap()?;
        self.time_adds_up()?;
        self.smis_are_counted_once()?;
        // Every entry of the kernel here is longer than the trip level, so that
        // a mark that is gone without a trip was not set when it should be.
        match self.totals.silent_clears {
            0 => Ok(()),
            count => Err(format!("{count} marks gone without a trip")),
        }
    }

    /// A gap that is said to be without the kernel holds no kernel time.
    fn no_kernel_in_an_absence(&self) -> Result<(), String> {
        for gap in self.absent() {
            if let Some(struck) = self.within(gap).find(|struck| struck.kind.is_kernel()) {
                return Err(format!("{struck:?} in a gap without the kernel: {gap:?}"));
            }
        }
        // Nor does the longest such time, recorded or not.
        let stalls = self.struck.iter().filter(|struck| !struck.kind.is_kernel());
        let most: u64 = stalls
            .map(|struck| struck.end - struck.start + OWN_WORK)
            .sum();
        if self.totals.max_kernel_absent.0 > most {
            let longest = self.totals.max_kernel_absent;
            return Err(format!("{longest:?} without the kernel"));
        }
        Ok(())
    }

    fn absent(&self) -> impl Iterator<Item = &RawGap> {
        let gaps = self.gaps.iter();
        gaps.filter(|gap| gap.evidence.kernel_ran() == Some(false))
    }

    fn within<'a>(&'a self, gap: &'a RawGap) -> impl Iterator<Item = &'a Struck> {
        let struck = self.struck.iter();
        struck.filter(|struck| struck.start < gap.end.0 && struck.end > gap.start.0)
    }

    /// What stalled outside system calls for longer than the threshold lies in
    /// a gap, whose length is that of what it holds.
    fn stalls_have_their_gap(&self) -> Result<(), String> {
        for struck in &self.struck {
            let length = struck.end - struck.start;
            let sampled = struck.start < self.last;
            if struck.kind.is_kernel()
                || struck.kind.is_in_call()
                || length <= THRESHOLD
                || !sampled
            {
                continue;
            }
            let over = |gap: &&RawGap| gap.start.0 <= struck.start && struck.end <= gap.end.0;
            let Some(gap) = self.gaps.iter().find(over) else {
                return Err(format!("no gap for {struck:?}"));
            };
            let held: u64 = self.within(gap).map(|held| held.end - held.start).sum();
            let beside = gap.length().0 - held;
            if beside > OWN_WORK {
                return Err(format!("{beside} beside what it holds: {gap:?}"));
            }
        }
        Ok(())
    }

    /// Each moment is counted once: in the loop, in a delta, or as own time.
    fn time_adds_up(&self) -> Result<(), String> {
        let CpuTotals {
            blind, os, absent, ..
        } = &self.totals;
        let counted = self.quiet + blind.0 + os.0 + absent.0;
        let elapsed = self.last - self.first;
        match counted == elapsed {
            true => Ok(()),
            false => Err(format!(
                "{elapsed} elapsed, {counted} counted: {} in the loop, {blind:?} own, {os:?} with \
                 and {absent:?} without the kernel",
                self.quiet
            )),
        }
    }

    /// Each SMI is counted once, and a count of a gap's own is that of the SMIs
    /// in it.
    fn smis_are_counted_once(&self) -> Result<(), String> {
        let Some(smi) = self.smi else {
            return Ok(());
        };
        let raised = self.struck.iter().filter(|struck| struck.kind.is_smi());
        let raised = raised.count() as u64;
        let mut placed = smi.below_threshold + smi.without_gap + smi.unassigned;
        for gap in &self.gaps {
            if let SmiEvidence::Own { delta } = gap.evidence.smi {
                let held = self.within(gap).filter(|struck| struck.kind.is_smi());
                let held = held.count() as u64;
                placed += u64::from(delta);
                if held != u64::from(delta) {
                    return Err(format!("{held} SMIs in {gap:?}"));
                }
            }
        }
        match smi.count.delta == raised && placed == raised {
            true => Ok(()),
            false => Err(format!("{raised} SMIs, placed {placed}: {smi:?}")),
        }
    }
}

/// Where the first event strikes: in the third round of the loop.
const FIRST: usize = 2;

/// The events that may make the loop trip.
fn first_events() -> impl Iterator<Item = Strike> {
    let kinds = [Kind::Stall, Kind::Smi, Kind::Interrupt];
    let lengths = [SHORT, LONG];
    kinds.into_iter().flat_map(move |kind| {
        lengths.map(|length| Strike {
            before: FIRST,
            kind,
            length,
        })
    })
}

/// Runs every interleaving with one first event, and returns how many there
/// were.
fn all_with(counter: Counter, first: Strike) -> usize {
    let lengths = |kind: Kind| match kind.is_in_call() {
        true => &[LONG][..],
        false => &[SHORT, LONG][..],
    };
    let mut count = 0;
    let mut check = |strikes: &[Strike]| {
        let run = run(counter, strikes);
        count += 1;
        if let Err(broken) = run.check() {
            panic!("{counter:?}, {strikes:#?}: {broken}\n{:#?}", run.struck);
        }
        run.operations
    };
    let end = check(&[first]);
    let strike = |before, kind, length| Strike {
        before,
        kind,
        length,
    };
    for at in FIRST + 1..end {
        for kind in Kind::ALL {
            for &length in lengths(kind) {
                let second = strike(at, kind, length);
                let end = check(&[first, second]);
                // What is to come after the first two.
                for later in at + 1..end {
                    for kind in Kind::ALL {
                        check(&[first, second, strike(later, kind, LONG)]);
                    }
                }
            }
        }
    }
    count
}

#[test]
fn whatever_strikes_when_nothing_is_lost_and_nothing_told_wrongly() {
    let work: Vec<(Counter, Strike)> = Counter::ALL
        .into_iter()
        .flat_map(|counter| first_events().map(move |first| (counter, first)))
        .collect();
    let threads = 2;
    let count: usize = thread::scope(|scope| {
        let parts = work.chunks(work.len().div_ceil(threads));
        let running: Vec<_> = parts
            .map(|part| {
                scope.spawn(move || {
                    let counts = part
                        .iter()
                        .map(|&(counter, first)| all_with(counter, first));
                    counts.sum::<usize>()
                })
            })
            .collect();
        let counts = running.into_iter().map(|thread| thread.join());
        counts
            .map(|count| count.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .sum()
    });
    println!("{count} interleavings");
    assert!(count > 100_000, "{count}");
}
