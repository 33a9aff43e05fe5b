//! The rules of a policy by name, as reasons and waivers call them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::read::suggestion;

/// What a host can break, or fail to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The run's own verdict and doubts.
    RunVerdict,
    /// Reports of one run that do not say the same.
    Conflict,
    /// `worst`.
    Worst,
    /// `rate_per_hour`.
    Rate,
    /// `rate_upper95_per_hour`.
    RateUpper,
    /// `lost_per_hour`.
    Lost,
    /// `smi_time_share`.
    SmiTime,
    /// The duration that was asked for; `duration` and `covered` take its place.
    Complete,
    /// `duration`.
    Duration,
    /// `covered`.
    Covered,
    /// `coverage`.
    Coverage,
    /// `threshold`.
    Threshold,
    /// `cpus`.
    Cpus,
    /// `engines`.
    Engines,
    /// `smi_counter`.
    SmiCounter,
    /// `selftest`.
    SelfTest,
    /// `guest`.
    Guest,
    /// `sources`.
    Sources,
    /// `clocksource`.
    Clocksource,
    /// `invariant_tsc`.
    InvariantTsc,
    /// `steady`.
    Steady,
    /// The list of BIOS versions.
    Bios,
    /// The list of microcode revisions.
    Microcode,
}

impl Rule {
    /// All of them, in the order in which they are judged.
    pub const ALL: [Rule; 23] = [
        Rule::RunVerdict,
        Rule::Conflict,
        Rule::Worst,
        Rule::Rate,
        Rule::RateUpper,
        Rule::Lost,
        Rule::SmiTime,
        Rule::Complete,
        Rule::Duration,
        Rule::Covered,
        Rule::Coverage,
        Rule::Threshold,
        Rule::Cpus,
        Rule::Engines,
        Rule::SmiCounter,
        Rule::SelfTest,
        Rule::Guest,
        Rule::Sources,
        Rule::Clocksource,
        Rule::InvariantTsc,
        Rule::Steady,
        Rule::Bios,
        Rule::Microcode,
    ];

    /// The name: the field of the policy, with its table.
    pub fn name(self) -> &'static str {
        match self {
            Rule::RunVerdict => "run.verdict",
            Rule::Conflict => "run.conflict",
            Rule::Worst => "limits.worst",
            Rule::Rate => "limits.rate_per_hour",
            Rule::RateUpper => "limits.rate_upper95_per_hour",
            Rule::Lost => "limits.lost_per_hour",
            Rule::SmiTime => "limits.smi_time_share",
            Rule::Complete => "measurement.complete",
            Rule::Duration => "measurement.duration",
            Rule::Covered => "measurement.covered",
            Rule::Coverage => "measurement.coverage",
            Rule::Threshold => "measurement.threshold",
            Rule::Cpus => "measurement.cpus",
            Rule::Engines => "measurement.engines",
            Rule::SmiCounter => "evidence.smi_counter",
            Rule::SelfTest => "evidence.selftest",
            Rule::Guest => "evidence.guest",
            Rule::Sources => "evidence.sources",
            Rule::Clocksource => "clock.clocksource",
            Rule::InvariantTsc => "clock.invariant_tsc",
            Rule::Steady => "clock.steady",
            Rule::Bios => "bios",
            Rule::Microcode => "microcode",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Rule {
    fn schema_name() -> Cow<'static, str> {
        "Rule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "enum": Rule::ALL.map(Rule::name),
            "description": "What a host can break, or fail to show.",
        })
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Rule::ALL.into_iter().find(|rule| rule.name() == name);
        found.ok_or_else(|| {
            let names = Rule::ALL.map(Rule::name);
            serde::de::Error::custom(format_args!(
                "there is no rule {name:?}{}",
                suggestion(&name, &names)
            ))
        })
    }
}
