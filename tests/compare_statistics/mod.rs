//! The statistics of `hwgap compare` against figures of SciPy, and against
//! simulated stalls.
//!
//! Each pair of sides takes a fraction of a millisecond, so `cargo test` does
//! with some hundred; `HWGAP_PAIRS=10000 cargo test --test all compare_statistics
//! -- --nocapture` prints the table that the documentation cites.

mod processes;
mod reference;
mod simulation;
