//! Brings the guest's clock to a host's, and holds that against the data: a line
//! that does not lay gaps onto absences explains nothing, whoever told it.

use crate::model::explained::{ClockJoin, ClockJoinSource, ClockStanding};
use crate::units::{CpuId, Nanos};

use super::fit::{self, Ends, Fit, by_line, median, moved, tolerance, triable};
use super::guest_side::{Below, GuestSide, Placed};
use super::host_side::{HostSide, Moment, VcpuSide, unsigned};
use super::line::Line;
use super::recover;

/// So many gaps that do not fit contradict a line.
const FEWEST_AGAINST: u64 = 3;
/// So many that do speak for it.
const FEWEST_FOR: u64 = 5;
/// By how much ends of absences may stand out of their gaps in the middle, beside
/// the error: more is a clock that is shifted.
const STANDING_OUT: i64 = 2_000;
/// Shifted times that a told line is held against.
const SHIFTS: i64 = 48;
/// How long before a new line was first seen it may hold already.
const UNSURE_BEFORE: i64 = 1_000_000_000;

/// The clocks of a guest and one of its hosts.
pub(super) struct Clocks {
    pub source: Option<ClockJoinSource>,
    /// Those of the guest's CPUs that this host has as vCPUs.
    pub cpus: Vec<CpuClock>,
    /// How far a moment may be off, in nanoseconds.
    pub error: i64,
    by_chance: u64,
    /// What the data say against the line, where they do.
    pub trouble: Vec<Trouble>,
}

