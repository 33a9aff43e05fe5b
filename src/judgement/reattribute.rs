//! A saved report judged again: what was collected stays as it was, what was
//! derived from it is made anew by the rules of this version.

use crate::attribution::{Known, account};
use crate::evidence::Usual;
use crate::model::{
    Cause, ClockTrust, Finding, Footprint, Gap, INTERRUPT, KernelAccount, Outcome, Platform,
    Report, Setting, Severity, SmiEvidence, Subject,
};
use crate::units::{CpuId, Nanos};

/// Findings that say that the clock failed; see the judgement of the clock.
const CLOCK_FAILED: [&str; 3] = ["tsc-given-up", "tsc-given-up-in-run", "tsc-backwards"];

pub fn reattribute(mut report: Report<Vec<Gap>>) -> Report<Vec<Gap>> {
    let platform = match (report.verdict.subject, &report.host.hypervisor) {
        (Subject::Hardware, None) => Platform::BareMetal,
        _ => Platform::Guest,
    };
    let clock_failed = report
        .findings
        .iter()
        .any(|finding| CLOCK_FAILED.contains(&finding.id.as_str()));
    let mut changed = 0u64;
    let mut gaps = std::mem::take(&mut report.gaps);
    for gap in &mut gaps {
        let before = Standpoint::of(&report, gap);
        let broken = clock_failed && is_undecided(gap);
        if is_set_apart(gap, clock_failed) || is_by_alignment(gap) {
            continue;
        }
        let setting = Setting {
            platform,
            clock: match broken {
                true => ClockTrust::Broken,
                false => ClockTrust::Trusted,
            },
        };
        judge(gap, setting, interrupts(&report, gap.cpu));
        let after = Standpoint::of(&report, gap);
        if before != after {
            changed += 1;
            before.replace(after, gap, &mut report);
        }
    }
    report.gaps = gaps;
    conclude(&mut report, changed);
    report
}

fn judge(gap: &mut Gap, setting: Setting, interrupts: Option<Usual>) {
    let kernel = gap.kernel.as_ref().and_then(KernelAccount::time);
    // Records of a version that did not compare them cannot be judged anew.
    if kernel.is_none() && gap.kernel.is_some() {
        return;
    }
    let account = account(Known {
        evidence: &gap.raw,
        kernel: kernel.as_ref(),
        interrupts,
        length: gap.duration_ns,
        setting,
    });
    (gap.cause, gap.confidence, gap.kernel_ran) =
        (account.cause, account.confidence, account.kernel_ran);
    gap.os_ns = account.parts.os;
    gap.platform_ns = account.parts.platform;
    gap.platform_confidence = account.platform_confidence;
    gap.unknown_ns = account.parts.unknown;
    gap.unknown_reason = account
        .unknown_reason
        .map(|reason| reason.text().to_owned());
    gap.residual_ns = gap.duration_ns.saturating_sub(account.parts.os);
}

fn interrupts(report: &Report<Vec<Gap>>, cpu: CpuId) -> Option<Usual> {
    let cpu = report.cpus.iter().find(|row| row.cpu == cpu)?;
    let usual = cpu.usual.iter().find(|usual| usual.what == INTERRUPT)?;
    Usual::of_bound(usual.typical_ns, usual.bound_ns)
}

fn is_undecided(gap: &Gap) -> bool {
    gap.cause == Cause::Unknown
}

/// A gap without a cause whose evidence would give it one was set apart by
/// what else was known at its time, such as a step of the clock.
fn is_set_apart(gap: &Gap, clock_failed: bool) -> bool {
    is_undecided(gap) && gap.raw.footprint == Footprint::Intact && !clock_failed
}

/// A probable SMI by the alignment of all CPUs rests on more than one gap.
fn is_by_alignment(gap: &Gap) -> bool {
    gap.cause == Cause::Smi
        && gap.raw.smi == SmiEvidence::Unreadable
        && gap.raw.footprint == Footprint::Intact
}

/// What a gap means to the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standpoint {
    cause: Cause,
    confidence: crate::model::Confidence,
    platform: Nanos,
    above: bool,
}

impl Standpoint {
    fn of(report: &Report<Vec<Gap>>, gap: &Gap) -> Standpoint {
        Standpoint {
            cause: gap.cause,
            confidence: gap.confidence,
            platform: gap.platform_ns,
            above: gap.platform_ns > report.run.hardlimit_ns,
        }
    }

    fn replace(self, after: Standpoint, gap: &mut Gap, report: &mut Report<Vec<Gap>>) {
        gap.detail = format!("judged anew (was {}, {})", self.cause, self.confidence);
        if let Some(cpu) = report.cpus.iter_mut().find(|cpu| cpu.cpu == gap.cpu) {
            if cpu.gaps_by_cause.count(self.cause) > 0 {
                cpu.gaps_by_cause.recast(self.cause, after.cause);
            }
            cpu.max_platform_ns = cpu.max_platform_ns.max(after.platform);
            cpu.max_unknown_ns = cpu.max_unknown_ns.max(Some(gap.unknown_ns));
        }
        let verdict = &mut report.verdict;
        match (self.above, after.above) {
            (false, true) => verdict.platform_gaps = verdict.platform_gaps.saturating_add(1),
            (true, false) => verdict.platform_gaps = verdict.platform_gaps.saturating_sub(1),
            _ => {}
        }
    }
}

/// The verdict follows the counts; a fail needs a platform gap above the
/// limit, and a pass must not hide one without a cause.
fn conclude(report: &mut Report<Vec<Gap>>, changed: u64) {
    let version = env!("CARGO_PKG_VERSION");
    let total = report.gaps.len();
    report.findings.push(Finding {
        id: String::from("reattributed"),
        severity: Severity::Info,
        text: format!(
            "The evidence was judged anew by hwgap {version}: {changed} of {total} listed gap(s) \
             have another cause or confidence than the {} {} that measured gave them. Stalls are \
             listed as they were.",
            report.tool.name, report.tool.version
        ),
        remedy: None,
    });
    if changed == 0 {
        return;
    }
    let limit = report.run.hardlimit_ns;
    let unknown = report.gaps.iter().any(|gap| gap.unknown_ns > limit);
    let verdict = &mut report.verdict;
    let before = verdict.result;
    verdict.result = match (verdict.platform_gaps, unknown) {
        (1.., _) => Outcome::Fail,
        (0, true) => Outcome::Inconclusive,
        (0, false) if before == Outcome::Inconclusive => Outcome::Inconclusive,
        (0, false) => Outcome::Pass,
    };
    verdict.platform_stalls = match verdict.platform_gaps {
        0 => 0,
        gaps => verdict.platform_stalls.clamp(1, gaps),
    };
    let longest = report.gaps.iter().map(|gap| gap.platform_ns);
    verdict.platform_max_ns = longest.max().unwrap_or_default();
    // The rates were made from other counts and would contradict these.
    verdict.platform_rate_per_hour = None;
    verdict.platform_rate_upper95_per_hour = None;
    verdict
        .reasons
        .insert(0, format!("judged anew by hwgap {version}"));
    report.periodicity = None;
    report.engines.clear();
    report.agreement = None;
}
