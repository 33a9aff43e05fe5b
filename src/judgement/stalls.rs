//! Platform gaps that fell together: one SMI stops every CPU of the system,
//! and counts once.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Cause, CauseCounts, Confidence, SmiEvidence, StallReport};
use crate::session::{Collected, PackedGap, Recast};
use crate::stats::periodicity::Event;
use crate::stats::stalls::{Span, Stall, Stalls, from_sorted_streams};
use crate::units::{CpuId, Cycles, Hertz, Nanos};

use super::Case;

/// Stalls that a report lists at most: the longest.
const LISTED: usize = 1_000;
/// Ends that lie closer together than this were let go at once.
const ALIGNED: Nanos = Nanos(5_000);

/// A CPU's place on the time line that all share.
fn shift(collected: &Collected, index: usize) -> i64 {
    collected.setups[index]
        .offset
        .map_or(0, |offset| offset.cycles)
}

fn tolerance(collected: &Collected) -> Cycles {
    let offsets = collected.setups.iter().filter_map(|setup| setup.offset);
    Cycles(offsets.map(|offset| offset.error).max().unwrap_or(0))
}

/// The stretch of a gap that is the platform's.
fn span(collected: &Collected, index: usize, gap: &PackedGap, hz: Hertz) -> Span {
    let on_shared = |cycles: u64| Cycles(cycles.wrapping_add_signed(-shift(collected, index)));
    let (start, end) = gap.platform_span(hz);
    Span {
        start: on_shared(start.0),
        end: on_shared(end.0),
        cpu: collected.setups[index].cpu,
    }
}

/// The gaps of this kind, as stalls in order of time.
fn stalls_of<'a>(
    collected: &'a Collected,
    hz: Hertz,
    is_meant: impl Fn(&PackedGap) -> bool + Copy + 'a,
) -> Stalls<impl Iterator<Item = Span> + 'a> {
    let streams = (0..collected.cpus.len()).map(move |index| {
        collected.cpus[index]
            .gaps
            .iter()
            .filter(move |gap| is_meant(gap))
            .map(move |gap| span(collected, index, &gap, hz))
    });
    from_sorted_streams(streams, tolerance(collected))
}

fn has_platform(gap: &PackedGap) -> bool {
    gap.platform() > Nanos(0)
}

/// Platform stalls above the limit. A gap in which the kernel ran too counts
/// by the platform's part.
pub(super) fn stalls_above_limit(case: &Case<'_>) -> u64 {
    let is_meant = above_limit(case);
    let moments = match case.collected.moments {
        Some(counted) => counted.each().map(|(_, count)| count).into_iter().sum(),
        None => stalls_of(case.collected, case.rate.hz, &is_meant).count() as u64,
    };
    let hits = hits(case, is_meant).each().map(|(_, count)| count);
    moments.max(hits.into_iter().sum())
}

/// Whether the platform's part of a gap is above the limit.
fn above_limit(case: &Case<'_>) -> impl Fn(&PackedGap) -> bool {
    let limit = case.plan.hardlimit;
    move |gap: &PackedGap| gap.platform() > limit
}

/// Of each cause the gaps of the CPU that saw most, those without a record of
/// their own among them: there were at least as many moments. Zero where each
/// gap has its record.
fn hits(case: &Case<'_>, is_meant: impl Fn(&PackedGap) -> bool) -> CauseCounts {
    let above_only = case.plan.hardlimit > case.plan.threshold;
    let mut most = CauseCounts::default();
    for (cpu, totals) in case.collected.cpus.iter().zip(&case.collected.totals) {
        let companions = totals.traced.as_ref().map_or(0, |traced| traced.companions);
        if companions == 0 || above_only {
            continue;
        }
        let mut own = CauseCounts::default();
        for gap in cpu.gaps.iter().filter(&is_meant) {
            let companions = gap.unpack().raw.companions;
            own.add_several(gap.cause(), 1 + u64::from(companions));
        }
        most = most.max(own);
    }
    most
}

