//! The line on which a guest's TSC runs against its host's.

use crate::model::absence::{GuestTsc, MOST_TSC_RATIO};

/// More bits of a fraction than any CPU has (VMX 48, SVM 32).
const MOST_BITS: u32 = 63;

/// Guest = host * `ratio` / 2^`bits` + `offset`, all modulo 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub offset: u64,
    ratio: u64,
    bits: u32,
}

impl Line {
    /// A guest whose TSC is as fast as the host's.
    pub fn of_offset(offset: u64) -> Line {
        Line {
            offset,
            ratio: 1,
            bits: 0,
        }
    }

    /// Guest cycles in a host cycle, with a fraction as fine as VMX has. One that
    /// is no CPU's is the nearest that could be.
    pub fn of_ratio(offset: u64, ratio: f64) -> Line {
        let ratio = ratio.clamp(1.0 / MOST_TSC_RATIO, MOST_TSC_RATIO);
        Line {
            offset,
            ratio: (ratio * 2f64.powi(48)).round() as u64,
            bits: 48,
        }
    }

    /// `None` where the numbers are none that KVM tells.
    pub fn told(tsc: &GuestTsc) -> Option<Line> {
        let line = Line {
            offset: number(&tsc.offset)?,
            ratio: tsc.ratio.parse().ok()?,
            bits: tsc.ratio_bits,
        };
        (line.ratio > 0 && line.bits <= MOST_BITS)
            .then(|| line.ratio())
            .filter(|ratio| (1.0 / MOST_TSC_RATIO..MOST_TSC_RATIO).contains(ratio))
            .map(|_| line)
    }

    pub fn with_offset(self, offset: u64) -> Line {
        Line { offset, ..self }
    }

    /// The same, with the guest's clock ahead by so many of its cycles.
    pub fn ahead(self, cycles: i64) -> Line {
        self.with_offset(self.offset.wrapping_add(cycles as u64))
    }

    pub fn ratio(&self) -> f64 {
        self.ratio as f64 / 2f64.powi(self.bits as i32)
    }

    /// The host's TSC for one of the guest's.
    pub fn to_host(self, guest: u64) -> u64 {
        let scaled = u128::from(guest.wrapping_sub(self.offset));
        ((scaled << self.bits) / u128::from(self.ratio)) as u64
    }

    /// The guest's TSC for one of the host's.
    pub fn to_guest(self, host: u64) -> u64 {
        let scaled = (u128::from(host) * u128::from(self.ratio)) >> self.bits;
        (scaled as u64).wrapping_add(self.offset)
    }
}

/// A number of 64 bits, with a sign or without.
pub(super) fn number(text: &str) -> Option<u64> {
    let signed = text.parse::<i64>().map(|value| value as u64);
    signed.or_else(|_| text.parse::<u64>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(offset: &str, ratio: &str, ratio_bits: u32) -> Option<Line> {
        Line::told(&GuestTsc {
            seen_cycles: crate::units::Cycles(0),
            offset: offset.into(),
            ratio: ratio.into(),
            ratio_bits,
        })
    }

    #[test]
    fn a_scaled_clock_goes_there_and_back() {
        let line = told("-9000000000000", "6442450944", 32).unwrap();
        assert_eq!(line.ratio(), 1.5);
        let host = 7_000_000_000_001;
        let guest = line.to_guest(host);
        assert_eq!(guest, 1_500_000_000_001);
        assert!(line.to_host(guest).abs_diff(host) <= 1);
    }

    #[test]
    fn offsets_wrap() {
        let line = told("18446744073709551606", "1", 0).unwrap();
        assert_eq!(line.to_guest(100), 90);
        assert_eq!(line, told("-10", "1", 0).unwrap());
        assert_eq!(line.to_host(90), 100);
        assert_eq!(line.ahead(5).to_guest(100), 95);
    }

    #[test]
    fn numbers_that_no_kernel_tells_are_refused() {
        for (offset, ratio, bits) in [
            ("x", "1", 0),
            ("1", "0", 0),
            ("1", "1", 64),
            ("1", "1", 48),
            ("1", "5000", 0),
        ] {
            assert_eq!(told(offset, ratio, bits), None, "{offset} {ratio} {bits}");
        }
    }
}
