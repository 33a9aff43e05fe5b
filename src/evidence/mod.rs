//! Sources of evidence beside the footprint: what the machine is, and the SMI
//! counter.

pub mod kernel_trace;
mod machine;
mod smi_counter;

pub use machine::MachineFacts;
pub use smi_counter::{SmiCounter, SmiSource};
