//! Brings the guest's clock to a host's, and holds that against the data: a line
//! that does not lay gaps onto absences explains nothing, whoever told it.

mod changed;
mod cpu;
mod trouble;
mod unseen;

use crate::model::explained::{ClockJoin, ClockJoinSource, ClockStanding};
use crate::units::{CpuId, Nanos};

use super::fit::{Fit, median};
use super::guest_side::GuestSide;
use super::host_side::{HostSide, Moment, unsigned};
use super::line::Line;
use super::recover;

pub(super) use cpu::CpuClock;
pub(super) use trouble::Trouble;
use unseen::Seen;

/// So many gaps that fit speak for a line.
pub(super) const FEWEST_FOR: u64 = 5;

/// Whether gaps fit by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    /// Far more fit than at other times.
    Beaten,
    /// Nearly as many fit at other times.
    MayBe,
}

/// The clocks of a guest and one of its hosts.
pub(super) struct Clocks {
    pub source: Option<ClockJoinSource>,
    /// Those of the guest's CPUs that this host has as vCPUs.
    pub cpus: Vec<CpuClock>,
    /// How far a moment may be off, in nanoseconds.
    pub error: i64,
    /// The most gaps that fit at other times.
    pub by_chance: u64,
    /// What the data say against the line, where they do.
    pub trouble: Vec<Trouble>,
}

impl Clocks {
    /// By what the user gives, else by what KVM tells, else by the data.
    pub fn new(guest: &GuestSide<'_>, host: &HostSide<'_>, given: Option<u64>) -> Clocks {
        let error = guest.error.saturating_add(host.error);
        let mut cpus = guest.cpus().into_iter();
        let source = match given {
            Some(_) => ClockJoinSource::Given,
            None if cpus.any(|cpu| told(host, cpu).is_some()) => ClockJoinSource::Kvm,
            None => return Clocks::recovered(guest, host),
        };
        let lines = |cpu| match given {
            Some(offset) => Some(vec![(Moment::MIN, given_line(guest, host, cpu, offset))]),
            None => told(host, cpu),
        };
        let mut clocks = Clocks::by_lines(guest, host, Some(source), error, lines);
        clocks.by_chance = clocks.best_by_chance(guest, host);
        clocks.judge();
        clocks.doubt_by_chance();
        clocks.look_for_swaps(guest, host);
        clocks.look_for_changes();
        clocks.look_for_shift(guest, host);
        clocks.look_for_misses();
        clocks.doubt_others();
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
                seen: Seen::default(),
                changed: None,
            };
            clock.fit = clock.fit_on(guest, host, vcpu, error);
            clock.seen = unseen::seen(&clock, guest, host, vcpu, error);
            clock.changed = changed::changed(&clock, guest, host, vcpu, error);
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
        let none = |trouble| Clocks {
            trouble: vec![trouble],
            ..Clocks::by_lines(guest, host, None, 0, |_| None)
        };
        let Some(found) = recover::line(guest, host) else {
            return none(Trouble::NoData);
        };
        if !found.is_clear {
            return none(Trouble::NotFound {
                tried: found.fit.tried,
                best: found.fit.fitting,
                by_chance: found.by_chance,
            });
        }
        let line = |_| Some(vec![(Moment::MIN, found.line)]);
        let source = Some(ClockJoinSource::Recovered);
        let mut clocks = Clocks::by_lines(guest, host, source, found.error, line);
        clocks.by_chance = found.by_chance;
        clocks.judge();
        clocks.look_for_swaps(guest, host);
        clocks.look_for_changes();
        clocks.look_for_misses();
        clocks.doubt_others();
        clocks
    }

    /// By what the data say of each line.
    fn judge(&mut self) {
        let (error, chance) = (self.error, self.chance());
        for clock in &mut self.cpus {
            clock.standing = cpu::standing(clock, error, chance);
        }
    }

    fn chance(&self) -> Chance {
        match self.fitting() >= self.by_chance + (self.by_chance / 3).max(FEWEST_FOR - 1) {
            true => Chance::Beaten,
            false => Chance::MayBe,
        }
    }

    /// Where nearly as many gaps fit at other times, that they fit verifies nothing.
    fn doubt_by_chance(&mut self) {
        if self.chance() == Chance::Beaten {
            return;
        }
        let verified =
            (self.cpus.iter_mut()).filter(|clock| clock.standing == ClockStanding::Verified);
        for clock in verified {
            clock.standing = ClockStanding::Unverified;
        }
    }

    pub fn of(&self, cpu: CpuId) -> Option<&CpuClock> {
        self.cpus.iter().find(|clock| clock.cpu == cpu)
    }

    pub fn fit(&self) -> Fit {
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

    /// The longest absence of each CPU that lies in no gap of it.
    pub fn missed(&self) -> impl Iterator<Item = (CpuId, i64)> {
        let longest = |clock: &CpuClock| Some((clock.cpu, *clock.seen.missed.iter().max()?));
        self.cpus.iter().filter_map(longest)
    }

    /// How many lines a CPU has at most.
    pub fn lines(&self) -> usize {
        let lines = self.cpus.iter().map(|clock| clock.lines.len());
        lines.max().unwrap_or(0)
    }

    /// The first line of the first CPU.
    pub fn first_line(&self) -> Option<Line> {
        Some(self.cpus.first()?.lines.first()?.1)
    }

    /// What the report says of it.
    pub fn join(&self, guest: &GuestSide<'_>, host: &HostSide<'_>) -> ClockJoin {
        let fit = self.fit();
        let line = self.first_line();
        let apart = fit.ends.iter().flat_map(|ends| [ends.before, ends.after]);
        ClockJoin {
            source: self.source,
            standing: self.standing(),
            offset: line.map(|line| {
                let host_tsc = line.to_host(guest.origin);
                (guest.origin.wrapping_sub(host_tsc) as i64).to_string()
            }),
            ratio: line.map_or_else(
                // No JSON has an infinite number.
                || (guest.report.tsc.hz / host.report.tsc.hz).min(f64::MAX),
                |line| line.ratio(),
            ),
            lines: self.lines() as u64,
            error_ns: unsigned(self.error),
            tried: fit.tried,
            fitting: fit.fitting,
            by_chance: self.by_chance,
            median_ns: median(apart.map(i64::abs).collect()).map(|apart| Nanos(apart as u64)),
        }
    }
}

/// What KVM tells.
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
