//! A list of hosts that should have reported.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use crate::files::read;
use crate::text::clean_text;

use super::model::Matched;
use super::names::Name;

/// The largest list that is read: some 100,000 hosts.
const LARGEST: u64 = 4 << 20;

/// The names of a list, one a line; `#` begins a comment.
#[derive(Clone, Debug, Default)]
pub struct Expected(Vec<String>);

/// Who is missing, and who came without being expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    pub matched: Vec<Matched>,
    pub missing: Vec<String>,
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

    pub fn parse(text: &str) -> Expected {
        let text = text.trim_start_matches('\u{feff}');
        let bare = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or("").trim());
        Expected(
            bare.filter(|name| !name.is_empty())
                .map(clean_text)
                .collect(),
        )
    }

    /// Holds the list against the hosts that are there, by label; each comes
    /// with its name among the hosts. Case does not count, nor does a domain
    /// that only one of two names has.
    pub fn compare<'a>(
        &self,
        present: impl Iterator<Item = (&'a Name, &'a Name)> + Clone,
    ) -> Attendance {
        let lower = |name: &str| name.to_lowercase();
        let mut by_label: HashMap<String, Vec<Name>> = HashMap::new();
        let mut by_short: HashMap<String, Vec<String>> = HashMap::new();
        for (label, name) in present.clone() {
            let label = lower(label);
            let labels = by_short.entry(short(&label)).or_default();
            if !labels.contains(&label) {
                labels.push(label.clone());
            }
            by_label.entry(label).or_default().push(name.clone());
        }
        let mut attended: HashSet<String> = HashSet::new();
        let (mut missing, mut matched) = (Vec::new(), Vec::new());
        for wanted in &self.0 {
            let name = lower(wanted);
            let alike = by_short.get(&short(&name)).map_or(&[][..], Vec::as_slice);
            let found = match by_label.contains_key(&name) {
                true => Some(name.clone()),
                false => (alike.iter())
                    .find(|other| !(name.contains('.') && other.contains('.')))
                    .cloned(),
            };
            match found {
                Some(found) => {
                    matched.push(Matched {
                        expected: wanted.clone(),
                        hosts: by_label.get(&found).cloned().unwrap_or_default(),
                    });
                    attended.insert(found);
                }
                None => missing.push(wanted.clone()),
            }
        }
        let unexpected = present.filter(|(label, _)| !attended.contains(&lower(label)));
        Attendance {
            matched,
            missing,
            unexpected: unexpected.map(|(_, name)| name.clone()).collect(),
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
        let attendance = expected.compare(there.iter().map(|name| (name, name)));
        assert_eq!(attendance.missing, ["node3.lab", "node4"]);
        assert_eq!(
            attendance.unexpected,
            ["node3.other", "node5"].map(Name::from)
        );
        let matched = &attendance.matched[1];
        assert_eq!(
            (&*matched.expected, &*matched.hosts[0]),
            ("NODE2.lab", "node2.lab")
        );
    }

    #[test]
    fn a_name_that_machines_share_stands_for_all_of_them() {
        let expected = Expected::parse("node1\n");
        let there = [("node1", "node1 (A)"), ("node1", "node1 (B)")];
        let there = there.map(|(label, name)| (Name::from(label), Name::from(name)));
        let attendance = expected.compare(there.iter().map(|(label, name)| (label, name)));
        assert_eq!(attendance.matched[0].hosts.len(), 2);
        assert_eq!(
            (attendance.missing.len(), attendance.unexpected.len()),
            (0, 0)
        );
    }
}
