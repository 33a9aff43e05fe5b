//! How the kernel's files state a value, and when two statements are alike: a
//! mask is read back with leading zeros, a choice among all its neighbours.

use serde::{Deserialize, Serialize};

use crate::units::cpulist::CpuList;
use crate::units::cpumask::parse_mask;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A number or word, taken as it stands.
    Text,
    /// A CPU list: `0-3,8`.
    CpuList,
    /// A CPU mask in hexadecimal: `ff,00000000`.
    CpuMask,
    /// One of several, in brackets: `always [madvise] never`.
    Choice,
    /// The first word counts; the rest explains it (`isolated invalid (…)` is
    /// not `isolated`, but both are what `isolated` was written to).
    FirstWord,
    /// Words that are set one by one, whose order does not count.
    Words,
    /// Controllers of a control group, which `+name` adds and `-name` takes
    /// away.
    Controllers,
}

impl Format {
    /// The value of a file, such as can be written back to it.
    pub fn value(self, text: &str) -> String {
        let text = text.trim();
        let word = match self {
            Format::Text | Format::CpuList | Format::CpuMask => text,
            Format::Words | Format::Controllers => text,
            Format::Choice => (text.split_whitespace())
                .find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
                .unwrap_or(text),
            Format::FirstWord => text.split_whitespace().next().unwrap_or_default(),
        };
        word.to_owned()
    }

    pub fn same(self, one: &str, other: &str) -> bool {
        let (one, other) = (self.value(one), self.value(other));
        match self {
            Format::Text | Format::Choice | Format::FirstWord => one == other,
            Format::CpuList => match (one.parse::<CpuList>(), other.parse::<CpuList>()) {
                (Ok(one), Ok(other)) => one == other,
                _ => one == other,
            },
            Format::CpuMask => match (parse_mask(&one), parse_mask(&other)) {
                (Some(one), Some(other)) => one == other,
                _ => one == other,
            },
            Format::Words | Format::Controllers => sorted(&one) == sorted(&other),
        }
    }

    /// What has to be written, one system call each, so that `current` becomes
    /// `wanted`.
    pub(super) fn writes(self, current: &str, wanted: &str) -> Vec<String> {
        match self {
            Format::Words => {
                let there = sorted(current);
                (wanted.split_whitespace())
                    .filter(|word| there.binary_search(word).is_err())
                    .map(str::to_owned)
                    .collect()
            }
            Format::Controllers => {
                let (there, wanted) = (sorted(current), sorted(wanted));
                let missing = |of: &[&str], word: &&str| of.binary_search(word).is_err();
                let more = wanted.iter().filter(|word| missing(&there, word));
                let less = there.iter().filter(|word| missing(&wanted, word));
                more.map(|word| format!("+{word}"))
                    .chain(less.map(|word| format!("-{word}")))
                    .collect()
            }
            _ => vec![wanted.to_owned()],
        }
    }
}

fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.sort_unstable();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_can_be_written_back() {
        let choice = Format::Choice.value("always [madvise] never\n");
        assert_eq!(choice, "madvise");
        assert_eq!(Format::Choice.value(&choice), "madvise");
        assert_eq!(Format::FirstWord.value("isolated invalid (x)"), "isolated");
        assert_eq!(Format::Text.value(" 10\n"), "10");
    }

    #[test]
    fn the_same_value_may_be_written_differently() {
        assert!(Format::CpuMask.same("3", "00000003"));
        assert!(Format::CpuList.same("0,1,2", "0-2"));
        assert!(Format::Words.same("A NO_B", "NO_B  A"));
        assert!(!Format::CpuMask.same("3", "1"));
        assert!(!Format::CpuList.same("0-2", "0-3"));
        assert!(!Format::Text.same("10", "010"));
        assert!(!Format::CpuMask.same("x", "y"));
    }

    #[test]
    fn words_are_written_one_by_one_and_only_where_they_differ() {
        assert_eq!(Format::Words.writes("A NO_B C", "A B C"), ["B"]);
        assert_eq!(Format::Text.writes("1", "2"), ["2"]);
        let writes = Format::Controllers.writes("cpu io", "cpu cpuset");
        assert_eq!(writes, ["+cpuset", "-io"]);
    }
}
