//! The two tracers.

use std::fmt;

use crate::units::Nanos;

/// A tracer of the kernel's that samples the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracer {
    /// Interrupts off; the longest gap of each window (kernel documentation,
    /// "Hardware Latency Detector").
    Hwlat,
    /// Each gap with the count of what interfered (kernel documentation,
    /// "OSNOISE Tracer").
    Osnoise,
}

impl Tracer {
    /// Its name in `available_tracers`.
    pub fn name(self) -> &'static str {
        match self {
            Tracer::Hwlat => "hwlat",
            Tracer::Osnoise => "osnoise",
        }
    }

    /// The option that a kernel with it was built with.
    pub fn config(self) -> &'static str {
        match self {
            Tracer::Hwlat => "CONFIG_HWLAT_TRACER",
            Tracer::Osnoise => "CONFIG_OSNOISE_TRACER",
        }
    }

    /// How well it knows the length of a stall.
    pub fn resolution(self) -> Nanos {
        match self {
            // Whole microseconds, rounded down.
            Tracer::Hwlat => Nanos::MICROSECOND,
            // Nanoseconds, but from one reading of the clock to the next:
            // every length holds a whole turn of its loop, some hundred
            // instructions with an atomic one among them.
            Tracer::Osnoise => Nanos(150),
        }
    }

    /// The names of its threads begin so; the CPU's number follows where each
    /// CPU has its own.
    pub(super) fn thread_name(self) -> &'static str {
        match self {
            Tracer::Hwlat => "hwlatd",
            Tracer::Osnoise => "osnoise",
        }
    }

    /// Tracers that share its settings or its threads.
    pub(super) fn rivals(self) -> &'static [&'static str] {
        match self {
            // tracing_thresh is one for all.
            Tracer::Hwlat | Tracer::Osnoise => &["hwlat", "osnoise", "timerlat"],
        }
    }
}

impl fmt::Display for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
