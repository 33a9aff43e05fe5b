//! `hwgap run --quiet-host` and `hwgap restore` as programs, on a copy of a
//! made-up host and with a scripted clock: nothing of the running machine is
//! touched.

mod harness;
mod killed;
mod plan;
mod run;
