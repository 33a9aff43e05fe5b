//! What the handler does SMI by SMI: a table of lengths, periods and bursts.

use anyhow::{Result, bail, ensure};
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
}

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
            tasks: false,
        }
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
