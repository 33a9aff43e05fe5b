//! `hwgap report` as a user meets it: formats, inputs that are no reports, and
//! reports of the first version.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use proptest::prelude::*;
use serde_json::Value;

use crate::made_up_host::made_up_host;

/// A report as hwgap 0.1 wrote it, by a scripted clock on a made-up host.
fn first_version() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports/v1-smi.json")
}

fn report(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("hwgap").unwrap();
    command.arg("report").args(arguments);
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn every_format_comes_out_of_the_first_version() {
    let file = first_version();
    for (format, first) in [
        ("text", "FAIL: "),
        ("json", "{"),
        ("csv", "cpu,start_cycles"),
        ("markdown", "# Latency report: intel-server"),
        ("html", "<!DOCTYPE html>"),
        ("junit", "<?xml version"),
        ("histogram", "# Histogram"),
        ("hdrhistogram", "#[hwgap: times in ns]"),
        ("jsonl", "{\"cpu\": "),
    ] {
        let shown = stdout(report(&["--format", format]).arg(&file));
        assert!(shown.starts_with(first), "{format}: {shown}");
        let piped = stdout(
            report(&["-", "--format", format])
                .pipe_stdin(&file)
                .unwrap(),
        );
        assert_eq!(shown, piped, "{format}");
    }
}

#[test]
fn a_page_names_the_hash_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (json, page) = (folder.path().join("r.json"), folder.path().join("r.html"));
    let host = made_up_host("bare-metal-intel", &["smi"]);
    Command::cargo_bin("hwgap")
        .unwrap()
        .args(["run", "--quiet", "--host-root"])
        .arg(host.path())
        .arg("--output")
        .arg(&json)
        .arg("--html")
        .arg(&page)
        .assert()
        .code(1);
    let of_run = std::fs::read_to_string(&page).unwrap();
    let saved = stdout(report(&["--format", "html"]).arg(&json));
    assert_eq!(of_run, saved);
    let sum = std::process::Command::new("sha256sum")
        .arg(&json)
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(of_run.contains(&sum[..64]), "{sum}");
    // The tree has serial numbers; nobody asked for them.
    let text = std::fs::read_to_string(&json).unwrap();
    for field in ["product_serial", "board_serial", "product_uuid"] {
        let path = host.path().join(format!("sys/class/dmi/id/{field}"));
        let serial = std::fs::read_to_string(path).unwrap();
        assert!(!text.contains(serial.trim()), "{field} is in the report");
    }
}

#[test]
fn judging_anew_by_the_same_rules_changes_no_cause() {
    let file = first_version();
    let parse = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
    let before = parse(stdout(report(&["--format", "json"]).arg(&file)));
    let after = parse(stdout(
        report(&["--format", "json", "--reattribute"]).arg(&file),
    ));
    let told = |report: &Value| -> Vec<Value> {
        let mut gaps = report["gaps"].as_array().unwrap().clone();
        // The first version gave no reason.
        gaps.iter_mut()
            .for_each(|gap| gap["unknown_reason"] = Value::Null);
        gaps
    };
    assert_eq!(told(&before), told(&after));
    assert_eq!(before["verdict"], after["verdict"]);
    let findings = after["findings"].as_array().unwrap();
    let ours = findings
        .iter()
        .find(|one| one["id"] == "reattributed")
        .unwrap();
    assert!(ours["text"].as_str().unwrap().contains(": 0 of "), "{ours}");
}

