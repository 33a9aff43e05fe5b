//! Sources of evidence beside the footprint: what the machine is, the SMI
//! counter, the kernel's records, and what is watched beside a run.

pub mod buffers;
pub mod kernel_trace;
mod machine;
pub mod pmu;
mod smi_counter;
mod usual;
pub mod watches;

pub use machine::{KernelReturn, MachineFacts};
pub use smi_counter::{SmiCounter, SmiSource};
pub use usual::{LEAST_SMI, Learnt, Usual};
