//! Fleets that nobody owns: for tests and demonstrations. Every file says that
//! no machine made it (`synthetic`, `run.scripted` and the label).
//!
//! A seed gives the same fleet each time. Faults can be planted, and each host
//! says which it has.

mod chance;
mod host;
mod report;
mod world;

#[cfg(test)]
pub(super) use chance::poisson;
pub use host::{SyntheticHost, hosts};
pub use report::write;

/// Which fleet to make.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// How many hosts.
    pub hosts: usize,
    /// The seed.
    pub seed: u64,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// What can be wrong with a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One BIOS of the twenty takes 180 us and more at a time.
    BadBios,
    /// One host of 100 has three times as many SMIs as its like.
    HotHosts,
    /// One model has an SMI every 64 s.
    Series,
}

impl Fault {
    /// The name in the list of what was planted.
    pub fn name(self) -> &'static str {
        match self {
            Fault::BadBios => "bad-bios",
            Fault::HotHosts => "hot-host",
            Fault::Series => "series-64s",
        }
    }
}
