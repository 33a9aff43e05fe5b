//! Holds each gap of the guest against what was planted.

use std::collections::BTreeMap;

use super::explanation::{Explanation, Gap, Guest};
use super::planted::{Plant, Planted};
use crate::units::display;

/// Gaps and plants above this length are judged.
const JUDGED_NS: u64 = 50_000;
/// Of the gaps with a planted cause so many must have it.
const RIGHT: f64 = 0.99;
/// How far the sums may be apart: so much, or so large a part.
const APART_NS: u64 = 5_000;
const APART_PART: u64 = 20;

/// What is judged.
pub struct Evidence {
    pub guest: Guest,
    pub explanation: Explanation,
    /// Guest TSC less host TSC, as KVM told the outer machine's shell.
    pub offset: i64,
    /// On the host's TSC.
    pub truth: Vec<Planted>,
    /// Whether times are exact, and not this machine's.
    pub exact: bool,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Verdict {
    pub kinds: BTreeMap<Plant, Kind>,
    /// Gaps with time below the guest's kernel that nothing was planted in.
    pub others: usize,
    /// Each a sentence; empty means passed.
    pub failures: Vec<String>,
}

/// One kind of plant.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Those that are long enough to be judged, while the guest was sampled.
    pub planted: usize,
    /// Of them, those in no gap of the guest.
    pub in_no_gap: usize,
    /// Gaps that hold them.
    pub gaps: usize,
    /// Gaps whose cause it is.
    pub right: usize,
    /// Gaps that are said to have another.
    pub wrong: usize,
    /// Gaps of which hwgap says that it does not know.
    pub open: usize,
    /// The time planted in these gaps, and what hwgap gives to its cause.
    pub planted_ns: u64,
    pub explained_ns: u64,
    /// The largest difference in one gap.
    pub apart_ns: u64,
    /// Gaps in which they are too far apart.
    pub apart: usize,
}

/// Whether a cause is that of a plant.
fn is_right(plant: Plant, cause: &str, what: &str) -> bool {
    match plant {
        Plant::Task => cause == "host-task" && what.contains("nested-plant"),
        Plant::Storm => cause == "host-interrupt",
        Plant::Stop => cause == "vcpu-stopped",
        Plant::Device => cause == "vmm" && what.contains("0x511"),
        Plant::Migration => cause == "vcpu-migrated" && what.contains(" to "),
        Plant::Smi => cause == "host-smi",
    }
}

/// Whether a cause comes in every guest's life, whatever is planted.
fn is_everyday(cause: &str) -> bool {
    matches!(cause, "host-interrupt" | "host-softirq" | "host-task")
}

/// Judges.
pub fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    let hz = evidence.guest.tsc.hz;
    let to_ns = |cycles: u64| (u128::from(cycles) * 1_000_000_000 / u128::from(hz)) as u64;
    let to_cycles = |ns: u64| (u128::from(ns) * u128::from(hz) / 1_000_000_000) as u64;
    let spans: Vec<(u64, u64, &Gap)> = (evidence.explanation.gaps.iter())
        .map(|gap| {
            let start = (evidence.guest.tsc.origin + gap.start_cycles)
                .wrapping_add_signed(-evidence.offset);
            (start, start + to_cycles(gap.duration_ns), gap)
        })
        .collect();
    let first = spans.iter().map(|(start, _, _)| *start).min();
    let last = spans.iter().map(|(_, end, _)| *end).max();
    let (Some(first), Some(last)) = (first, last) else {
        verdict.failures.push("the guest has no gaps".into());
        return verdict;
    };
    for planted in &evidence.truth {
        if planted.start < first
            || planted.end > last
            || to_ns(planted.end - planted.start) < JUDGED_NS
        {
            continue;
        }
        let kind = verdict.kinds.entry(planted.what).or_default();
        kind.planted += 1;
        let is_in = |&(start, end, _): &(u64, u64, _)| {
            let shared = end
                .min(planted.end)
                .saturating_sub(start.max(planted.start));
            shared * 2 > planted.end - planted.start
        };
        if !spans.iter().any(is_in) && evidence.exact {
            kind.in_no_gap += 1;
        }
        if planted.what == Plant::Migration {
            let shared = |&&(start, end, _): &&(u64, u64, &Gap)| {
                (end.min(planted.end)).saturating_sub(start.max(planted.start))
            };
            if let Some((_, _, gap)) = spans.iter().max_by_key(shared) {
                judge_move(kind, gap, to_ns(planted.end - planted.start));
            }
        }
    }
    for (start, end, gap) in spans {
        let mut shares: BTreeMap<Plant, u64> = BTreeMap::new();
        for planted in &evidence.truth {
            let shared = end
                .min(planted.end)
                .saturating_sub(start.max(planted.start));
            *shares.entry(planted.what).or_default() += to_ns(shared);
        }
        let most = shares.into_iter().max_by_key(|(_, shared)| *shared);
        match most {
            // Judged above.
            Some((Plant::Migration, shared)) if shared > 0 => {}
            // What is the lesser part of a gap is not its cause.
            Some((plant, shared)) if shared > JUDGED_NS && shared * 2 > gap.duration_ns => {
                // A storm is over when all of it is handled.
                let planted = match plant {
                    Plant::Storm => gap.below_ns,
                    _ => shared,
                };
                judge_gap(&mut verdict, evidence, gap, plant, planted);
            }
            _ if gap.below_ns > JUDGED_NS => {
                verdict.others += 1;
                let rare = [Plant::Stop, Plant::Device, Plant::Smi, Plant::Migration];
                let invented = (rare.iter()).find(|plant| is_right(**plant, &gap.cause, &gap.what));
                let near = most.is_some_and(|(_, shared)| shared > 0);
                if let Some(plant) = invented.filter(|_| !near) {
                    verdict.failures.push(format!(
                        "{}: nothing of the kind was done there",
                        describe(gap, plant.name())
                    ));
                }
            }
            _ => {}
        }
    }
    conclude(&mut verdict, evidence);
    verdict
}

