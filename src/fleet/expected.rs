//! A list of hosts that should have reported.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use crate::files::read;
use crate::report::clean_text;

use super::names::Name;

/// The largest list that is read: some 100,000 hosts.
const LARGEST: u64 = 4 << 20;

/// The names of a list, one a line; `#` begins a comment.
#[derive(Clone, Debug, Default)]
pub struct Expected(Vec<String>);

/// Who is missing, and who came without being expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Expected and not there.
    pub missing: Vec<String>,
    /// There and not expected.
    pub unexpected: Vec<Name>,
}

impl Expected {
    /// Reads a list.
    ///
    /// # Errors
    /// Where it cannot be read, or is larger than 4 MiB.
    pub fn read(path: &Path) -> io::Result<Expected> {
        read::text(path, LARGEST).map(|text| Expected::parse(&text))
    }

    /// From the text of a list.
    pub fn parse(text: &str) -> Expected {
        let bare = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or("").trim());
        Expected(
            bare.filter(|name| !name.is_empty())
                .map(clean_text)
                .collect(),
        )
    }

    /// Holds the list against the hosts that are there. Case does not count,
    /// nor does a domain that only one of two names has.
    pub fn compare<'a>(&self, present: impl Iterator<Item = &'a Name> + Clone) -> Attendance {
        let lower = |name: &str| name.to_lowercase();
        let mut there: HashSet<String> = HashSet::new();
        let mut by_short: HashMap<String, Vec<String>> = HashMap::new();
        for name in present.clone() {
            there.insert(lower(name));
            by_short
                .entry(short(&lower(name)))
                .or_default()
                .push(lower(name));
        }
        let mut attended: HashSet<String> = HashSet::new();
        let mut missing = Vec::new();
        for wanted in &self.0 {
            let name = lower(wanted);
            let alike = by_short.get(&short(&name)).map_or(&[][..], Vec::as_slice);
            let found = match there.contains(&name) {
                true => Some(name.clone()),
                false => (alike.iter())
                    .find(|other| !(name.contains('.') && other.contains('.')))
                    .cloned(),
            };
            match found {
                Some(found) => drop(attended.insert(found)),
                None => missing.push(wanted.clone()),
            }
        }
        let unexpected = present.filter(|name| !attended.contains(&lower(name)));
        Attendance {
            missing,
            unexpected: unexpected.cloned().collect(),
        }
    }
}

fn short(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_case_do_not_hide_a_host() {
        let expected = Expected::parse("# rack 1\nnode1\nNODE2.lab # spare\n\nnode3.lab\nnode4\n");
        let there = ["node1.lab", "node2.lab", "node3.other", "node5"].map(Name::from);
        let attendance = expected.compare(there.iter());
        assert_eq!(attendance.missing, ["node3.lab", "node4"]);
        assert_eq!(
            attendance.unexpected,
            ["node3.other", "node5"].map(Name::from)
        );
    }
}
