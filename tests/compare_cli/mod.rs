//! `hwgap compare`: what it prints, how it ends, and what it refuses. All runs
//! here are synthetic: no number of them was measured.

mod golden;
mod hostile;
use crate::inert_pages;
mod refused;
use crate::report_samples;
mod samples;
mod verdicts;
