//! What a sampler finds out about its CPU before it starts: the floor, the
//! trip level, the granularity of the TSC, whether the footprint works and
//! what a read of the SMI counter costs.

use crate::units::{Cycles, Hertz, Nanos};

use super::machine::Machine;

/// Deltas taken to find floor and median.
const ROUNDS: usize = 50_000;
/// The trip level is this many times the median delta.
const TRIP_FACTOR: u64 = 6;
/// And at least this: the shortest way into a kernel and back takes longer.
const LEAST_TRIP: u64 = 100;
/// A median above this means that each reading is intercepted: a native RDTSC
/// takes 20 to 50 cycles, a trapped one a VM exit of 1,000 and more.
const TRAPPED_MEDIAN: u64 = 700;

/// Whether the null-selector footprint works on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FootprintTest {
    /// Page faults wiped the mark and plain accesses kept it.
    Passed,
    /// Forced page faults left the mark standing this many times.
    FaultsKeptIt(u32),
    /// Plain accesses lost the mark this many times.
    TouchesLostIt(u32),
    /// The CPU returns from the kernel by ERETU, which keeps null selectors
    /// (FRED; Intel SDM, CPUID.7.1:EAX\[17\], CR4.FRED).
    Fred,
    /// The page for the test could not be had.
    NotTested,
    /// The engine holds interrupts off and needs no footprint.
    NotNeeded,
}

impl FootprintTest {
    /// What is to be said of it.
    pub fn reason(self) -> String {
        match self {
            FootprintTest::Passed => String::from(
                "self-test passed: page faults wiped the null selector in ES, plain accesses kept it",
            ),
            FootprintTest::FaultsKeptIt(count) => format!(
                "self-test failed: {count} page faults left the null selector in ES standing"
            ),
            FootprintTest::TouchesLostIt(count) => format!(
                "self-test failed: {count} plain memory accesses lost the null selector in ES"
            ),
            FootprintTest::Fred => {
                String::from("the kernel uses FRED: returns by ERETU do not wipe a null selector")
            }
            FootprintTest::NotNeeded => {
                String::from("not needed: interrupts are off while the clock is sampled")
            }
            FootprintTest::NotTested => {
                String::from("self-test not possible: no page could be mapped for it")
            }
        }
    }
}

/// Why sampling cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// Each RDTSC is intercepted.
    #[error(
        "a TSC reading takes {median} cycles here: RDTSC is trapped or emulated by a hypervisor, \
         and what it measures would be the trap"
    )]
    TrappedTsc {
        /// The median distance of two readings.
        median: u64,
    },
    /// The counter stands still.
    #[error("the TSC does not advance")]
    Stuck,
    /// The threshold is below what the loop can tell apart.
    #[error(
        "--threshold is below what this CPU can resolve: two TSC readings lie {} (the floor) to {} \
         apart, and only deltas above {} stand out from them; write --threshold {} or more",
        hz.to_nanos(Cycles(*floor)),
        hz.to_nanos(Cycles(*median)),
        hz.to_nanos(Cycles(*trip)),
        Nanos(hz.to_nanos(Cycles(*trip)).0 + 1)
    )]
    ThresholdBelowFloor {
        /// The TSC's rate.
        hz: Hertz,
        /// The smallest delta.
        floor: u64,
        /// The median delta.
        median: u64,
        /// The trip level.
        trip: u64,
    },
}

/// What was found out.
#[derive(Clone, Copy, Debug)]
pub struct Calibration {
    /// The smallest delta so far.
    pub floor: Cycles,
    /// The median delta.
    pub median: Cycles,
    /// Deltas above this leave the loop.
    pub trip: Cycles,
    /// The greatest common divisor of the readings' distances.
    pub granularity: Cycles,
    /// Whether the footprint works.
    pub footprint: FootprintTest,
    /// Cost of one read of the SMI counter (median).
    pub smi_read: Cycles,
    /// Cost of one read of the usage counts (median).
    pub usage_read: Cycles,
    /// Cost of one read of the time runnable but not running (median).
    pub delay_read: Cycles,
    /// Cost of one read of the PMU's counts (median); 0 where there are none.
    pub pmu_read: Cycles,
}

/// Measures `machine`. Takes a few milliseconds.
pub(super) fn calibrate<M: Machine>(
    machine: &mut M,
    threshold: Cycles,
    hz: Hertz,
) -> Result<Calibration, CalibrationError> {
    let mut deltas = vec![0u64; ROUNDS];
    let mut last = machine.tsc();
    for delta in &mut deltas {
        let now = machine.tsc();
        *delta = now.wrapping_sub(last);
        last = now;
    }
    deltas.sort_unstable();
    let (floor, median) = (deltas[0], deltas[ROUNDS / 2]);
    let trip = (median * TRIP_FACTOR).max(LEAST_TRIP);
    if deltas[ROUNDS - 1] == 0 {
        return Err(CalibrationError::Stuck);
    }
    if median > TRAPPED_MEDIAN {
        return Err(CalibrationError::TrappedTsc { median });
    }
    if threshold.0 < trip {
        return Err(CalibrationError::ThresholdBelowFloor {
            hz,
            floor,
            median,
            trip,
        });
    }
    Ok(Calibration {
        floor: Cycles(floor),
        median: Cycles(median),
        trip: Cycles(trip),
        granularity: Cycles(deltas.iter().copied().fold(0, greatest_common_divisor)),
        footprint: machine.test_footprint(),
        smi_read: median_cost(machine, |machine| {
            machine.smi_count();
        }),
        usage_read: median_cost(machine, |machine| {
            machine.usage();
        }),
        delay_read: median_cost(machine, |machine| {
            machine.held_back();
        }),
        pmu_read: match machine.pmu() {
            Some(_) => median_cost(machine, |machine| {
                machine.pmu();
            }),
            None => Cycles(0),
        },
    })
}

fn median_cost<M: Machine>(machine: &mut M, work: impl Fn(&mut M)) -> Cycles {
    let mut costs = [0u64; 15];
    for cost in &mut costs {
        let before = machine.tsc();
        work(machine);
        *cost = machine.tsc().wrapping_sub(before);
    }
    costs.sort_unstable();
    Cycles(costs[costs.len() / 2])
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn granularity_is_the_common_step() {
        assert_eq!(
            [26, 52, 78].into_iter().fold(0, greatest_common_divisor),
            26
        );
        assert_eq!([24, 26, 31].into_iter().fold(0, greatest_common_divisor), 1);
    }
}
