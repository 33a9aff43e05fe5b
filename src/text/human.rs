//! Numbers as a human reads them.
//!
//! All of these stay short whatever the value, as a table column must.

use crate::units::Nanos;

/// `1,234,567`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 gap`, `1,040 gaps`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count))
}

/// Grouped below a million, `441 M` and the like above.
pub(crate) fn count(value: u64) -> String {
    if value < 1_000_000 {
        return grouped(value);
    }
    let mut scaled = value as f64 / 1e6;
    for unit in ["M", "G", "T", "P"] {
        if scaled < 999.5 {
            return format!("{} {unit}", three_digits(scaled));
        }
        scaled /= 1e3;
    }
    format!("{} E", three_digits(scaled))
}

/// A length of time: as [`Nanos`] prints it, and beyond 1,000 s in minutes to
/// years.
pub(crate) fn length(nanos: Nanos) -> String {
    let seconds = nanos.as_secs_f64();
    if seconds < 999.5 {
        return nanos.to_string();
    }
    period(seconds / 3600.0)
}

/// A length that somebody chose: `10 us`, not `10.0 us`.
pub(crate) fn chosen(nanos: Nanos) -> String {
    let text = length(nanos);
    match text.split_once(' ') {
        Some((number, unit)) => format!("{} {unit}", without_zeros(number)),
        None => text,
    }
}

/// A number that somebody chose: `2`, not `2.00`.
pub(crate) fn round(value: f64) -> String {
    without_zeros(&three_digits(value)).to_owned()
}

/// A share of 0 to 1 that somebody chose, in percent: `95`, `99.5`.
pub(crate) fn chosen_percent(share: f64) -> String {
    without_zeros(&format!("{:.2}", share * 100.0)).to_owned()
}

/// Zeros behind the point say nothing of a round number.
fn without_zeros(number: &str) -> &str {
    match number.contains('.') && !number.contains('e') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

/// A time in hours, in a fitting unit.
pub(crate) fn period(hours: f64) -> String {
    let seconds = hours * 3600.0;
    for (limit, length, unit) in [
        (1e-3, 1e-6, "us"),
        (1.0, 1e-3, "ms"),
        (120.0, 1.0, "s"),
        (7_200.0, 60.0, "min"),
        (172_800.0, 3_600.0, "h"),
        (63_072_000.0, 86_400.0, "days"),
    ] {
        if seconds < limit {
            return format!("{} {unit}", three_digits(seconds / length));
        }
    }
    format!("{} years", three_digits(seconds / 31_557_600.0))
}

/// Three significant digits, grouped.
pub(crate) fn three_digits(value: f64) -> String {
    match value {
        v if !v.is_finite() => "?".to_owned(),
        v if v < 0.0 => format!("-{}", three_digits(-v)),
        v if v >= 1e15 => format!("{v:.2e}"),
        v if v >= 999.5 => {
            let step = 10_f64.powf(v.log10().floor() - 2.0);
            grouped(((v / step).round() * step).round() as u64)
        }
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v if v >= 0.0995 => format!("{v:.2}"),
        0.0 => "0".to_owned(),
        v if v >= 0.001 => format!("{v:.4}").trim_end_matches('0').to_owned(),
        v if v >= 0.000_001 => format!("{v:.7}").trim_end_matches('0').to_owned(),
        _ => "<0.000001".to_owned(),
    }
}

/// `p = 0.012`, `p < 0.0001`.
pub(crate) fn p_value(p: f64) -> String {
    match p < 0.0001 {
        true => "p < 0.0001".to_owned(),
        false => format!("p = {}", three_digits(p)),
    }
}

/// A share of 0 to 1 in percent. It is cut, not rounded: 100 % must mean all.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "?".to_owned();
    }
    let cut = (share.clamp(0.0, 1.0) * 10_000.0 + 1e-9).floor() / 100.0;
    if cut >= 100.0 {
        "100 %".to_owned()
    } else {
        format!("{cut:.2} %")
    }
}

/// The part of a whole, 0 where there is no whole.
pub(crate) fn share(part: Nanos, whole: Nanos) -> f64 {
    if whole.0 == 0 {
        return 0.0;
    }
    part.0 as f64 / whole.0 as f64
}

/// Day and time of day of an RFC 3339 time, the latter to the microsecond;
/// `None` where the text is no such time.
pub(crate) fn day_and_time(utc: &str) -> Option<(&str, &str)> {
    let shape = "0000-00-00T00:00:00";
    let fits = utc.len() > shape.len()
        && utc.is_ascii()
        && utc
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte == form,
            });
    if !fits {
        return None;
    }
    let fraction = &utc[shape.len()..];
    let digits = match fraction.strip_prefix('.') {
        Some(rest) => 1 + rest.bytes().take(6).take_while(u8::is_ascii_digit).count(),
        None => 0,
    };
    Some((&utc[..10], &utc[11..shape.len() + digits]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_short() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
        assert_eq!(count(999_999), "999,999");
        assert_eq!(count(441_234_567), "441 M");
        assert_eq!(count(u64::MAX), "18.4 E");
        assert_eq!(three_digits(1_080.6), "1,080");
        assert_eq!(three_digits(0.25), "0.25");
        assert_eq!(three_digits(0.0), "0");
        assert_eq!(three_digits(0.000_07), "0.00007");
        assert_eq!(three_digits(1e-20), "<0.000001");
        assert_eq!(three_digits(-2_275.816), "-2,280");
        assert_eq!(three_digits(1.48e12), "1,480,000,000,000");
    }

    #[test]
    fn lengths_have_the_unit_that_fits() {
        assert_eq!(length(Nanos(412_000)), "412 us");
        assert_eq!(length(Nanos(u64::MAX)), "585 years");
        assert_eq!(chosen(Nanos(10_000)), "10 us");
        assert_eq!(chosen(Nanos(100_000)), "100 us");
        assert_eq!(chosen(Nanos(12_500)), "12.5 us");
        assert_eq!(period(1.0 / 1_080.0), "3.33 s");
        assert_eq!(period(3.0), "3.00 h");
    }

    #[test]
    fn percent_reaches_hundred_only_for_all() {
        assert_eq!(percent(0.999_999), "99.99 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.998), "99.80 %");
        assert_eq!(percent(f64::NAN), "?");
    }

    #[test]
    fn times_are_cut_to_microseconds() {
        let utc = "2026-11-20T17:52:48.123456789Z";
        assert_eq!(day_and_time(utc), Some(("2026-11-20", "17:52:48.123456")));
        assert_eq!(
            day_and_time("2026-11-20T17:52:48Z"),
            Some(("2026-11-20", "17:52:48"))
        );
        assert_eq!(day_and_time("yesterday"), None);
        assert_eq!(day_and_time(""), None);
    }
}
