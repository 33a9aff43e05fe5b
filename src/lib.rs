//! hwgap finds the time that firmware, CPU and hypervisor take from a Linux
//! x86-64 machine, and says of every gap who took it and how sure that is.
//!
//! The modules follow the data: what the user typed ([`cli`]), what the
//! machine is ([`host`]), what the run will do ([`plan`]), the gaps
//! ([`sampler`]), what is known of them ([`evidence`], [`attribution`]), a run
//! as a whole ([`session`]), what it says ([`stats`], [`report`]), and what runs
//! say of each other ([`compare`]). [`preflight`] says beforehand what the
//! machine lets a run find. [`hwlatdetect`] says a run in that program's words.
//!
//! Three modules are for all of them: [`files`] is the one way to open what a
//! user names, [`limits`] what may end a run, and [`waits`] the table of all that
//! is waited for, with its bounds.

pub mod attribution;
pub mod changes;
pub mod characters;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod cpulist;
pub mod cpumask;
pub mod evidence;
pub mod files;
pub mod fleet;
pub mod host;
pub mod hwlatdetect;
pub mod judgement;
pub mod limits;
pub mod plan;
pub mod policy;
pub mod preflight;
pub mod preparation;
pub mod privileges;
pub mod quiet;
pub mod report;
pub mod sampler;
pub mod selftest;
pub mod session;
pub mod stats;
pub mod sys;
pub mod units;
pub mod waits;
