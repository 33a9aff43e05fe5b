//! The table of known sources of periodic stalls, and what fits a series.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::SourceKind;
use crate::units::Nanos;

/// Kept as data, so that a source is added without touching code.
const TABLE: &str = include_str!("../../data/smi-sources.toml");
/// Stalls may be so many times shorter or longer than a source's are said to
/// be: other machines are faster.
const LENGTH_SLACK: f64 = 2.0;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: String,
    /// Periods, in seconds; none for an irregular one.
    pub periods_s: Vec<f64>,
    /// How far a period may lie off, as a share of it.
    pub tolerance: f64,
    /// The same in seconds.
    pub tolerance_s: f64,
    /// Shortest and longest stall, in seconds; empty where not known.
    pub length_s: Vec<f64>,
    pub kind: SourceKind,
    pub standing: String,
    #[serde(rename = "try")]
    pub remedy: String,
}

#[derive(Deserialize)]
struct Table {
    source: Vec<Source>,
}

pub fn known() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let table: Table = toml::from_str(TABLE).expect("the table is part of the program");
        table.source
    });
    &SOURCES
}

impl Source {
    pub fn fits(&self, period_ns: f64, length: Nanos) -> bool {
        let seconds = period_ns / 1e9;
        let in_period = self.periods_s.iter().any(|period| {
            (seconds - period).abs() <= (self.tolerance * period).max(self.tolerance_s)
        });
        let in_length = match self.length_s[..] {
            [shortest, longest] => {
                let length = length.as_secs_f64();
                length * LENGTH_SLACK >= shortest && length <= longest * LENGTH_SLACK
            }
            _ => true,
        };
        in_period && in_length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(known().len() >= 10);
        for source in known() {
            assert!(source.length_s.is_empty() || source.length_s.len() == 2);
            assert!(!source.standing.is_empty() && !source.remedy.is_empty());
            assert!(source.name.is_ascii() && source.standing.is_ascii());
            assert!(source.periods_s.iter().all(|period| *period > 0.0));
        }
    }

    #[test]
    fn sources_fit_by_period_and_length() {
        let fits = |seconds: f64, length| -> Vec<&str> {
            known()
                .iter()
                .filter(|source| source.fits(seconds * 1e9, Nanos(length)))
                .map(|source| source.name.as_str())
                .collect()
        };
        assert_eq!(fits(1.41, 2_200_000), ["a Dell workstation's vendor timer"]);
        assert_eq!(fits(1.41, 20_000), [""; 0]);
        assert_eq!(fits(15.4, 20_000), ["Intel PCH periodic SMI timer"]);
        assert_eq!(fits(0.0643, 20_000), ["Intel ICH/PCH software SMI timer"]);
        assert_eq!(fits(123.0, 20_000), [""; 0]);
    }
}
