//! What the failing hosts have in common.
//!
//! Each group is held against all other hosts by Fisher's exact test, with the
//! false-discovery rate held over all groups. A bad BIOS makes its model and
//! its vendor look bad too, so the strongest group is taken out and the others
//! are looked at again without its hosts: what then shows nothing follows from
//! it.

use crate::stats::fisher::Table;
use crate::stats::multiplicity::false_discovery;
use crate::stats::risk_ratio::{self, RiskRatio};

use super::groups::Group;

/// The share of what is named here that is false, on average, at most.
pub const FALSE_DISCOVERY_RATE: f64 = 0.05;
/// Fewer hosts than this are no group to speak of.
pub const SMALLEST_GROUP: usize = 3;

/// A group whose hosts fail more often, or less often, than the rest.
#[derive(Clone, Debug)]
pub struct Separator {
    pub group: usize,
    pub table: Table,
    /// How many times as often its hosts fail.
    pub ratio: Option<RiskRatio>,
    /// The exact chance by itself.
    pub p: f64,
    /// The chance corrected for all groups.
    pub q: f64,
    /// The stronger group without whose hosts this one shows nothing.
    pub follows_from: Option<usize>,
}

/// The groups that separate, the strongest first. `failed` says of each host
/// whether it fails; `None` for those that nothing can be said of.
pub fn separators(groups: &[Group], failed: &[Option<bool>]) -> Vec<Separator> {
    let mut found = significant(groups, failed);
    let mut left = failed.to_vec();
    let mut causes: Vec<usize> = Vec::new();
    let mut still: Vec<Tested> = Vec::new();
    for one in &mut found {
        let q = still.iter().find(|(group, ..)| *group == one.group);
        if q.is_some_and(|(.., q)| *q <= FALSE_DISCOVERY_RATE) || causes.is_empty() {
            causes.push(one.group);
            for member in &groups[one.group].members {
                left[*member] = None;
            }
            still = test(groups, &left);
        } else {
            one.follows_from = strongest_overlap(groups, &causes, one.group);
        }
    }
    found
}

/// The groups that stand out by themselves, the strongest first: the rarest
/// table, then the larger ratio, then the finer group.
fn significant(groups: &[Group], failed: &[Option<bool>]) -> Vec<Separator> {
    let mut found: Vec<Separator> = test(groups, failed)
        .into_iter()
        .filter(|(.., q)| *q <= FALSE_DISCOVERY_RATE)
        .map(|(group, table, p, q)| Separator {
            group,
            ratio: risk_ratio::of(&table),
            table,
            p,
            q,
            follows_from: None,
        })
        .collect();
    let low = |one: &Separator| one.ratio.map_or(0.0, |ratio| ratio.low);
    found.sort_by(|a, b| {
        let rarer = a.p.total_cmp(&b.p);
        let larger = low(b).total_cmp(&low(a));
        let finer = groups[a.group]
            .members
            .len()
            .cmp(&groups[b.group].members.len());
        let telling = |one: &Separator| groups[one.group].dimension.telling();
        let finer = finer.then_with(|| telling(b).cmp(&telling(a)));
        // Beyond this nobody tells chances apart, and sums end in zeros.
        let tiny = |one: &Separator| one.p < 1e-300;
        match tiny(a) && tiny(b) {
            true => larger.then(finer),
            false => rarer.then(larger).then(finer),
        }
    });
    found
}

type Tested = (usize, Table, f64, f64);

fn test(groups: &[Group], failed: &[Option<bool>]) -> Vec<Tested> {
    let count = |wanted: bool| failed.iter().filter(|one| **one == Some(wanted)).count() as u64;
    let (all_failed, all_passed) = (count(true), count(false));
    let mut tested: Vec<Tested> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let of_group = |wanted: bool| {
            let members = group.members.iter();
            members
                .filter(|member| failed[**member] == Some(wanted))
                .count() as u64
        };
        let (with, without) = (of_group(true), of_group(false));
        let table = Table {
            group_with: with,
            group_without: without,
            rest_with: all_failed - with,
            rest_without: all_passed - without,
        };
        let rest = table.rest_with + table.rest_without;
        if ((with + without) as usize) < SMALLEST_GROUP || rest == 0 {
            continue;
        }
        tested.push((at, table, table.chance(), 1.0));
    }
    let chances: Vec<f64> = tested.iter().map(|(_, _, p, _)| *p).collect();
    for (one, q) in tested.iter_mut().zip(false_discovery(&chances)) {
        one.3 = q;
    }
    tested
}

/// Of the causes, the one that shares most hosts with a group.
fn strongest_overlap(groups: &[Group], causes: &[usize], group: usize) -> Option<usize> {
    let shared = |cause: &usize| {
        let members = &groups[*cause].members;
        let own = groups[group].members.iter();
        own.filter(|member| members.binary_search(member).is_ok())
            .count()
    };
    causes.iter().copied().max_by_key(shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::groups::Dimension;

    /// Twenty groups of ten hosts, of which the first `bad` of the first group
    /// and two hosts of each other group fail.
    fn fleet(bad: usize) -> (Vec<Group>, Vec<Option<bool>>) {
        let group = |number: usize| Group {
            dimension: Dimension::Bios,
            name: number.to_string(),
            members: (number * 10..number * 10 + 10).collect(),
        };
        let fails = |host: usize| host % 10 < if host < 10 { bad } else { 2 };
        (
            (0..20).map(group).collect(),
            (0..200).map(|host| Some(fails(host))).collect(),
        )
    }

    #[test]
    fn a_chance_is_judged_by_how_many_groups_there_are() {
        // By itself 1 of 50; of twenty groups one is as far off by chance.
        let (groups, failed) = fleet(5);
        let alone = test(&groups, &failed)[0].2;
        assert!(alone < FALSE_DISCOVERY_RATE, "{alone}");
        assert!(separators(&groups, &failed).is_empty());
        let (groups, failed) = fleet(9);
        let found = separators(&groups, &failed);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].group, 0);
    }
}
