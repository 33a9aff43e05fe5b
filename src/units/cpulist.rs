//! Lists of CPU numbers in the kernel's notation, `0-3,8,10-11`.
//!
//! The kernel's own `cpu_set_t` wrappers stop at 1,024 CPUs; this list does
//! not. Format: Documentation/admin-guide/kernel-parameters.rst, "cpu lists".

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::units::CpuId;

/// The largest CPU number accepted. Linux's NR_CPUS limit on x86 is 8,192;
/// the margin keeps a typing error from filling memory.
const LARGEST_CPU: u32 = 65_535;

/// A set of CPU numbers, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuList(BTreeSet<CpuId>);

/// Why a text is not a CPU list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuListError {
    /// A part is neither a number nor a range.
    #[error("'{0}' is neither a CPU number nor a range such as 2-5")]
    NotANumber(String),
    /// A range runs downwards.
    #[error("the range '{0}' ends before it begins")]
    Backwards(String),
    /// A number beyond what Linux supports.
    #[error("CPU {0} is beyond the largest number that Linux can have ({LARGEST_CPU})")]
    TooLarge(u64),
}

impl CpuList {
    /// `CPU 3`, `CPUs 1-3,5`.
    pub fn named(&self) -> String {
        let noun = if self.len() == 1 { "CPU" } else { "CPUs" };
        format!("{noun} {self}")
    }

    /// Whether no CPU is in the list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many CPUs are in the list.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the list holds this CPU.
    pub fn contains(&self, cpu: CpuId) -> bool {
        self.0.contains(&cpu)
    }

    /// The CPUs, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = CpuId> + '_ {
        self.0.iter().copied()
    }

    /// The lowest CPU.
    pub fn first(&self) -> Option<CpuId> {
        self.0.first().copied()
    }

    /// What both lists hold.
    pub fn intersection(&self, other: &CpuList) -> CpuList {
        CpuList(self.0.intersection(&other.0).copied().collect())
    }

    /// What this list holds and the other does not.
    pub fn without(&self, other: &CpuList) -> CpuList {
        CpuList(self.0.difference(&other.0).copied().collect())
    }
}

impl FromIterator<CpuId> for CpuList {
    fn from_iter<I: IntoIterator<Item = CpuId>>(cpus: I) -> Self {
        CpuList(cpus.into_iter().collect())
    }
}

impl FromStr for CpuList {
    type Err = CpuListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut cpus = BTreeSet::new();
        for part in text
            .trim()
            .split(',')
            .map(str::trim)
            .filter(|p| !p.is_empty())
        {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first, part)?, number(last, part)?),
                None => (number(part, part)?, number(part, part)?),
            };
            if last < first {
                return Err(CpuListError::Backwards(part.to_owned()));
            }
            cpus.extend((first..=last).map(CpuId));
        }
        Ok(CpuList(cpus))
    }
}

fn number(text: &str, part: &str) -> Result<u32, CpuListError> {
    let value: u64 = text
        .trim()
        .parse()
        .map_err(|_| CpuListError::NotANumber(part.to_owned()))?;
    match u32::try_from(value) {
        Ok(cpu) if cpu <= LARGEST_CPU => Ok(cpu),
        _ => Err(CpuListError::TooLarge(value)),
    }
}

impl fmt::Display for CpuList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        let mut cpus = self.0.iter().map(|cpu| cpu.0).peekable();
        while let Some(first) = cpus.next() {
            let mut last = first;
            while let Some(next) = cpus.next_if(|&next| next == last + 1) {
                last = next;
            }
            parts.push(match last - first {
                0 => first.to_string(),
                1 => format!("{first},{last}"),
                _ => format!("{first}-{last}"),
            });
        }
        f.pad(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_survive_a_round_trip() {
        for text in ["", "0", "0,1", "0-3,8,10-12", "1023-1026,4095"] {
            assert_eq!(text.parse::<CpuList>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_lists_name_the_bad_part() {
        assert_eq!(
            "1,x".parse::<CpuList>(),
            Err(CpuListError::NotANumber("x".into()))
        );
        assert_eq!(
            "5-2".parse::<CpuList>(),
            Err(CpuListError::Backwards("5-2".into()))
        );
        assert_eq!(
            "99999999".parse::<CpuList>(),
            Err(CpuListError::TooLarge(99_999_999))
        );
        assert_eq!(
            "-1".parse::<CpuList>(),
            Err(CpuListError::NotANumber("-1".into()))
        );
    }
}
