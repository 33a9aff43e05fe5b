//! What a run said and left on the machine, whether it wrote a report or not.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Outcome;
use crate::scenario::{Expect, Written};

/// Judges hwgap's words and what the scenario's shell lines noted.
pub fn judge(outcome: &mut Outcome, expect: &Expect, results: &Path) -> Result<()> {
    let read = |name: &str| {
        fs::read_to_string(results.join(name)).with_context(|| format!("the guest left no {name}"))
    };
    let errors = read("hwgap.err").unwrap_or_default();
    for text in &expect.says {
        outcome.require(
            errors.contains(text),
            format!("hwgap did not say {text:?} but: {}", errors.trim()),
        );
    }
    if expect.report == Written::No {
        let code: i32 = read("exit-code")?.trim().parse().context("exit-code")?;
        if let Some(due) = expect.exit_code {
            outcome.require(code == due, format!("exit status {code}, {due} was due"));
        }
    }
    if expect.unchanged {
        let (before, after) = (read("before")?, read("after")?);
        outcome.require(
            !before.trim().is_empty(),
            "the scenario noted nothing before hwgap ran",
        );
        for (old, new) in before.lines().zip(after.lines()) {
            outcome.require(old == new, format!("left changed: {old:?} became {new:?}"));
        }
        outcome.require(
            before.lines().count() == after.lines().count(),
            "more or fewer files after hwgap than before",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(after: &str) -> Vec<String> {
        let folder = std::env::temp_dir().join(format!(
            "hwgap-left-behind-{}-{}",
            std::process::id(),
            after.len()
        ));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [
            ("before", "a: 1\nb: 2\n"),
            ("after", after),
            ("exit-code", "137\n"),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        let expect = Expect {
            report: Written::No,
            exit_code: Some(137),
            unchanged: true,
            ..Expect::default()
        };
        let mut outcome = Outcome::default();
        judge(&mut outcome, &expect, &folder).unwrap();
        fs::remove_dir_all(folder).unwrap();
        outcome.failures
    }

    #[test]
    fn what_is_as_before_passes_and_what_is_not_fails() {
        assert!(judged("a: 1\nb: 2\n").is_empty());
        assert_eq!(judged("a: 1\nb: 30\n").len(), 1);
        assert_eq!(judged("a: 1\nb: 2\nc: 3\n").len(), 1);
    }
}
