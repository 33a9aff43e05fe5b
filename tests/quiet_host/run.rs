//! A run from its first change to the last thing put back.

use serde_json::Value;

use super::harness::{Host, assert_as_before, said, settings};

fn report(host: &Host, more: &[&str]) -> Value {
    let all = [&["--duration", "100ms", "--format", "json"], more].concat();
    let (status, stdout, stderr) = said(&mut host.run(&all));
    assert!(matches!(status, Some(0 | 1 | 3)), "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn everything_that_was_changed_is_put_back_and_listed() {
    let host = Host::new();
    let before = host.values();
    let report = report(&host, &["--quiet-host"]);
    let quiet = &report["quiet_host"];
    let changed: Vec<_> = (settings(quiet).into_iter())
        .filter(|(_, _, result, _)| *result == "changed")
        .collect();
    assert!(changed.len() > 8, "{changed:?}");
    for setting in quiet["settings"].as_array().unwrap() {
        match setting["result"].as_str().unwrap() {
            "changed" => assert_eq!(setting["put_back"], "done", "{setting}"),
            "unchanged" => assert!(setting["reason"].is_null(), "{setting}"),
            _ => assert!(setting["reason"].is_string(), "{setting}"),
        }
    }
    assert_as_before(&before, &host);
    assert!(!host.journal().join("changes.journal").exists());
}

#[test]
fn without_the_option_nothing_is_touched_and_no_journal_begun() {
    let host = Host::new();
    let before = host.values();
    let report = report(&host, &[]);
    assert!(report.get("quiet_host").is_none());
    assert_as_before(&before, &host);
    assert!(!host.journal().exists());
}

#[test]
fn counters_that_stand_still_in_smm_are_put_back_as_well() {
    const SWITCH: &str = "sys/devices/cpu/freeze_on_smi";
    let host = Host::new();
    host.write(SWITCH, "0\n");
    let report = report(&host, &["--freeze-on-smi"]);
    assert!(report.get("quiet_host").is_none());
    assert_eq!(host.read(SWITCH), "0");
}

#[test]
fn the_summary_lists_the_settings() {
    let host = Host::new();
    let all = ["--duration", "100ms", "--quiet-host=vm-stat,numa-balancing"];
    let (_, stdout, _) = said(&mut host.run(&all));
    assert!(stdout.contains("all put back"), "{stdout}");
    let all = [&all[..], &["--verbose"]].concat();
    let (_, stdout, _) = said(&mut host.run(&all));
    assert!(
        stdout.contains("Host settings changed for the run"),
        "{stdout}"
    );
    assert!(
        stdout.contains("-> 3600") && stdout.contains("put back"),
        "{stdout}"
    );
}
