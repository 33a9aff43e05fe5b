//! Regular series that several hosts share.
//!
//! A report shows a series that is none in fewer than one of 1,000 runs
//! ([`FALSE_ALARM_LEVEL`]). That hosts of one group show the same one by
//! chance is bounded by a binomial tail, corrected for all groups and series.

use crate::judgement::smi_sources as sources;
use crate::stats::fisher::Table;
use crate::stats::multiplicity::false_discovery;
use crate::stats::periodicity::FALSE_ALARM_LEVEL;
use crate::units::Nanos;
use statrs::distribution::{Binomial, DiscreteCDF};

use super::groups::Group;
use super::hosts::Host;
use super::model::{SeriesGroup, SeriesRow};
use super::run::SeriesSeen;
use super::separate::FALSE_DISCOVERY_RATE;

/// Periods that differ by less than this share are the same: clocks of hosts
/// differ by parts per million, firmware timers by more.
const SAME_PERIOD: f64 = 0.01;
/// Lengths that differ by less than this factor are the same.
const SAME_LENGTH: f64 = 1.5;
/// Fewer hosts share nothing.
const FEWEST_HOSTS: usize = 3;
/// The chance that anything is listed in a fleet without such a series.
const FALSE_ALARM: f64 = 0.01;

type Seen = (SeriesSeen, usize);

pub(super) fn shared(hosts: &[Host], groups: &[Group]) -> Vec<SeriesRow> {
    let mut all: Vec<Seen> = Vec::new();
    for (at, host) in hosts.iter().enumerate() {
        all.extend(
            host.runs()
                .flat_map(|run| &run.series)
                .map(|one| (*one, at)),
        );
    }
    let clusters = clusters(all);
    let tries = (clusters.len() * (groups.len() + 1)).max(1) as f64;
    let mut rows: Vec<SeriesRow> = (clusters.iter())
        .filter_map(|cluster| row(cluster, hosts.len(), groups, FALSE_ALARM / tries))
        .collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.hosts), row.period_ns));
    rows
}

/// Series of like period and length that enough hosts show.
fn clusters(mut all: Vec<Seen>) -> Vec<Vec<Seen>> {
    all.retain(|(one, _)| one.period.0 > 0 && one.length.0 > 0);
    all.sort_by_key(|(one, _)| one.period);
    let by_period =
        all.chunk_by(|(a, _), (b, _)| b.period.0 as f64 <= a.period.0 as f64 * (1.0 + SAME_PERIOD));
    let mut clusters = Vec::new();
    for alike in by_period {
        let mut alike = alike.to_vec();
        alike.sort_by_key(|(one, _)| one.length);
        let by_length =
            alike.chunk_by(|(a, _), (b, _)| b.length.0 as f64 <= a.length.0 as f64 * SAME_LENGTH);
        for cluster in by_length {
            let mut cluster = cluster.to_vec();
            cluster.sort_by_key(|(_, host)| *host);
            cluster.dedup_by_key(|(_, host)| *host);
            if cluster.len() >= FEWEST_HOSTS {
                clusters.push(cluster);
            }
        }
    }
    clusters
}

fn row(cluster: &[Seen], hosts: usize, groups: &[Group], level: f64) -> Option<SeriesRow> {
    let mut has = vec![false; hosts];
    for (_, host) in cluster {
        has[*host] = true;
    }
    let with = |group: &Group| group.members.iter().filter(|at| has[**at]).count();
    let by_chance = |with: usize, of: usize| -> f64 {
        match (with, Binomial::new(FALSE_ALARM_LEVEL, of as u64)) {
            (0, _) | (_, Err(_)) => 1.0,
            (with, Ok(binomial)) => binomial.sf(with as u64 - 1),
        }
    };
    let in_some_group = groups
        .iter()
        .any(|group| by_chance(with(group), group.members.len()) <= level);
    if !in_some_group && by_chance(cluster.len(), hosts) > level {
        return None;
    }
    let period = median(cluster, |one| one.period);
    let length = median(cluster, |one| one.length);
    let fits = |source: &&sources::Source| source.fits(period.0 as f64, length);
    Some(SeriesRow {
        period_ns: period,
        length_ns: length,
        hosts: cluster.len() as u64,
        group: best_group(cluster.len(), hosts, groups, with),
        candidates: (sources::known().iter().filter(fits))
            .map(|source| format!("{} ({})", source.name, source.standing))
            .collect(),
    })
}

fn best_group(
    all_with: usize,
    hosts: usize,
    groups: &[Group],
    with: impl Fn(&Group) -> usize,
) -> Option<SeriesGroup> {
    let table = |group: &Group| {
        let (with, size) = (with(group), group.members.len());
        Table {
            group_with: with as u64,
            group_without: (size - with) as u64,
            rest_with: (all_with - with) as u64,
            rest_without: (hosts - size - (all_with - with)) as u64,
        }
    };
    let tables: Vec<Table> = groups.iter().map(table).collect();
    let chances: Vec<f64> = tables.iter().map(Table::chance).collect();
    let corrected = false_discovery(&chances);
    let more = |at: &usize| tables[*at].group_share() > tables[*at].rest_share();
    let found = (0..groups.len()).filter(|at| corrected[*at] <= FALSE_DISCOVERY_RATE);
    let best = found.filter(more).min_by(|a, b| {
        let larger = groups[*b].members.len().cmp(&groups[*a].members.len());
        let telling = |at: &usize| groups[*at].dimension.telling();
        (chances[*a].total_cmp(&chances[*b]))
            .then(larger)
            .then_with(|| telling(b).cmp(&telling(a)))
    })?;
    Some(SeriesGroup {
        dimension: groups[best].dimension,
        name: groups[best].name.clone(),
        hosts: groups[best].members.len() as u64,
        with_series: tables[best].group_with,
        q: corrected[best],
    })
}

fn median(cluster: &[Seen], part: impl Fn(&SeriesSeen) -> Nanos) -> Nanos {
    let mut values: Vec<Nanos> = cluster.iter().map(|(one, _)| part(one)).collect();
    values.sort_unstable();
    values[values.len() / 2]
}
