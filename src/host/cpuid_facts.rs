//! What CPUID says of this machine, and a text form of it for host trees.
//!
//! On a live machine `sys` asks the CPU. A tree under `fixtures/hosts` has a
//! file `cpuid` in its place: lines of `key = value`; blank lines and lines
//! that begin with `#` are passed over. Keys:
//!
//! | key | value | when |
//! |---|---|---|
//! | `vendor` | 12 characters of leaf 0 | always |
//! | `family`, `model`, `stepping` | decimal, extended parts included | always |
//! | `hypervisor` | `none`, or the 12 bytes of leaf 40000000h as text between double quotes, zero bytes at the end left out | always |
//! | `invariant_tsc` | `yes` or `no`, leaf 80000007h EDX bit 8 | always |
//! | `fred` | `yes` or `no`, leaf 7.1 EAX bit 17 | always |
//! | `leaf_15h` | EAX, EBX and ECX in decimal | where the CPU has the leaf |

use std::collections::BTreeMap;

use super::hypervisor::Hypervisor;
use super::root::{Known, Root};
use super::text::clean;
use crate::units::Hertz;

const FILE: &str = "cpuid";

/// How much of a bad text an error shows, in characters.
const LONGEST_QUOTE: usize = 60;

/// The longest vendor kept, in characters.
const LONGEST_VENDOR: usize = 12;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuidFacts {
    /// The vendor of leaf 0, such as `GenuineIntel`.
    pub vendor: String,
    pub family: u32,
    pub model: u32,
    pub stepping: u32,
    /// The signature of leaf 40000000h when leaf 1 ECX bit 31 tells of a
    /// hypervisor; `None` on bare metal, or where the hypervisor hides.
    pub hypervisor: Option<[u8; 12]>,
    pub tsc_rate: TscRate,
    pub fred: Fred,
    /// Leaf 15h, where the CPU has it.
    pub crystal: Option<Crystal>,
}

/// Whether the TSC keeps its rate in all power states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TscRate {
    Invariant,
    /// It may change or stop.
    Variable,
}

/// Whether the CPU can enter and leave the kernel by FRED. Whether the kernel
/// uses it is told by the flag `fred` in `/proc/cpuinfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fred {
    Supported,
    Unsupported,
}

/// Leaf 15h: how the TSC derives from the core crystal clock. Each value is 0
/// where the CPU leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crystal {
    /// EAX: the divisor of the TSC/crystal ratio.
    pub denominator: u32,
    /// EBX: the multiplier of the TSC/crystal ratio.
    pub numerator: u32,
    /// ECX: the crystal's rate in Hz.
    pub hz: u32,
}

impl Crystal {
    /// The rate of the TSC; `None` unless all three values are given.
    pub fn tsc_rate(self) -> Option<Hertz> {
        let Crystal {
            denominator,
            numerator,
            hz,
        } = self;
        (denominator != 0 && numerator != 0 && hz != 0)
            .then(|| Hertz(f64::from(hz) * f64::from(numerator) / f64::from(denominator)))
    }
}

/// Why a text is not a `cpuid` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuidFactsError {
    /// A line has another form.
    #[error("line {line}: '{text}' is not 'key = value'")]
    NotAPair {
        /// Counted from 1.
        line: usize,
        /// The line, cleaned for display.
        text: String,
    },
    /// A key is unknown or stands twice.
    #[error("line {line}: key '{key}' is unknown or stands twice")]
    BadKey {
        /// Counted from 1.
        line: usize,
        /// The key, cleaned for display.
        key: String,
    },
    #[error("{key} is '{found}', not {expected}")]
    BadValue {
        key: &'static str,
        /// What should have stood there.
        expected: &'static str,
        /// The value, cleaned for display.
        found: String,
    },
    #[error("there is no line for {0}")]
    NoKey(&'static str),
}

impl CpuidFacts {
    /// Reads the file `cpuid` of a host tree.
    ///
    /// # Errors
    /// `Malformed` with the first fault, else what the system said.
    pub fn read(root: &Root) -> Known<CpuidFacts> {
        let text = root.read_text(FILE)?;
        CpuidFacts::parse(&text)
            .map_err(|fault| root.malformed(FILE, "CPUID facts", &fault.to_string()))
    }

