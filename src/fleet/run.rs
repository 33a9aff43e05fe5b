//! What a fleet keeps of a run.

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::microcode;
use crate::model::{Cause, EndedBy, EngineName, Outcome};
use crate::policy::Judgement;
use crate::read::brief::{Brief, Seen, StallInBrief, Text};
use crate::read::hash::Sha256Sum;
use crate::text::clean_text;
use crate::units::Nanos;

use super::names::{self, Name, Names};
use super::sketch::Sketch;

/// Stalls that are shown of a run, and of a host.
pub(super) const WORST_STALLS: usize = 5;

/// One run of one host.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where it was read, such as `reports.tar/node17.json`.
    pub source: String,
    /// The hash of its report.
    pub sha256: Sha256Sum,
    /// Host name; `None` where the report does not say, or was redacted.
    pub host: Option<Name>,
    /// What tells the machine from others of its name, where the report says:
    /// a hash of its machine-id.
    pub machine_id: Option<Name>,
    /// Its main board.
    pub board: Option<Name>,
    /// The machine.
    pub identity: Identity,
    /// When it began, RFC 3339, UTC.
    pub started_utc: String,
    /// The TSC when it began: it tells runs apart.
    pub tsc_origin: u64,
    /// What ended it.
    pub ended_by: EndedBy,
    /// What sampled.
    pub engine: EngineName,
    /// Gaps above this were recorded.
    pub threshold: Nanos,
    /// Stalls above this were counted.
    pub hardlimit: Nanos,
    /// Wall time.
    pub elapsed: Nanos,
    /// The duration that was asked for, where the report says.
    pub planned: Option<Nanos>,
    /// Why it is not the whole that was asked for, if so.
    pub cut_short: Option<String>,
    /// Covered machine time, in hours.
    pub covered_hours: f64,
    /// Mean covered share.
    pub coverage: f64,
    /// The longest that the platform took.
    pub worst: Nanos,
    /// Platform stalls above the hard limit.
    pub stalls: u64,
    /// Platform stalls above the threshold, where the report lists them all.
    pub stalls_above_threshold: Option<u64>,
    /// SMIs counted, and the hours that they were counted in.
    pub smis: Option<(u64, f64)>,
    /// Regular series among its stalls.
    pub series: Vec<SeriesSeen>,
    /// Its longest stalls, the longest first. Of a run that passes none is
    /// kept: nobody asks for them, and most runs do.
    pub worst_stalls: Vec<WorstStall>,
    /// All of them as marks; of a run that passes none as well.
    pub sketch: Option<Sketch>,
    /// Whether no machine was measured.
    pub made_up: bool,
    /// What the policy says.
    pub judgement: Judgement,
}

/// What a machine is: hosts are grouped by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Identity {
    /// System vendor.
    pub vendor: Option<Name>,
    /// Product.
    pub model: Option<Name>,
    /// BIOS version.
    pub bios: Option<Name>,
    /// CPU model name.
    pub cpu: Option<Name>,
    /// Microcode revision.
    pub microcode: Option<Name>,
    /// Kernel release.
    pub kernel: Option<Name>,
    /// Hypervisor; `None` on bare metal.
    pub hypervisor: Option<Name>,
}

/// A stall that is shown by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WorstStall {
    /// When it began, RFC 3339, UTC: to be laid beside the log of a BMC.
    pub start_utc: String,
    /// How long it lasted.
    pub duration_ns: Nanos,
    /// Who took the time.
    pub cause: Cause,
    /// SMIs counted for it; `null` where none could be counted.
    pub smi_delta: Option<u32>,
}

/// A regular series that a run saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesSeen {
    /// Its period.
    pub period: Nanos,
    /// One standard deviation of it.
    pub period_error: Nanos,
    /// Median length of its stalls.
    pub length: Nanos,
}

