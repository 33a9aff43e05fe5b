//! Sampling: a loop that reads the TSC back to back, and what it does when two
//! readings are too far apart.
//!
//! [`Engine`] is the seam. The user-space engine stands here; others (a BPF
//! program with interrupts off, the kernel's tracers) yield the same
//! [`RawGap`]s and [`CpuTotals`].

mod budget;
mod calibrate;
mod ends;
mod engine;
mod engines;
mod exercise;
mod gap;
mod has_workers;
mod histogram;
mod indicator;
mod live;
mod machine;
mod offsets;
mod pin;
mod rescue;
mod rise;
mod scripted;
mod shared;
mod smi_counter;
mod span;
mod spin;
mod stop_handle;
mod workers;

pub use calibrate::{Calibration, CalibrationError, FootprintTest};
pub use engine::{
    AT_ONCE, CpuSetup, Engine, EngineError, LiveStatus, Rescued, SamplingPlan, Scheduling,
    SmiSetup, SoFar, Window,
};
pub use engines::bpf::{
    Ability, BpfEngine, BpfTrial, LONGEST_SHOT, Missing, Pace, SHORTEST_PAUSE, SHORTEST_SHOT, probe,
};
pub use engines::tracer::{
    Interrupts, Tracer, TracerAbility, TracerEngine, TracerError, probe_tracer,
};
pub use engines::user::trial::Trial;
pub use engines::user::{MachineKind, UserEngine};
pub use exercise::{Exercise, ExerciseKind, RaisedSpan};
pub use gap::{
    CountSource, CpuTotals, EndedEarly, Ledger, MaskedTotals, RawGap, SmiTotals, TracedTotals,
    TripKind,
};
pub use histogram::{Histogram, Presence};
pub use live::test_footprint;
pub use machine::{Machine, UsageReading};
pub use offsets::MeasuredOffset;
pub use scripted::Script;
pub use smi_counter::Readings;
pub use spin::{Spin, spin};
pub use stop_handle::StopHandle;
