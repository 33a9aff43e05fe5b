//! What a guest knows of the time that its host took.

use crate::model::{CpuReport, Finding, Platform, Severity};
use crate::units::Nanos;

use super::Case;

/// Steal time and the period of the gaps. A guest cannot say more.
pub(super) fn findings(case: &Case<'_>, cpus: &[CpuReport]) -> Vec<Finding> {
    match case.machine.platform() {
        Platform::Guest => [steal(case), fixed_period(cpus)]
            .into_iter()
            .flatten()
            .collect(),
        Platform::BareMetal => Vec::new(),
    }
}

fn steal(case: &Case<'_>) -> Option<Finding> {
    let collected = case.collected;
    let sum = |times: &mut dyn Iterator<Item = Nanos>| {
        times.fold(Nanos(0), |sum, time| sum.saturating_add(time))
    };
    let indexes = 0..collected.setups.len();
    let stolen = sum(&mut indexes.filter_map(|index| collected.watches.steal.over_run(index).ok()));
    let delays = collected.totals.iter().filter_map(|cpu| cpu.run_delay);
    let waited = sum(&mut delays.clone());
    let known = delays.count() > 0;
    (stolen > Nanos(0)).then(|| {
        let beside = if known {
            format!(
                " Apart from that, this kernel itself let the samplers wait for {waited}, which \
                 is no steal time."
            )
        } else {
            String::new()
        };
        Finding::new(
            "steal-time",
            Severity::Info,
            format!(
                "The hypervisor reports {stolen} of steal time on the sampled CPUs. It is counted \
                 in clock ticks.{beside}"
            ),
            Some("give the guest CPUs of the host of its own (pinning, isolation on the host)"),
        )
    })
}

fn fixed_period(cpus: &[CpuReport]) -> Option<Finding> {
    let parts: Vec<String> = cpus
        .iter()
        .filter_map(|cpu| {
            let period = cpu.watched.as_ref()?.gap_period.as_ref()?;
            Some(format!(
                "CPU {}: {:.0} % of them every {}",
                cpu.cpu,
                period.share * 100.0,
                period.period_ns
            ))
        })
        .take(8)
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "host-period",
            Severity::Info,
            format!(
                "Gaps that this kernel did not cause come at a fixed period: {}. Something below \
                 this guest does its work by the clock; a host's timer tick has periods of 1, 4 \
                 or 10 ms. The period names a candidate, not the cause.",
                parts.join("; ")
            ),
            Some(
                "on the host, isolate the CPUs of this guest and take the tick off them \
                  (nohz_full)",
            ),
        )
    })
}
