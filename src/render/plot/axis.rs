//! Scales with their ticks.

use crate::text::human;
use crate::units::Nanos;

/// A place on an axis, 0 to 1, and what is written there.
pub(in crate::render) struct Tick {
    pub at: f64,
    pub text: String,
}

/// Whole factors of ten, at least one of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::render) struct Logarithmic {
    low: f64,
    high: f64,
}

impl Logarithmic {
    /// From the decade that holds `from` to the one that holds `to`.
    pub(in crate::render) fn new(from: f64, to: f64) -> Logarithmic {
        let low = from.max(1e-3).log10().floor();
        let high = to.max(1e-3).log10().ceil();
        Logarithmic {
            low,
            high: high.max(low + 1.0),
        }
    }

    pub(in crate::render) fn place(&self, value: f64) -> f64 {
        self.place_of_log(value.max(1e-9).log10())
    }

    /// The place of a value that is given by its logarithm to base 10.
    pub(in crate::render) fn place_of_log(&self, log: f64) -> f64 {
        ((log - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// A tick at each factor of ten, or at each second or third one.
    fn decades(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let count = (self.high - self.low) as usize;
        let step = count.div_ceil(9).max(1);
        (0..=count).step_by(step).map(|index| {
            let log = self.low + index as f64;
            (self.place_of_log(log), 10f64.powf(log))
        })
    }

    fn ticks(&self, text: impl Fn(f64) -> String) -> Vec<Tick> {
        let ticks = self.decades();
        ticks
            .map(|(at, value)| Tick {
                at,
                text: text(value),
            })
            .collect()
    }

    pub(in crate::render) fn lengths(&self) -> Vec<Tick> {
        self.ticks(|nanos| human::chosen(Nanos(nanos as u64)))
    }

    /// Rates, which may lie far below 1.
    pub(in crate::render) fn rates(&self) -> Vec<Tick> {
        self.ticks(human::round)
    }

    /// Ratios: 1/10, 1, 10.
    pub(in crate::render) fn ratios(&self) -> Vec<Tick> {
        self.ticks(|ratio| match ratio < 1.0 {
            true => format!("1/{}", human::round(1.0 / ratio)),
            false => human::round(ratio),
        })
    }

    pub(in crate::render) fn counts(&self) -> Vec<Tick> {
        let ticks = self.decades().filter(|(_, value)| *value >= 1.0);
        ticks
            .map(|(at, value)| Tick {
                at,
                text: human::count(value as u64),
            })
            .collect()
    }
}

/// Steps of a run that are easy to read, in seconds.
const STEPS: [f64; 21] = [
    1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0,
    3_600.0, 10_800.0, 21_600.0, 86_400.0, 864_000.0,
];

/// Ticks over a run of this length, some four to ten of them.
pub(in crate::render) fn times(elapsed: Nanos) -> Vec<Tick> {
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let step = STEPS.into_iter().find(|step| seconds / step <= 10.0);
    let step = step.unwrap_or(seconds / 5.0);
    let count = (seconds / step) as usize;
    (0..=count)
        .map(|index| Tick {
            at: index as f64 * step / seconds,
            text: match index {
                0 => "0".to_owned(),
                _ => human::chosen(Nanos((index as f64 * step * 1e9) as u64)),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_enclose_their_values() {
        let axis = Logarithmic::new(10_000.0, 412_000.0);
        let texts: Vec<String> = axis.lengths().into_iter().map(|tick| tick.text).collect();
        assert_eq!(texts, ["10 us", "100 us", "1 ms"]);
        assert!((axis.place(100_000.0) - 0.5).abs() < 1e-9);
        assert_eq!(axis.place(1e12), 1.0);
    }

    #[test]
    fn runs_of_any_length_have_few_ticks() {
        for nanos in [0, 1, 999, 10_000_000_000, 120_000_000_000, u64::MAX] {
            let ticks = times(Nanos(nanos));
            assert!((1..=11).contains(&ticks.len()), "{nanos}: {}", ticks.len());
            assert!(ticks.iter().all(|tick| (0.0..=1.0001).contains(&tick.at)));
        }
    }
}
