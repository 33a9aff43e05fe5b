//! The registers of a scripted CPU.

use crate::evidence::watches::{CoreClocks, RegisterReading};
use crate::units::Cycles;

/// What the registers hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScriptedRegisters {
    /// IA32_TSC_ADJUST.
    pub(super) tsc_adjust: Option<i64>,
    /// Counts of APERF and of MPERF for each cycle.
    pub(super) mperf_rate: Option<f64>,
    /// Cycles that passed on those and not on the TSC.
    pub(super) hidden: u64,
}

impl ScriptedRegisters {
    /// Firmware took time, and took it off the TSC.
    pub(super) fn hide(&mut self, adjust: i64, cycles: u64) {
        self.tsc_adjust = self.tsc_adjust.map(|value| value + adjust);
        self.hidden += cycles;
    }

    /// Reads them when the TSC is at `now`.
    pub(super) fn read(self, now: u64) -> RegisterReading {
        let none = || String::from("the script has no such register");
        let clocks = self.mperf_rate.map(|rate| {
            let mperf = ((now + self.hidden) as f64 * rate) as u64;
            CoreClocks {
                tsc: Cycles(now),
                error: Cycles(0),
                aperf: mperf,
                mperf,
            }
        });
        RegisterReading {
            tsc_adjust: self.tsc_adjust.ok_or_else(none),
            clocks: clocks.ok_or_else(none),
            cycles: Err(none()),
        }
    }
}
