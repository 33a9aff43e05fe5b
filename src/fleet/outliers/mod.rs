//! Passing hosts that have far more events than their like.
//!
//! Within a group of equal machines the counts of hosts follow a negative
//! binomial: Poisson around rates that differ from host to host. Rate and
//! dispersion are fitted without the hosts that stand out, starting from the
//! middle half of the group, so that outliers neither move the rate nor hide
//! behind a dispersion that they make themselves. A host is named where its exact
//! tail, corrected for all hosts of the fleet, is below [`FALSE_ALARM`]: of the
//! hosts that are named at most that share is false on average.

mod fit;

use std::collections::HashMap;
use std::fmt;

use crate::model::{EngineName, Outcome};
use crate::stats::multiplicity::false_discovery;
use crate::units::Nanos;

use super::groups::Kinds;
use super::hosts::Host;
use super::model::{OutlierRow, OutlierSearch, Quantity};
use super::names::Name;
use super::run::{Identity, Run};
use fit::{Counted, Judged, judge};

/// A fleet of hosts that are alike has any named with at most this chance.
pub const FALSE_ALARM: f64 = 0.01;
/// Of fewer hosts the dispersion is not known well enough.
pub const SMALLEST_GROUP: usize = 30;

pub(super) struct Outliers {
    pub rows: Vec<OutlierRow>,
    pub search: OutlierSearch,
}

/// Hosts that count alike.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Like {
    machine: usize,
    threshold: Nanos,
    engine: EngineName,
}

/// Machines that count alike. Neither the vendor nor the kernel tells them
/// apart: the one is known by the model, the other has no part in SMIs.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Machine(Identity);

struct Looked<'a> {
    machine: &'a Machine,
    quantity: Quantity,
    group_hosts: usize,
    counted: Counted,
    judged: Judged,
}

pub(super) fn find(hosts: &[Host], kinds: &Kinds<'_>, outcomes: &[Outcome]) -> Outliers {
    let machines = Machines::of(kinds);
    let mut alike: HashMap<Like, Vec<usize>> = HashMap::new();
    for (at, host) in hosts.iter().enumerate() {
        let like = Like {
            machine: machines.of_kind[kinds.of_host[at]],
            threshold: host.latest.threshold,
            engine: host.latest.engine,
        };
        alike.entry(like).or_default().push(at);
    }
    let mut looked_at = vec![false; hosts.len()];
    let mut looked: Vec<Looked<'_>> = Vec::new();
    for (like, members) in &alike {
        for quantity in [Quantity::Smis, Quantity::Stalls] {
            let counted = members
                .iter()
                .filter_map(|at| count(quantity, *at, &hosts[*at].latest));
            let counted: Vec<Counted> = counted.collect();
            if counted.len() < SMALLEST_GROUP {
                continue;
            }
            for (one, judged) in counted.iter().zip(judge(&counted)) {
                looked_at[one.host] = true;
                looked.push(Looked {
                    machine: &machines.all[like.machine],
                    quantity,
                    group_hosts: counted.len(),
                    counted: *one,
                    judged,
                });
            }
        }
    }
    let chances: Vec<f64> = looked.iter().map(|one| one.judged.p).collect();
    let mut rows: Vec<OutlierRow> = (looked.iter().zip(false_discovery(&chances)))
        .filter(|(one, corrected)| {
            *corrected <= FALSE_ALARM && outcomes[one.counted.host] != Outcome::Fail
        })
        .map(|(one, corrected)| one.row(&hosts[one.counted.host].name, corrected))
        .collect();
    rows.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.host.cmp(&b.host)));
    Outliers {
        rows,
        search: OutlierSearch {
            false_alarm: FALSE_ALARM,
            smallest_group: SMALLEST_GROUP as u64,
            hosts: looked_at.iter().filter(|looked| **looked).count() as u64,
        },
    }
}

impl Looked<'_> {
    fn row(&self, host: &Name, corrected: f64) -> OutlierRow {
        OutlierRow {
            host: host.clone(),
            quantity: self.quantity,
            events: self.counted.events,
            expected: self.judged.expected,
            group: self.machine.to_string(),
            group_hosts: self.group_hosts as u64,
            p: self.judged.p,
            p_corrected: corrected,
        }
    }
}

struct Machines {
    all: Vec<Machine>,
    of_kind: Vec<usize>,
}

impl Machines {
    fn of(kinds: &Kinds<'_>) -> Machines {
        let mut places: HashMap<Machine, usize> = HashMap::new();
        let mut all = Vec::new();
        let place = |kind: &&Identity| {
            let machine = Machine(Identity {
                vendor: None,
                kernel: None,
                ..(*kind).clone()
            });
            *places.entry(machine.clone()).or_insert_with(|| {
                all.push(machine);
                all.len() - 1
            })
        };
        let of_kind = kinds.all.iter().map(place).collect();
        Machines { all, of_kind }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &Option<Name>| name.clone().unwrap_or_else(|| "not known".into());
        let (model, bios) = (shown(&self.0.model), shown(&self.0.bios));
        write!(
            f,
            "{model}, BIOS {bios}, microcode {}",
            shown(&self.0.microcode)
        )
    }
}

/// The events of the latest run: earlier ones may have had another threshold.
fn count(quantity: Quantity, at: usize, run: &Run) -> Option<Counted> {
    let (events, hours) = match quantity {
        Quantity::Smis => run.smis?,
        Quantity::Stalls => (run.stalls_above_threshold?, run.covered_hours),
    };
    (hours > 0.0).then_some(Counted {
        host: at,
        events,
        hours,
    })
}

#[cfg(test)]
mod tests;
