//! What lines of the kernel log say about the TSC.
//!
//! Sources: arch/x86/kernel/tsc.c, arch/x86/kernel/tsc_sync.c and
//! kernel/time/clocksource.c. Silence proves nothing: the kernel skips its
//! watchdog on many machines, and the log is a ring.

use std::fmt;

use super::text::clean;

/// The longest piece of a line kept, in characters.
const LONGEST_DETAIL: usize = 120;

/// What one line of the kernel log says about the TSC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TscLogEvent {
    /// The kernel no longer trusts the TSC; why, in its own words.
    MarkedUnstable(String),
    /// The clocksource watchdog found the TSC to run unlike this other clock
    /// or at a wrong rate. A line with `MarkedUnstable` follows.
    FailedWatchdog,
    /// The TSCs of two CPUs were seen out of step, when one came online.
    Warped,
    /// Firmware wrote TSC_ADJUST: at boot, or since (as some do in an SMI, to
    /// hide its length).
    AdjustDiffers(String),
    /// The kernel changed its clocksource to this one.
    Switched(String),
    /// The rate that the kernel found, in kHz.
    Rate {
        /// The rate of the TSC in kHz.
        khz: u64,
    },
}

impl TscLogEvent {
    /// Reads one line, with or without the prefix that `dmesg` or `/dev/kmsg`
    /// give it. `None` when the line does not concern the TSC.
    pub fn classify(line: &str) -> Option<TscLogEvent> {
        let line = line.trim_end();
        let after = |mark: &str| Some(line.split_once(mark)?.1);
        let detail = |text: &str| clean(text.trim_start_matches(':'), LONGEST_DETAIL);
        if let Some(why) = after("Marking TSC unstable due to") {
            return Some(TscLogEvent::MarkedUnstable(detail(why)));
        }
        if line.contains("Marking clocksource 'tsc' as unstable")
            || line.contains("Marking clocksource 'tsc-early' as unstable")
        {
            return Some(TscLogEvent::FailedWatchdog);
        }
        if line.contains("TSC warped randomly") || line.contains("cycles TSC warp between CPUs") {
            return Some(TscLogEvent::Warped);
        }
        if let Some(change) = after("TSC ADJUST differs").or_else(|| forced(line)) {
            return Some(TscLogEvent::AdjustDiffers(detail(change)));
        }
        if let Some(name) = after("clocksource: Switched to clocksource ") {
            return Some(TscLogEvent::Switched(detail(name)));
        }
        let rate = after("tsc: Detected ")
            .or_else(|| after("tsc: Refined TSC clocksource calibration: "))?;
        Some(TscLogEvent::Rate {
            khz: khz(rate.split_once(" MHz")?.0)?,
        })
    }
}

/// The text after `TSC ADJUST: ` of a line that reports a forced value.
fn forced(line: &str) -> Option<&str> {
    let (_, change) = line.split_once("TSC ADJUST: ")?;
    change.ends_with("force to 0").then_some(change)
}

/// Megahertz with up to three decimals, as kilohertz.
fn khz(megahertz: &str) -> Option<u64> {
    let (whole, decimals) = megahertz.split_once('.').unwrap_or((megahertz, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u64 = format!("{decimals:0<3}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(thousandths)
}

impl fmt::Display for TscLogEvent {
    /// A clause for a finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TscLogEvent::MarkedUnstable(why) => {
                write!(f, "the kernel marked the TSC unstable: {why}")
            }
            TscLogEvent::FailedWatchdog => {
                f.write_str("the TSC failed the kernel's clocksource watchdog")
            }
            TscLogEvent::Warped => f.write_str("the TSCs of two CPUs were out of step"),
            TscLogEvent::AdjustDiffers(change) => {
                write!(f, "firmware changed TSC_ADJUST: {change}")
            }
            TscLogEvent::Switched(name) => write!(f, "the kernel switched to clocksource {name}"),
            TscLogEvent::Rate { khz } => {
                write!(
                    f,
                    "the kernel found a TSC rate of {}.{:03} MHz",
                    khz / 1_000,
                    khz % 1_000
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_kernels_print_them() {
        use TscLogEvent::{AdjustDiffers, FailedWatchdog, MarkedUnstable, Rate, Switched, Warped};
        for (line, event) in [
            (
                "[   26.409097] tsc: Marking TSC unstable due to clocksource watchdog",
                MarkedUnstable("clocksource watchdog".into()),
            ),
            (
                "5,1,13097343,-;Marking TSC unstable due to: TSC halts in idle.",
                MarkedUnstable("TSC halts in idle.".into()),
            ),
            (
                "clocksource: timekeeping watchdog on CPU3: Marking clocksource 'tsc' as \
                 unstable because the skew is too large:",
                FailedWatchdog,
            ),
            ("TSC warped randomly between CPUs", Warped),
            (
                "Measured 84135 cycles TSC warp between CPUs, turning off TSC clock.",
                Warped,
            ),
            (
                "[Firmware Bug]: TSC ADJUST differs: CPU15 45960750 --> 78394770. Restoring",
                AdjustDiffers("CPU15 45960750 --> 78394770. Restoring".into()),
            ),
            (
                "[Firmware Bug]: TSC ADJUST differs within socket(s), fixing all errors",
                AdjustDiffers("within socket(s), fixing all errors".into()),
            ),
            (
                "[Firmware Bug]: TSC ADJUST: CPU0: -98 force to 0",
                AdjustDiffers("CPU0: -98 force to 0".into()),
            ),
            (
                "clocksource: Switched to clocksource hpet",
                Switched("hpet".into()),
            ),
            (
                "[    0.000058] tsc: Detected 2596.120 MHz processor",
                Rate { khz: 2_596_120 },
            ),
            (
                "tsc: Refined TSC clocksource calibration: 1999.99 MHz",
                Rate { khz: 1_999_990 },
            ),
        ] {
            assert_eq!(TscLogEvent::classify(line), Some(event), "{line}");
        }
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "TSC deadline timer available",
            "clocksource: hpet: mask: 0xffffffff max_cycles: 0xffffffff",
            "clocksource: timekeeping watchdog on CPU0: Marking clocksource 'hpet' as unstable",
            "TSC ADJUST: CPU0: 5 NOT forced to 0",
            "tsc: Detected many MHz processor",
            "tsc: Detected 2.+50 MHz processor",
        ] {
            assert_eq!(TscLogEvent::classify(line), None, "{line}");
        }
    }
}
