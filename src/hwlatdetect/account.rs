//! What a report comes to in hwlatdetect's terms.

use crate::model::{Cause, CpuReport, EndedBy, Finding, Gap, Outcome, Report, Severity, Subject};
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

use super::sample::{Sample, whole_micros};

#[derive(Clone, Debug)]
pub struct Account {
    /// The samples, in order of time.
    pub samples: Vec<Sample>,
    /// All samples, those included that are too many to be kept.
    pub exceeding: u64,
    /// The longest latency above the threshold, in microseconds.
    pub max_micros: Option<u64>,
    /// Gaps above the threshold that nobody can be named for.
    pub unknown: u64,
    /// Gaps with a part above the threshold that is not known.
    pub open: u64,
    pub smis: Smis,
    pub cpus: CpuList,
    /// How much of the time was covered, 0 to 1.
    pub coverage: f64,
    pub ended_by: EndedBy,
    pub subject: Subject,
    /// Why there is no verdict; empty where there is one.
    pub doubts: Vec<String>,
    /// What takes the result its meaning.
    pub critical: Vec<String>,
    /// Sources of evidence and findings, a line each.
    pub evidence: Vec<String>,
}

/// The SMI counters of the sampled CPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Smis {
    /// By CPU, where they could be counted.
    pub counted: Vec<(CpuId, u64)>,
    /// The CPUs where they could not, and why.
    pub uncounted: Vec<(CpuId, String)>,
}

impl Account {
    /// Makes out the result; `gaps` are those of the report.
    pub fn of<G>(report: &Report<G>, gaps: impl Iterator<Item = Gap>) -> Account {
        let threshold = report.run.threshold_ns;
        let mut samples = Vec::new();
        let (mut kept, mut open) = (0, 0);
        for gap in gaps {
            kept += u64::from(gap.cause.is_platform());
            let is_open = gap.cause != Cause::Unknown && gap.unknown_ns > threshold;
            open += u64::from(is_open);
            samples.extend(Sample::of(&gap, threshold));
        }
        samples.sort_unstable();
        let counts = report.cpus.iter().map(|cpu| cpu.gaps_by_cause);
        let platform: u64 = counts.map(|counts| counts.platform()).sum();
        let verdict = &report.verdict;
        let longest = verdict.platform_max_ns;
        Account {
            exceeding: samples.len() as u64 + platform.saturating_sub(kept),
            samples,
            max_micros: (longest > threshold).then(|| whole_micros(longest)),
            unknown: (report.cpus.iter())
                .map(|cpu| cpu.gaps_by_cause.unknown)
                .sum(),
            open,
            smis: smis(&report.cpus),
            cpus: report.cpus.iter().map(|cpu| cpu.cpu).collect(),
            coverage: verdict.coverage,
            ended_by: report.run.ended_by,
            subject: verdict.subject,
            doubts: match verdict.result {
                // "interrupted" is said apart.
                Outcome::Inconclusive => (verdict.reasons.iter())
                    .filter(|reason| verdict.incomplete.as_ref() != Some(reason))
                    .cloned()
                    .collect(),
                Outcome::Pass | Outcome::Fail => Vec::new(),
            },
            critical: (report.findings.iter())
                .filter(|finding| finding.severity == Severity::Critical)
                .map(|finding| finding.text.clone())
                .collect(),
            evidence: evidence(report),
        }
    }

    /// The mean time between stalls, in seconds; `None` below two stalls. Of the
    /// time from the first to the last, the covered part counts: hwlatdetect
    /// means to do this too, but multiplies by window/width where width/window
    /// is the sampled part, so that less sampling makes its machine look better.
    ///
    /// hwlatdetect samples one CPU at a time. hwgap sees a stall of the machine
    /// on every CPU at once, and counts it once.
    pub fn mtbf(&self) -> Option<f64> {
        let first = self.samples.first()?;
        let (mut stalls, mut last, mut end) = (1u64, first.start, first.end());
        for sample in &self.samples[1..] {
            if sample.start.0 >= end {
                stalls += 1;
                last = sample.start;
            }
            end = end.max(sample.end());
        }
        let span = (last.0 - first.start.0) as f64 / 1e9;
        (stalls > 1).then(|| span * self.coverage / (stalls - 1) as f64)
    }
}

fn smis(cpus: &[CpuReport]) -> Smis {
    let mut smis = Smis::default();
    for cpu in cpus {
        match (&cpu.smi, &cpu.smi_reason) {
            (Some(count), _) => smis.counted.push((cpu.cpu, count.delta)),
            (None, reason) => {
                let reason = reason.as_deref().unwrap_or("for an unknown reason");
                smis.uncounted.push((cpu.cpu, reason.to_owned()));
            }
        }
    }
    smis
}

fn evidence<G>(report: &Report<G>) -> Vec<String> {
    let sources = report.evidence.iter().map(|source| {
        let usable = if source.usable {
            "usable"
        } else {
            "not usable"
        };
        format!("evidence {}: {usable}: {}", source.source, source.reason)
    });
    let findings = report
        .findings
        .iter()
        .map(|Finding { id, text, .. }| format!("finding {id}: {text}"));
    sources.chain(findings).collect()
}
