//! How the machine saves power.
//!
//! Source: Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst and
//! cpuidle.rst.

use super::root::{Known, ReadError, Root};
use crate::units::{CpuId, Nanos};

const CPU: &str = "sys/devices/system/cpu";

/// The longest name kept, in characters; the kernel's own limits are shorter.
const LONGEST_NAME: usize = 32;

/// Power saving of the whole machine. [`CpuPower`] is the part by CPU.
#[derive(Clone, Debug)]
pub struct Power {
    /// Whether CPUs may run above their base frequency.
    pub turbo: Known<Turbo>,
    /// The idle driver, such as `intel_idle`; `none` where the kernel has
    /// none.
    pub idle_driver: Known<String>,
}

/// Whether CPUs may run above their base frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turbo {
    Allowed,
    /// Switched off, by firmware or user.
    Off,
}

#[derive(Clone, Debug)]
pub struct CpuPower {
    /// The frequency governor, such as `performance`. `Missing` where the
    /// kernel does not scale frequencies, as in most guests.
    pub governor: Known<String>,
    /// The frequency driver, such as `intel_pstate`.
    pub driver: Known<String>,
    /// The idle states, shallowest first. `Missing` without an idle driver.
    pub idle_states: Known<Vec<IdleState>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleState {
    /// Its name, such as `C6`.
    pub name: String,
    /// How long leaving it takes at worst. 0 is what the driver says of
    /// polling.
    pub exit_latency: Nanos,
    /// Whether the kernel may enter it.
    pub entry: IdleEntry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleEntry {
    Enabled,
    /// Switched off by the user.
    Disabled,
}

impl Power {
    pub(super) fn read(root: &Root) -> Power {
        Power {
            turbo: Turbo::read(root),
            idle_driver: root.read_label(&format!("{CPU}/cpuidle/current_driver"), LONGEST_NAME),
        }
    }
}

impl Turbo {
    /// intel_pstate says `no_turbo`, every other driver `boost`.
    fn read(root: &Root) -> Known<Turbo> {
        match switch(
            root,
            &format!("{CPU}/intel_pstate/no_turbo"),
            [Turbo::Allowed, Turbo::Off],
        ) {
            Err(ReadError::Missing { .. }) => switch(
                root,
                &format!("{CPU}/cpufreq/boost"),
                [Turbo::Off, Turbo::Allowed],
            ),
            known => known,
        }
    }
}

impl CpuPower {
    /// Reads one CPU; about twenty small files.
    pub fn read(root: &Root, cpu: CpuId) -> CpuPower {
        let cpufreq =
            |name: &str| root.read_label(&format!("{CPU}/cpu{cpu}/cpufreq/{name}"), LONGEST_NAME);
        CpuPower {
            governor: cpufreq("scaling_governor"),
            driver: cpufreq("scaling_driver"),
            idle_states: idle_states(root, cpu),
        }
    }
}

fn idle_states(root: &Root, cpu: CpuId) -> Known<Vec<IdleState>> {
    let folder = format!("{CPU}/cpu{cpu}/cpuidle");
    let mut numbers: Vec<u8> = root
        .list_dir(&folder)?
        .iter()
        .filter_map(|name| name.strip_prefix("state")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
        .iter()
        .map(|number| IdleState::read(root, &format!("{folder}/state{number}")))
        .collect()
}

impl IdleState {
    fn read(root: &Root, folder: &str) -> Known<IdleState> {
        let latency_us: u64 = root.read_number(&format!("{folder}/latency"))?;
        Ok(IdleState {
            name: root.read_label(&format!("{folder}/name"), LONGEST_NAME)?,
            exit_latency: Nanos(latency_us.saturating_mul(Nanos::MICROSECOND.0)),
            entry: switch(
                root,
                &format!("{folder}/disable"),
                [IdleEntry::Enabled, IdleEntry::Disabled],
            )?,
        })
    }
}

/// Reads a file that holds 0 or 1, as one of two meanings in that order.
fn switch<T: Copy>(root: &Root, file: &str, [zero, one]: [T; 2]) -> Known<T> {
    match root.read_number::<u64>(file)? {
        0 => Ok(zero),
        1 => Ok(one),
        other => Err(root.malformed(file, "0 or 1", &other.to_string())),
    }
}