/// Platform stalls above the limit by cause. One that met kernel work counts as
/// one that did not: another engine may see the same one alone.
pub(super) fn causes_above_limit(case: &Case<'_>) -> CauseCounts {
    let (collected, hz) = (case.collected, case.rate.hz);
    let is_meant = above_limit(case);
    if let Some(counted) = collected.moments {
        return counted.max(hits(case, is_meant));
    }
    let mut counts = CauseCounts::default();
    let mut cursors = Cursors::begin(collected);
    for stall in stalls_of(collected, hz, &is_meant) {
        counts.add(cursors.judge(&stall, hz, &is_meant).cause.alone());
    }
    counts.max(hits(case, is_meant))
}

/// A stall of all sampled CPUs that ended on all of them at once is what an
/// SMI looks like. Where no counter can be read, that raises "firmware or CPU"
/// to a probable SMI; it proves none, and its absence disproves none.
pub fn recast_aligned_stalls(collected: &mut Collected, hz: Hertz) {
    let sampled = collected.setups.len();
    if sampled < 2 {
        return;
    }
    let aligned: Vec<(Cycles, Cycles)> = stalls_of(collected, hz, |gap| {
        !gap.cause().is_mixed() && has_platform(gap)
    })
    .filter(|stall| stall.cpus.len() == sampled && spread(stall, hz) <= ALIGNED)
    .map(|stall| (stall.start, stall.end))
    .collect();
    for index in 0..sampled {
        let offset = shift(collected, index);
        let cpu = &mut collected.cpus[index];
        let mut windows = aligned.iter().peekable();
        let counts = &mut cpu.counts;
        cpu.gaps.recast(|gap| {
            let start = gap.start().0.wrapping_add_signed(-offset);
            while windows.next_if(|(_, end)| end.0 < start).is_some() {}
            let inside = windows.peek().is_some_and(|(from, _)| from.0 <= start);
            if !inside || gap.cause() != Cause::FirmwareOrCpu || !is_blind(gap) {
                return None;
            }
            counts.recast(Cause::FirmwareOrCpu, Cause::Smi);
            Some(Recast::AlignedSmi)
        });
    }
}

/// Whether no counter speaks for or against an SMI in the gap.
fn is_blind(gap: &PackedGap) -> bool {
    let evidence = gap.unpack().raw.evidence;
    evidence.smi == SmiEvidence::Unreadable && evidence.footprint.kernel_ran() == Some(false)
}

fn spread(stall: &Stall, hz: Hertz) -> Nanos {
    hz.to_nanos(stall.end.since(stall.first_end))
}

/// The longest stalls, in order of time.
pub fn list(case: &Case<'_>, origin: Cycles) -> Vec<StallReport> {
    let collected = case.collected;
    let hz = case.rate.hz;
    let most = collected.budget.listed().min(LISTED);
    let mut longest: Vec<Stall> = Vec::new();
    for stall in stalls_of(collected, hz, has_platform) {
        longest.push(stall);
        if longest.len() >= 2 * most {
            keep_longest(&mut longest, most);
        }
    }
    keep_longest(&mut longest, most);
    longest.sort_by_key(|stall| stall.start);
    let mut cursors = Cursors::begin(collected);
    let packages = SampledPackages::of_case(case);
    let sampled = collected.setups.len();
    longest
        .iter()
        .map(|stall| {
            let worst = cursors.judge(stall, hz, has_platform);
            StallReport {
                start_cycles: stall.start.since(origin),
                start_utc: collected.timeline.utc(stall.start).rfc3339(),
                duration_ns: hz.to_nanos(stall.end.since(stall.start)),
                cpus: stall
                    .cpus
                    .iter()
                    .copied()
                    .collect::<crate::units::cpulist::CpuList>()
                    .to_string(),
                gaps: stall.gaps,
                packages: packages.of(stall),
                all_sampled_cpus: (sampled > 1).then_some(stall.cpus.len() == sampled),
                end_spread_ns: spread(stall, hz),
                tsc_error_ns: hz.to_nanos(tolerance(collected)),
                smi_delta: worst.smi_delta,
                cause: worst.cause,
                confidence: worst.confidence,
            }
        })
        .collect()
}

