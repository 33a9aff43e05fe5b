//! hwgap finds the time that firmware, CPU and hypervisor take from a Linux
//! x86-64 machine, and says of every gap who took it and how sure that is.
//!
//! The modules follow the data: a [`units`]-typed plan, samples, evidence,
//! [`attribution`], statistics, [`report`].

pub mod attribution;
pub mod cpulist;
pub mod report;
pub mod stats;
pub mod units;
