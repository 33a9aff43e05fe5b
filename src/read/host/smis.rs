//! Whether SMIs are told that can be, and no absence has one that nobody counted.

use std::collections::HashMap;

use crate::model::absence::{Absence, HostReport, SmiRise};
use crate::read::saved::Problem;
use crate::units::{CpuId, Cycles};

use super::contradiction;

pub(super) fn check(report: &HostReport, end: Cycles) -> Result<(), Problem> {
    for (index, rise) in report.smi_rises.iter().flatten().enumerate() {
        let SmiRise { cpu, count, .. } = rise;
        if rise.by_cycles < rise.after_cycles {
            return contradiction(format!("smi_rises[{index}] rose before it was read"));
        }
        if rise.by_cycles > end {
            return contradiction(format!("smi_rises[{index}] is after run.end_cycles"));
        }
        if !rise.is_possible() {
            return contradiction(format!(
                "smi_rises[{index}].count of CPU {cpu} is {count}, more than can come from \
                 after_cycles to by_cycles"
            ));
        }
    }
    let counts = Counts::new(report.smi_rises.iter().flatten());
    for vcpu in report.guests.iter().flat_map(|guest| &guest.vcpus) {
        for absence in &vcpu.absences {
            let (told, most) = (
                u64::from(absence.smi_delta.unwrap_or(0)),
                counts.in_(absence),
            );
            if told > most {
                return contradiction(format!(
                    "smi_delta of thread {} is {told} in its absence at {}, but {most} by smi_rises",
                    vcpu.tid, absence.start_cycles.0
                ));
            }
        }
    }
    Ok(())
}

/// What was counted on each CPU up to any moment.
struct Counts {
    /// By the readings before the rises and by those after them.
    sums: HashMap<CpuId, [Vec<(Cycles, u64)>; 2]>,
}

impl Counts {
    fn new<'a>(rises: impl Iterator<Item = &'a SmiRise>) -> Counts {
        let mut sums: HashMap<CpuId, [Vec<(Cycles, u64)>; 2]> = HashMap::new();
        for rise in rises {
            let [after, by] = sums.entry(rise.cpu).or_default();
            after.push((rise.after_cycles, u64::from(rise.count)));
            by.push((rise.by_cycles, u64::from(rise.count)));
        }
        for moments in sums.values_mut().flatten() {
            moments.sort_unstable();
            let mut sum = 0_u64;
            for (_, count) in moments {
                sum = sum.saturating_add(*count);
                *count = sum;
            }
        }
        Counts { sums }
    }

    /// The most that may have come in an absence.
    fn in_(&self, absence: &Absence) -> u64 {
        let Some([after, by]) = self.sums.get(&absence.cpu) else {
            return 0;
        };
        let before = |moments: &[(Cycles, u64)], next: usize| {
            next.checked_sub(1).map_or(0, |last| moments[last].1)
        };
        let begun = after.partition_point(|(at, _)| *at <= absence.end_cycles);
        let over = by.partition_point(|(at, _)| *at < absence.start_cycles);
        before(after, begun).saturating_sub(before(by, over))
    }
}
