//! Whether the sums of a vCPU are those of its absences, as far as they are listed.

use std::collections::HashMap;

use crate::model::absence::{HostCause, HostTotal, OTHER_TOTALS, Vcpu};
use crate::read::saved::Problem;
use crate::units::Nanos;

use super::{LATE, ROUNDING, contradiction};

/// What of a list belongs to one of the totals.
#[derive(Default)]
struct Listed {
    absences: u64,
    sum: u64,
    longest: u64,
    parts: u64,
}

/// A vCPU's fields against its list.
struct Fields<'a> {
    vcpu: &'a Vcpu,
}

pub(super) fn check(vcpu: &Vcpu, elapsed: Nanos) -> Result<(), Problem> {
    let fields = Fields { vcpu };
    let listed = vcpu.absences.len() as u64;
    let sum = saturating(vcpu.absences.iter().map(|one| one.duration_ns.0));
    fields.sum("absences_seen", vcpu.absences_seen, listed, 0)?;
    fields.sum("absent_ns", vcpu.absent_ns.0, sum, ROUNDING + listed)?;
    if vcpu.absent_ns > elapsed.saturating_add(LATE) {
        return fields.wrong("absent_ns", vcpu.absent_ns.0, "more than run.elapsed_ns");
    }
    let unhalted = vcpu.absences.iter().map(|one| one.unhalted().0);
    let parts = vcpu.absences.iter().map(|one| one.parts.len() as u64);
    let off = ROUNDING + parts.max().unwrap_or(0);
    // The longest is always listed.
    let longest = unhalted.clone().max().unwrap_or(0);
    fields.same("longest_ns", vcpu.longest_ns.0, longest, off)?;
    let own = fields.totals()?;
    let totals = saturating(vcpu.totals.iter().map(|total| total.total_ns.0));
    let off = ROUNDING + vcpu.totals.len() as u64;
    if totals.abs_diff(vcpu.absent_ns.0) > off {
        return fields.wrong("totals", totals, "not the sum absent_ns");
    }
    let Some(above) = vcpu.listed_above_ns else {
        return Ok(());
    };
    if unhalted
        .min()
        .is_some_and(|least| least.saturating_add(ROUNDING) < above.0)
    {
        return fields.wrong(
            "listed_above_ns",
            above.0,
            "more than the least of its list",
        );
    }
    // What is not listed is not longer.
    let halts = || {
        vcpu.totals
            .iter()
            .filter(|total| total.cause == HostCause::VcpuHalted)
    };
    let halted = saturating(halts().map(|total| total.total_ns.0));
    let of_list = own
        .iter()
        .filter(|((cause, _), _)| *cause == HostCause::VcpuHalted);
    let of_list = saturating(of_list.map(|(_, own)| own.sum));
    let unlisted =
        (vcpu.absent_ns.0.saturating_sub(sum)).saturating_sub(halted.saturating_sub(of_list));
    let most = above
        .0
        .saturating_add(2)
        .saturating_mul(vcpu.absences_seen - listed);
    match unlisted > most.saturating_add(2 * ROUNDING + listed) {
        true => fields.wrong(
            "listed_above_ns",
            above.0,
            "too short for what is not listed",
        ),
        false => Ok(()),
    }
}

fn saturating(lengths: impl Iterator<Item = u64>) -> u64 {
    lengths.fold(0, u64::saturating_add)
}

impl<'a> Fields<'a> {
    fn wrong<T>(&self, field: &str, told: u64, why: &str) -> Result<T, Problem> {
        let tid = self.vcpu.tid;
        contradiction(format!("{field} of thread {tid} is {told}, {why}"))
    }

    fn same(&self, field: &str, told: u64, listed: u64, off: u64) -> Result<(), Problem> {
        match told.abs_diff(listed) > off {
            true => self.wrong(field, told, &format!("but {listed} by its absences")),
            false => Ok(()),
        }
    }

    /// A sum of all absences: that of the list, or more where not all are listed.
    fn sum(&self, field: &str, told: u64, listed: u64, off: u64) -> Result<(), Problem> {
        match self.vcpu.listed_above_ns.is_some() && told > listed {
            true => Ok(()),
            false => self.same(field, told, listed, off),
        }
    }

    /// Each of the totals; what the list has of them.
    fn totals(&self) -> Result<HashMap<(HostCause, &'a str), Listed>, Problem> {
        let key = |total: &'a HostTotal| (total.cause, total.what.as_str());
        let mut own: HashMap<(HostCause, &str), Listed> = HashMap::new();
        for total in &self.vcpu.totals {
            if own.insert(key(total), Listed::default()).is_some() {
                return self.wrong("totals", total.total_ns.0, "beside another of its cause");
            }
        }
        for absence in &self.vcpu.absences {
            let mut lengths: HashMap<(HostCause, &str), (u64, u64)> = HashMap::new();
            for part in &absence.parts {
                let (length, parts) = lengths.entry((part.cause, &part.what)).or_default();
                *length = length.saturating_add(part.length_ns.0);
                *parts += 1;
            }
            for ((cause, what), (length, parts)) in lengths {
                let what = if own.contains_key(&(cause, what)) {
                    what
                } else {
                    OTHER_TOTALS
                };
                let Some(listed) = own.get_mut(&(cause, what)) else {
                    return self.wrong("totals", 0, &format!("without {}", cause.name()));
                };
                listed.absences += 1;
                listed.sum = listed.sum.saturating_add(length);
                listed.longest = listed.longest.max(length);
                listed.parts += parts;
            }
        }
        for total in &self.vcpu.totals {
            let listed = &own[&key(total)];
            let off = ROUNDING + listed.parts;
            self.sum("totals[].total_ns", total.total_ns.0, listed.sum, off)?;
            // Several SMIs in an absence are told as several.
            if total.cause != HostCause::HostSmi && total.what != OTHER_TOTALS {
                self.sum("totals[].absences", total.absences, listed.absences, 0)?;
                self.sum(
                    "totals[].longest_ns",
                    total.longest_ns.0,
                    listed.longest,
                    off,
                )?;
            }
        }
        Ok(own)
    }
}
