//! `hwgap fleet`, end to end on synthetic fleets.

mod contradictions;
mod findings;
mod fleet;
mod hostile;
mod merging;
mod mutations;
mod outputs;
mod reading;
mod scripted;
