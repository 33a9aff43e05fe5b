//! What is known of the machine when a gap is judged.

/// What this kernel runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// The hardware itself, as far as CPUID and firmware tables tell.
    BareMetal,
    /// A hypervisor. Nothing seen from here can be called hardware.
    Guest,
}

/// Whether the TSC measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockTrust {
    /// Nothing speaks against it.
    Trusted,
    /// The kernel has given the TSC up, or it ran backwards.
    Broken,
}

/// The circumstances of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Bare metal or guest.
    pub platform: Platform,
    /// Whether the clock can be trusted.
    pub clock: ClockTrust,
}
