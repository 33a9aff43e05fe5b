//! What the handler does SMI by SMI: a table of lengths, periods and bursts.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::handler::{FLAG_AGAIN, TABLE_CAPACITY};
use crate::units;

/// What raises the SMIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The software SMI timer, re-armed by the handler: the period runs from
    /// the end of one SMI to the start of the next.
    Software(SoftwarePeriod),
    /// The periodic timer, which keeps its own time.
    Periodic(PeriodicPeriod),
    /// Nothing but writes to port 0xB2.
    Port,
}

/// Periods of the software SMI timer (SWSMI_RATE_SEL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftwarePeriod {
    Ms1_5,
    Ms16,
    Ms32,
    Ms64,
}

/// Periods of the periodic timer (PER_SMI_SEL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodicPeriod {
    Seconds8,
    Seconds16,
    Seconds32,
    Seconds64,
}

impl SoftwarePeriod {
    /// The value of bits 7:6 of GEN_PMCON_3.
    pub fn rate_select(self) -> u8 {
        match self {
            Self::Ms1_5 => 0x00,
            Self::Ms16 => 0x40,
            Self::Ms32 => 0x80,
            Self::Ms64 => 0xC0,
        }
    }
}

impl std::str::FromStr for Timer {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "1.5ms" => Self::Software(SoftwarePeriod::Ms1_5),
            "16ms" => Self::Software(SoftwarePeriod::Ms16),
            "32ms" => Self::Software(SoftwarePeriod::Ms32),
            "64ms" => Self::Software(SoftwarePeriod::Ms64),
            "8s" => Self::Periodic(PeriodicPeriod::Seconds8),
            "16s" => Self::Periodic(PeriodicPeriod::Seconds16),
            "32s" => Self::Periodic(PeriodicPeriod::Seconds32),
            "64s" => Self::Periodic(PeriodicPeriod::Seconds64),
            "port" => Self::Port,
            _ => bail!("the ICH9 has no SMI timer of {name:?}"),
        })
    }
}

/// A pattern of SMIs as a scenario writes it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The timer's period, or `port`.
    pub timer: String,
    /// The lengths, taken in turn.
    #[serde(default)]
    pub lengths: Vec<String>,
    /// How many SMIs come back to back each time.
    #[serde(default = "one")]
    pub burst: u32,
    /// Seeds a fixed sequence that mixes the order of the lengths and the
    /// software timer's periods; without it both are as written.
    pub jitter_seed: Option<u64>,
    /// Whether the log tells which task each SMI hit, which takes a look at the
    /// kernel's symbols first.
    #[serde(default)]
    pub tasks: bool,
    /// Keeps step with the kernel's tick, whose period becomes the SMIs' own.
    pub sweep: Option<Sweep>,
}

/// Where SMIs hit the tick: at first `from` after it begins (or before, where
/// negative), each a `step` later than the one before until `to`, and back. In
/// nanoseconds, which are cycles here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    pub from: i64,
    pub to: i64,
    pub step: u32,
}

impl Sweep {
    /// How many steps there are.
    fn steps(self) -> Result<usize> {
        ensure!(self.step > 0 && self.from < self.to, "an empty sweep");
        Ok(usize::try_from(
            (self.to - self.from) / i64::from(self.step),
        )?)
    }
}

impl std::str::FromStr for Sweep {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',');
        let mut next = || parts.next().context("a sweep is FROM,TO,STEP");
        Ok(Self {
            from: next()?.parse()?,
            to: next()?.parse()?,
            step: next()?.parse()?,
        })
    }
}

impl std::fmt::Display for Sweep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{},{}", self.from, self.to, self.step)
    }
}

/// What the timer's period and an SMI's length are apart from the time between
/// two SMIs: the handler's way from its reading of the clock to the write that
/// starts the timer, as measured.
const OVERHEAD: u64 = 30;
/// The short period of the software timer.
pub const SHORT_PERIOD: u64 = 1_500_000;

fn one() -> u32 {
    1
}

/// One entry of the handler's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub cycles: u32,
    pub flags: u32,
}

impl Pattern {
    /// The timer this pattern names.
    pub fn timer(&self) -> Result<Timer> {
        self.timer.parse()
    }

    /// Whether a scenario may ask for this pattern. Under a firmware that
    /// keeps its own handler there are no lengths to choose.
    pub fn check(&self) -> Result<()> {
        if self.timer()? != Timer::Port || !self.lengths.is_empty() {
            self.table()?;
        }
        Ok(())
    }

    /// From one SMI to the next, for a sweep.
    pub fn period(&self) -> Result<u64> {
        ensure!(
            self.timer()? == Timer::Software(SoftwarePeriod::Ms1_5) && self.lengths.len() == 1,
            "a sweep takes one length every 1.5 ms"
        );
        Ok(SHORT_PERIOD + units::nanoseconds(&self.lengths[0])? + OVERHEAD)
    }

