//! CPUs that share a core with a sampled one.

use std::collections::HashMap;

use crate::host::topology::{Smt, core_siblings};
use crate::preflight::model::Effect;
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

use super::View;
use super::found::Found;
use super::look::{cpus, few, observed};

const ACTIVE: &str = "sys/devices/system/cpu/smt/active";
const STAT: &str = "proc/stat";
/// How many pairs a text names.
const NAMED: usize = 3;
/// How many pairs stand as evidence.
const SHOWN: usize = 32;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    let id = "smt-siblings";
    let sampled = &view.plan.cpus;
    if sampled.is_empty() {
        return Vec::new();
    }
    let pairs: Vec<(CpuId, CpuList)> = (sampled.iter())
        .filter_map(|cpu| {
            let all = core_siblings(view.root, cpu).ok()?;
            let others = all.without(&[cpu].into_iter().collect());
            (!others.is_empty()).then_some((cpu, others))
        })
        .collect();
    let with_others: Vec<&(CpuId, CpuList)> = (pairs.iter())
        .filter(|(_, siblings)| !siblings.without(sampled).is_empty())
        .collect();
    let topology = |cpu: CpuId| {
        let file = format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        view.look(&file)
    };
    if with_others.is_empty() {
        let condition = match (pairs.first(), &view.host.topology.smt) {
            (Some((cpu, _)), _) => Found::new(
                id,
                Effect::Slight,
                "Sampled CPUs share cores with one another: they slow each other down evenly.",
            )
            .seen([topology(*cpu)])
            .remedy("sample one CPU of each core"),
            (None, Ok(Smt::Inactive)) => {
                Found::new(id, Effect::None, "No two CPUs share a core.").seen([view.look(ACTIVE)])
            }
            (None, _) => Found::new(
                id,
                Effect::None,
                "No sampled CPU is known to share its core.",
            )
            .seen([view.look(ACTIVE)]),
        };
        return vec![condition];
    }
    let busy = (view.root.read_text(STAT)).map_or_else(|_| HashMap::new(), |text| shares(&text));
    let strangers: CpuList = (with_others.iter())
        .flat_map(|(_, siblings)| siblings.without(sampled).iter().collect::<Vec<_>>())
        .collect();
    let names: Vec<String> = (with_others.iter())
        .map(|(cpu, siblings)| {
            let others: Vec<String> = (siblings.without(sampled).iter())
                .map(|other| match busy.get(&other) {
                    Some(percent) => format!("{other} (busy {percent} % since boot)"),
                    None => other.to_string(),
                })
                .collect();
            format!("{cpu} with {}", others.join(" and "))
        })
        .collect();
    let mut seen: Vec<_> = (with_others.iter().take(SHOWN))
        .map(|(cpu, _)| topology(*cpu))
        .collect();
    if !busy.is_empty() {
        seen.push(observed(STAT, "the times of each CPU since boot"));
    }
    vec![
        Found::new(
            id,
            Effect::Disturbs,
            format!(
                "Sampled CPUs share cores with CPUs that others use: {}.",
                few(&names, NAMED)
            ),
        )
        .seen(seen)
        .costs("What runs there slows the sampler and can stall the core: it looks like the CPU's own.")
        .remedy(format!(
            "leave {} out with --cpus, keep {} idle, or boot with nosmt",
            cpus(&with_others.iter().map(|(cpu, _)| *cpu).collect()),
            cpus(&strangers)
        )),
    ]
}

/// Of each CPU the percentage of its time since boot in which it was neither
/// idle nor waiting for a disk (Documentation/filesystems/proc.rst, 1.7).
fn shares(text: &str) -> HashMap<CpuId, u64> {
    let rows = text.lines().filter_map(|line| {
        let mut words = line.strip_prefix("cpu")?.split_whitespace();
        let cpu = CpuId(
            words
                .next()
                .filter(|_| !line.starts_with("cpu "))?
                .parse()
                .ok()?,
        );
        // User, nice, system, idle, iowait, irq, softirq, steal; what guests
        // took is part of user and nice.
        let times: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
        let idle = times.get(3)?.saturating_add(*times.get(4)?);
        let all = times
            .iter()
            .fold(0u64, |sum, time| sum.saturating_add(*time));
        let busy = u128::from(all.saturating_sub(idle)) * 100;
        let percent = busy.checked_div(u128::from(all))?;
        Some((cpu, u64::try_from(percent).ok()?))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn idle_and_waiting_is_not_busy() {
        let text =
            "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 20 5 5 60 10 0 0 0 7 7\ncpu12 0 0 0 5 0 0 0 15\n";
        let shares = shares(text);
        assert_eq!((shares[&CpuId(0)], shares[&CpuId(12)]), (30, 75));
        assert_eq!(shares.len(), 2);
    }

    #[test]
    fn rows_that_are_cut_or_empty_are_left_out() {
        for text in [
            "cpu0",
            "cpu0 1 2 3",
            "cpu0 0 0 0 0 0",
            "cpux 1 1 1 1 1",
            "intr 5",
        ] {
            assert!(shares(text).is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(cpu[0-9]{0,3}( [0-9]{1,22}){0,12}\n){0,5}") {
            let _ = shares(&text);
        }
    }
}
