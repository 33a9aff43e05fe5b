//! What differs between the machines' descriptions.
//!
//! The descriptions are compared as trees, whatever their fields: what a later
//! version of a report adds appears here by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::host::microcode;
use crate::read::redact::PLACE_HOLDER;

use super::Naming;
use super::input::SavedRun;
use super::model::Change;

/// Rows beyond this many are left out: a table of all fields says no more than
/// that these are two machines.
pub(super) const MOST_CHANGES: usize = 100;
/// Words in the name of a field that holds what may not be named.
const PRIVATE: [&str; 6] = [
    "hostname",
    "machine_id",
    "serial",
    "uuid",
    "asset",
    "mac_address",
];

/// All values of a field over the runs of a side.
type Fields = BTreeMap<String, BTreeSet<String>>;

/// The fields whose values are not the same on both sides.
pub(super) fn changes(before: &[SavedRun], after: &[SavedRun], naming: Naming) -> Vec<Change> {
    let (before, after) = (fields(before), fields(after));
    let none = BTreeSet::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    (names.into_iter())
        .filter_map(|name| {
            let old = before.get(name).unwrap_or(&none);
            let new = after.get(name).unwrap_or(&none);
            (old != new).then(|| change(name, old, new, naming))
        })
        .take(MOST_CHANGES)
        .collect()
}

fn change(name: &str, old: &BTreeSet<String>, new: &BTreeSet<String>, naming: Naming) -> Change {
    let lowercase = name.to_ascii_lowercase();
    let is_private = PRIVATE.iter().any(|word| lowercase.contains(word));
    if is_private && naming == Naming::Redacted {
        return Change {
            field: name.to_owned(),
            before: vec![PLACE_HOLDER.to_owned()],
            after: vec![PLACE_HOLDER.to_owned()],
        };
    }
    // Of lists and of command lines only the words that differ help.
    let (old, new) = match (one(old), one(new)) {
        (Some(old), Some(new)) if is_list_of_words(&lowercase) => words_apart(old, new),
        _ => (old.iter().cloned().collect(), new.iter().cloned().collect()),
    };
    Change {
        field: name.to_owned(),
        before: old,
        after: new,
    }
}

fn one(values: &BTreeSet<String>) -> Option<&String> {
    values.first().filter(|_| values.len() == 1)
}

fn is_list_of_words(name: &str) -> bool {
    name.ends_with("command_line") || name.ends_with("flags") || name.ends_with("[]")
}

/// The words that only one of the two has; the whole texts where they differ in
/// no word, but in its place.
fn words_apart(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let words = |text: &str| -> BTreeSet<String> {
        text.split_ascii_whitespace().map(str::to_owned).collect()
    };
    let (before, after) = (words(old), words(new));
    if before == after {
        return (vec![old.to_owned()], vec![new.to_owned()]);
    }
    let only = |own: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        own.difference(other).cloned().collect()
    };
    (only(&before, &after), only(&after, &before))
}

fn fields(runs: &[SavedRun]) -> Fields {
    let mut fields = Fields::new();
    for run in runs {
        for (root, tree) in [
            ("host", &run.machine.host),
            ("inventory", &run.machine.inventory),
        ] {
            walk(root.to_owned(), tree, &mut fields);
        }
    }
    fields
}

/// The parser bounds the depth of the tree.
fn walk(path: String, value: &Value, fields: &mut Fields) {
    let mut add = |path: String, text: String| {
        let text = match path.ends_with(".microcode") {
            true => microcode::normal(&text),
            false => text,
        };
        fields.entry(path).or_default().insert(text);
    };
    match value {
        Value::Null => (),
        Value::Object(members) => {
            for (name, member) in members {
                walk(format!("{path}.{name}"), member, fields);
            }
        }
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            let words: Vec<String> = items.iter().map(text).collect();
            add(format!("{path}[]"), words.join(" "));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(format!("{path}[{index}]"), item, fields);
            }
        }
        Value::String(_) | Value::Bool(_) | Value::Number(_) => add(path, text(value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> BTreeSet<String> {
        BTreeSet::from([text.to_owned()])
    }

    #[test]
    fn command_lines_show_only_the_words_that_differ() {
        let found = change(
            "host.kernel.command_line",
            &set("ro quiet idle=poll"),
            &set("ro quiet nosmt"),
            Naming::Full,
        );
        assert_eq!(found.before, ["idle=poll"]);
        assert_eq!(found.after, ["nosmt"]);
    }

    #[test]
    fn private_fields_are_left_out_on_request() {
        let (old, new) = (set("rt-bench-01"), set("rt-bench-02"));
        let found = change("host.hostname", &old, &new, Naming::Redacted);
        assert_eq!(found.before, [PLACE_HOLDER]);
        let found = change("host.hostname", &old, &new, Naming::Full);
        assert_eq!(found.after, ["rt-bench-02"]);
    }

    #[test]
    fn unknown_fields_of_any_shape_are_walked() {
        let tree = serde_json::json!({"c_states": [{"name": "C6", "disabled": false}],
            "governor": "performance", "flags": ["a", "b"], "turbo": null});
        let mut found = Fields::new();
        walk("inventory".to_owned(), &tree, &mut found);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "inventory.c_states[0].disabled",
                "inventory.c_states[0].name",
                "inventory.flags[]",
                "inventory.governor"
            ]
        );
    }
}