/// As if an earlier version had not known what an SMI count proves.
#[test]
fn judging_anew_mends_a_cause_and_the_counts() {
    let mut saved: Value =
        serde_json::from_slice(&std::fs::read(first_version()).unwrap()).unwrap();
    let mut moved = 0;
    for gap in saved["gaps"].as_array_mut().unwrap() {
        if gap["cause"] == "smi" {
            gap["cause"] = "os".into();
            gap["confidence"] = "probable".into();
            moved += 1;
        }
    }
    assert!(moved > 0);
    let each = moved / saved["cpus"].as_array().unwrap().len() as u64;
    for cpu in saved["cpus"].as_array_mut().unwrap() {
        cpu["gaps_by_cause"]["os"] = (cpu["gaps_by_cause"]["os"].as_u64().unwrap() + each).into();
        cpu["gaps_by_cause"]["smi"] = 0.into();
    }
    let anew =
        stdout(report(&["-", "--format", "json", "--reattribute"]).write_stdin(saved.to_string()));
    let anew: Value = serde_json::from_str(&anew).unwrap();
    let original: Value = serde_json::from_slice(&std::fs::read(first_version()).unwrap()).unwrap();
    for (index, cpu) in anew["cpus"].as_array().unwrap().iter().enumerate() {
        let counts = original["cpus"][index]["gaps_by_cause"].as_object();
        for (cause, count) in counts.unwrap() {
            assert_eq!(&cpu["gaps_by_cause"][cause], count, "{cause}");
        }
    }
    for (gap, before) in anew["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .zip(original["gaps"].as_array().unwrap())
    {
        assert_eq!(
            (&gap["cause"], &gap["confidence"]),
            (&before["cause"], &before["confidence"])
        );
        // Evidence that the first version did not know is null.
        for (source, value) in gap["raw"].as_object().unwrap() {
            let earlier = before["raw"].get(source).unwrap_or(&Value::Null);
            assert_eq!(value, earlier, "{source}");
        }
    }
}

#[test]
fn bad_inputs_end_with_status_2_and_their_cause() {
    let whole = std::fs::read_to_string(first_version()).unwrap();
    let nan = whole.replacen("\"coverage\": ", "\"coverage\": NaN, \"x\": ", 1);
    let huge = whole.replacen("\"hz\": ", "\"hz\": 1e999, \"x\": ", 1);
    let newer = whole.replacen("\"schema_version\": 1", "\"schema_version\": 99", 1);
    for (input, place) in [
        (String::new(), "is empty"),
        (
            whole[..whole.len() / 2].to_owned(),
            "ends in mid-report at line",
        ),
        (nan, "is not JSON"),
        (huge, "out of range"),
        (newer, "\"schema_version\" 99"),
        (String::from("[1, 2]"), "is not a report of hwgap"),
        (String::from("\u{0}\u{1}"), "is not JSON"),
    ] {
        for format in ["text", "json", "csv", "markdown", "html"] {
            report(&["-", "--format", format])
                .write_stdin(input.clone())
                .assert()
                .code(2)
                .stdout("")
                .stderr(contains("standard input").and(contains(place)));
        }
    }
    report(&["/nonexistent/report.json"])
        .assert()
        .code(2)
        .stderr(contains("/nonexistent/report.json"));
}

#[test]
fn an_output_that_cannot_be_written_is_told_before_anything_is_read() {
    report(&["-", "--format", "html", "-o", "/nonexistent/x.html"])
        .assert()
        .code(2)
        .stderr(contains("/nonexistent"));
}

/// Numbers that no run gives must not stop a page from being made.
fn strange(mut value: Value, numbers: &mut impl Iterator<Item = u64>) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                // Small fields, or read as something else than a count.
                let kept = ["cpu", "schema_version", "hz", "coverage", "family", "model"];
                if !kept.contains(&name.as_str()) && !name.starts_with("platform_rate") {
                    *field = strange(field.take(), numbers);
                }
            }
            value
        }
        Value::Array(items) => {
            items
                .iter_mut()
                .for_each(|item| *item = strange(item.take(), numbers));
            value
        }
        Value::Number(number) if number.is_u64() => match numbers.next() {
            Some(number) => number.into(),
            None => value,
        },
        _ => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_number_and_no_cut_makes_the_program_panic(
        numbers in prop::collection::vec(prop_oneof![
            Just(0), Just(1), Just(u64::MAX), Just(u64::from(u32::MAX)), any::<u64>(), 0_u64..100_000,
        ], 1..40),
        cut in 0.0..1.0_f64,
        kept in any::<bool>(),
    ) {
        let whole = std::fs::read_to_string(first_version()).unwrap();
        let value: Value = serde_json::from_str(&whole).unwrap();
        let text = strange(value, &mut numbers.into_iter().cycle()).to_string();
        let end = if kept { text.len() } else { (text.len() as f64 * cut) as usize };
        for format in ["text", "markdown", "html", "csv"] {
            for more in [&[][..], &["--reattribute", "--redact"]] {
                let output = report(&["-", "--format", format])
                    .args(more)
                    .write_stdin(&text[..end])
                    .output()
                    .unwrap();
                let code = output.status.code();
                prop_assert!(
                    code == Some(0) || code == Some(2),
                    "{}", String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}