/// What moves a thread, the interrupt that asks for it and the waiting for the new
/// CPU take about as long as one another: which is the longest says nothing. The
/// move must be told; or who did it, where that had the vCPU's CPU already, as a
/// thread that waits loses nothing by a move.
fn judge_move(kind: &mut Kind, gap: &Gap, planted: u64) {
    kind.gaps += 1;
    let told = (gap.parts.iter().chain(&gap.os_parts)).filter(|part| {
        [Plant::Migration, Plant::Task]
            .iter()
            .any(|plant| is_right(*plant, &part.cause, &part.what))
    });
    let told: u64 = told.map(|part| part.length_ns).sum();
    match (told, gap.cause.as_str()) {
        (1.., _) => kind.right += 1,
        (0, "not-observed") => kind.open += 1,
        (0, _) => kind.wrong += 1,
    }
    kind.planted_ns += planted;
    kind.explained_ns += told;
}

fn judge_gap(verdict: &mut Verdict, evidence: &Evidence, gap: &Gap, plant: Plant, planted: u64) {
    let kind = verdict.kinds.entry(plant).or_default();
    kind.gaps += 1;
    // A stopped thread runs until the scheduler lets it take the signal; a task of
    // the host that comes first has a part of its own.
    let after_a_task = plant == Plant::Stop
        && is_everyday(&gap.cause)
        && (gap.parts.iter()).any(|part| is_right(plant, &part.cause, &part.what));
    if is_right(plant, &gap.cause, &gap.what) || after_a_task {
        kind.right += 1;
    } else if gap.cause == "not-observed" {
        kind.open += 1;
    } else {
        kind.wrong += 1;
        let failure = describe(gap, plant.name());
        verdict.failures.push(failure);
    }
    let explained = (gap.parts.iter().chain(&gap.os_parts))
        .filter(|part| is_right(plant, &part.cause, &part.what))
        .map(|part| part.length_ns)
        .sum::<u64>();
    // Ticks and tasks of the host's fall into it, too.
    let others = (gap.parts.iter().chain(&gap.os_parts))
        .filter(|part| !is_right(plant, &part.cause, &part.what))
        .filter(|part| is_everyday(&part.cause))
        .map(|part| part.length_ns)
        .sum::<u64>();
    let least = planted.saturating_sub(others);
    let apart = least
        .saturating_sub(explained)
        .max(explained.saturating_sub(planted));
    kind.planted_ns += planted;
    kind.explained_ns += explained;
    kind.apart_ns = kind.apart_ns.max(apart);
    if evidence.exact && apart > APART_NS.max(planted / APART_PART) {
        kind.apart += 1;
        verdict.failures.push(format!(
            "{}: {} of it planted, {} explained",
            describe(gap, plant.name()),
            display(planted),
            display(explained)
        ));
    }
}

fn describe(gap: &Gap, plant: &str) -> String {
    let parts: Vec<String> = (gap.parts.iter().chain(&gap.os_parts))
        .map(|part| format!("{} {} {}", part.cause, part.what, display(part.length_ns)))
        .collect();
    format!(
        "{plant}: the gap of {} at {} is {} {} ({}; {} unexplained)",
        display(gap.duration_ns),
        gap.start_cycles,
        gap.cause,
        gap.what,
        parts.join(", "),
        display(gap.unexplained_ns)
    )
}

