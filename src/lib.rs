//! hwgap finds the time that firmware, CPU and hypervisor take from a Linux
//! x86-64 machine, and says of every gap who took it and how sure that is.
//!
//! The folders follow the data. At the bottom lie [`units`], [`text`] and
//! [`model`]: what a gap, a CPU and a report are. Above them stand what the
//! user typed ([`cli`]), what the machine is ([`host`]), what the run will do
//! ([`plan`]), the gaps ([`sampler`]), what is known of them ([`evidence`],
//! [`attribution`]), a run in progress ([`session`]) and what is said of it as a
//! whole ([`judgement`]). [`read`] takes saved reports back in, and [`render`]
//! shows all of them. [`compare`], [`fleet`] and [`policy`] judge what is saved, and [`mod@explain`]
//! a guest's run by its host's;
//! [`preflight`] says beforehand what the machine lets a run find.
//!
//! [`files`] is the one way to open what a user names, [`evidence::buffers`] how
//! much is laid up for each CPU, and [`waits`] the table of all that is waited
//! for, with its bounds.

pub mod actions;
pub mod attribution;
pub mod changes;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod evidence;
pub mod explain;
pub mod files;
pub mod fleet;
pub mod guests;
pub mod host;
pub mod hwlatdetect;
pub mod judgement;
pub mod model;
pub mod plan;
pub mod policy;
pub mod preflight;
pub mod privileges;
pub mod quiet;
pub mod read;
pub mod render;
pub mod sampler;
pub mod schema;
pub mod selftest;
pub mod session;
pub mod stats;
pub mod sys;
pub mod text;
pub mod units;
pub mod waits;
