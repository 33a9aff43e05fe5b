//! The clock that the kernel keeps time by (kernel/time/clocksource.c).

use super::cpu_model::CpuFlags;
use super::root::{Known, Root};
use super::text::clean;

const FOLDER: &str = "sys/devices/system/clocksource/clocksource0";

/// The longest name kept, in characters; the kernel's own limit is 32 bytes.
const LONGEST_NAME: usize = 32;

/// The clocksource in use and its alternatives. Read it again to see whether
/// the kernel changed its mind during a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocksource {
    /// The one in use, such as `tsc`, `hpet` or `kvm-clock`.
    pub current: String,
    /// All that could be used, best first.
    pub available: Vec<String>,
}

impl Clocksource {
    /// Reads the first (and on x86 the only) clocksource device.
    ///
    /// # Errors
    /// When either file cannot be read or is blank.
    pub fn read(root: &Root) -> Known<Clocksource> {
        let file = format!("{FOLDER}/available_clocksource");
        let text = root.read_text(&file)?;
        let available: Vec<String> = text
            .split_whitespace()
            .map(|name| clean(name, LONGEST_NAME))
            .collect();
        if available.is_empty() {
            return Err(root.malformed(&file, "a list of clocksources", &text));
        }
        let current = root.read_label(&format!("{FOLDER}/current_clocksource"), LONGEST_NAME)?;
        Ok(Clocksource { current, available })
    }

    /// Whether the kernel keeps time by the TSC itself.
    pub fn is_tsc(&self) -> bool {
        self.current == "tsc"
    }

    /// Whether the kernel gave the TSC up: the CPU has one, yet `tsc` is not
    /// among the available clocksources. A clocksource that was marked
    /// unstable loses its place in that list once the tick runs in one-shot
    /// mode.
    ///
    /// This is no proof of broken hardware. Linux on Hyper-V gives the TSC up
    /// by itself, and so does `tsc=unstable`.
    pub fn tsc_dropped(&self, flags: &CpuFlags) -> bool {
        flags.has("tsc") && !self.available.iter().any(|name| name == "tsc")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(names: &[&str]) -> CpuFlags {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn clocksource(current: &str, available: &[&str]) -> Clocksource {
        Clocksource {
            current: current.into(),
            available: available.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_tsc_that_is_listed_was_not_dropped() {
        let unused = clocksource("kvm-clock", &["kvm-clock", "tsc", "acpi_pm"]);
        assert!(!unused.tsc_dropped(&flags(&["tsc"])));
        assert!(!unused.is_tsc());
    }

    #[test]
    fn a_tsc_that_is_not_listed_was_dropped() {
        let dropped = clocksource("hpet", &["hpet", "acpi_pm"]);
        assert!(dropped.tsc_dropped(&flags(&["tsc"])));
        assert!(!dropped.tsc_dropped(&flags(&["fpu"])));
    }

    #[test]
    fn tsc_early_is_not_the_tsc() {
        // The boot-time stand-in is listed under its own name.
        assert!(clocksource("hpet", &["tsc-early", "hpet"]).tsc_dropped(&flags(&["tsc"])));
    }
}
