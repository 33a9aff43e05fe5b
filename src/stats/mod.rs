//! What the gaps of a run say about the machine: rates with their bounds, and
//! the moments in which several CPUs stalled together. And what the runs before
//! and after a change say about each other.

pub mod dispersion;
pub mod excess;
pub mod fisher;
pub mod location;
pub mod mean_difference;
pub mod multiplicity;
pub mod periodicity;
pub mod planning;
pub mod rate_ratio;
pub mod rates;
pub mod risk_ratio;
pub mod stalls;
