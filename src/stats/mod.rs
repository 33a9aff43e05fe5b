//! What the gaps of a run say about the machine: rates with their bounds, and
//! the moments in which several CPUs stalled together.

pub mod equal;
pub mod rates;
pub mod stalls;
