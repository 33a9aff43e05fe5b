//! The emulated machine: a PC whose SMIs have known times and lengths, and the
//! judge that holds hwgap's report against them.
//!
//! Data flows one way: a [`scenario`] becomes a [`guest`] script and a
//! [`machine`]; inside, the [`injector`] raises SMIs and logs each one
//! ([`smilog`]); outside, the [`judge`] compares that log with hwgap's
//! [`report`].

pub mod drop_in;
pub mod guest;
pub mod initramfs;
pub mod injector;
pub mod judge;
pub mod load;
pub mod machine;
pub mod nested;
pub mod patience;
pub mod qmp;
pub mod realtime;
pub mod report;
pub mod saved_state;
pub mod scenario;
pub mod side_by_side;
pub mod smilog;
pub mod suite;
pub mod units;
pub mod usage;
