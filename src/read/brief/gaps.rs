//! The gaps of a report, one by one as they are read: none is kept, but what
//! must agree with the rest of the report is summed up.

use serde::{Deserialize, Deserializer};

use crate::model::{Cause, CauseCounts};
use crate::read::brief::lengths::Lengths;
use crate::read::brief::limited::each;
use crate::read::brief::text::Text;
use crate::read::brief::times::Times;
use crate::units::{CpuId, Cycles, Nanos};

#[derive(Clone, Debug, Default)]
pub struct GapsInBrief {
    /// By CPU, in the order of the list.
    pub cpus: Vec<CpuGaps>,
    pub end: Cycles,
    pub times: Times,
    /// Cycles a nanosecond, as far as the lengths of gaps bound it.
    pub rate: RateBounds,
    pub platform: Lengths,
    pub of_stalls: Lengths,
    pub time_of_stalls: Nanos,
    /// Gaps that the platform shares with the kernel.
    pub mixed: u64,
    pub longest_unknown: Nanos,
    /// The first that contradicts itself.
    pub fault: Option<String>,
}

#[derive(Clone, Debug)]
pub struct CpuGaps {
    pub cpu: CpuId,
    pub listed: u64,
    pub causes: CauseCounts,
    pub longest: Nanos,
    pub longest_platform: Nanos,
}

/// A number that lies between two bounds.
#[derive(Clone, Copy, Debug)]
pub struct RateBounds {
    /// It is not below this.
    pub low: f64,
    /// It is not above this.
    pub high: f64,
}

impl Default for RateBounds {
    fn default() -> Self {
        RateBounds {
            low: 0.0,
            high: f64::INFINITY,
        }
    }
}

#[derive(Deserialize)]
struct Entry<'a> {
    cpu: CpuId,
    start_cycles: Cycles,
    end_cycles: Cycles,
    #[serde(borrow)]
    start_utc: Text<'a>,
    duration_ns: Nanos,
    #[serde(default)]
    companions: Option<u32>,
    cause: Cause,
    os_ns: Option<Nanos>,
    residual_ns: Option<Nanos>,
    #[serde(default)]
    platform_ns: Option<Nanos>,
    #[serde(default)]
    unknown_ns: Option<Nanos>,
}

impl<'de> Deserialize<'de> for GapsInBrief {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut gaps = GapsInBrief::default();
        let mut index = 0u64;
        each(deserializer, usize::MAX, |gap: Entry<'de>| {
            gaps.add(&gap);
            if gaps.fault.is_none() {
                gaps.fault = gap.fault().map(|fault| format!("gaps[{index}] {fault}"));
            }
            index += 1;
        })?;
        Ok(gaps)
    }
}

impl GapsInBrief {
    /// Those of a CPU, where it has any.
    pub fn of(&self, cpu: CpuId) -> Option<&CpuGaps> {
        self.cpus.iter().find(|gaps| gaps.cpu == cpu)
    }

    fn add(&mut self, gap: &Entry<'_>) {
        self.end = self.end.max(gap.end_cycles);
        self.times.add(&gap.start_utc);
        if gap.companions.is_none() {
            self.rate.narrow(gap);
        }
        let platform = gap.platform();
        if let Some(platform) = platform {
            self.platform.add(platform);
        }
        self.longest_unknown = self.longest_unknown.max(gap.unknown());
        match gap.of_stall() {
            Some(length) => {
                self.of_stalls.add(length);
                self.time_of_stalls = self.time_of_stalls.saturating_add(length);
            }
            None => self.mixed += u64::from(gap.cause.is_mixed() && gap.platform_ns.is_none()),
        }
        // Gaps stand CPU by CPU.
        let last = self.cpus.last().map(|gaps| gaps.cpu);
        let at = match last == Some(gap.cpu) {
            true => Some(self.cpus.len() - 1),
            false => self.cpus.iter().position(|gaps| gaps.cpu == gap.cpu),
        };
        let at = at.unwrap_or_else(|| {
            self.cpus.push(CpuGaps {
                cpu: gap.cpu,
                listed: 0,
                causes: CauseCounts::default(),
                longest: Nanos(0),
                longest_platform: Nanos(0),
            });
            self.cpus.len() - 1
        });
        let own = &mut self.cpus[at];
        own.listed += 1;
        let stands_for = 1 + u64::from(gap.companions.unwrap_or(0));
        own.causes.add_several(gap.cause, stands_for);
        own.longest = own.longest.max(gap.duration_ns);
        own.longest_platform = own.longest_platform.max(platform.unwrap_or_default());
    }
}

impl Entry<'_> {
    /// The platform's part, where it is known.
    fn platform(&self) -> Option<Nanos> {
        match (self.platform_ns, self.cause) {
            (Some(part), _) => Some(part),
            // Of a version that knew no parts.
            (None, mixed) if mixed.is_mixed() => self.residual_ns,
            (None, cause) => cause.is_platform().then_some(self.duration_ns),
        }
    }

    /// How long it is as part of a stall; `None` where it is of none, or of a
    /// version that left mixed gaps out.
    fn of_stall(&self) -> Option<Nanos> {
        let of_platform = match self.platform_ns {
            Some(part) => part > Nanos(0),
            None => self.cause.is_platform() && !self.cause.is_mixed(),
        };
        let length = match self.cause.is_mixed() {
            true => self.platform_ns.unwrap_or_default(),
            false => self.duration_ns,
        };
        of_platform.then_some(length)
    }

    /// The part that is nobody's.
    fn unknown(&self) -> Nanos {
        match (self.unknown_ns, self.cause) {
            (Some(part), _) => part,
            (None, Cause::Unknown) => self.duration_ns,
            (None, _) => Nanos(0),
        }
    }

    /// What of the gap cannot be, whatever the rest of the report says.
    fn fault(&self) -> Option<String> {
        let length = self.duration_ns;
        if self.end_cycles < self.start_cycles {
            let end = self.end_cycles.0;
            return Some(format!("ends at cycle {end}, before it starts"));
        }
        if let (Some(os), Some(platform), Some(unknown)) =
            (self.os_ns, self.platform_ns, self.unknown_ns)
        {
            let sum = os.saturating_add(platform).saturating_add(unknown);
            if sum != length {
                return Some(format!(
                    "has parts (os_ns, platform_ns, unknown_ns) that add up to {}, its \
                     duration_ns is {}",
                    sum.0, length.0
                ));
            }
        }
        let parts = [("os_ns", self.os_ns), ("residual_ns", self.residual_ns)];
        let longer = (parts.into_iter()).find(|(_, part)| part.is_some_and(|part| part > length));
        let (name, part) = longer?;
        let (part, length) = (part?.0, length.0);
        Some(format!(
            "has {name} {part}, more than its duration_ns {length}"
        ))
    }
}

impl RateBounds {
    /// Lengths are rounded to a nanosecond.
    fn narrow(&mut self, gap: &Entry<'_>) {
        let cycles = gap.end_cycles.since(gap.start_cycles).0 as f64;
        let length = gap.duration_ns.0 as f64;
        if gap.end_cycles < gap.start_cycles {
            return;
        }
        self.low = self.low.max((cycles - 1.0) / (length + 1.0));
        if length > 1.0 {
            self.high = self.high.min((cycles + 1.0) / (length - 1.0));
        }
    }
}
