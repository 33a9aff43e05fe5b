//! Makes SMIs of chosen lengths at chosen times, and logs each one.
//!
//! Runs inside the guest, as root, under a firmware that leaves SMRAM unlocked
//! (SeaBIOS does). It replaces the firmware's SMI handler with [`handler`]'s,
//! sets one of the ICH9's SMI timers going, and later reads the log that the
//! handler left in SMRAM.

pub mod clock;
pub mod handler;
pub mod ich9;
pub mod kernel;
pub mod patch;
pub mod pattern;
pub mod ports;
pub mod session;
pub mod smram;
mod step;
