//! Findings from what was watched beside a run: heat, hardware reports and
//! registers that say more than the gaps do.

use crate::evidence::watches::{HARDWARE_VECTORS, Notable};
use crate::model::{Finding, Severity};
use crate::units::{CpuId, Nanos};

use super::Case;

/// MPERF and the TSC may differ by this share by design: on many CPUs one
/// counts multiples of the bus clock and the other of the crystal (turbostat
/// calls the quotient `tsc_tweak`).
const MPERF_TOLERANCE: f64 = 0.01;
/// A mean frequency below this share of the base frequency is worth telling.
const SLOW: f64 = 0.95;
/// Shares of time in SMM below this are the distance of two readings.
const LEAST_SMM_SHARE: f64 = 1e-5;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(throttled(case));
    all.extend(vectors(case));
    all.extend(tsc_written(case));
    all.extend(mperf_ahead(case));
    all.extend(slow(case));
    all.extend(in_smm(case));
    all
}

/// The sampled CPUs with what `of` says of each by its index.
fn each<'a, T>(
    case: &Case<'a>,
    of: impl Fn(usize) -> Option<T> + 'a,
) -> impl Iterator<Item = (CpuId, T)> + 'a {
    let setups = &case.collected.setups;
    (setups.iter().enumerate()).filter_map(move |(index, setup)| Some((setup.cpu, of(index)?)))
}

fn list(parts: impl IntoIterator<Item = String>) -> String {
    const SHOWN: usize = 8;
    let parts: Vec<String> = parts.into_iter().collect();
    match parts.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{}; and {more} more", parts[..SHOWN].join("; ")),
        _ => parts.join("; "),
    }
}

fn throttled(case: &Case<'_>) -> Option<Finding> {
    let watch = &case.collected.watches.throttle;
    let parts: Vec<String> = each(case, |index| watch.over_run(index).ok())
        .filter(|(_, counts)| counts.any())
        .map(|(cpu, counts)| {
            let length =
                |time: Option<Nanos>| time.map(|time| format!(" for {time}")).unwrap_or_default();
            format!(
                "CPU {cpu}: core {} times{}, package {} times{}",
                counts.core,
                length(counts.core_time),
                counts.package,
                length(counts.package_time)
            )
        })
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "thermal-throttling",
            Severity::Warning,
            format!(
                "CPUs throttled because of heat or a power limit during the run: {}. A CPU that \
                 changes its clock stands still for some microseconds; gaps called cpu may be \
                 that.",
                list(parts)
            ),
            Some(
                "look at cooling, fan profile and power limits of the firmware; measure again at \
                 the temperature of normal use",
            ),
        )
    })
}

fn vectors(case: &Case<'_>) -> Option<Finding> {
    let watch = &case.collected.watches.vectors;
    let parts: Vec<String> = each(case, |index| watch.over_run(index).ok())
        .flat_map(|(cpu, counts)| {
            HARDWARE_VECTORS
                .iter()
                .zip(counts)
                .filter(|(vector, _)| vector.notable == Notable::Yes)
                .filter_map(move |(vector, count)| {
                    let count = count.filter(|&count| count > 0)?;
                    Some(format!("CPU {cpu}: {count} {}", vector.meaning))
                })
        })
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "hardware-reports",
            Severity::Warning,
            format!(
                "The hardware reported trouble to sampled CPUs during the run: {}. Such reports \
                 often go with work of the firmware.",
                list(parts)
            ),
            Some(
                "look for 'mce', 'Hardware Error' and 'thermal' in the kernel log, or use \
                  rasdaemon",
            ),
        )
    })
}

fn tsc_written(case: &Case<'_>) -> Option<Finding> {
    let parts: Vec<String> = case
        .adjusted_cpus()
        .map(|(cpu, change)| format!("CPU {cpu} by {change} cycles"))
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "tsc-adjust-changed",
            Severity::Critical,
            format!(
                "IA32_TSC_ADJUST changed during the run: {}. Somebody wrote to the TSC or to that \
                 register. Firmware that hides the time of its SMIs does so, and so does the \
                 kernel when it corrects such firmware. How much time was hidden is not known, \
                 and a run without gaps shows nothing.",
                list(parts)
            ),
            Some("look for 'TSC ADJUST' in the kernel log; report it to the vendor"),
        )
    })
}

fn mperf_ahead(case: &Case<'_>) -> Option<Finding> {
    let totals = &case.collected.totals;
    let parts: Vec<String> = each(case, |index| totals[index].registers.mperf_ahead().ok())
        .filter(|&(_, ahead)| ahead > MPERF_TOLERANCE)
        .map(|(cpu, ahead)| format!("CPU {cpu} by {:.2} %", ahead * 100.0))
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "mperf-ahead",
            Severity::Warning,
            format!(
                "MPERF advanced more than the TSC: {}. The two may differ by up to {:.0} % by \
                 design. Beyond that either MPERF counts at another rate on this CPU, or the TSC \
                 was held or set back, as firmware does that hides SMI time. Which of the two is \
                 unknown.",
                list(parts),
                MPERF_TOLERANCE * 100.0
            ),
            Some("compare with the SMI count, and with a run after a change of firmware settings"),
        )
    })
}

fn slow(case: &Case<'_>) -> Option<Finding> {
    let totals = &case.collected.totals;
    let parts: Vec<String> = each(case, |index| totals[index].registers.frequency_ratio().ok())
        .filter(|&(_, ratio)| ratio < SLOW)
        .map(|(cpu, ratio)| format!("CPU {cpu} at {:.0} %", ratio * 100.0))
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "below-base-frequency",
            Severity::Info,
            format!(
                "CPUs that spun all the time ran below their base frequency on the mean: {}. A \
                 governor, a power limit or heat held them back; the TSC, and so the lengths of \
                 gaps, are not concerned.",
                list(parts)
            ),
            Some("set the performance governor; look at power limits and cooling"),
        )
    })
}

fn in_smm(case: &Case<'_>) -> Option<Finding> {
    let totals = &case.collected.totals;
    let parts: Vec<String> = each(case, |index| totals[index].registers.smm_share().ok())
        .filter(|&(_, share)| share > LEAST_SMM_SHARE)
        .map(|(cpu, share)| format!("CPU {cpu}: {:.4} %", share * 100.0))
        .collect();
    (!parts.is_empty()).then(|| {
        Finding::new(
            "time-in-smm",
            Severity::Info,
            format!(
                "Share of cycles spent in SMM, as perf computes it: {}.",
                list(parts)
            ),
            None,
        )
    })
}

impl<'a> Case<'a> {
    /// The sampled CPUs whose TSC_ADJUST changed, with the change in cycles.
    pub(super) fn adjusted_cpus(&self) -> impl Iterator<Item = (CpuId, i64)> + 'a {
        let totals = &self.collected.totals;
        each(self, |index| totals[index].registers.adjusted().ok())
            .filter(|&(_, change)| change != 0)
    }
}
