//! Stalls out of nothing: random, bursty and periodic ones.

use hwgap::compare::{Class, Event, Series};
use hwgap::units::Nanos;

/// SplitMix64 (G. L. Steele et al., OOPSLA 2014): seeded, and of good enough
/// quality for this.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, neither of them.
    pub fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.share().ln()
    }
}

/// How stalls come.
#[derive(Clone, Copy, Debug)]
pub enum Process {
    /// At random moments.
    Poisson,
    /// In bursts at random moments, with a geometric number of stalls of this
    /// mean, a second apart on average.
    Bursts(f64),
    /// At even intervals, each stall displaced by up to this share of them.
    Periodic(f64),
    /// Intervals that vary by themselves: each one anew, by this share.
    Renewal(f64),
    /// Two timers and random stalls, a third each.
    Mixed,
}

impl Process {
    /// One run with `mean` stalls on average.
    pub fn run(self, hours: f64, mean: f64, random: &mut Random) -> Series {
        let mut times = Vec::new();
        self.times(hours, mean, random, &mut times);
        times.retain(|time| (0.0..hours).contains(time));
        times.sort_by(f64::total_cmp);
        let mut previous = f64::NEG_INFINITY;
        let mut length = 0.0;
        let mut class = Class::Smi;
        let mut events = Vec::with_capacity(times.len());
        for time in times {
            // The stalls of a burst have one cause, and so much the same length.
            let is_alone = !matches!(self, Process::Bursts(_)) || time - previous > 30.0 / 3600.0;
            if is_alone {
                length = 20_000.0 + random.exponential(30_000.0);
                class = match random.share() {
                    share if share < 0.7 => Class::Smi,
                    _ => Class::FirmwareOrCpu,
                };
            }
            previous = time;
            events.push(Event {
                at: time / hours,
                length: Nanos((length * (1.0 + 0.05 * random.share())) as u64),
                class,
            });
        }
        Series { events, hours }
    }

    fn times(self, hours: f64, mean: f64, random: &mut Random, times: &mut Vec<f64>) {
        let period = hours / mean;
        match self {
            Process::Poisson => {
                let mut time = random.exponential(period);
                while time < hours {
                    times.push(time);
                    time += random.exponential(period);
                }
            }
            Process::Bursts(size) => {
                let mut start = random.exponential(period * size);
                while start < hours {
                    let mut time = start;
                    loop {
                        times.push(time);
                        time += random.exponential(1.0 / 3600.0);
                        if random.share() < 1.0 / size {
                            break;
                        }
                    }
                    start += random.exponential(period * size);
                }
            }
            Process::Periodic(jitter) => {
                let mut time = random.share() * period - period;
                while time < hours + period {
                    times.push(time + (random.share() - 0.5) * 2.0 * jitter * period);
                    time += period;
                }
            }
            Process::Renewal(spread) => {
                let mut time = random.share() * period - period;
                while time < hours {
                    times.push(time);
                    time += period * (1.0 + (random.share() - 0.5) * 2.0 * spread);
                }
            }
            Process::Mixed => {
                let third = mean / 3.0;
                Process::Periodic(0.01).times(hours, third, random, times);
                Process::Periodic(0.1).times(hours, third * 0.83, random, times);
                Process::Poisson.times(hours, third * 1.17, random, times);
            }
        }
    }
}
