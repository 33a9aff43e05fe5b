//! `hwgap fleet`, end to end on synthetic fleets.

mod findings;
mod fleet;
mod hostile;
mod merging;
mod outputs;
mod reading;