    /// Parses the text form.
    ///
    /// # Errors
    /// The first fault found.
    pub fn parse(text: &str) -> Result<CpuidFacts, CpuidFactsError> {
        let values = Values::parse(text)?;
        let crystal = values
            .0
            .get("leaf_15h")
            .map(|value| crystal(value))
            .transpose()?;
        let vendor = clean(values.get("vendor")?, LONGEST_VENDOR);
        if vendor.is_empty() {
            return Err(bad("vendor", "a text", ""));
        }
        Ok(CpuidFacts {
            vendor,
            family: values.number("family")?,
            model: values.number("model")?,
            stepping: values.number("stepping")?,
            hypervisor: signature(values.get("hypervisor")?)?,
            tsc_rate: values.either("invariant_tsc", TscRate::Invariant, TscRate::Variable)?,
            fred: values.either("fred", Fred::Supported, Fred::Unsupported)?,
            crystal,
        })
    }

    pub fn hypervisor(&self) -> Option<Hypervisor> {
        self.hypervisor.map(Hypervisor::from_signature)
    }
}

const KEYS: [&str; 8] = [
    "vendor",
    "family",
    "model",
    "stepping",
    "hypervisor",
    "invariant_tsc",
    "fred",
    "leaf_15h",
];

/// The values by key, unread.
struct Values<'a>(BTreeMap<&'static str, &'a str>);

impl<'a> Values<'a> {
    fn parse(text: &'a str) -> Result<Values<'a>, CpuidFactsError> {
        let mut values = BTreeMap::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line_number = index + 1;
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| CpuidFactsError::NotAPair {
                    line: line_number,
                    text: clean(line, LONGEST_QUOTE),
                })?;
            let key = key.trim();
            let known = KEYS.into_iter().find(|known| *known == key);
            match known {
                Some(known) if values.insert(known, value.trim()).is_none() => {}
                _ => {
                    return Err(CpuidFactsError::BadKey {
                        line: line_number,
                        key: clean(key, LONGEST_QUOTE),
                    });
                }
            }
        }
        Ok(Values(values))
    }

    fn get(&self, key: &'static str) -> Result<&'a str, CpuidFactsError> {
        self.0.get(key).copied().ok_or(CpuidFactsError::NoKey(key))
    }

    fn number(&self, key: &'static str) -> Result<u32, CpuidFactsError> {
        let value = self.get(key)?;
        value
            .parse()
            .map_err(|_| bad(key, "a decimal number", value))
    }

    fn either<T>(&self, key: &'static str, yes: T, no: T) -> Result<T, CpuidFactsError> {
        match self.get(key)? {
            "yes" => Ok(yes),
            "no" => Ok(no),
            other => Err(bad(key, "yes or no", other)),
        }
    }
}

fn bad(key: &'static str, expected: &'static str, found: &str) -> CpuidFactsError {
    CpuidFactsError::BadValue {
        key,
        expected,
        found: clean(found, LONGEST_QUOTE),
    }
}

fn signature(value: &str) -> Result<Option<[u8; 12]>, CpuidFactsError> {
    if value == "none" {
        return Ok(None);
    }
    let wrong = || {
        bad(
            "hypervisor",
            "none or at most 12 bytes between quotes",
            value,
        )
    };
    let text = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(wrong)?;
    let mut bytes = [0; 12];
    bytes
        .get_mut(..text.len())
        .ok_or_else(wrong)?
        .copy_from_slice(text.as_bytes());
    Ok(Some(bytes))
}

fn crystal(value: &str) -> Result<Crystal, CpuidFactsError> {
    let numbers: Result<Vec<u32>, _> = value.split_whitespace().map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[denominator, numerator, hz]) => Ok(Crystal {
            denominator,
            numerator,
            hz,
        }),
        _ => Err(bad("leaf_15h", "three decimal numbers", value)),
    }
}

#[cfg(test)]
#[path = "cpuid_facts_tests.rs"]
mod tests;
