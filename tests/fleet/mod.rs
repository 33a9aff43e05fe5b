//! `hwgap fleet`, end to end on synthetic fleets.

mod contradictions;
mod findings;
mod hostile;
mod merging;
mod mutations;
mod outputs;
mod place;
mod reading;
mod scripted;
