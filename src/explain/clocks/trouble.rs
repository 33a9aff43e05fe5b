//! What the data say against a line: vCPUs that were swapped, another offset that
//! fits better, or none at all.

use crate::explain::fit::{Fit, by_line, moved, tolerance, triable};
use crate::explain::guest_side::{Below, GuestSide};
use crate::explain::host_side::{HostSide, Moment};
use crate::explain::recover;
use crate::model::explained::ClockStanding;
use crate::units::CpuId;

use super::unseen::{self, Seen};
use super::{Clocks, CpuClock, FEWEST_FOR};

/// Shifted times that a told line is held against.
const SHIFTS: i64 = 48;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::explain) enum Trouble {
    /// Gaps of one CPU lie on the absences of another vCPU.
    Swapped {
        cpu: CpuId,
        vcpu: u32,
        tried: u64,
        own: u64,
        other: u64,
    },
    /// They lie on absences by an offset that differs from the told one.
    Shifted { by_ns: i64, cycles: i64 },
    /// From a moment of the host's on they lie on none.
    Changed { cpu: CpuId, gaps: u64, from: Moment },
    /// They lie on none.
    Broken {
        cpus: Vec<CpuId>,
        tried: u64,
        fitting: u64,
    },
    /// Absences lie in no gap of a CPU that samples.
    Missed {
        cpus: Vec<CpuId>,
        tried: u64,
        missed: u64,
        longest_ns: i64,
    },
    /// No offset stands out.
    NotFound {
        tried: u64,
        best: u64,
        by_chance: u64,
    },
    /// Nobody tells it, and there is nothing to find it by.
    NoData,
}

impl Clocks {
    /// The most of the same gaps that fit at shifted times.
    pub(super) fn best_by_chance(&self, guest: &GuestSide<'_>, host: &HostSide<'_>) -> u64 {
        let length = host.observed.1.saturating_sub(host.observed.0);
        let fitting = |by: i64| -> u64 {
            let each = self.cpus.iter().map(|clock| {
                let vcpu = &host.vcpus[clock.vcpu];
                let gaps = triable(guest.of_cpu(clock.cpu), vcpu, self.error);
                let place =
                    |_, gap: &Below<'_>| clock.place(host, gap).map(|placed| moved(placed, by));
                by_line(&gaps, host, vcpu, self.error, place).fitting
            });
            each.sum()
        };
        // Uneven steps, so that they keep no pace with the host's work: from a few
        // times what absences may stand out up to a quarter of the run.
        let least = 4 * tolerance(self.error);
        let span = (length / 4).max(least) as f64 / least as f64;
        let steps = (1..=SHIFTS).flat_map(|step| {
            let by = least as f64 * span.powf((step as f64 - 0.618) / SHIFTS as f64);
            [by as i64, -by as i64]
        });
        steps.map(fitting).max().unwrap_or(0)
    }

    /// CPUs of which another vCPU's absences fit better than those of their own.
    pub(super) fn look_for_swaps(&mut self, guest: &GuestSide<'_>, host: &HostSide<'_>) {
        let swap = |(at, clock): (usize, &CpuClock)| {
            let own = &clock.fit;
            let others = (self.cpus.iter().enumerate()).filter(|(other, _)| *other != at);
            let fits = others.map(|(with, other)| {
                let vcpu = &host.vcpus[other.vcpu];
                // By that vCPU's own line.
                let mut lines = CpuClock {
                    cpu: clock.cpu,
                    lines: other.lines.clone(),
                    fit: Fit::default(),
                    seen: Seen::default(),
                    changed: None,
                    ..*other
                };
                lines.fit = lines.fit_on(guest, host, vcpu, self.error);
                (with, lines)
            });
            let (with, mut other) = fits.max_by_key(|(_, lines)| lines.fit.fitting)?;
            other.seen = unseen::seen(&other, guest, host, &host.vcpus[other.vcpu], self.error);
            let fit = &other.fit;
            let most = fit.fitting >= own.fitting + (own.tried / 3).max(FEWEST_FOR);
            // What comes at an even pace fits both; the rest tells.
            let misses = |seen: &Seen| !seen.missed.is_empty();
            let the_rest = fit.fitting > own.fitting
                && !misses(&other.seen)
                && (misses(&clock.seen) || misses(&self.cpus[with].seen));
            let trouble = Trouble::Swapped {
                cpu: clock.cpu,
                vcpu: host.vcpus[other.vcpu].vcpu.index,
                tried: fit.tried,
                own: own.fitting,
                other: fit.fitting,
            };
            (fit.reaches(70) && (most || the_rest)).then_some(([at, with], trouble))
        };
        let swaps: Vec<_> = self.cpus.iter().enumerate().filter_map(swap).collect();
        for (both, trouble) in swaps {
            for at in both {
                self.cpus[at].standing = ClockStanding::Contradicted;
            }
            self.trouble.push(trouble);
        }
    }