    /// The handler's table; the emulated TSC runs at one cycle a nanosecond.
    pub fn table(&self) -> Result<Vec<Entry>> {
        ensure!(!self.lengths.is_empty(), "the pattern has no length");
        ensure!(self.burst >= 1, "a burst has at least one SMI");
        let lengths = self
            .lengths
            .iter()
            .map(|length| Ok(u32::try_from(units::nanoseconds(length)?)?))
            .collect::<Result<Vec<u32>>>()?;
        let rate = match self.timer()? {
            Timer::Software(period) => period.rate_select(),
            Timer::Periodic(_) | Timer::Port => 0,
        };
        let mut table = Vec::new();
        if let Some(sweep) = self.sweep {
            self.period()?;
            let steps = sweep.steps()?;
            for position in 0..2 * steps {
                let cycles = match position < steps {
                    true => lengths[0] + sweep.step,
                    false => lengths[0].saturating_sub(sweep.step),
                };
                self.push_burst(&mut table, cycles, rate);
            }
            ensure!(table.len() <= TABLE_CAPACITY, "{steps} steps are too many");
            return Ok(table);
        }
        match self.jitter_seed {
            None => {
                for &cycles in &lengths {
                    self.push_burst(&mut table, cycles, rate);
                }
            }
            Some(seed) => {
                let mut random = seed;
                let groups = TABLE_CAPACITY / 4 / self.burst as usize;
                for _ in 0..groups.max(1) {
                    let cycles = lengths[next_random(&mut random) as usize % lengths.len()];
                    let short = [SoftwarePeriod::Ms1_5, SoftwarePeriod::Ms16];
                    let period = short[next_random(&mut random) as usize % short.len()];
                    self.push_burst(&mut table, cycles, period.rate_select());
                }
            }
        }
        ensure!(
            table.len() <= TABLE_CAPACITY,
            "the pattern has {} entries, the handler holds {TABLE_CAPACITY}",
            table.len()
        );
        Ok(table)
    }

    fn push_burst(&self, table: &mut Vec<Entry>, cycles: u32, rate: u8) {
        for position in 1..=self.burst {
            let again = if position < self.burst { FLAG_AGAIN } else { 0 };
            table.push(Entry {
                cycles,
                flags: u32::from(rate) | again,
            });
        }
    }
}

/// A small fixed generator (xorshift64), so that a pattern repeats exactly.
fn next_random(state: &mut u64) -> u64 {
    let mut value = (*state).max(1);
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    *state = value;
    value >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(timer: &str, lengths: &[&str], burst: u32, jitter_seed: Option<u64>) -> Pattern {
        Pattern {
            timer: timer.into(),
            lengths: lengths.iter().map(ToString::to_string).collect(),
            burst,
            jitter_seed,
            ..Pattern::default()
        }
    }

    #[test]
    fn a_sweep_goes_there_and_back() {
        let swept = Pattern {
            sweep: Some("-500,250,250".parse().unwrap()),
            ..pattern("1.5ms", &["50us"], 1, None)
        };
        let table = swept.table().unwrap();
        let cycles: Vec<u32> = table.iter().map(|entry| entry.cycles).collect();
        assert_eq!(cycles, [50_250, 50_250, 50_250, 49_750, 49_750, 49_750]);
        assert_eq!(swept.period().unwrap(), 1_550_030);
        assert!("1,2".parse::<Sweep>().is_err());
    }

    #[test]
    fn a_plain_pattern_keeps_its_order_and_period() {
        let table = pattern("16ms", &["5us", "1ms"], 1, None).table().unwrap();
        let cycles: Vec<u32> = table.iter().map(|entry| entry.cycles).collect();
        assert_eq!(cycles, [5_000, 1_000_000]);
        assert!(table.iter().all(|entry| entry.flags == 0x40));
    }

    #[test]
    fn only_the_last_of_a_burst_waits_for_the_timer() {
        let table = pattern("64ms", &["5us"], 3, None).table().unwrap();
        let flags: Vec<u32> = table.iter().map(|entry| entry.flags).collect();
        assert_eq!(flags, [0x1C0, 0x1C0, 0xC0]);
    }

    #[test]
    fn a_jittered_pattern_repeats_and_varies() {
        let jittered = pattern("16ms", &["5us", "80us"], 1, Some(7));
        let table = jittered.table().unwrap();
        assert_eq!(table, jittered.table().unwrap());
        assert!(table.iter().any(|entry| entry.flags == 0));
        assert!(table.iter().any(|entry| entry.flags == 0x40));
        assert!(table.len() <= TABLE_CAPACITY);
    }

    #[test]
    fn refuses_lengths_past_32_bits_and_unknown_timers() {
        assert!(pattern("16ms", &["5s"], 1, None).table().is_err());
        assert!(pattern("17ms", &["5us"], 1, None).table().is_err());
    }
}
