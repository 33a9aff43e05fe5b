//! A host's guests: when each vCPU was away from its guest, and what the host did
//! meanwhile.

pub mod assembly;
pub mod event;
pub mod exit_reasons;
pub mod find;
pub mod findings;
pub mod fold;
mod guest_tsc;
pub mod kept;
mod pieces;
mod smi;
mod smi_share;
pub mod source;

pub use pieces::Part;
