//! The policy as it is written.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

use super::pattern::Pattern;
use super::rule::Rule;
use super::rules::{Clock, Evidence, Limits, Measurement, Rules};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What it is called, for reports.
    pub name: Option<String>,
    pub description: Option<String>,
    pub limits: Limits,
    pub measurement: Measurement,
    pub evidence: Evidence,
    pub clock: Clock,
    pub bios: Vec<AllowedBios>,
    pub microcode: Vec<AllowedMicrocode>,
    /// Other measures for some hosts. Where several fit, each overrides those
    /// before it.
    #[serde(rename = "override")]
    pub exceptions: Vec<Exception>,
    /// Rules that some hosts may break for a time.
    #[serde(rename = "waiver")]
    pub waivers: Vec<Waiver>,
}

/// One `[[bios]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedBios {
    /// The system's vendor; any if not given.
    pub vendor: Option<Pattern>,
    pub product: Pattern,
    pub versions: Vec<Pattern>,
}

/// One `[[microcode]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedMicrocode {
    pub cpu: Pattern,
    pub revisions: Vec<Pattern>,
}

/// One `[[override]]`: the hosts that fit all of its patterns.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exception {
    pub host: Option<Pattern>,
    pub vendor: Option<Pattern>,
    pub product: Option<Pattern>,
    pub bios: Option<Pattern>,
    pub cpu: Option<Pattern>,
    /// Limits that replace those of the policy, one by one.
    pub limits: Limits,
    /// As `limits`.
    pub measurement: Measurement,
    /// As `limits`.
    pub evidence: Evidence,
    /// As `limits`.
    pub clock: Clock,
}

/// One `[[waiver]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    pub host: Pattern,
    pub rule: Rule,
    /// Why; shown wherever the waiver is used.
    pub reason: String,
    /// The last day on which it holds, UTC.
    #[serde(deserialize_with = "date")]
    pub until: Date,
}

impl Policy {
    /// The rules for hosts without an exception.
    pub fn rules(&self) -> Rules {
        Rules {
            limits: self.limits.clone(),
            measurement: self.measurement.clone(),
            evidence: self.evidence.clone(),
            clock: self.clock.clone(),
        }
    }
}

impl Exception {
    pub(super) fn rules(&self) -> Rules {
        Rules {
            limits: self.limits.clone(),
            measurement: self.measurement.clone(),
            evidence: self.evidence.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// A date, as a text or as TOML's own.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Toml(toml::value::Datetime),
    }
    let text = match Written::deserialize(deserializer) {
        Ok(Written::Text(text)) => text,
        Ok(Written::Toml(date)) => date.to_string(),
        Err(_) => String::new(),
    };
    text.parse().map_err(|_| {
        serde::de::Error::custom(format_args!(
            "{text:?} is not a day; write for example \"2027-03-31\""
        ))
    })
}
