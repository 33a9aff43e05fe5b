//! The sampler's loop against the bare loop, and the blind time of a gap.
//!
//! A figure in nanoseconds says more about the machine than about the code, so
//! this bench prints ratios of two things measured in turns on one CPU. Of
//! each turn the quickest block counts (what disturbs a block only ever makes
//! it slower), and of all turns the median.

mod figures;

use std::hint::black_box;
use std::time::Duration;

use hwgap::evidence::KernelReturn;
use hwgap::evidence::MachineFacts;
use hwgap::host::Host;
use hwgap::host::cpuid;
use hwgap::host::root::Root;
use hwgap::sampler::Trial;
use hwgap::session::Timeline;
use hwgap::sys::memory::FaultPage;
use hwgap::sys::{sched, tsc};
use hwgap::units::cpulist::CpuList;
use hwgap::units::{CpuId, Cycles, Hertz};

use figures::{is_quick, median, row};

/// Blocks of a turn. A block takes some 40 us, so that most of them pass
/// between two timer interrupts.
const BLOCKS: usize = 16;
/// A stall that the bench makes itself, in cycles: far above any trip level.
const STALL: u64 = 5_000;

fn main() {
    let Some(cpu) = pinned() else {
        println!("no CPU to pin to: nothing measured");
        return;
    };
    let machine = MachineFacts::new(cpuid::facts(), &Host::read(&Root::live()));
    let hz = rate();
    let bench = Bench {
        cpu,
        kernel_return: machine.kernel_return,
        hz,
        turns: if is_quick() { 50 } else { 1_000 },
    };
    if let Err(error) = bench.iteration().and_then(|()| bench.blind_time()) {
        println!("CPU {cpu}: {error}");
    }
}

/// Pins this thread to the last CPU it may use: the first one tends to serve
/// the devices.
fn pinned() -> Option<CpuId> {
    let last = sched::affinity().ok()?.iter().last()?;
    let only: CpuList = [last].into_iter().collect();
    sched::set_affinity(&only).ok().map(|()| last)
}

fn rate() -> Hertz {
    let mut timeline = Timeline::live();
    std::thread::sleep(Duration::from_millis(100));
    timeline.mark();
    timeline.rate().hz
}

struct Bench {
    cpu: CpuId,
    kernel_return: KernelReturn,
    hz: Hertz,
    turns: usize,
}

type Outcome = Result<(), hwgap::sampler::CalibrationError>;

impl Bench {
    fn trial(&self, threshold: Cycles) -> Result<Trial, hwgap::sampler::CalibrationError> {
        Trial::begin(self.cpu, self.kernel_return, self.hz, threshold)
    }

    /// A 10 us threshold, as by default, and the footprint where it works.
    fn iteration(&self) -> Outcome {
        let mut trial = self.trial(Cycles((self.hz.0 / 1e5) as u64))?;
        let limit = trial.calibration().trip.0;
        let (mut ours, mut bares) = (Vec::new(), Vec::new());
        for _ in 0..self.turns {
            ours.push(quickest(|| {
                trial.resume();
                cycles(|| trial.block())
            }));
            bares.push(quickest(|| cycles(|| bare(black_box(limit)))));
        }
        let (ours, bare) = (median(ours), median(bares));
        let footprint = trial.calibration().footprint;
        println!("CPU {}, footprint: {}", self.cpu, footprint.reason());
        row("bare loop, an iteration", bare, "cycles", None);
        row("hwgap's loop, an iteration", ours, "cycles", None);
        row("hwgap's loop / bare loop", ours / bare, "", Some(1.05));
        Ok(())
    }

    /// Drives the slow path by stalls of the bench's own making. The thread
    /// itself takes the time of one kind; a page fault makes the kernel run in
    /// the other, which adds the reading of the usage counts.
    fn blind_time(&self) -> Outcome {
        let lowest = self.trial(Cycles(u64::MAX))?.calibration().trip;
        let mut trial = self.trial(Cycles(lowest.0 * 2))?;
        let platform = self.driven(&mut trial, || {
            let begun = tsc::read();
            while tsc::read().wrapping_sub(begun) < STALL {}
        });
        row("blind time, platform gap", platform, "us", Some(2.0));
        let Ok(page) = FaultPage::map() else {
            return Ok(());
        };
        let kernel = self.driven(&mut trial, || {
            let begun = tsc::read();
            if page.drop_page().is_ok() {
                page.touch();
            }
            while tsc::read().wrapping_sub(begun) < STALL {}
        });
        row("blind time, kernel gap", kernel, "us", Some(2.0));
        Ok(())
    }

    /// The median blind time of a gap that `stall` makes, in microseconds.
    fn driven(&self, trial: &mut Trial, stall: impl Fn()) -> f64 {
        let mut times = Vec::new();
        for _ in 0..self.turns * 4 {
            trial.resume();
            stall();
            let (gaps, blind) = (trial.totals().gaps_seen, trial.totals().blind);
            trial.block();
            // A block that something else disturbed holds more than one gap.
            if trial.totals().gaps_seen == gaps + 1 {
                let taken = trial.totals().blind.0 - blind.0;
                times.push(taken as f64 * 1e6 / self.hz.0);
            }
        }
        median(times)
    }
}

/// What any such loop must do, and nothing else.
#[inline(never)]
fn bare(limit: u64) {
    let mut above = 0u32;
    let mut last = tsc::read();
    for _ in 0..Trial::ROUNDS {
        let now = tsc::read();
        if now.wrapping_sub(last) > limit {
            above += 1;
        }
        last = now;
    }
    black_box(above);
}

fn cycles(work: impl FnOnce()) -> u64 {
    let begun = tsc::read();
    work();
    tsc::read().wrapping_sub(begun)
}

/// Cycles an iteration in the quickest of a turn's blocks.
fn quickest(mut block: impl FnMut() -> u64) -> f64 {
    let least = (0..BLOCKS).map(|_| block()).min().unwrap_or_default();
    least as f64 / f64::from(Trial::ROUNDS)
}
