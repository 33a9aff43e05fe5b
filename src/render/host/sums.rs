//! What kept a guest's vCPUs away, summed up.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::absence::{Guest, HostCause};
use crate::text::human;
use crate::units::Nanos;

/// What one of the causes took of all vCPUs of a guest.
pub(super) struct Sum<'a> {
    pub cause: HostCause,
    pub what: &'a str,
    pub absences: u64,
    pub total: Nanos,
    pub longest: Nanos,
}

impl Sum<'_> {
    /// "host-task rt (7)".
    pub(super) fn name(&self) -> String {
        self.cause.named(self.what)
    }

    /// Whether the guest wanted it.
    pub(super) fn is_halt(&self) -> bool {
        self.cause == HostCause::VcpuHalted
    }
}

/// What took the guest's time, the most first; its halts are its own, and last.
pub(super) fn sums(guest: &Guest) -> Vec<Sum<'_>> {
    let mut all: BTreeMap<(HostCause, &str), Sum<'_>> = BTreeMap::new();
    for total in guest.vcpus.iter().flat_map(|vcpu| &vcpu.totals) {
        let key = (total.cause, total.what.as_str());
        let sum = all.entry(key).or_insert_with(|| Sum {
            cause: total.cause,
            what: &total.what,
            absences: 0,
            total: Nanos(0),
            longest: Nanos(0),
        });
        sum.absences = sum.absences.saturating_add(total.absences);
        sum.total = sum.total.saturating_add(total.total_ns);
        sum.longest = sum.longest.max(total.longest_ns);
    }
    let mut all: Vec<Sum<'_>> = all.into_values().collect();
    all.sort_by_key(|sum| (sum.is_halt(), Reverse(sum.total)));
    all
}

/// The share of the vCPUs' time.
pub(super) fn share(total: Nanos, elapsed: Nanos, vcpus: usize) -> String {
    let time = elapsed.as_secs_f64() * vcpus as f64;
    if time <= 0.0 {
        return "?".to_owned();
    }
    let percent = total.as_secs_f64() / time * 100.0;
    match percent {
        percent if percent < 0.001 => "<0.001 %".to_owned(),
        percent => format!("{} %", human::three_digits(percent)),
    }
}
