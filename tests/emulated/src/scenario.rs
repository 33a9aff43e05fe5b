//! A scenario: one boot of the machine, what happens in it, what must come out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::injector::pattern::Pattern;
use crate::load::Load;
use crate::saved_state::Change;
use crate::units::nanoseconds;

/// A scenario as its file describes it; README.md explains each field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its suffix.
    #[serde(skip)]
    pub name: String,
    pub summary: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub machine: Machine,
    pub smi: Option<Pattern>,
    /// Lets all CPUs stand still at once, in a second run of hwgap's.
    pub stall: Option<Stall>,
    #[serde(default)]
    pub load: Vec<Load>,
    #[serde(default)]
    pub action: Vec<Action>,
    #[serde(default)]
    pub hwgap: Hwgap,
    /// Runs `hwgap selftest` before `hwgap run`, and judges both by it.
    pub selftest: Option<Selftest>,
    #[serde(default)]
    pub expect: Expect,
}

/// What must have come of actions at gaps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acted {
    /// What trace-cmd must find in a trace.
    pub trace: Option<Around>,
    /// How long after the end of its gap each action must have begun, by the
    /// word that its name begins with.
    pub within: BTreeMap<String, String>,
}

/// Events so long before and after a gap.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    pub file: String,
    pub around: String,
}

/// How `hwgap selftest` is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selftest {
    #[serde(default)]
    pub options: Vec<String>,
    /// How many SMIs it must raise.
    #[serde(default)]
    pub smis: u64,
}

/// A stall of all CPUs while hwgap samples.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    pub length: String,
}

/// Which suites a scenario belongs to; `full` holds all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Tag {
    Smoke,
    Full,
}

/// The machine itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machine {
    pub kernel: String,
    /// With Seabios more than one take turns, and have a judge of their own.
    pub cpus: u32,
    pub cpu: String,
    pub hypervisor_bit: HypervisorBit,
    pub counter: Counter,
    pub firmware: Firmware,
    /// Added to the kernel's command line.
    pub kernel_options: String,
    /// What MSR_SMI_COUNT holds when the job starts.
    pub smi_count_start: Option<u64>,
    /// How often the kernel's tick comes; all of Debian's kernels have 250 Hz,
    /// another rate is patched into the running one.
    pub tick_hz: u32,
}

/// CONFIG_HZ of Debian's kernels.
pub const BUILT_TICK_HZ: u32 = 250;

impl Machine {
    /// Whether its CPUs take turns on an emulated processor: each sees the
    /// others' turns as gaps.
    pub fn takes_turns(&self) -> bool {
        self.firmware == Firmware::Seabios && self.cpus > 1
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            kernel: "6.1".into(),
            cpus: 1,
            cpu: "Haswell".into(),
            hypervisor_bit: HypervisorBit::Clear,
            counter: Counter::MsrDevice,
            firmware: Firmware::Seabios,
            kernel_options: String::new(),
            smi_count_start: None,
            tick_hz: BUILT_TICK_HZ,
        }
    }
}

/// CPUID's word on whether this is a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HypervisorBit {
    Clear,
    Set,
}

/// How the SMI counter can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counter {
    /// The msr module is loaded.
    MsrDevice,
    /// It is not; whether perf's msr PMU counts SMIs depends on the CPU model.
    NoDevice,
    /// perf's msr PMU reads it, and it does not rise, whatever SMIs come.
    Stopped,
}

/// The firmware decides whose the time is, and who may raise SMIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// Exact time, SMRAM open to the injector, which serves one CPU.
    Seabios,
    /// CPUs gathered on each SMI, host noise, SMRAM locked.
    Ovmf,
}

/// Something done by the guest's shell while hwgap runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub after_seconds: f64,
    pub shell: String,
}

/// How hwgap is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hwgap {
    pub duration: String,
    pub threshold: String,
    pub cpus: String,
    pub sampling: Sampling,
    pub options: Vec<String>,
    pub user: User,
    /// Shell lines before hwgap starts.
    pub before: String,
    /// Shell lines after hwgap has ended.
    pub after: String,
}

impl Default for Hwgap {
    fn default() -> Self {
        Self {
            duration: "2s".into(),
            threshold: "10us".into(),
            cpus: "0".into(),
            sampling: Sampling::WithoutPause,
            options: Vec::new(),
            user: User::Root,
            before: String::new(),
            after: String::new(),
        }
    }
}

/// How much of the time hwgap samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// All of it, so that every SMI counts.
    WithoutPause,
    /// What hwgap does by itself: on one CPU, 80 of each 100 ms.
    Default,
}

/// Whose rights hwgap has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    Root,
    Ordinary,
}