/// The clock of a CPU.
pub(super) struct CpuClock {
    pub cpu: CpuId,
    /// Its place among the host's vCPUs.
    pub vcpu: usize,
    /// From when each line holds.
    pub lines: Vec<(Moment, Line)>,
    pub standing: ClockStanding,
    pub fit: Fit,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
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
    /// They lie on none.
    Broken {
        cpus: Vec<CpuId>,
        tried: u64,
        fitting: u64,
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

/// Where a gap is on the host's time line.
pub(super) enum Place {
    /// `unsure`: by a line that may have been over.
    At { placed: Placed, unsure: bool },
    /// The guest's clock was set anew about then.
    BetweenLines,
}

impl CpuClock {
    pub fn place(&self, host: &HostSide<'_>, gap: &Below<'_>) -> Place {
        let mut found = None;
        for (index, (from, line)) in self.lines.iter().enumerate() {
            let from = if index == 0 { Moment::MIN } else { *from };
            let next = self.lines.get(index + 1).map(|(from, _)| *from);
            let begin = gap.begin(host, *line);
            if begin < from || next.is_some_and(|next| begin >= next) {
                continue;
            }
            if found.is_some() {
                return Place::BetweenLines;
            }
            let unsure = next.is_some_and(|next| begin >= next.saturating_sub(UNSURE_BEFORE));
            found = Some((*line, unsure));
        }
        match found {
            Some((line, unsure)) => Place::At {
                placed: gap.place(host, line),
                unsure,
            },
            None => Place::BetweenLines,
        }
    }

    fn sure_place(&self, host: &HostSide<'_>, gap: &Below<'_>) -> Option<Placed> {
        match self.place(host, gap) {
            Place::At {
                placed,
                unsure: false,
            } => Some(placed),
            _ => None,
        }
    }
}

impl Clocks {
    /// By what the user gives, else by what KVM tells, else by the data.
    pub fn new(guest: &GuestSide<'_>, host: &HostSide<'_>, given: Option<u64>) -> Clocks {
        let error = guest.error.saturating_add(host.error);
        let is_told = guest
            .cpus()
            .into_iter()
            .any(|cpu| told(host, cpu).is_some());
        let source = match given {
            Some(_) => ClockJoinSource::Given,
            None if is_told => ClockJoinSource::Kvm,
            None => return Clocks::recovered(guest, host),
        };
        let lines = |cpu| match given {
            Some(offset) => Some(vec![(Moment::MIN, given_line(guest, host, cpu, offset))]),
            None => told(host, cpu),
        };
        let mut clocks = Clocks::by_lines(guest, host, Some(source), error, lines);
        clocks.by_chance = clocks.best_by_chance(guest, host);
        clocks.look_for_swaps(guest, host);
        clocks.look_for_shift(guest, host);
        clocks
    }

    fn by_lines(
        guest: &GuestSide<'_>,
        host: &HostSide<'_>,
        source: Option<ClockJoinSource>,
        error: i64,
        lines: impl Fn(CpuId) -> Option<Vec<(Moment, Line)>>,
    ) -> Clocks {
        let cpus = guest.cpus().into_iter().filter_map(|cpu| {
            let (at, vcpu) = host.vcpu(cpu)?;
            let mut clock = CpuClock {
                cpu,
                vcpu: at,
                lines: lines(cpu)?,
                standing: ClockStanding::Unverified,
                fit: Fit::default(),
            };
            clock.fit = clock.fit_on(guest, host, vcpu, error);
            clock.standing = standing(&clock.fit, error);
            Some(clock)
        });
        Clocks {
            source,
            cpus: cpus.collect(),
            error,
            by_chance: 0,
            trouble: Vec::new(),
        }
    }

    fn recovered(guest: &GuestSide<'_>, host: &HostSide<'_>) -> Clocks {
        let none = || Clocks::by_lines(guest, host, None, 0, |_| None);
        let Some(found) = recover::line(guest, host) else {
            return Clocks {
                trouble: vec![Trouble::NoData],
                ..none()
            };
        };
        if !found.is_clear {
            let trouble = Trouble::NotFound {
                tried: found.fit.tried,
                best: found.fit.fitting,
                by_chance: found.by_chance,
            };
            return Clocks {
                trouble: vec![trouble],
                ..none()
            };
        }
        let line = |_| Some(vec![(Moment::MIN, found.line)]);
        let source = Some(ClockJoinSource::Recovered);
        let mut clocks = Clocks::by_lines(guest, host, source, found.error, line);
        clocks.by_chance = found.by_chance;
        clocks.look_for_swaps(guest, host);
        clocks
    }

    pub fn of(&self, cpu: CpuId) -> Option<&CpuClock> {
        self.cpus.iter().find(|clock| clock.cpu == cpu)
    }

    fn fit(&self) -> Fit {
        self.cpus.iter().fold(Fit::default(), |mut all, clock| {
            all.add(&clock.fit);
            all
        })
    }

    /// How many gaps fit.
    pub fn fitting(&self) -> u64 {
        self.cpus.iter().map(|clock| clock.fit.fitting).sum()
    }

    pub fn standing(&self) -> ClockStanding {
        let of = |standing| self.cpus.iter().any(|clock| clock.standing == standing);
        match () {
            _ if self.source.is_none() => ClockStanding::Unverified,
            _ if of(ClockStanding::Contradicted) => ClockStanding::Contradicted,
            _ if of(ClockStanding::Verified) => ClockStanding::Verified,
            _ => ClockStanding::Unverified,
        }
    }

    /// The most of the same gaps that fit at shifted times.
    fn best_by_chance(&self, guest: &GuestSide<'_>, host: &HostSide<'_>) -> u64 {
        let length = host.observed.1.saturating_sub(host.observed.0);
        let fitting = |by: i64| -> u64 {
            let each = self.cpus.iter().map(|clock| {
                let vcpu = &host.vcpus[clock.vcpu];
                let gaps = triable(guest.of_cpu(clock.cpu), vcpu, self.error);
                let place = |_, gap: &Below<'_>| {
                    clock.sure_place(host, gap).map(|placed| moved(placed, by))
                };
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
    fn look_for_swaps(&mut self, guest: &GuestSide<'_>, host: &HostSide<'_>) {
        let mut swaps = Vec::new();
        for (at, clock) in self.cpus.iter().enumerate() {
            let own = &clock.fit;
            let others = (self.cpus.iter().enumerate()).filter(|(other, _)| *other != at);
            let best = others
                .map(|(_, other)| {
                    let vcpu = &host.vcpus[other.vcpu];
                    // By that vCPU's own line.
                    let lines = CpuClock {
                        cpu: clock.cpu,
                        lines: other.lines.clone(),
                        fit: Fit::default(),
                        ..*other
                    };
                    (vcpu, lines.fit_on(guest, host, vcpu, self.error))
                })
                .max_by_key(|(_, fit)| fit.fitting);
            let Some((vcpu, fit)) = best else { continue };
            let is_better = fit.fitting >= own.fitting + (own.tried / 3).max(FEWEST_FOR);
            if fit.reaches(70) && is_better {
                swaps.push((
                    at,
                    Trouble::Swapped {
                        cpu: clock.cpu,
                        vcpu: vcpu.vcpu.index,
                        tried: fit.tried,
                        own: own.fitting,
                        other: fit.fitting,
                    },
                ));
            }
        }
        for (at, trouble) in swaps {
            self.cpus[at].standing = ClockStanding::Contradicted;
            self.trouble.push(trouble);
        }
    }

    /// Where CPUs do not fit that are not swapped, looks whether another offset
    /// would do.
    fn look_for_shift(&mut self, guest: &GuestSide<'_>, host: &HostSide<'_>) {
        let is_swapped = |cpu: CpuId| {
            let mut all = self.trouble.iter();
            all.any(|one| matches!(one, Trouble::Swapped { cpu: other, .. } if *other == cpu))
        };
        let off: Vec<&CpuClock> = (self.cpus.iter())
            .filter(|clock| clock.standing == ClockStanding::Contradicted)
            .filter(|clock| !is_swapped(clock.cpu))
            .collect();
        let Some(first) = off.first() else {
            self.look_for_period(guest, host);
            return;
        };
        let sum = |of: fn(&Fit) -> u64| off.iter().map(|clock| of(&clock.fit)).sum();
        let told = first.lines.first().map(|(_, line)| *line);
        let found = recover::line(guest, host).filter(|found| found.is_clear);
        let trouble = match found.zip(told) {
            Some((found, told)) if first.lines.len() == 1 => shift(guest, told, found.line),
            _ => Trouble::Broken {
                cpus: off.iter().map(|clock| clock.cpu).collect(),
                tried: sum(|fit| fit.tried),
                fitting: sum(|fit| fit.fitting),
            },
        };
        // A line that is wrong for one CPU by itself is no reason to believe it
        // for the others, as one guest has one clock.
        let all_in_doubt = matches!(trouble, Trouble::Shifted { .. });
        self.trouble.push(trouble);
        if all_in_doubt {
            for clock in &mut self.cpus {
                clock.standing = ClockStanding::Contradicted;
            }
        }
    }

    /// Where work of the host comes at an even pace, most gaps fit by an offset that
    /// is off by its period as well. What comes at no pace then fits by another one
    /// only.
    fn look_for_period(&mut self, guest: &GuestSide<'_>, host: &HostSide<'_>) {
        let fit = self.fit();
        let first = self.cpus.first().filter(|clock| clock.lines.len() == 1);
        let Some(told) = first.map(|clock| clock.lines[0].1) else {
            return;
        };
        if fit.fitting == fit.tried || !self.trouble.is_empty() {
            return;
        }
        let Some(found) = recover::line(guest, host).filter(|found| found.is_clear) else {
            return;
        };
        let shift = shift(guest, told, found.line);
        let Trouble::Shifted { by_ns, .. } = shift else {
            return;
        };
        let is_apart = by_ns.unsigned_abs() > tolerance(self.error).unsigned_abs();
        if is_apart && found.fit.fitting >= fit.fitting + FEWEST_FOR {
            self.trouble.push(shift);
            for clock in &mut self.cpus {
                clock.standing = ClockStanding::Contradicted;
            }
        }
    }

    /// What the report says of it.
    pub fn join(&self, guest: &GuestSide<'_>, host: &HostSide<'_>) -> ClockJoin {
        let fit = self.fit();
        let first = self.cpus.first().and_then(|clock| clock.lines.first());
        let line = first.map(|(_, line)| *line);
        let apart = fit.ends.iter().flat_map(|ends| [ends.before, ends.after]);
        ClockJoin {
            source: self.source,
            standing: self.standing(),
            offset: line.map(|line| {
                let host_tsc = line.to_host(guest.origin);
                (guest.origin.wrapping_sub(host_tsc) as i64).to_string()
            }),
            ratio: line.map_or(guest.report.tsc.hz / host.report.tsc.hz, |line| {
                line.ratio()
            }),
            lines: self
                .cpus
                .iter()
                .map(|cpu| cpu.lines.len())
                .max()
                .unwrap_or(0) as u64,
            error_ns: unsigned(self.error),
            tried: fit.tried,
            fitting: fit.fitting,
            by_chance: self.by_chance,
            median_ns: median(apart.map(i64::abs).collect()).map(|apart| Nanos(apart as u64)),
        }
    }
}

impl CpuClock {
    fn fit_on(
        &self,
        guest: &GuestSide<'_>,
        host: &HostSide<'_>,
        vcpu: &VcpuSide<'_>,
        error: i64,
    ) -> Fit {
        let gaps = triable(guest.of_cpu(self.cpu), vcpu, error);
        let place = |_, gap: &Below<'_>| self.sure_place(host, gap);
        by_line(&gaps, host, vcpu, error, place)
    }
}

/// What is told against what was found.
fn shift(guest: &GuestSide<'_>, told: Line, found: Line) -> Trouble {
    let cycles = told.offset.wrapping_sub(found.offset) as i64;
    let hz = guest.report.tsc.hz;
    Trouble::Shifted {
        by_ns: (cycles as f64 * 1e9 / hz).round() as i64,
        cycles,
    }
}

fn told(host: &HostSide<'_>, cpu: CpuId) -> Option<Vec<(Moment, Line)>> {
    let (_, vcpu) = host.vcpu(cpu)?;
    (!vcpu.told.is_empty()).then(|| vcpu.told.clone())
}

/// The given offset is that of the begin of the guest's run, which is all that
/// matters where both clocks are equally fast.
fn given_line(guest: &GuestSide<'_>, host: &HostSide<'_>, cpu: CpuId, offset: u64) -> Line {
    let rate = guest.report.tsc.hz / host.report.tsc.hz;
    let line = match told(host, cpu).and_then(|lines| lines.first().copied()) {
        Some((_, line)) => line,
        None if (rate - 1.0).abs() < 1e-3 => Line::of_offset(0),
        None => Line::of_ratio(0, rate),
    };
    let at_begin = guest.origin.wrapping_sub(offset);
    let scaled = line.with_offset(0).to_guest(at_begin);
    line.with_offset(guest.origin.wrapping_sub(scaled))
}

/// What the data say of a line.
fn standing(fit: &Fit, error: i64) -> ClockStanding {
    let most_off = fit.tried >= FEWEST_AGAINST && !fit.reaches(50);
    if most_off || is_shifted(&fit.ends, error) {
        return ClockStanding::Contradicted;
    }
    match fit.fitting >= FEWEST_FOR && fit.reaches(70) {
        true => ClockStanding::Verified,
        false => ClockStanding::Unverified,
    }
}

/// Whether absences stand out of their gaps on one side, as they do where the
/// clock is a little off.
fn is_shifted(ends: &[Ends], error: i64) -> bool {
    if (ends.len() as u64) < FEWEST_FOR {
        return false;
    }
    let least = -(error + STANDING_OUT);
    let side = |of: fn(&Ends) -> i64| fit::median(ends.iter().map(of).collect());
    [side(|ends| ends.before), side(|ends| ends.after)]
        .into_iter()
        .flatten()
        .any(|middle| middle < least)
}
