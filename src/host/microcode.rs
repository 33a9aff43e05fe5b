//! Microcode revisions. They are numbers, and each tool writes them in its own
//! way: `0x1000065`, `0x01000065`, `1000065`.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision(u64);

impl Revision {
    /// The number that a text is, in hexadecimal as the kernel prints it, with
    /// or without `0x`; `None` for any other text.
    pub fn parse(text: &str) -> Option<Revision> {
        let digits = bare(text);
        let fits = (1..=16).contains(&digits.len());
        let number = u64::from_str_radix(&digits, 16).ok();
        number.filter(|_| fits).map(Revision)
    }
}

/// The normal form: that of the kernel.
impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

pub fn normal(text: &str) -> String {
    match Revision::parse(text) {
        Some(revision) => revision.to_string(),
        None => text.to_owned(),
    }
}

/// The digits without a prefix, and without zeros before them: also of a text
/// with `*` or `?` in it.
pub fn bare(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let bare = digits.trim_start_matches('0');
    match (bare.is_empty(), digits.is_empty()) {
        (true, false) => "0".to_owned(),
        _ => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        for text in [
            "0x1000065",
            "0x01000065",
            "1000065",
            " 0X01000065 ",
            "001000065",
        ] {
            assert_eq!(normal(text), "0x1000065", "{text:?}");
        }
        assert_eq!(normal("0x0"), "0x0");
        for text in ["", "0x", "n/a", "1.2", "0x10000000000000000", "-1"] {
            assert_eq!(normal(text), text);
        }
    }
}
