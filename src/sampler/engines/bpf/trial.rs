//! The program on the calling thread, without engine and collector: what a
//! bench measures.

use std::time::Duration;

use crate::sampler::engines::bpf::Ability;
use crate::sampler::engines::bpf::shot::{Loaded, Order};
use crate::units::Nanos;

/// The program, loaded.
#[derive(Debug)]
pub struct BpfTrial {
    loaded: Loaded,
}

impl BpfTrial {
    /// Loads the program as an engine would. The calling thread must be pinned
    /// to one CPU.
    ///
    /// # Errors
    /// What the kernel said, for people.
    pub fn begin(ability: Ability) -> Result<BpfTrial, String> {
        Loaded::new(ability.functions, ability.counters, None)
            .map(|loaded| BpfTrial { loaded })
            .map_err(|error| error.to_string())
    }

    /// The mean time of a round, in ns, in a shot of 1 ms; the kernel has a
    /// moment of its own after it.
    ///
    /// # Errors
    /// What the kernel said, for people.
    pub fn round(&mut self) -> Result<f64, String> {
        let order = Order {
            length: Nanos::MILLISECOND,
            trip: Nanos::MICROSECOND,
            threshold: Nanos(10_000),
            rounds: 1_000_000,
            look: Nanos::MILLISECOND,
        };
        let shot = self.loaded.fire(order).map_err(|error| error.to_string())?;
        std::thread::sleep(Duration::from_micros(100));
        let length = shot.last.saturating_sub(shot.first).0 as f64;
        Ok(length / shot.rounds.max(1) as f64)
    }
}
