//! The list of stalls against the gaps that they are made of.

use crate::read::brief::{Brief, GapsInBrief, StallsInBrief};
use crate::read::consistency::{Checked, must, slack};
use crate::units::Nanos;

pub(super) fn check(report: &Brief<'_>) -> Checked {
    let (Some(stalls), Some(gaps)) = (&report.stalls, &report.gaps) else {
        return Ok(());
    };
    if stalls.is_full() || !all_listed(report, gaps) {
        return Ok(());
    }
    let single = gaps.of_stalls.count();
    let of_stalls = (stalls.listed().iter()).fold(0u64, |sum, one| sum.saturating_add(one.gaps));
    // Gaps that the platform shares with the kernel may be part of a stall.
    must(
        (single..=single.saturating_add(gaps.mixed)).contains(&of_stalls),
        || {
            format!(
                "the stalls are made of {of_stalls} gaps, but {single} gaps of the platform are listed"
            )
        },
    )?;
    match gaps.mixed {
        0 => lengths(stalls, gaps),
        _ => Ok(()),
    }
}

/// Whether the report lists each gap of the platform's that it counts.
fn all_listed(report: &Brief<'_>, gaps: &GapsInBrief) -> bool {
    (report.cpus.each.iter()).all(|cpu| {
        let listed = gaps.of(cpu.cpu).map(|own| own.causes.platform());
        cpu.gaps_dropped == 0 && listed.unwrap_or(0) == cpu.gaps_by_cause.platform()
    })
}

/// A stall is at least as long as each of its gaps, and no longer than all of
/// them together.
fn lengths(stalls: &StallsInBrief<'_>, gaps: &GapsInBrief) -> Checked {
    let mut in_order: Vec<(Nanos, u64)> = (stalls.listed().iter())
        .map(|stall| (stall.duration_ns, stall.gaps))
        .collect();
    in_order.sort_unstable();
    let mut so_far = 0u64;
    for (length, of) in in_order {
        so_far = so_far.saturating_add(of);
        let most = gaps.of_stalls.up_to(length.saturating_add(slack(length)));
        must(so_far <= most, || {
            format!(
                "stalls of {} ns or less are made of {so_far} gaps, but only {most} are that short",
                length.0
            )
        })?;
    }
    let time =
        (stalls.listed().iter()).fold(Nanos(0), |sum, stall| sum.saturating_add(stall.duration_ns));
    // Clocks of CPUs are compared to within some hundred cycles.
    let most = (gaps.time_of_stalls)
        .saturating_add(slack(gaps.time_of_stalls))
        .saturating_add(Nanos(1_000 * gaps.of_stalls.count()));
    must(time <= most, || {
        format!(
            "the stalls took {} ns, their gaps together {} ns",
            time.0, gaps.time_of_stalls.0
        )
    })
}
