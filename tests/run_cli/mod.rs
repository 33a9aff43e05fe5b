//! Bad input and bad luck on the running machine. Live runs are short, need no
//! root, and nothing is asserted of what they measured.

mod actions;
mod both;
mod harness;
mod input;
#[path = "../made_up_host.rs"]
mod made_up_host;
mod ongoing;
mod output;
mod signals;
mod tracers;