/// What must come out; an absent field is not judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    pub exit_code: Option<i32>,
    /// Causes that a gap holding an SMI may have.
    pub causes: Vec<String>,
    /// Causes that a gap without one may have.
    pub other_causes: Vec<String>,
    /// The least number of SMIs above the threshold that must have been there
    /// to find, so that a scenario cannot pass for lack of SMIs.
    pub at_least_smis: usize,
    /// The least number of gaps without an SMI, for scenarios about load.
    pub at_least_other_gaps: usize,
    /// The share of SMIs above threshold that must be found.
    pub recall: f64,
    /// The least share of the time that must have been sampled, where the
    /// report lists its shots.
    pub coverage: f64,
    /// A report of the scenario's shell lines, of which the coverage may differ by
    /// 0.1 % of the time.
    pub coverage_as_in: Option<String>,
    /// Whether the report must count SMIs, or must say that it cannot.
    pub smi_count: SmiCount,
    pub findings: Vec<String>,
    pub no_findings: Vec<String>,
    /// The engines that took turns, in the order of their list; then each is
    /// judged by how often it saw the SMIs.
    pub engines: Vec<String>,
    /// Steps of --quiet-host that must have changed something; whatever was
    /// changed must have been put back.
    pub quieted: Vec<String>,
    pub acted: Option<Acted>,
    /// How many gaps with an SMI may have an unknown part: where the SMI hit
    /// inside a handler, or while another task ran, the kernel's own records
    /// cannot tell the two apart.
    pub unknown_shares: usize,
    /// How many gaps with other tasks may give these an SMI that hit the kernel:
    /// at a switch that was already recorded, no counter tells the two apart.
    pub at_switches: usize,
    /// How many gaps with a stall may be the kernel's, probably: where a counter
    /// says that there was no SMI, a handler that took some 10 us longer may have
    /// had more to do.
    pub in_handlers: usize,
    /// The least share of the stalls that must have cause and length: of those
    /// that hit no other task, and without a counter of those that hit the
    /// sampler itself.
    pub told: f64,
    /// The least number of stalls that hit the kernel, and another task, so that
    /// a scenario about these cannot pass for lack of them.
    pub at_least_in_kernel: usize,
    pub at_least_in_tasks: usize,
    /// Whether hwgap writes a report; without one, only the exit status, its
    /// words and what it left are judged.
    pub report: Written,
    /// What hwgap must say on standard error.
    pub says: Vec<String>,
    /// Whether the files `before` and `after`, which the scenario's shell lines
    /// write, must be the same: what hwgap changed is as it was.
    pub unchanged: bool,
    /// What an interrupt that a stall delayed has to do beside its own work:
    /// whatever fell due meanwhile, of which no record tells.
    pub overdue_ns: u64,
    /// The least share of the gaps above 10 us with kernel work that must be
    /// explained by name, within 2 us or a tenth.
    pub explained: f64,
    pub verdict: Option<String>,
    pub subject: Option<String>,
    /// A line of `loop-cost` that the cost of one iteration must not exceed.
    pub loop_cost: bool,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            exit_code: None,
            causes: vec!["smi".into(), "smi+os".into()],
            other_causes: vec!["os".into()],
            at_least_smis: 0,
            at_least_other_gaps: 0,
            recall: 1.0,
            coverage: 0.0,
            coverage_as_in: None,
            smi_count: SmiCount::Exact,
            findings: Vec::new(),
            no_findings: Vec::new(),
            engines: Vec::new(),
            quieted: Vec::new(),
            acted: None,
            // The collector of a one-CPU machine runs 25 times a second.
            unknown_shares: 12,
            at_switches: 0,
            in_handlers: 0,
            told: 0.0,
            at_least_in_kernel: 0,
            at_least_in_tasks: 0,
            report: Written::Yes,
            says: Vec::new(),
            unchanged: false,
            overdue_ns: 0,
            explained: 0.0,
            verdict: None,
            subject: None,
            loop_cost: false,
        }
    }
}

impl Expect {
    /// Whether a counter tells of each SMI.
    pub fn counts_smis(&self) -> bool {
        self.smi_count == SmiCount::Exact
    }
}

/// Whether there is a report to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    Yes,
    /// hwgap could not measure, or was killed.
    No,
}

/// What the report must say about the number of SMIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmiCount {
    /// Equal to the log between the first and the last counter reading.
    Exact,
    /// Null with a reason: it cannot be read here.
    Unreadable,
    /// None, as the counter does not rise.
    Zero,
    /// Not judged.
    Any,
}

impl Scenario {
    /// What is changed in the machine while it is saved.
    pub fn change(&self) -> Result<Option<Change>> {
        Ok(match (&self.stall, self.machine.smi_count_start) {
            (Some(_), Some(_)) => bail!("a machine is saved once: stall or smi_count_start"),
            (Some(stall), None) => Some(Change::Stall(nanoseconds(&stall.length)?)),
            (None, start) => start.map(Change::SmiCount),
        })
    }
}

/// Reads every scenario of a folder, in the order of their names.
pub fn load_all(folder: &Path) -> Result<Vec<Scenario>> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    paths.iter().map(|path| load(path)).collect()
}

fn load(path: &Path) -> Result<Scenario> {
    let text = fs::read_to_string(path)?;
    let mut scenario: Scenario =
        toml::from_str(&text).with_context(|| path.display().to_string())?;
    scenario.name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let check = || -> Result<()> {
        scenario.change()?;
        scenario.smi.as_ref().map_or(Ok(()), Pattern::check)
    };
    check().with_context(|| path.display().to_string())?;
    Ok(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_this_project_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let scenarios = load_all(&folder).unwrap();
        assert!(!scenarios.is_empty());
        assert!(scenarios.iter().all(|scenario| !scenario.name.is_empty()));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(toml::from_str::<Scenario>("summary = \"\"\nthreshhold = 1").is_err());
    }
}
