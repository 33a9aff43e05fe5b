//! Lengths of time as people type them: `120s`, `0.5s`, `1m30s`, `10us`.

use crate::units::Nanos;

/// What a bare number counts, as hwlatdetect has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Seconds.
    Duration,
    /// Microseconds.
    Threshold,
}

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("a length of time is missing; write for example 10us, 0.5s or 1m30s")]
    Empty,
    /// A part does not begin with a number.
    #[error("'{0}' is not a number; write for example 10us, 0.5s or 1m30s")]
    NotANumber(String),
    #[error("'{0}' is not a unit of time; the units are ns, us, ms, s, m, h, d and w")]
    UnknownUnit(String),
    /// A part without a unit among others.
    #[error("'{0}' needs a unit: only a number that stands alone may go without")]
    MissingUnit(String),
    /// More than 584 years.
    #[error("'{0}' is longer than can be measured")]
    TooLong(String),
}

/// Reads a length of time: a number with a unit, or a sum of such; a bare
/// number has the unit of `quantity`.
///
/// # Errors
/// Names the part that cannot be read.
pub fn parse_duration(text: &str, quantity: Quantity) -> Result<Nanos, DurationError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut rest = text;
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let value: f64 = number
            .parse()
            .map_err(|_| DurationError::NotANumber(rest.to_owned()))?;
        let letters = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let scale = match unit.trim() {
            "" if rest == text && tail.is_empty() => match quantity {
                Quantity::Duration => 1e9,
                Quantity::Threshold => 1e3,
            },
            "" => return Err(DurationError::MissingUnit(number.to_owned())),
            "ns" => 1.0,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            "d" => 86_400e9,
            "w" => 604_800e9,
            other => return Err(DurationError::UnknownUnit(other.to_owned())),
        };
        total += value * scale;
        rest = tail;
    }
    // Beyond 2^63 ns a sum of two lengths no longer fits.
    if total.is_finite() && total < 9.2e18 {
        Ok(Nanos(total.round() as u64))
    } else {
        Err(DurationError::TooLong(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_read_as_typed() {
        for (text, nanos) in [
            ("10us", 10_000),
            ("0.5s", 500_000_000),
            ("1m30s", 90_000_000_000),
            ("250ns", 250),
            ("2h", 7_200_000_000_000),
            ("1w", 604_800_000_000_000),
            (" 5 ms ", 5_000_000),
            ("120", 120_000_000_000),
        ] {
            assert_eq!(
                parse_duration(text, Quantity::Duration),
                Ok(Nanos(nanos)),
                "{text}"
            );
        }
        assert_eq!(parse_duration("10", Quantity::Threshold), Ok(Nanos(10_000)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let parse = |text| parse_duration(text, Quantity::Duration).unwrap_err();
        assert_eq!(parse(""), DurationError::Empty);
        assert_eq!(parse("fast"), DurationError::NotANumber("fast".into()));
        assert_eq!(parse("-5s"), DurationError::NotANumber("-5s".into()));
        assert_eq!(
            parse("5parsec"),
            DurationError::UnknownUnit("parsec".into())
        );
        assert_eq!(parse("1m30"), DurationError::MissingUnit("30".into()));
        assert_eq!(
            parse("99999999999w"),
            DurationError::TooLong("99999999999w".into())
        );
        assert_eq!(parse("1.2.3s"), DurationError::NotANumber("1.2.3s".into()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = parse_duration(&text, Quantity::Threshold);
        }
    }
}
