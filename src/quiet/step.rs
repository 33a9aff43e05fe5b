//! The steps by name, and lists of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A family of settings that can be quietened by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Device interrupts are delivered elsewhere.
    Irq,
    /// Unbound kernel work runs elsewhere.
    Workqueue,
    /// An isolated cpuset partition of control groups.
    Partition,
    /// RCU and timer threads of the sampled CPUs come before the samplers.
    KernelThreads,
    RtThrottling,
    /// The fair server, which took its place.
    FairServer,
    /// Timers of idle CPUs do not move to busy ones.
    TimerMigration,
    /// Page sampling for NUMA placement.
    NumaBalancing,
    /// The soft and hard lockup detectors on the sampled CPUs.
    Watchdog,
    /// The hard lockup detector's NMIs.
    NmiWatchdog,
    /// Polling of the machine-check banks.
    MachineCheck,
    /// Folding of memory statistics.
    VmStat,
    /// Huge pages made behind a program's back.
    HugePages,
    /// Merging of equal pages.
    Ksm,
    /// Frequency scaling.
    Governor,
}

impl Step {
    pub const ALL: [Step; 15] = [
        Step::Irq,
        Step::Workqueue,
        Step::Partition,
        Step::KernelThreads,
        Step::RtThrottling,
        Step::FairServer,
        Step::TimerMigration,
        Step::NumaBalancing,
        Step::Watchdog,
        Step::NmiWatchdog,
        Step::MachineCheck,
        Step::VmStat,
        Step::HugePages,
        Step::Ksm,
        Step::Governor,
    ];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Step::Irq => "irq",
            Step::Workqueue => "workqueue",
            Step::Partition => "partition",
            Step::KernelThreads => "kernel-threads",
            Step::RtThrottling => "rt-throttling",
            Step::FairServer => "fair-server",
            Step::TimerMigration => "timer-migration",
            Step::NumaBalancing => "numa-balancing",
            Step::Watchdog => "watchdog",
            Step::NmiWatchdog => "nmi-watchdog",
            Step::MachineCheck => "machine-check",
            Step::VmStat => "vm-stat",
            Step::HugePages => "huge-pages",
            Step::Ksm => "ksm",
            Step::Governor => "governor",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps(BTreeSet<Step>);

/// Why a text is no list of steps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    #[error("'{0}' is no step; the steps are {all}, and no-NAME leaves one out", all = names())]
    Unknown(String),
    #[error(
        "name either the steps to take (irq,workqueue) or those to leave out (no-irq,no-ksm), \
         not both"
    )]
    Mixed,
    #[error("no step is left to take")]
    Nothing,
}

fn names() -> String {
    Step::ALL.map(Step::name).join(", ")
}

impl Steps {
    pub fn all() -> Steps {
        Steps(Step::ALL.into_iter().collect())
    }

    pub fn contains(&self, step: Step) -> bool {
        self.0.contains(&step)
    }
}

impl FromStr for Steps {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Steps, StepError> {
        let (mut wanted, mut unwanted) = (BTreeSet::new(), BTreeSet::new());
        for word in text.split(',').map(str::trim) {
            let named = |name: &str| Step::ALL.into_iter().find(|step| step.name() == name);
            match (named(word), word.strip_prefix("no-").and_then(named)) {
                (Some(step), _) => wanted.insert(step),
                (None, Some(step)) => unwanted.insert(step),
                (None, None) => return Err(StepError::Unknown(word.to_owned())),
            };
        }
        let steps = match (wanted.is_empty(), unwanted.is_empty()) {
            (false, false) => return Err(StepError::Mixed),
            (false, true) => wanted,
            (true, _) => (Step::ALL.into_iter())
                .filter(|step| !unwanted.contains(step))
                .collect(),
        };
        match steps.is_empty() {
            true => Err(StepError::Nothing),
            false => Ok(Steps(steps)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_what_to_take_or_what_to_leave_out() {
        let only: Steps = "irq, ksm".parse().unwrap();
        assert!(only.contains(Step::Irq) && !only.contains(Step::Governor));
        let but: Steps = "no-irq,no-nmi-watchdog".parse().unwrap();
        assert!(!but.contains(Step::Irq) && but.contains(Step::Governor));
    }

    #[test]
    fn other_lists_say_what_is_wrong() {
        let error = |text: &str| text.parse::<Steps>().unwrap_err();
        assert!(error("irqs").to_string().contains("irq, workqueue"));
        assert_eq!(error("irq,no-ksm"), StepError::Mixed);
        assert_eq!(error(""), StepError::Unknown(String::new()));
        let none = Step::ALL.map(|step| format!("no-{step}")).join(",");
        assert_eq!(error(&none), StepError::Nothing);
    }
}
