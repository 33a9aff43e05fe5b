//! The evidence that belongs to one gap, as the sampler collected it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::RingZero;
use crate::units::Nanos;

/// Whether this kernel ran in a gap, as the engine could see: by the
/// null-selector footprint in ES, or by holding interrupts off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Footprint {
    /// The selector survived: no return to ring 3 by IRET, so this kernel did
    /// not run.
    Intact,
    /// The selector was zeroed: this kernel ran.
    Cleared,
    /// The technique is off on this CPU, or the reading was disturbed.
    Unusable,
    /// Interrupts were off, and neither NMI nor machine check came: this
    /// kernel did not run.
    Excluded,
    /// Interrupts were off, and an NMI or a machine check came: this kernel
    /// ran.
    Interrupted,
    /// The kernel's osnoise tracer counted no NMI, interrupt, softirq or task:
    /// this kernel did not run, as far as its own count goes.
    Undisturbed,
    /// The kernel's osnoise tracer counted some of them: this kernel ran.
    Disturbed,
}

impl Footprint {
    /// Whether this kernel ran; `None` where that is not known.
    pub fn kernel_ran(self) -> Option<bool> {
        match self {
            Footprint::Intact | Footprint::Excluded | Footprint::Undisturbed => Some(false),
            Footprint::Cleared | Footprint::Interrupted | Footprint::Disturbed => Some(true),
            Footprint::Unusable => None,
        }
    }
}

/// The SMI counter's part in the evidence of one gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmiEvidence {
    /// No counter can be read on this CPU.
    Unreadable,
    /// The counter was not read after this gap, to bound the tool's blind
    /// time; a rise shows at the next reading.
    NotRead,
    /// The counter was read after this gap, and this gap is the only event
    /// since the reading before: the rise belongs to it.
    Own {
        /// How much the counter rose.
        delta: u32,
    },
    /// The counter was read, but several events share the rise.
    Shared {
        /// How much the counter rose.
        delta: u32,
        /// Events since the reading before, this one included.
        among: u32,
    },
    /// The counter was read, and this gap is the only one since the reading
    /// before; but for a small part of that time the clock was not watched,
    /// so that the rise most likely, not surely, belongs to it.
    Alone {
        /// How much the counter rose.
        delta: u32,
    },
}

impl SmiEvidence {
    /// Whether the counter says that an SMI was in the gap, or may have been.
    pub fn counts_smis(self) -> bool {
        match self {
            SmiEvidence::Own { delta }
            | SmiEvidence::Alone { delta }
            | SmiEvidence::Shared { delta, .. } => delta > 0,
            SmiEvidence::NotRead | SmiEvidence::Unreadable => false,
        }
    }

    /// Whether the counter says that no SMI was in the gap.
    pub fn excludes_smis(self) -> bool {
        match self {
            SmiEvidence::Own { delta }
            | SmiEvidence::Alone { delta }
            | SmiEvidence::Shared { delta, .. } => delta == 0,
            SmiEvidence::NotRead | SmiEvidence::Unreadable => false,
        }
    }
}

/// Whose the scheduling counts of a gap are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// The gap's alone, as far as they were read.
    #[default]
    Own,
    /// Also those of shorter entries of the kernel since the reading before.
    Shared,
}

impl Counts {
    fn are_own(&self) -> bool {
        *self == Counts::Own
    }
}

/// All that was collected for one gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Whether the kernel ran.
    pub footprint: Footprint,
    /// What the SMI counter says.
    pub smi: SmiEvidence,
    /// Involuntary context switches of the sampler in the gap
    /// (getrusage, `ru_nivcsw`); `null` where it was not asked.
    pub involuntary_switches: Option<u16>,
    /// Page faults of the sampler in the gap (`ru_minflt` + `ru_majflt`).
    pub page_faults: Option<u16>,
    /// Time in which the sampler was runnable but did not run
    /// (/proc/thread-self/schedstat), `null` where it was not asked.
    pub run_delay_ns: Option<Nanos>,
    /// Whose these counts are.
    #[serde(
        default,
        rename = "scheduling_counts",
        skip_serializing_if = "Counts::are_own"
    )]
    pub counts: Counts,
    /// Instructions that were retired in ring 0 in the gap, by the PMU; `null`
    /// where they were not counted.
    #[serde(default)]
    pub ring_zero: Option<RingZero>,
    /// Time of the gap in which the CPU's reference cycles stood still, as they
    /// do in SMM; `null` unless they are made to.
    #[serde(default)]
    pub smm_ns: Option<Nanos>,
    /// A stall below the kernel that another sampled CPU saw within this gap, as
    /// long as a handler here took too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere_ns: Option<Nanos>,
}

impl Evidence {
    /// What the footprint and the SMI counter say, and nothing else.
    pub fn new(footprint: Footprint, smi: SmiEvidence) -> Evidence {
        Evidence {
            footprint,
            smi,
            involuntary_switches: None,
            page_faults: None,
            run_delay_ns: None,
            counts: Counts::Own,
            ring_zero: None,
            smm_ns: None,
            elsewhere_ns: None,
        }
    }

    /// Whether this kernel ran, by the sampler's own indicators: the footprint
    /// or interrupts held off first, then the instructions of ring 0.
    pub fn kernel_ran(&self) -> Option<bool> {
        self.footprint.kernel_ran().or_else(|| self.by_ring_zero())
    }

    /// Whether the footprint and the instructions of ring 0 contradict each
    /// other.
    pub fn is_contradicted(&self) -> bool {
        let both = self.footprint.kernel_ran().zip(self.by_ring_zero());
        both.is_some_and(|(footprint, ring_zero)| footprint != ring_zero)
    }

    /// Whether this kernel ran, by the instructions of ring 0 alone.
    pub fn by_ring_zero(&self) -> Option<bool> {
        self.ring_zero?.kernel_ran(self.smi.excludes_smis())
    }
}
