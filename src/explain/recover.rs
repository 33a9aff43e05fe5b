//! Finds the offset between both clocks where nobody tells it: the one that lays
//! the guest's gaps onto absences.
//!
//! Each pair of a gap and an absence that may have made it has an offset of its
//! own; the true one recurs. The best is held against the best of the same search
//! over gaps at shifted times, and against the best at another offset: where work
//! of the host comes at an even pace, offsets that differ by its period look
//! alike, and what comes at no pace must tell them apart.

use crate::units::CpuId;

use super::fit::{self, Ends, Fit, Outcome, by_line, median, tolerance, triable};
use super::guest_side::{Below, GuestSide, Placed};
use super::host_side::{HostSide, Moment, VcpuSide};
use super::line::Line;

/// The longest gaps of each CPU by which offsets are found.
const SEEDS: usize = 150;
/// Pairs that are looked at.
const MOST_PAIRS: usize = 4_000_000;
/// Offsets that are held against all gaps.
const TRIED_OFFSETS: usize = 24;
/// Searches over shifted times.
const SHIFTED: u64 = 3;
/// Rates of both clocks that are so close are one rate: the guest runs on the
/// host's TSC.
const SAME_RATE: f64 = 1e-3;
/// Rates that are tried about the one that both reports say, where it is another.
const MOST_RATES: i32 = 100;
/// The longest gaps by which one of them is chosen, of all CPUs, and of each at
/// least: all gaps at each rate would take minutes.
const SAMPLED: usize = 32;
const LEAST_SAMPLED: usize = 4;
/// What is looked at of each such rate.
const SAMPLED_PAIRS: usize = 200_000;
const SAMPLED_OFFSETS: usize = 6;
/// How far off that one may be.
const RATE_ERROR: f64 = 50e-6;
/// Fewer gaps prove nothing.
const FEWEST: u64 = 6;

/// What a search found.
pub(super) struct Found {
    pub line: Line,
    pub fit: Fit,
    /// The most that fit by chance.
    pub by_chance: u64,
    /// Whether the data single it out.
    pub is_clear: bool,
    /// How far it may be off, in nanoseconds.
    pub error: i64,
}

/// A CPU of the guest and its vCPU.
struct Pair<'b, 'a, 'h> {
    vcpu: &'b VcpuSide<'h>,
    /// Those with ends of their own first, and of them the longest.
    gaps: Vec<&'b Below<'a>>,
}

/// How much a search looks at.
#[derive(Clone, Copy)]
struct Effort {
    /// Gaps of each CPU by which offsets are found.
    seeds: usize,
    pairs: usize,
    /// Offsets that are held against gaps, and gaps of each CPU.
    offsets: usize,
    gaps: usize,
}

const WHOLE: Effort = Effort {
    seeds: SEEDS,
    pairs: MOST_PAIRS,
    offsets: TRIED_OFFSETS,
    gaps: usize::MAX,
};

/// How the times of gaps are shifted before a search.
#[derive(Clone, Copy)]
enum Shift {
    None,
    /// Each by another time, which leaves no pace among them.
    Each {
        round: u64,
    },
}

/// The search: gaps and absences, with the times of the gaps shifted or not.
struct Search<'b, 'a, 'h> {
    host: &'b HostSide<'h>,
    pairs: Vec<Pair<'b, 'a, 'h>>,
    error: i64,
    /// How gaps are shifted.
    shift: Shift,
}

