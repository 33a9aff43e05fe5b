//! The rules themselves: what is asked of every host, and of some in another
//! measure.

use serde::{Deserialize, Deserializer};

use crate::cli::duration::{Quantity, parse_duration};
use crate::model::EngineName;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;

/// What is asked. Whatever is `None` is not asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    pub limits: Limits,
    pub measurement: Measurement,
    pub evidence: Evidence,
    pub clock: Clock,
}

/// Table `[limits]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest that the platform may take at a time.
    #[serde(deserialize_with = "threshold")]
    pub worst: Option<Nanos>,
    /// What counts as a stall for the following limits; the run's own limit if
    /// not given.
    #[serde(deserialize_with = "threshold")]
    pub above: Option<Nanos>,
    /// Stalls an hour of covered time, as counted.
    #[serde(deserialize_with = "rate")]
    pub rate_per_hour: Option<f64>,
    /// Stalls an hour that must be excluded with 95 % confidence.
    #[serde(deserialize_with = "rate")]
    pub rate_upper95_per_hour: Option<f64>,
    /// Time in stalls an hour of covered time.
    #[serde(deserialize_with = "threshold")]
    pub lost_per_hour: Option<Nanos>,
    /// Share of the time spent in SMIs, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub smi_time_share: Option<f64>,
}

/// Table `[measurement]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Measurement {
    /// How long a run must have lasted.
    #[serde(deserialize_with = "duration")]
    pub duration: Option<Nanos>,
    /// How much time must have been covered, mean over CPUs.
    #[serde(deserialize_with = "duration")]
    pub covered: Option<Nanos>,
    /// The least covered share of any CPU, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub coverage: Option<f64>,
    #[serde(deserialize_with = "threshold")]
    pub threshold: Option<Nanos>,
    pub cpus: Option<WantedCpus>,
    pub engines: Option<Vec<EngineName>>,
}

/// Table `[evidence]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evidence {
    pub smi_counter: Option<Need>,
    /// Whether a self-test of the host must have passed.
    pub selftest: Option<Need>,
    pub guest: Option<GuestRuns>,
    /// Further sources of evidence that must have been usable, by name.
    pub sources: Option<Vec<String>>,
}

/// Table `[clock]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    pub clocksource: Option<Vec<String>>,
    pub invariant_tsc: Option<Need>,
    /// Whether clocks and clocksource must have stayed in step.
    pub steady: Option<Need>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    Required,
    /// It need not: lifts what the policy asks of others.
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestRuns {
    /// They say nothing of the hardware.
    Refused,
    /// They are judged as what lies below the guest.
    Allowed,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WantedCpus {
    /// All that the process might use.
    All,
    List(CpuList),
}

impl Rules {
    /// These rules, and where they say nothing those of `base`.
    #[must_use]
    pub fn over(self, base: Rules) -> Rules {
        let (a, b) = (self, base);
        Rules {
            limits: Limits {
                worst: a.limits.worst.or(b.limits.worst),
                above: a.limits.above.or(b.limits.above),
                rate_per_hour: a.limits.rate_per_hour.or(b.limits.rate_per_hour),
                rate_upper95_per_hour: (a.limits.rate_upper95_per_hour)
                    .or(b.limits.rate_upper95_per_hour),
                lost_per_hour: a.limits.lost_per_hour.or(b.limits.lost_per_hour),
                smi_time_share: a.limits.smi_time_share.or(b.limits.smi_time_share),
            },
            measurement: Measurement {
                duration: a.measurement.duration.or(b.measurement.duration),
                covered: a.measurement.covered.or(b.measurement.covered),
                coverage: a.measurement.coverage.or(b.measurement.coverage),
                threshold: a.measurement.threshold.or(b.measurement.threshold),
                cpus: a.measurement.cpus.or(b.measurement.cpus),
                engines: a.measurement.engines.or(b.measurement.engines),
            },
            evidence: Evidence {
                smi_counter: a.evidence.smi_counter.or(b.evidence.smi_counter),
                selftest: a.evidence.selftest.or(b.evidence.selftest),
                guest: a.evidence.guest.or(b.evidence.guest),
                sources: a.evidence.sources.or(b.evidence.sources),
            },
            clock: Clock {
                clocksource: a.clock.clocksource.or(b.clock.clocksource),
                invariant_tsc: a.clock.invariant_tsc.or(b.clock.invariant_tsc),
                steady: a.clock.steady.or(b.clock.steady),
            },
        }
    }
}

impl Limits {
    /// Whether nothing is limited, so that the runs' own limits hold.
    pub fn are_none(&self) -> bool {
        Limits {
            above: None,
            ..self.clone()
        } == Limits::default()
    }
}

fn threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nanos>, D::Error> {
    length(deserializer, Quantity::Threshold)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nanos>, D::Error> {
    length(deserializer, Quantity::Duration)
}

/// A length with its unit. The command line takes bare numbers; in a file that
/// is read a year later they would be a riddle.
fn length<'de, D: Deserializer<'de>>(
    deserializer: D,
    quantity: Quantity,
) -> Result<Option<Nanos>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.parse::<f64>().is_ok() {
        return Err(custom(format_args!(
            "{text:?} has no unit; write for example \"10us\" or \"12h\""
        )));
    }
    parse_duration(&text, quantity).map(Some).map_err(custom)
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let rate = f64::deserialize(deserializer)?;
    match rate.is_finite() && rate >= 0.0 {
        true => Ok(Some(rate)),
        false => Err(custom("a rate is a number from 0 on")),
    }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let share = f64::deserialize(deserializer)?;
    match (0.0..=1.0).contains(&share) {
        true => Ok(Some(share)),
        false => Err(custom("a share is a number from 0 to 1: 0.1 is 10 %")),
    }
}

impl<'de> Deserialize<'de> for WantedCpus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "all" => Ok(WantedCpus::All),
            list => match list.parse::<CpuList>() {
                Ok(list) if !list.is_empty() => Ok(WantedCpus::List(list)),
                Ok(_) => Err(custom(
                    "the list is empty; write \"all\" or for example \"1-3,5\"",
                )),
                Err(error) => Err(custom(error)),
            },
        }
    }
}

fn custom<E: serde::de::Error>(message: impl std::fmt::Display) -> E {
    E::custom(message)
}
