//! `hwgap compare`: what it prints, how it ends, and what it refuses. All runs
//! here are synthetic: no number of them was measured.

mod golden;
mod hostile;
#[path = "../inert_pages/mod.rs"]
mod inert_pages;
mod refused;
#[path = "../report_samples/mod.rs"]
mod report_samples;
mod samples;
mod verdicts;
