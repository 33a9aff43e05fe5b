//! The lines themselves.

use super::clients::samples_of;
use super::harness::{command, on_host, scripted};
use super::made_up_host::made_up_host;

const TWO: [&str; 4] = ["--duration", "100ms", "--cpu-list", "1-2"];

#[test]
fn a_test_with_latency_in_the_form_of_each_release() {
    for version in ["2.4", "2.6", "2.10"] {
        let mut arguments = TWO.to_vec();
        arguments.extend(["--format-version", version]);
        let said = scripted("drop-in-latency", &arguments);
        let golden = super::harness::repository(&format!("tests/golden/hwlatdetect-{version}.txt"));
        let text = said.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(text, kept, "UPDATE_GOLDEN=1 writes {}", golden.display());
    }
}

#[test]
fn the_environment_chooses_the_form_too() {
    let host = made_up_host("bare-metal-intel", &["drop-in-latency"]);
    let output = command(&TWO)
        .arg("--host-root")
        .arg(host.path())
        .env("HWLATDETECT_FORMAT_VERSION", "2.4")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(samples_of(&stdout).all(|line| line.ends_with("outer:0")));
    assert!(!stdout.contains("MTBF"), "{stdout}");
}

#[test]
fn a_gap_of_the_kernels_is_no_sample() {
    let said = scripted("drop-in-latency", &["--duration=100ms", "--cpu-list=1"]);
    assert_eq!(said.value("Samples recorded:"), "4");
    assert_eq!(said.value("Max Latency:"), "251us");
    assert_eq!(said.value("SMIs during run:"), "4");
    assert_eq!(samples_of(&said.stdout).count(), 4);
}

#[test]
fn a_test_that_looked_for_less_than_was_asked_says_so() {
    let starved = |more: &str| scripted("drop-in-starved", &["--duration=100ms", more]);
    let said = starved("--cpu-list=1");
    assert_eq!(said.value("Coverage:"), "40.08 % of the time on CPU 1");
    let word = "only 40.08 % of the time was sampled, 50.00 % were asked for";
    assert!(said.stderr.contains(word), "{}", said.stderr);
    // As much as that was asked for here.
    let said = starved("--width=400000us");
    assert!(!said.stderr.contains("were asked for"), "{}", said.stderr);
}

#[test]
fn smis_that_cannot_be_counted_are_not_counted_as_none() {
    // Bare metal without a counter, AMD without the right to it, a guest.
    for (script, host) in [
        ("stall", "bare-metal-intel"),
        ("stall", "bare-metal-amd"),
        ("guest", "kvm-guest"),
    ] {
        let said = on_host(script, host, &["--duration=100ms"]);
        let smis = said.value("SMIs during run:");
        assert!(smis.starts_with("not counted ("), "{host}: {smis}");
        assert_eq!(said.status, 1, "{host}: {}", said.stderr);
        assert_ne!(said.value("Samples recorded:"), "0", "{host}");
    }
}

#[test]
fn a_guests_stalls_are_samples_and_said_to_be_its_hypervisors() {
    let said = on_host("guest", "kvm-guest", &["--duration=100ms"]);
    assert!(said.stderr.contains("virtual machine"), "{}", said.stderr);
    assert_eq!(said.status, 1);
}