    /// CPUs of which the gaps fit for a part of the run only.
    pub(super) fn look_for_changes(&mut self) {
        let changes = self.cpus.iter().filter_map(|clock| {
            let changed = clock.changed.filter(|_| clock.fit.fitting > 0)?;
            Some(Trouble::Changed {
                cpu: clock.cpu,
                gaps: changed.gaps,
                from: changed.from,
            })
        });
        if self.trouble.is_empty() {
            self.trouble = changes.collect();
        }
    }

    /// One guest has one clock: where it is wrong for one CPU, nothing speaks for it
    /// on another one but that CPU's own gaps.
    pub(super) fn doubt_others(&mut self) {
        if self.standing() != ClockStanding::Contradicted {
            return;
        }
        let open = ClockStanding::Unverified;
        for clock in self.cpus.iter_mut().filter(|clock| clock.standing == open) {
            clock.standing = ClockStanding::Contradicted;
        }
    }

    /// Where CPUs do not fit that are not swapped, looks whether another offset
    /// would do.
    pub(super) fn look_for_shift(&mut self, guest: &GuestSide<'_>, host: &HostSide<'_>) {
        let is_told = |cpu: CpuId| {
            self.trouble.iter().any(|one| match one {
                Trouble::Swapped { cpu: other, .. } | Trouble::Changed { cpu: other, .. } => {
                    *other == cpu
                }
                _ => false,
            })
        };
        let off: Vec<&CpuClock> = (self.cpus.iter())
            .filter(|clock| clock.standing == ClockStanding::Contradicted)
            .filter(|clock| !is_told(clock.cpu))
            .collect();
        let sum = |of: fn(&Fit) -> u64| off.iter().map(|clock| of(&clock.fit)).sum();
        let trouble = match off.first() {
            None => self.period(guest, host),
            Some(first) => {
                let missed = off.iter().any(|clock| !clock.seen.missed.is_empty());
                match shift(first, guest, host) {
                    Some((_, by_ns, cycles)) if !missed || self.is_apart(by_ns) => {
                        Some(Trouble::Shifted { by_ns, cycles })
                    }
                    // Told below.
                    _ if missed => None,
                    _ => Some(Trouble::Broken {
                        cpus: off.iter().map(|clock| clock.cpu).collect(),
                        tried: sum(|fit| fit.tried),
                        fitting: sum(|fit| fit.fitting),
                    }),
                }
            }
        };
        // A line that is wrong for one CPU by itself is no reason to believe it
        // for the others, as one guest has one clock.
        if matches!(trouble, Some(Trouble::Shifted { .. })) {
            for clock in &mut self.cpus {
                clock.standing = ClockStanding::Contradicted;
            }
        }
        self.trouble.extend(trouble);
    }

    /// Where absences lie in no gap, and nothing above tells why.
    pub(super) fn look_for_misses(&mut self) {
        let off: Vec<&CpuClock> = (self.cpus.iter())
            .filter(|clock| clock.standing == ClockStanding::Contradicted)
            .filter(|clock| !clock.seen.missed.is_empty())
            .collect();
        if off.is_empty() || !self.trouble.is_empty() {
            return;
        }
        let all = || off.iter().flat_map(|clock| &clock.seen.missed);
        self.trouble.push(Trouble::Missed {
            cpus: off.iter().map(|clock| clock.cpu).collect(),
            tried: off.iter().map(|clock| clock.seen.tried).sum(),
            missed: all().count() as u64,
            longest_ns: all().copied().max().unwrap_or(0),
        });
    }

    fn is_apart(&self, by_ns: i64) -> bool {
        by_ns.unsigned_abs() > tolerance(self.error).unsigned_abs()
    }

    /// Where work of the host comes at an even pace, most gaps fit by an offset that
    /// is off by its period as well. What comes at no pace then fits by another one
    /// only.
    fn period(&self, guest: &GuestSide<'_>, host: &HostSide<'_>) -> Option<Trouble> {
        let fit = self.fit();
        if fit.fitting == fit.tried || !self.trouble.is_empty() {
            return None;
        }
        let (fitting, by_ns, cycles) = shift(self.cpus.first()?, guest, host)?;
        let is_better = fitting >= fit.fitting + FEWEST_FOR;
        (self.is_apart(by_ns) && is_better).then_some(Trouble::Shifted { by_ns, cycles })
    }
}

/// How many gaps fit by the line that the data show, and how far the only line of
/// a clock is from that, in nanoseconds and in cycles.
fn shift(clock: &CpuClock, guest: &GuestSide<'_>, host: &HostSide<'_>) -> Option<(u64, i64, i64)> {
    let [(_, told)] = clock.lines.as_slice() else {
        return None;
    };
    let found = recover::line(guest, host).filter(|found| found.is_clear)?;
    let cycles = told.offset.wrapping_sub(found.line.offset) as i64;
    let nanos = (cycles as f64 * 1e9 / guest.report.tsc.hz).round() as i64;
    Some((found.fit.fitting, nanos, cycles))
}