impl Run {
    /// What is kept of a report once it is judged.
    pub fn new(
        source: String,
        sha256: Sha256Sum,
        brief: &Brief<'_>,
        judgement: Judgement,
        names: &mut Names,
    ) -> Run {
        let microcode = brief.host.cpu.microcode.as_deref();
        let microcode = microcode.and_then(|text| names.keep(&microcode::normal(text)));
        let mut keep = |text: &Option<Text>| names.keep(text.as_deref()?);
        let host = &brief.host;
        let series = brief.periodicity.iter().flat_map(|list| list.iter());
        Run {
            host: host.hostname.as_deref().and_then(names::once),
            machine_id: host.machine_id_hash.as_deref().and_then(names::once),
            board: keep(&host.system.board),
            identity: Identity {
                vendor: keep(&host.system.vendor),
                model: keep(&host.system.product),
                bios: keep(&host.bios.version),
                cpu: keep(&host.cpu.model_name),
                microcode,
                kernel: keep(&host.kernel.release),
                hypervisor: keep(&host.hypervisor),
            },
            source,
            sha256,
            ended_by: brief.run.ended_by,
            started_utc: clean_text(&brief.run.started_utc),
            // It was checked to be a number of 64 bits.
            tsc_origin: brief.tsc.origin.parse().unwrap_or_default(),
            engine: brief.run.engine,
            threshold: brief.run.threshold_ns,
            hardlimit: brief.run.hardlimit_ns,
            elapsed: brief.run.elapsed_ns,
            planned: brief.run.planned_ns,
            cut_short: brief.run.cut_short(),
            covered_hours: brief.covered_hours(),
            coverage: brief.verdict.coverage,
            worst: brief.verdict.platform_max_ns,
            stalls: brief.verdict.platform_stalls,
            stalls_above_threshold: match brief.stalls_above(brief.run.threshold_ns) {
                Some(Seen::Exactly(count)) => Some(count),
                _ => None,
            },
            smis: (brief.cpus.smis()).map(|count| (count, brief.cpus.mean_elapsed_hours())),
            series: series
                .map(|one| SeriesSeen {
                    period: Nanos(one.period_ns),
                    period_error: Nanos(one.period_error_ns),
                    length: one.length_ns,
                })
                .collect(),
            worst_stalls: match judgement.outcome {
                Outcome::Pass => Vec::new(),
                Outcome::Fail | Outcome::Inconclusive => worst_stalls(brief),
            },
            sketch: (judgement.outcome != Outcome::Pass).then(|| Sketch::of(brief)),
            made_up: brief.synthetic.is_some() || brief.run.scripted,
            judgement,
        }
    }

    /// Whether two records are of one run of a host.
    pub fn is_same(&self, other: &Run) -> bool {
        (self.tsc_origin, &self.started_utc) == (other.tsc_origin, &other.started_utc)
    }

    /// Whether they say the same of it, however they are written.
    pub fn says_the_same(&self, other: &Run) -> bool {
        let said = |run: &Run| {
            (
                (run.elapsed, run.threshold, run.hardlimit, run.engine),
                (run.ended_by, run.worst, run.stalls, run.smis),
                (run.covered_hours, run.coverage),
            )
        };
        self.sha256 == other.sha256
            || (said(self) == said(other)
                && self.identity == other.identity
                && self.judgement == other.judgement)
    }

    /// Whether it is a checkpoint of the run that the other is the end of.
    pub fn is_checkpoint_of(&self, other: &Run) -> bool {
        self.ended_by == EndedBy::Running && self.elapsed <= other.elapsed
    }
}

fn worst_stalls(brief: &Brief<'_>) -> Vec<WorstStall> {
    let mut listed: Vec<&StallInBrief<'_>> = (brief.stalls.iter())
        .flat_map(|stalls| stalls.listed())
        .collect();
    listed.sort_by_key(|stall| std::cmp::Reverse(stall.duration_ns));
    let longest = listed.into_iter().take(WORST_STALLS);
    longest
        .map(|stall| WorstStall {
            start_utc: clean_text(&stall.start_utc),
            duration_ns: stall.duration_ns,
            cause: stall.cause,
            smi_delta: stall.smi_delta,
        })
        .collect()
}
