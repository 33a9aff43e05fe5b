//! What a host saw of its guests: when each vCPU was away from the guest, and what
//! the host did meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EndedBy, Finding, HostIdentity, Tool, Tsc};
use crate::units::{CpuId, Cycles, Nanos};

/// The value of [`HostReport::schema`].
pub const HOST_SCHEMA: &str = "hwgap.host";
/// The value of [`HostReport::schema_version`] that this program writes.
pub const HOST_SCHEMA_VERSION: u32 = 1;

/// What a total is called that stands for all that came after the most that are told
/// apart.
pub const OTHER_TOTALS: &str = "others";

/// The report of `hwgap host`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostReport {
    /// What the document is.
    #[schemars(extend("const" = HOST_SCHEMA))]
    pub schema: String,
    /// The version of the schema, from 1.
    #[schemars(extend("const" = HOST_SCHEMA_VERSION))]
    pub schema_version: u32,
    /// The program that wrote the report.
    pub tool: Tool,
    /// How it was observed.
    pub run: HostRun,
    /// The machine that runs the guests.
    pub host: HostIdentity,
    /// Its clock.
    pub tsc: Tsc,
    /// The guests, by the number of their VMM's process.
    pub guests: Vec<Guest>,
    /// When the SMI count of a CPU was seen to rise; `null` where none can be read.
    pub smi_rises: Option<Vec<SmiRise>>,
    /// CPUs whose SMI count could not be read any more: that it was not seen to rise
    /// from then on says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub smis_unread: Vec<SmisUnread>,
    /// What the reader should know or do.
    pub findings: Vec<Finding>,
}

impl HostReport {
    /// Whether no vCPU was seen in or out of its guest at any time.
    pub fn saw_nothing(&self) -> bool {
        let elapsed = self.run.end_cycles.saturating_sub(self.run.start_cycles);
        let mut vcpus = self.guests.iter().flat_map(|guest| &guest.vcpus);
        vcpus.all(|vcpu| vcpu.absences_seen == 0 && vcpu.unseen() >= elapsed)
    }
}

/// How vCPUs were observed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostRun {
    /// The command line, argument by argument joined by blanks.
    pub command_line: String,
    /// RFC 3339, UTC.
    pub started_utc: String,
    /// RFC 3339, UTC.
    pub ended_utc: String,
    /// The begin of the observation, in cycles since `tsc.origin`.
    pub start_cycles: Cycles,
    /// Its end.
    pub end_cycles: Cycles,
    /// Its length.
    pub elapsed_ns: Nanos,
    /// What ended it.
    pub ended_by: EndedBy,
    /// Why, where that is `error`.
    pub error: Option<String>,
    /// Absences above this length became records.
    pub threshold_ns: Nanos,
    /// Where the records come from.
    pub source: HostSource,
    /// Why that is not `bpf`, where it is not.
    pub source_reason: Option<String>,
    /// Records that the kernel could not keep. Times at which some are missing
    /// stand with the vCPU's `lost`.
    pub lost_records: u64,
    /// How far the records' clock may be from the TSC, at most.
    pub clock_error_ns: Nanos,
    /// CPU time that the observation itself took, in user space and in the
    /// kernel; that of the kernel's hooks is in `hooks_ns`.
    pub used_ns: Nanos,
    /// CPU time that the kernel's hooks took, where the kernel counts it
    /// (sysctl kernel.bpf_stats_enabled).
    pub hooks_ns: Option<Nanos>,
}

/// Where the records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostSource {
    /// BPF programs that keep what is above the threshold.
    Bpf,
    /// Tracepoints whose every record is read.
    Tracepoints,
}

impl HostSource {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            HostSource::Bpf => "bpf",
            HostSource::Tracepoints => "tracepoints",
        }
    }
}

/// A virtual machine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Guest {
    /// The process of its VMM.
    pub pid: u32,
    /// Its name: QEMU's `-name`, or that of the process.
    pub name: String,
    /// The VMM's program, such as `qemu-system-x86_64`.
    pub vmm: Option<String>,
    /// How it was found.
    pub found_by: GuestFoundBy,
    /// Its vCPUs, by index.
    pub vcpus: Vec<Vcpu>,
}

/// How a guest was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuestFoundBy {
    /// KVM's folder in debugfs, or an open file of KVM's.
    OpenFiles,
    /// A thread that entered a guest while it was observed.
    Entries,
}

