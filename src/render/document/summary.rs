//! What summaries and documents are made from.

use crate::model::{CpuReport, Gap, Report, Subject};
use crate::text::clean;
use crate::units::cpulist::CpuList;

/// Lists of CPUs are cut at this many columns.
const LONGEST_LIST: usize = 150;

/// A report without its list of gaps, and the few gaps that are worth showing.
#[derive(Clone, Copy)]
pub(in crate::render) struct Summary<'a> {
    pub report: &'a Report<()>,
    /// As [`crate::judgement::worst::gaps`] has them.
    pub worst: &'a [Gap],
}

impl Summary<'_> {
    /// Whether the machine was virtual: by the verdict, and by the host, as a
    /// report from elsewhere may say either.
    pub(in crate::render) fn in_guest(&self) -> bool {
        let report = self.report;
        report.verdict.subject == Subject::HypervisorAndBelow || report.host.hypervisor.is_some()
    }

    pub(in crate::render) fn gaps_seen(&self) -> u64 {
        let seen = self.report.cpus.iter().map(|cpu| cpu.gaps_seen);
        seen.fold(0, u64::saturating_add)
    }

    pub(in crate::render) fn left_out(&self) -> Option<String> {
        let cpus = self.report.run.cpus_not_sampled.trim();
        let word = match cpus.parse::<u32>() {
            Ok(_) => "CPU",
            Err(_) => "CPUs",
        };
        let cpus = clean::ascii(cpus);
        (!cpus.is_empty()).then(|| format!("{word} {}", clean::truncated(&cpus, LONGEST_LIST)))
    }
}

/// "CPU 3" or "CPUs 1-3,5".
pub(in crate::render) fn cpu_names<'a>(cpus: impl IntoIterator<Item = &'a CpuReport>) -> String {
    let list: CpuList = cpus.into_iter().map(|cpu| cpu.cpu).collect();
    let word = if list.len() == 1 { "CPU" } else { "CPUs" };
    format!(
        "{word} {}",
        clean::truncated(&list.to_string(), LONGEST_LIST)
    )
}
