//! Sampling: a loop that reads the TSC back to back, and what it does when two
//! readings are too far apart.
//!
//! [`Engine`] is the seam. The user-space engine stands here; others (a BPF
//! program with interrupts off, the kernel's tracers) yield the same
//! [`RawGap`]s and [`CpuTotals`].

mod bpf;
mod brake;
mod budget;
mod calibrate;
mod close;
mod crew;
mod crewed;
mod ends;
mod engine;
mod exercise;
mod gap;
mod histogram;
#[cfg(test)]
mod interleavings;
mod lessons;
mod live;
mod machine;
mod offsets;
mod own_work;
mod pin;
mod rescue;
mod rise;
mod scripted;
mod shared;
mod slow_path;
mod smi_counter;
mod smi_watch;
mod span;
mod spin;
mod tracer;
mod trial;
mod usage_watch;
mod user;
mod witness;
mod worker;

pub use bpf::{
    Ability, BpfEngine, BpfTrial, CountSource, LONGEST_SHOT, Ledger, Missing, Pace,
    SHORTEST_BREATH, SHORTEST_SHOT, probe,
};
pub use brake::Brake;
pub use calibrate::{Calibration, CalibrationError, FootprintTest};
pub use engine::{
    CpuSetup, Engine, EngineError, LiveStatus, Rescued, SamplingPlan, Scheduling, SmiSetup, SoFar,
    Window,
};
pub use exercise::{Exercise, ExerciseKind, RaisedSpan};
pub use gap::{CpuTotals, EndedEarly, MaskedTotals, RawGap, SmiTotals, TracedTotals, TripKind};
pub use histogram::{Histogram, Presence};
pub use live::{KernelReturn, test_footprint};
pub use machine::{Machine, UsageReading};
pub use offsets::MeasuredOffset;
pub use scripted::{Script, ScriptError};
pub use smi_watch::Readings;
pub use spin::{Spin, spin};
pub use tracer::{Interrupts, Tracer, TracerAbility, TracerEngine, TracerError, probe_tracer};
pub use trial::Trial;
pub use user::{MachineKind, UserEngine};