/// A virtual CPU: a thread of the host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Vcpu {
    /// Its number for KVM, which is its number for most guests.
    pub index: u32,
    /// Its thread.
    pub tid: u32,
    /// The thread's name.
    pub thread: Option<String>,
    /// The host's CPUs that it may run on, as a list such as `2-3`.
    pub affinity: Option<String>,
    /// Its scheduling policy and priority, such as `SCHED_FIFO 1`.
    pub scheduling: Option<String>,
    /// The guest's TSC by the host's; `null` where that could not be read.
    pub guest_tsc: Option<Vec<GuestTsc>>,
    /// Why, where it could not.
    pub guest_tsc_reason: Option<String>,
    /// How often it entered the guest; `null` where only absences are recorded.
    pub entries: Option<u64>,
    /// Steal time as the host's scheduler counts it: ready, and not running
    /// (/proc/PID/task/TID/schedstat).
    pub waited_ns: Option<Nanos>,
    /// Absences above the threshold, all of them.
    pub absences_seen: u64,
    /// Their sum.
    pub absent_ns: Nanos,
    /// The longest, its halted time left aside.
    pub longest_ns: Nanos,
    /// What they were for, the largest sum first.
    pub totals: Vec<HostTotal>,
    /// The absences, in order of time: all, or where there are too many the
    /// longest.
    pub absences: Vec<Absence>,
    /// Above this length, halted time left aside, every absence is listed; `null`
    /// where all are.
    pub listed_above_ns: Option<Nanos>,
    /// When records of this vCPU may be missing, or none was seen that would tell
    /// whether it was in its guest, in order of time.
    pub lost: Vec<LostTime>,
}

impl Vcpu {
    /// For how long it was not seen.
    pub fn unseen(&self) -> Cycles {
        let lost = self.lost.iter();
        lost.fold(Cycles(0), |sum, lost| {
            sum.saturating_add(lost.end_cycles.saturating_sub(lost.start_cycles))
        })
    }
}

/// The lines of a guest's clock that a report may have for a vCPU. A clock that was
/// set more often is on no line: KVM adjusts it all the time.
pub const MOST_TSC_LINES: usize = 1_000;

/// The guest's TSC is at most so many times as fast as the host's, or as slow: no
/// CPU scales by more.
pub const MOST_TSC_RATIO: f64 = 1_000.0;

/// A line on which the guest's TSC runs against the host's: guest = host *
/// `ratio` / 2^`ratio_bits` + `offset`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GuestTsc {
    /// From when it held, in cycles since `tsc.origin`: when it was first read.
    pub seen_cycles: Cycles,
    /// Added to the host's TSC, as a decimal string: 64 bits, with a sign, do not
    /// fit every reader's numbers.
    pub offset: String,
    /// The factor, as a decimal string.
    pub ratio: String,
    /// How many bits of it are a fraction.
    pub ratio_bits: u32,
}

/// Time in which records may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LostTime {
    /// The begin, in cycles since `tsc.origin`.
    pub start_cycles: Cycles,
    /// The end.
    pub end_cycles: Cycles,
}

/// The SMI count of a CPU rose between two readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmiRise {
    /// The host's CPU.
    pub cpu: CpuId,
    /// The last reading before, in cycles since `tsc.origin`.
    pub after_cycles: Cycles,
    /// The first reading that had it.
    pub by_cycles: Cycles,
    /// By how much.
    pub count: u32,
}

/// The fewest cycles between two SMIs of a CPU: storing its state and loading it
/// again takes a microsecond or more.
const LEAST_PER_SMI: u64 = 1_000;
/// SMIs for which readings may lie too close together, as their moments are not
/// exact.
const SMIS_AT_ONCE: u64 = 8;

impl SmiRise {
    /// Whether so many can have come between the readings. The counter has 32 bits:
    /// where it goes backward, it seems to have risen by billions.
    pub fn is_possible(&self) -> bool {
        let between = self.by_cycles.saturating_sub(self.after_cycles);
        u64::from(self.count) <= between.0 / LEAST_PER_SMI + SMIS_AT_ONCE
    }
}

/// The SMI count of a CPU is unknown from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SmisUnread {
    /// The host's CPU.
    pub cpu: CpuId,
    /// The last reading, in cycles since `tsc.origin`.
    pub from_cycles: Cycles,
    /// Why there was none after it, or none that can be.
    pub reason: String,
}

/// A vCPU was away from the guest for longer than the threshold.
///
/// The lengths of `parts` add up to `duration_ns`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absence {
    /// The exit from the guest, in cycles since `tsc.origin`.
    pub start_cycles: Cycles,
    /// The next entry.
    pub end_cycles: Cycles,
    /// Its length.
    pub duration_ns: Nanos,
    /// The CPU on which the guest was left.
    pub cpu: CpuId,
    /// The CPU on which it was entered again, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_on: Option<CpuId>,
    /// Why the guest was left; `null` where the record of that is missing.
    pub exit: Option<VmExit>,
    /// SMIs counted on the CPU in it; `null` where none can be counted, or it
    /// moved to another CPU.
    pub smi_delta: Option<u32>,
    /// Whether records may be missing in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
    /// Who took the time, in order of time; neighbours of one kind are joined.
    pub parts: Vec<HostPart>,
}