fn conclude(verdict: &mut Verdict, evidence: &Evidence) {
    let mut planned: Vec<Plant> = evidence.truth.iter().map(|planted| planted.what).collect();
    planned.sort_unstable();
    planned.dedup();
    for plant in planned {
        let name = plant.name();
        let Some(kind) = verdict.kinds.get(&plant).filter(|kind| kind.gaps > 0) else {
            (verdict.failures).push(format!("{name}: no gap of the guest holds any"));
            continue;
        };
        let (right, gaps) = (kind.right, kind.gaps);
        if (right as f64) < RIGHT * gaps as f64 {
            (verdict.failures).push(format!("{name}: {right} of {gaps} gaps have this cause"));
        }
        if kind.in_no_gap > 0 {
            let (missing, planted) = (kind.in_no_gap, kind.planted);
            (verdict.failures).push(format!("{name}: {missing} of {planted} are in no gap"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nested::explanation::{Part, Tsc};

    /// A guest whose TSC is 1,000 behind the host's.
    fn evidence(gaps: Vec<Gap>) -> Evidence {
        Evidence {
            guest: Guest {
                tsc: Tsc {
                    origin: 1_000_000,
                    hz: 1_000_000_000,
                },
            },
            explanation: Explanation { gaps },
            offset: -1_000,
            truth: vec![Planted {
                what: Plant::Task,
                start: 1_101_000,
                end: 1_201_000,
            }],
            exact: true,
        }
    }

    fn gap(start_cycles: u64, cause: &str, length_ns: u64) -> Gap {
        let what = String::from("nested-plant (12, SCHED_FIFO 99)");
        Gap {
            start_cycles,
            duration_ns: 104_000,
            below_ns: 104_000,
            cause: cause.into(),
            what: what.clone(),
            parts: vec![Part {
                cause: cause.into(),
                what,
                length_ns,
            }],
            os_parts: Vec::new(),
            unexplained_ns: 104_000 - length_ns,
        }
    }

    /// Gaps at both ends of the sampling, so that the plant lies in it.
    fn among_others(gap: Gap) -> Vec<Gap> {
        let other = |start_cycles| Gap {
            start_cycles,
            duration_ns: 10,
            below_ns: 10,
            ..gap.clone()
        };
        vec![other(0), gap.clone(), other(900_000)]
    }

    #[test]
    fn a_gap_with_its_cause_and_length_passes() {
        let verdict = judge(&evidence(among_others(gap(98_000, "host-task", 103_000))));
        assert_eq!(verdict.failures, Vec::<String>::new());
        let kind = &verdict.kinds[&Plant::Task];
        assert_eq!((kind.planted, kind.gaps, kind.right), (1, 1, 1));
        assert_eq!((kind.planted_ns, kind.apart_ns), (100_000, 3_000));
    }

    #[test]
    fn another_cause_and_another_length_fail() {
        let wrong = judge(&evidence(among_others(gap(98_000, "vmm", 103_000))));
        assert_eq!(wrong.kinds[&Plant::Task].wrong, 1);
        assert!(!wrong.failures.is_empty());
        let short = judge(&evidence(among_others(gap(98_000, "host-task", 94_000))));
        assert_eq!(short.kinds[&Plant::Task].apart, 1);
        assert!(!short.failures.is_empty());
    }

    #[test]
    fn a_plant_that_the_guest_did_not_see_fails() {
        let verdict = judge(&evidence(among_others(gap(500_000, "host-task", 103_000))));
        assert_eq!(verdict.kinds[&Plant::Task].in_no_gap, 1);
        assert!(!verdict.failures.is_empty());
    }

    #[test]
    fn an_smi_where_there_was_none_fails() {
        let mut gaps = among_others(gap(98_000, "host-task", 103_000));
        gaps.push(gap(500_000, "host-smi", 104_000));
        let verdict = judge(&evidence(gaps));
        assert_eq!(verdict.others, 1);
        assert!(verdict.failures.len() == 1);
    }

    #[test]
    fn a_move_is_told_by_a_part_of_its_gap() {
        let moved = |cause: &str, what: &str| {
            let mut gap = gap(98_000, "host-interrupt", 60_000);
            gap.what = "reschedule".into();
            gap.parts.push(Part {
                cause: cause.into(),
                what: what.into(),
                length_ns: 40_000,
            });
            gap.parts[0].what = "reschedule".into();
            let mut evidence = evidence(among_others(gap));
            evidence.truth[0].what = Plant::Migration;
            let kind = &judge(&evidence).kinds[&Plant::Migration];
            (kind.right, kind.wrong)
        };
        assert_eq!(moved("vcpu-migrated", "CPU 0 to CPU 1"), (1, 0));
        assert_eq!(
            moved("vcpu-migrated", "ready, and its CPU was idle"),
            (0, 1)
        );
        assert_eq!(moved("host-softirq", "timer"), (0, 1));
    }
}