/// Looks for the line of a guest.
pub(super) fn line(guest: &GuestSide<'_>, host: &HostSide<'_>) -> Option<Found> {
    let error = guest.error.saturating_add(host.error);
    let pairs = guest.cpus().into_iter().filter_map(|cpu: CpuId| {
        let (_, vcpu) = host.vcpu(cpu)?;
        let mut gaps = triable(guest.of_cpu(cpu), vcpu, error);
        gaps.sort_by_key(|gap| (!gap.is_pure(), std::cmp::Reverse(gap.length)));
        (!gaps.is_empty()).then_some(Pair { vcpu, gaps })
    });
    let mut search = Search {
        host,
        pairs: pairs.collect(),
        error,
        shift: Shift::None,
    };
    let ratios = search.ratios(guest.report.tsc.hz / host.report.tsc.hz);
    let (line, best, second) = search.best(&ratios)?;
    let in_order = search.outcomes(line);
    let other = second.map(|line| search.outcomes(line));
    let by_chance = (1..=SHIFTED)
        .filter_map(|round| {
            search.shift = Shift::Each { round };
            search.best(&ratios).map(|(_, fit, _)| fit.fitting)
        })
        .max();
    search.shift = Shift::None;
    let elsewhere = second.map(|line| search.fit(line, WHOLE).fitting);
    let shifted = by_chance.unwrap_or(0);
    // What fits at one of two offsets only decides between them.
    let (only_best, only_other) = match &other {
        Some(other) => {
            (in_order.iter().zip(other)).fold((0, 0), |(best, second), pair| match pair {
                (true, false) => (best + 1, second),
                (false, true) => (best, second + 1),
                _ => (best, second),
            })
        }
        None => (best.fitting, 0),
    };
    let is_clear = best.fitting >= FEWEST
        && best.reaches(60)
        && best.fitting >= shifted + (shifted / 3).max(4)
        && only_best >= FEWEST + 3 * only_other;
    let (line, width) = search.centred(line, &best.ends);
    Some(Found {
        line,
        by_chance: shifted.max(elsewhere.unwrap_or(0)),
        is_clear,
        error: width,
        fit: best,
    })
}

/// A number for each gap of each search, of the whole range of 32 bits.
fn mixed(round: u64, index: u64) -> i64 {
    let seed = (round << 40) ^ index.wrapping_add(1);
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    i64::from((mixed >> 32) as u32)
}