#[test]
fn what_cannot_be_attributed_is_said_and_ends_with_3() {
    let said = scripted("fred", &["--duration=100ms", "--cpu-list=1"]);
    assert_eq!(said.status, 3, "{}", said.stderr);
    assert_eq!(said.value("Samples recorded:"), "0");
    assert!(
        said.stderr.contains("1 gap above the threshold"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("no verdict"), "{}", said.stderr);
    let quiet = scripted("fred", &["--duration=100ms", "--cpu-list=1", "--quiet"]);
    assert_eq!((quiet.status, quiet.stdout.as_str()), (3, ""));
    assert!(quiet.stderr.contains("no verdict"), "{}", quiet.stderr);
}

#[test]
fn quiet_leaves_what_the_original_leaves() {
    let said = scripted(
        "drop-in-latency",
        &["--duration=100ms", "--cpu-list=1", "--quiet", "--debug"],
    );
    let mut lines = said.stdout.lines();
    assert_eq!(lines.next(), Some("4 SMIs occured on cpu 1"));
    assert!(lines.all(|line| line.starts_with("ts: ")));
    assert_eq!((said.status, said.stderr.as_str()), (1, ""));
}

#[test]
fn watch_prints_the_samples_before_the_end_and_only_once() {
    let said = scripted(
        "drop-in-latency",
        &["--duration=100ms", "--cpu-list=1", "--watch"],
    );
    let (before, after) = said.stdout.split_once("test finished").unwrap();
    assert_eq!(samples_of(before).count(), 4);
    assert_eq!(samples_of(after).count(), 0);
    let listed = scripted("drop-in-latency", &["--duration=100ms", "--cpu-list=1"]);
    assert!(samples_of(before).eq(samples_of(&listed.stdout)));
}

#[test]
fn the_report_file_holds_the_samples_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("samples");
    let said = scripted(
        "drop-in-latency",
        &[
            "--duration=100ms",
            "--cpu-list=1",
            "--report",
            file.to_str().unwrap(),
        ],
    );
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.lines().eq(samples_of(&said.stdout)));
    let saved = format!("report saved to {} (4 samples)", file.display());
    assert!(said.stdout.lines().any(|line| line == saved));
    assert_eq!(said.value("Output File:"), file.to_str().unwrap());
}

#[test]
fn the_limit_alone_decides_the_status() {
    for (limit, status) in [("250us", 1), ("251us", 0), ("1", 1)] {
        let said = scripted(
            "drop-in-latency",
            &["--duration=100ms", "--cpu-list=1", "--hardlimit", limit],
        );
        assert_eq!(said.status, status, "{limit}: {}", said.stderr);
        assert_eq!(said.value("Samples recorded:"), "4");
    }
}

#[test]
fn cpus_beyond_31_are_sampled_and_named() {
    let said = on_host(
        "drop-in-latency",
        "big-machine",
        &["--duration=100ms", "--cpu-list=40,63"],
    );
    assert_eq!(said.value("CPU list:"), "40,63", "{}", said.stderr);
    assert!(
        said.stdout.contains("4 SMIs occured on cpu 40\n"),
        "{}",
        said.stdout
    );
    assert!(samples_of(&said.stdout).any(|line| line.contains("cpu:63")));
}

#[test]
fn isolated_cpus_are_sampled_without_being_named() {
    let said = on_host("quiet", "isolated-cpus", &["--duration=100ms"]);
    let isolated =
        super::harness::repository("fixtures/hosts/isolated-cpus/sys/devices/system/cpu/isolated");
    let isolated = std::fs::read_to_string(isolated).unwrap();
    let sampling = said.value("Sampling:");
    assert!(
        sampling.starts_with(&format!("CPUs {}, all of the time", isolated.trim())),
        "{sampling}"
    );
}

#[test]
fn the_width_is_the_least_unless_no_more_is_asked_for() {
    let windows = [
        "--duration=100ms",
        "--cpu-list=1",
        "--window=20ms",
        "--width=2ms",
    ];
    let coverage = |said: &super::harness::Said| -> f64 {
        let text = said.value("Coverage:");
        text.split_once(" %").unwrap().0.parse().unwrap()
    };
    let all = scripted("drop-in-latency", &windows);
    assert!(coverage(&all) > 99.0);
    assert_eq!(all.value("Non-sampling period:"), "18000us");
    let mut arguments = windows.to_vec();
    arguments.push("--only-width");
    let part = scripted("drop-in-latency", &arguments);
    assert!(coverage(&part) < 15.0, "{}", part.stdout);
}
