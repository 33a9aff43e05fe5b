//! Lengths of time as scenarios write them: `1.5ms`, `100us`, `20ns`, `2s`.

use anyhow::{Context, Result, bail};

/// Nanoseconds of a decimal number with its unit.
pub fn nanoseconds(text: &str) -> Result<u64> {
    let split = text
        .find(|character: char| character.is_ascii_alphabetic())
        .with_context(|| format!("{text:?} has no unit"))?;
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ns" => 1.0,
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => bail!("{text:?} has an unknown unit"),
    };
    let number: f64 = number
        .parse()
        .with_context(|| format!("{text:?} is no length of time"))?;
    Ok((number * scale).round() as u64)
}

/// A length of time with the unit that keeps it short.
pub fn display(nanoseconds: u64) -> String {
    match nanoseconds {
        0..10_000 => format!("{nanoseconds} ns"),
        10_000..10_000_000 => format!("{:.1} us", nanoseconds as f64 / 1e3),
        _ => format!("{:.2} ms", nanoseconds as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit_and_fractions() {
        assert_eq!(nanoseconds("20ns").unwrap(), 20);
        assert_eq!(nanoseconds("1.5ms").unwrap(), 1_500_000);
        assert_eq!(nanoseconds("8s").unwrap(), 8_000_000_000);
    }

    #[test]
    fn refuses_bare_numbers_and_unknown_units() {
        assert!(nanoseconds("20").is_err());
        assert!(nanoseconds("20 parsec").is_err());
    }
}