/// SVM's exit code of an SMI that came in the guest (AMD64 manual, volume 2,
/// appendix C).
const SVM_SMI: u32 = 0x62;

impl Absence {
    /// Whether an SMI led to it. The host runs on once that is over, so that the
    /// SMI itself lies before the absence.
    pub fn is_after_smi(&self) -> bool {
        let exit = self.exit.as_ref();
        exit.is_some_and(|exit| exit.isa == Isa::Svm && exit.code == SVM_SMI)
    }

    /// Its length, halted time left aside: a guest that idles is no trouble.
    pub fn unhalted(&self) -> Nanos {
        let parts = self.parts.iter();
        let halted = parts.filter(|part| part.cause == HostCause::VcpuHalted);
        halted.fold(self.duration_ns, |left, part| {
            left.saturating_sub(part.length_ns)
        })
    }
}

/// Why a guest was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VmExit {
    /// The name in the manual of VMX or SVM without its prefix, such as
    /// `EXTERNAL_INTERRUPT` or `hlt`; the number where it has none.
    pub reason: String,
    /// VMX or SVM.
    pub isa: Isa,
    /// The number.
    pub code: u32,
    /// What it was about, where the exit tells: a port, an address, an MSR.
    pub about: Option<String>,
}

/// The kind of virtualisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isa {
    /// Intel's.
    Vmx,
    /// AMD's.
    Svm,
}

/// A part of an absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostPart {
    /// Its begin, from the begin of the absence.
    pub at_ns: Nanos,
    /// Its length.
    pub length_ns: Nanos,
    /// Who took it.
    pub cause: HostCause,
    /// Which one, such as `local_timer`, `stress-ng (1234, SCHED_FIFO 50)` or
    /// `port 0x70`; empty where nothing tells.
    pub what: String,
}

/// What a sum of absences was for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostTotal {
    /// Who took it.
    pub cause: HostCause,
    /// Which one.
    pub what: String,
    /// In how many absences.
    pub absences: u64,
    /// The sum.
    pub total_ns: Nanos,
    /// The most in one absence.
    pub longest_ns: Nanos,
}

/// Who keeps a vCPU out of its guest. The names are a contract with other
/// programs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HostCause {
    /// The host's kernel handles what the guest did: an instruction that exits, a
    /// fault of its memory.
    VmExit,
    /// The VMM in user space, which emulates a device, and KVM on the way back from
    /// it to the guest, which no record parts from it.
    Vmm,
    /// An interrupt handler of the host.
    HostInterrupt,
    /// Softirqs of the host.
    HostSoftirq,
    /// Another task in the vCPU's place.
    HostTask,
    /// The vCPU was halted, and what it waits for had not come.
    VcpuHalted,
    /// The vCPU's thread was stopped or slept for another reason than a halt.
    VcpuStopped,
    /// On the way from a CPU to another, or from its waking to running.
    VcpuMigrated,
    /// An SMI of the host.
    HostSmi,
    /// The vCPU was in the guest all the time, no SMI was counted: the CPU.
    HostCpu,
    /// Nobody observed.
    NotObserved,
}

impl HostCause {
    /// Every cause, in the order of reports.
    pub const ALL: [HostCause; 11] = [
        HostCause::VmExit,
        HostCause::Vmm,
        HostCause::HostInterrupt,
        HostCause::HostSoftirq,
        HostCause::HostTask,
        HostCause::VcpuHalted,
        HostCause::VcpuStopped,
        HostCause::VcpuMigrated,
        HostCause::HostSmi,
        HostCause::HostCpu,
        HostCause::NotObserved,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            HostCause::VmExit => "vm-exit",
            HostCause::Vmm => "vmm",
            HostCause::HostInterrupt => "host-interrupt",
            HostCause::HostSoftirq => "host-softirq",
            HostCause::HostTask => "host-task",
            HostCause::VcpuHalted => "vcpu-halted",
            HostCause::VcpuStopped => "vcpu-stopped",
            HostCause::VcpuMigrated => "vcpu-migrated",
            HostCause::HostSmi => "host-smi",
            HostCause::HostCpu => "host-cpu",
            HostCause::NotObserved => "not-observed",
        }
    }

    /// With which one: "host-task rt (7)".
    pub fn named(self, what: &str) -> String {
        match what {
            "" => self.name().to_owned(),
            what => format!("{} {what}", self.name()),
        }
    }
}
