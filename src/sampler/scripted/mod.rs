//! A CPU that follows a script: virtual time, stalls at known moments, an SMI
//! counter of known value. The whole program is tested on it, without root and
//! without a timed assertion.

mod machine;
mod pmu;
mod registers;

use serde::Deserialize;

use crate::cli::duration::{Quantity, parse_duration};
use crate::evidence::pmu::PmuSetup;
use crate::host::root::{Known, Root};
use crate::model::{EngineName, InSmm};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

use super::engine::SmiSetup;
use super::machine::FullRing;
use machine::{Pending, ScriptedMachine};
use pmu::ScriptedPmu;
use registers::ScriptedRegisters;

/// A script, as it stands in its TOML file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Rate of the scripted TSC.
    pub hz: f64,
    /// Distance of two readings.
    #[serde(default = "default_step")]
    pub step_cycles: u64,
    /// The SMI counter's first value; no counter where it is absent.
    pub smi_count: Option<u32>,
    /// IA32_TSC_ADJUST at first; no such register where it is absent.
    pub tsc_adjust: Option<i64>,
    /// Counts of MPERF for each cycle of the TSC; no MPERF and APERF where it
    /// is absent. APERF counts as many.
    pub mperf_rate: Option<f64>,
    /// What the PMU counts; none where it is absent.
    pub pmu: Option<InSmm>,
    /// Whether the footprint works.
    #[serde(default)]
    pub footprint: ScriptedFootprint,
    /// What to do with a gap when the collector cannot keep up.
    #[serde(default)]
    pub full_ring: FullRing,
    /// What happens.
    #[serde(default, rename = "event")]
    pub events: Vec<ScriptedEvent>,
    /// Where in virtual time the CPUs begin; what is due earlier has happened.
    #[serde(skip)]
    pub begin: Cycles,
}

/// The footprint of a scripted CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScriptedFootprint {
    /// It works.
    #[default]
    Works,
    /// The kernel uses FRED.
    Fred,
    /// Its self-test fails.
    Fails,
}

/// Something that happens on a scripted CPU.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedEvent {
    /// The CPU; all where absent.
    pub cpu: Option<u32>,
    /// When, from the start of virtual time.
    #[serde(deserialize_with = "length")]
    pub at: Nanos,
    /// Again after each such time.
    #[serde(default, deserialize_with = "optional_length")]
    pub every: Option<Nanos>,
    /// The last moment at which it may happen again.
    #[serde(default, deserialize_with = "optional_length")]
    pub until: Option<Nanos>,
    /// How long the CPU is gone.
    #[serde(default, deserialize_with = "length")]
    pub length: Nanos,
    /// What it does meanwhile.
    pub what: ScriptedWork,
    /// How much the SMI counter rises.
    #[serde(default)]
    pub smi: u32,
    /// How much IA32_TSC_ADJUST rises.
    #[serde(default)]
    pub tsc_adjust: i64,
    /// Time that passes on the core's clocks and not on the TSC: what firmware
    /// hid.
    #[serde(default, deserialize_with = "length")]
    pub hidden: Nanos,
}

/// What a scripted CPU does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptedWork {
    /// Stalls; the kernel does not run.
    Stall,
    /// Runs the kernel, and another task.
    Kernel,
    /// Runs the kernel only.
    Interrupt,
    /// Runs the kernel, which moves the thread to another CPU.
    Migration,
    /// The same, onto a CPU whose TSC is behind by the length.
    MigrationBack,
    /// Steps the TSC back by the length.
    Backwards,
}

fn default_step() -> u64 {
    20
}

fn length<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text, Quantity::Duration).map_err(serde::de::Error::custom)
}

fn optional_length<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Nanos>, D::Error> {
    length(deserializer).map(Some)
}

impl Script {
    /// What the CPUs of a made-up host do where this engine samples them.
    ///
    /// # Errors
    /// Where there is no such file, or it is no script.
    pub fn read(root: &Root, engine: EngineName) -> Known<Script> {
        let file = format!("hwgap/{}.toml", engine.name());
        let text = root.read_text(&file)?;
        toml::from_str(&text).map_err(|fault| root.malformed(&file, "a script", fault.message()))
    }

    /// What its set-up says of the PMU.
    pub(super) fn pmu_setup(&self) -> PmuSetup {
        match self.pmu {
            None => PmuSetup::nothing("the script has no PMU"),
            Some(in_smm) => PmuSetup {
                ring_zero: Ok(in_smm),
                smm_time: match in_smm {
                    InSmm::Stopped => Ok(()),
                    InSmm::Counting => Err(String::from("the script's counters go on in SMM")),
                },
            },
        }
    }

    /// The scripted CPU, and what its set-up says of the SMI counter.
    pub(super) fn machine(&self, cpu: CpuId) -> (ScriptedMachine, SmiSetup) {
        let hz = Hertz(self.hz);
        let queue: Vec<Pending> = self
            .events
            .iter()
            .filter(|event| event.cpu.is_none_or(|number| number == cpu.0))
            .map(|event| Pending {
                at: hz.to_cycles(event.at).0,
                every: event.every.map(|every| hz.to_cycles(every).0.max(1)),
                until: event.until.map_or(u64::MAX, |until| hz.to_cycles(until).0),
                length: hz.to_cycles(event.length).0,
                what: event.what,
                smi: event.smi,
                tsc_adjust: event.tsc_adjust,
                hidden: hz.to_cycles(event.hidden).0,
            })
            .collect();
        let setup = match self.smi_count {
            Some(_) => SmiSetup::Readable(String::from("scripted counter")),
            None => SmiSetup::Unreadable(String::from("the script has no SMI counter")),
        };
        let mut machine = ScriptedMachine {
            now: 0,
            step: self.step_cycles,
            next: queue.iter().map(|event| event.at).min().unwrap_or(u64::MAX),
            queue,
            armed: false,
            home: cpu.0,
            smi: self.smi_count,
            registers: ScriptedRegisters {
                tsc_adjust: self.tsc_adjust,
                mperf_rate: self.mperf_rate,
                hidden: 0,
            },
            pmu: self.pmu.map(ScriptedPmu::new),
            footprint: self.footprint,
            switches: 0,
            full_ring: self.full_ring,
        };
        machine.skip_to(self.begin.0);
        (machine, setup)
    }
}
