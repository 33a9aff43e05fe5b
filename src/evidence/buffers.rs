//! How much is laid up for each sampled CPU until the collector takes it.
//!
//! A buffer must hold what comes in between two visits: 5 ms where the collector
//! has a CPU of its own, and up to 50 ms where the scheduler holds it back. On
//! machines with many CPUs that is all there is; few of them can have more, for a
//! collector that takes its time from a sampler and comes seldom.

/// CPUs that have ample buffers.
const FEW: usize = 4;

/// The buffers of one CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// Gaps: 50 ms of 20,000 or, where ample, 160,000 a second; 96 bytes each.
    pub gaps: usize,
    /// Bytes of the kernel's records: 50 ms of 5,000 or 20,000 gaps a second, each
    /// with ten records.
    pub records: usize,
    /// Stretches of kernel activity for gaps that are still to come in: 24 bytes
    /// each.
    pub segments: usize,
}

impl Buffers {
    /// Those of a run that samples so many CPUs.
    pub fn of_each(cpus: usize) -> Buffers {
        match cpus <= FEW {
            true => Buffers {
                gaps: 8_192,
                records: 1 << 20,
                segments: 16_384,
            },
            false => Buffers {
                gaps: 1_024,
                records: 1 << 18,
                segments: 2_048,
            },
        }
    }
}
