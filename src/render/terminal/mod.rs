//! The summary in a terminal: the verdict first, then what it rests on.
//!
//! Nothing here may claim more than was measured. In a guest the machine
//! below cannot be told from the hypervisor, so it is never the subject.

pub(super) mod agreement;
mod cpus;
pub(super) mod evidence;
mod findings;
mod gaps;
pub(super) mod limits;
pub(super) mod measured;
mod os;
pub(super) mod quieted;
mod screen;
pub(super) mod verdict;

use std::io::{self, Write};

use crate::model::agreement::{Agreement, EngineReport};
use crate::model::selftest::SelfTest;
use crate::model::{
    CpuReport, EvidenceSource, Finding, Gap, HostIdentity, QuietHost, Report, Run, StallReport,
    Subject, Tsc, Verdict,
};
use crate::render::page::Page;
use crate::render::style::Style;
use crate::text::clean;
use crate::text::look::Extent;
use crate::units::cpulist::CpuList;

/// How many of the worst gaps a summary shows.
pub const WORST_GAPS: usize = 10;
/// Rows of the histogram where there is room.
const WHOLE_PICTURE: usize = 16;
/// Lists of CPUs are cut at this many columns.
const LONGEST_LIST: usize = 150;

/// What the summary is made from: a report without its list of gaps, and the
/// few gaps that are worth showing.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a> {
    run: &'a Run,
    host: &'a HostIdentity,
    tsc: &'a Tsc,
    evidence: &'a [EvidenceSource],
    cpus: &'a [CpuReport],
    findings: &'a [Finding],
    verdict: &'a Verdict,
    selftest: Option<&'a SelfTest>,
    engines: &'a [EngineReport],
    quiet_host: Option<&'a QuietHost>,
    agreement: Option<&'a Agreement>,
    stalls: &'a [StallReport],
    worst: &'a [Gap],
}

impl<'a> Summary<'a> {
    /// A summary of a report. `worst` is shown as it comes; see
    /// [`crate::judgement::worst::gaps`].
    pub fn new<G>(report: &'a Report<G>, worst: &'a [Gap]) -> Summary<'a> {
        Summary {
            run: &report.run,
            host: &report.host,
            tsc: &report.tsc,
            evidence: &report.evidence,
            cpus: &report.cpus,
            findings: &report.findings,
            verdict: &report.verdict,
            selftest: report.selftest.as_ref(),
            engines: &report.engines,
            quiet_host: report.quiet_host.as_ref(),
            agreement: report.agreement.as_ref(),
            stalls: &report.stalls,
            worst,
        }
    }

    /// Whether the machine was virtual: by the verdict, and by the host, as a
    /// report from elsewhere may say either.
    fn in_guest(&self) -> bool {
        self.verdict.subject == Subject::HypervisorAndBelow || self.host.hypervisor.is_some()
    }

    fn gaps_seen(&self) -> u64 {
        self.cpus
            .iter()
            .fold(0, |sum, cpu| sum.saturating_add(cpu.gaps_seen))
    }
}

/// Writes the summary.
pub fn write(
    summary: &Summary<'_>,
    style: Style,
    extent: Extent,
    mut out: impl Write,
) -> io::Result<()> {
    out.write_all(render(summary, style, extent).as_bytes())?;
    out.flush()
}

/// The summary as text: printable ASCII and the escapes of `style`, at most 80
/// columns.
pub fn render(summary: &Summary<'_>, style: Style, extent: Extent) -> String {
    match extent {
        Extent::Screen => screen::render(summary, style),
        Extent::Verbose => whole(summary, style),
    }
}

fn whole(summary: &Summary<'_>, style: Style) -> String {
    let mut page = Page::new(style);
    verdict::show(summary, &mut page);
    measured::show(summary, &mut page);
    agreement::show(summary, &mut page);
    picture(summary, &mut page);
    cpus::show(summary, &mut page);
    gaps::show(summary, &mut page);
    os::show(summary, &mut page);
    quieted::show(summary, &mut page);
    findings::show(summary, &mut page);
    evidence::show(summary, &mut page);
    limits::show(summary, &mut page);
    page.into_text()
}

fn picture(summary: &Summary<'_>, page: &mut Page) {
    let rows = screen::picture(summary, WHOLE_PICTURE);
    if !rows.is_empty() {
        page.heading("Lengths, and how often they were seen");
        rows.iter().for_each(|row| page.line(&format!("  {row}")));
    }
}

/// The CPUs that were not sampled, by name.
fn left_out(summary: &Summary<'_>) -> Option<String> {
    let cpus = summary.run.cpus_not_sampled.trim();
    let word = match cpus.parse::<u32>() {
        Ok(_) => "CPU",
        Err(_) => "CPUs",
    };
    let cpus = clean::ascii(cpus);
    (!cpus.is_empty()).then(|| format!("{word} {}", clean::truncated(&cpus, LONGEST_LIST)))
}

/// "CPU 3" or "CPUs 1-3,5".
fn cpu_names<'a>(cpus: impl IntoIterator<Item = &'a CpuReport>) -> String {
    let list: CpuList = cpus.into_iter().map(|cpu| cpu.cpu).collect();
    let word = if list.len() == 1 { "CPU" } else { "CPUs" };
    format!(
        "{word} {}",
        clean::truncated(&list.to_string(), LONGEST_LIST)
    )
}
