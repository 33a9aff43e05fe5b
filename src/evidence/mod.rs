//! Sources of evidence beside the footprint: the SMI counter, the clock and
//! its trustworthiness.

mod smi_counter;

pub use smi_counter::{SmiCounter, SmiSource};
