//! The whole program in virtual time: a scripted clock and SMI counter on the
//! host trees of `fixtures/hosts`. No test here needs root or measures time.

mod actions;
mod both;
mod clock;
mod counting;
mod guest;
mod harness;
mod live;
mod machines;
mod pmu;
mod sampling;
mod smi;