struct SampledPackages(BTreeMap<u32, Vec<CpuId>>);

impl SampledPackages {
    fn of_case(case: &Case<'_>) -> SampledPackages {
        let mut packages: BTreeMap<u32, Vec<CpuId>> = BTreeMap::new();
        for setup in &case.collected.setups {
            let place = case.host.topology.place_of(setup.cpu);
            match place.and_then(|place| place.package) {
                Some(package) => packages.entry(package).or_default().push(setup.cpu),
                // Of one CPU unknown, of none known.
                None => return SampledPackages(BTreeMap::new()),
            }
        }
        SampledPackages(packages)
    }

    /// Those that a stall held as a whole; `None` where there is one at most.
    fn of(&self, stall: &Stall) -> Option<String> {
        if self.0.len() < 2 {
            return None;
        }
        let whole = self
            .0
            .iter()
            .filter(|(_, cpus)| cpus.iter().all(|cpu| stall.cpus.contains(cpu)));
        let numbers: Vec<String> = whole.map(|(package, _)| package.to_string()).collect();
        Some(numbers.join(","))
    }
}

/// When the platform's stalls came, from `origin` on, and how long they were.
pub fn events(cases: &[Case<'_>], origin: Cycles) -> Vec<Event> {
    // The slices of a run follow each other.
    let slices = cases.iter().flat_map(|case| {
        let hz = case.rate.hz;
        stalls_of(case.collected, hz, has_platform).map(move |stall| (hz, stall))
    });
    slices
        .map(|(hz, stall)| Event {
            at: hz.to_nanos(stall.start.since(origin)),
            length: hz.to_nanos(stall.end.since(stall.start)),
        })
        .collect()
}

fn keep_longest(stalls: &mut Vec<Stall>, most: usize) {
    stalls.sort_by_key(|stall| std::cmp::Reverse(stall.end.since(stall.start)));
    stalls.truncate(most);
}

struct Judged {
    smi_delta: Option<u32>,
    cause: Cause,
    confidence: Confidence,
}

/// The gaps of stalls that are asked for in order of time.
struct Cursors<'a> {
    collected: &'a Collected,
    /// Of each CPU, the place of the first gap that the next stall may hold.
    next: HashMap<CpuId, (usize, usize)>,
}

impl<'a> Cursors<'a> {
    fn begin(collected: &'a Collected) -> Cursors<'a> {
        let cpus = collected.setups.iter().enumerate();
        Cursors {
            collected,
            next: cpus.map(|(index, cpu)| (cpu.cpu, (index, 0))).collect(),
        }
    }

    /// The best founded cause among a stall's gaps, and the largest SMI count:
    /// every CPU counts the same SMIs.
    fn judge(&mut self, stall: &Stall, hz: Hertz, is_meant: impl Fn(&PackedGap) -> bool) -> Judged {
        let collected = self.collected;
        let mut judged = Judged {
            smi_delta: None,
            cause: Cause::Unknown,
            confidence: Confidence::None,
        };
        for cpu in &stall.cpus {
            let Some((index, next)) = self.next.get_mut(cpu) else {
                continue;
            };
            let index = *index;
            let gaps = &collected.cpus[index].gaps;
            while gaps
                .get(*next)
                .is_some_and(|gap| span(collected, index, &gap, hz).end < stall.start)
            {
                *next += 1;
            }
            let inside = gaps
                .from(*next)
                .take_while(|gap| span(collected, index, gap, hz).start <= stall.end)
                .filter(|gap| is_meant(gap))
                .map(|gap| gap.unpack());
            for gap in inside {
                let account = gap.account;
                if account.confidence > judged.confidence {
                    (judged.cause, judged.confidence) = (account.cause, account.confidence);
                }
                if let SmiEvidence::Own { delta } = gap.raw.evidence.smi {
                    judged.smi_delta = judged.smi_delta.max(Some(delta));
                }
            }
        }
        judged
    }
}
