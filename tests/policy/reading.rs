//! Policies as they are written: those that are included, and what is wrong
//! with others.

use std::path::Path;

use assert_cmd::Command;
use hwgap::policy::{Policy, PolicyError};

use super::error;

#[test]
fn the_policies_that_are_included_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let policy = Policy::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            policy.name.is_some() && policy.description.is_some(),
            "{path:?}"
        );
        names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "delivery",
            "intel-bits",
            "linux-foundation-rt",
            "openshift-cnf",
            "perf-smi-share",
            "rhel-rt",
            "rhel-rt-host",
            "telco-trading"
        ]
    );
}

#[test]
fn errors_name_line_and_field_and_what_was_meant() {
    for (text, wanted) in [
        (
            "# a\n[limits]\nworts = \"10us\"\n",
            "policy p.toml: line 3, limits.worts: unknown field \"worts\", did you mean \"worst\"?",
        ),
        ("[limit]\nworst = \"10us\"\n", "did you mean \"limits\"?"),
        (
            "[limits]\nworst = \"10 parsecs\"\n",
            "line 2, limits.worst: 'parsecs' is not a unit of time",
        ),
        (
            "[limits]\nworst = \"10\"\n",
            "line 2, limits.worst: \"10\" has no unit",
        ),
        (
            "[limits]\nworst = 10\n",
            "line 2, limits.worst: invalid type: integer `10`",
        ),
        (
            "[limits]\nsmi_time_share = 10\n",
            "a share is a number from 0 to 1",
        ),
        (
            "[limits]\nrate_per_hour = -1\n",
            "a rate is a number from 0 on",
        ),
        (
            "[measurement]\ncpus = \"\"\n",
            "line 2, measurement.cpus: the list is empty",
        ),
        (
            "[measurement]\nengines = [\"usr\"]\n",
            "did you mean \"user\"?",
        ),
        ("[evidence]\nselftest = true\n", "line 2, evidence.selftest"),
        (
            "[[override]]\n[override.limits]\nworst = \"1us\"\n[[override]]\nhost = \"a\"\nlimits.x = 1\n",
            "line 6, override[1].limits.x: unknown field \"x\"",
        ),
        (
            "\n[[override]]\nlimits.worst = \"1us\"\n",
            "line 2, override[0]: fits every host",
        ),
        (
            "[[waiver]]\nhost = \"a\"\nrule = \"limits.wurst\"\nreason = \"r\"\nuntil = \"2027-01-01\"\n",
            "line 3, waiver[0].rule: there is no rule \"limits.wurst\", did you mean \"limits.worst\"?",
        ),
        (
            "[[waiver]]\nhost = \"a\"\nrule = \"bios\"\nreason = \"r\"\nuntil = \"soon\"\n",
            "line 5, waiver[0].until: \"soon\" is not a day",
        ),
        (
            "[[waiver]]\nhost = \"a\"\nrule = \"bios\"\nreason = \" \"\nuntil = \"2027-01-01\"\n",
            "line 1, waiver[0].reason: is empty",
        ),
        (
            "[[bios]]\nproduct = \"x\"\nversions = []\n",
            "line 1, bios[0]: allows no version",
        ),
        ("a = [\n", "policy p.toml: line 1: unclosed array"),
    ] {
        let message = error(text);
        assert!(message.contains(wanted), "{text}\n{message}\n{wanted}");
    }
}

#[test]
fn a_missing_policy_is_wrong_usage() {
    let Err(PolicyError::Unreadable { .. }) = Policy::read(Path::new("/nowhere/p.toml")) else {
        panic!("it was read");
    };
    let mut command = Command::cargo_bin("hwgap").unwrap();
    let command = command.args(["fleet", "fixtures/reports", "--policy", "/nowhere/p.toml"]);
    command.assert().code(2);
}