impl Search<'_, '_, '_> {
    /// Guest cycles in a host cycle that come into question.
    fn ratios(&self, told: f64) -> Vec<Line> {
        if (told - 1.0).abs() < SAME_RATE {
            return vec![Line::of_offset(0)];
        }
        let length = self
            .host
            .observed
            .1
            .saturating_sub(self.host.observed.0)
            .max(1);
        let step = (tolerance(self.error) as f64 / length as f64).max(1e-9);
        let steps = ((RATE_ERROR / step).ceil() as i32).min(MOST_RATES / 2);
        let step = RATE_ERROR / f64::from(steps.max(1));
        (-steps..=steps)
            .map(|at| Line::of_ratio(0, told * (1.0 + f64::from(at) * step)))
            .collect()
    }

    /// Of several ratios that by which most of the longest gaps fit, and of alike
    /// ones that in the middle.
    fn likely(&self, ratios: &[Line]) -> Option<Line> {
        let gaps = (SAMPLED / self.pairs.len().max(1)).max(LEAST_SAMPLED);
        let sample = Effort {
            seeds: gaps,
            pairs: SAMPLED_PAIRS,
            offsets: SAMPLED_OFFSETS,
            gaps,
        };
        let fitting = ratios.iter().map(|ratio| {
            let lines = self.offsets(*ratio, sample).into_iter();
            let fits = lines.map(|line| self.fit(line, sample).fitting);
            (fits.max(), *ratio)
        });
        let fitting: Vec<(Option<u64>, Line)> = fitting.collect();
        let most = fitting.iter().map(|(fitting, _)| *fitting).max()?;
        let best = fitting.iter().filter(|(fitting, _)| *fitting == most);
        let best: Vec<Line> = best.map(|(_, ratio)| *ratio).collect();
        Some(best[best.len() / 2])
    }

    /// The line that fits best, and the best one at another offset.
    fn best(&self, ratios: &[Line]) -> Option<(Line, Fit, Option<Line>)> {
        let ratio = match ratios {
            [only] => *only,
            several => self.likely(several)?,
        };
        let offsets = self.offsets(ratio, WHOLE).into_iter();
        let fits = offsets.map(|line| (line, self.fit(line, WHOLE)));
        let mut lines: Vec<(Line, Fit)> = fits.collect();
        lines.sort_by_key(|(_, fit)| std::cmp::Reverse(fit.fitting));
        let mut lines = lines.into_iter();
        let (line, fit) = lines.next()?;
        let near = self.host.guest_cycles(line, 4 * tolerance(self.error));
        let is_other = |other: &Line| {
            let apart = other.offset.wrapping_sub(line.offset) as i64;
            apart.unsigned_abs() > near.unsigned_abs()
        };
        let second = lines.map(|(line, _)| line).find(is_other);
        Some((line, fit, second))
    }

    /// Offsets that recur among pairs, those that do most often first.
    fn offsets(&self, ratio: Line, effort: Effort) -> Vec<Line> {
        let mut apart: Vec<Moment> = Vec::new();
        for (at, pair) in self.pairs.iter().enumerate() {
            for (index, gap) in pair.gaps.iter().take(effort.seeds).enumerate() {
                let placed = self.place(gap, ratio, at, index);
                let (from, _) = placed.part.unwrap_or(placed.span);
                let like = pair.vcpu.away.iter().filter(|away| {
                    let length = away.end - away.start;
                    length <= gap.length.saturating_add(tolerance(self.error))
                        && length.saturating_mul(2) >= gap.length
                });
                apart.extend(like.map(|away| from.wrapping_sub(away.start)));
                if apart.len() > effort.pairs {
                    break;
                }
            }
        }
        // Those of a gap are in order, which a stable sort makes use of.
        apart.sort();
        let width = tolerance(self.error);
        let mut windows: Vec<(usize, usize)> = Vec::new();
        let mut to = 0;
        for from in 0..apart.len() {
            to = to.max(from);
            while to < apart.len() && apart[to].wrapping_sub(apart[from]) <= width {
                to += 1;
            }
            if to - from > 1 {
                windows.push((to - from, from));
            }
        }
        windows.sort_unstable_by_key(|(count, from)| (std::cmp::Reverse(*count), *from));
        let mut chosen: Vec<Moment> = Vec::new();
        for (count, from) in windows {
            if chosen.len() == effort.offsets {
                break;
            }
            let middle = apart[from + count / 2];
            if chosen
                .iter()
                .all(|other| other.abs_diff(middle) > 2 * width as u64)
            {
                chosen.push(middle);
            }
        }
        // A gap begins before its absence.
        (chosen.into_iter())
            .map(|apart| ratio.ahead(self.host.guest_cycles(ratio, apart)))
            .map(|line| self.centred(line, &self.fit(line, effort).ends).0)
            .collect()
    }

    fn place(&self, gap: &Below<'_>, line: Line, pair: usize, index: usize) -> Placed {
        let placed = gap.place(self.host, line);
        let Shift::Each { round } = self.shift else {
            return placed;
        };
        // Up to a quarter of the run.
        let most = self.host.observed.1.saturating_sub(self.host.observed.0) >> 2;
        let share = mixed(round, ((pair as u64) << 32) | index as u64);
        fit::moved(
            placed,
            ((i128::from(most) * i128::from(share)) >> 32) as i64,
        )
    }

    fn fit(&self, line: Line, effort: Effort) -> Fit {
        let mut all = Fit::default();
        for (at, pair) in self.pairs.iter().enumerate() {
            let place = |index, gap: &Below<'_>| Some(self.place(gap, line, at, index));
            let gaps = &pair.gaps[..pair.gaps.len().min(effort.gaps)];
            all.add(&by_line(gaps, self.host, pair.vcpu, self.error, place));
        }
        all
    }

    /// Which gaps fit, in a fixed order.
    fn outcomes(&self, line: Line) -> Vec<bool> {
        let gaps =
            (self.pairs.iter()).flat_map(|pair| pair.gaps.iter().map(move |gap| (pair, gap)));
        gaps.map(|(pair, gap)| {
            let placed = gap.place(self.host, line);
            let found = fit::lies_on(gap, placed, self.host, pair.vcpu, tolerance(self.error));
            matches!(found, Outcome::Fits(_))
        })
        .collect()
    }

    /// The line with what gaps take before their absences and after them made
    /// alike, and how far it may be off: no absence stands out of its gap.
    fn centred(&self, line: Line, ends: &[Ends]) -> (Line, i64) {
        let before = median(ends.iter().map(|ends| ends.before).collect());
        let after = median(ends.iter().map(|ends| ends.after).collect());
        let Some((before, after)) = before.zip(after) else {
            return (line, tolerance(self.error));
        };
        let by = (before - after) / 2;
        // The gap has to move later on the host's line: the guest's clock is less
        // far ahead.
        let line = line.ahead(self.host.guest_cycles(line, -by));
        (
            line,
            ((before + after) / 2).max(0).saturating_add(self.error),
        )
    }
}
