//! A host's guests: when each vCPU was away from its guest, and what the host did
//! meanwhile.

pub mod event;
pub mod find;
mod guest_tsc;
mod smi;
pub mod source;
