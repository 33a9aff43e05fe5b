//! What is counted is exact: rounds, floor, coverage, gaps kept and lost.

use super::harness::{number, run};

#[test]
fn coverage_is_exact_to_the_cycle() {
    let arguments = ["--duration", "90ms", "--cpus", "1"];
    let outcome = run("stall", "bare-metal-intel", &arguments);
    let cpu = outcome.only_cpu();
    let of = |name: &str| number(&cpu[name]);
    // Eight entries into the kernel, each seen with one round of the loop.
    assert_eq!(of("os_ns"), 8 * (12_000 + 100));
    assert_eq!(of("paused_ns"), 0);
    // Each round takes 10 cycles of 10 ns; beside the rounds there are only the
    // gaps, which are the last round of their stretch, and the slow path.
    let in_gaps: u64 = 8 * 12_000 + 100_000;
    assert_eq!(
        of("elapsed_ns"),
        of("iterations") * 100 + in_gaps + of("blind_ns")
    );
    assert_eq!(
        of("covered_ns"),
        of("elapsed_ns") - of("blind_ns") - of("os_ns")
    );
    assert_eq!(of("min_cycles"), 10);
    assert_eq!(of("max_ns"), 100_100);
    assert_eq!(of("max_platform_ns"), 100_100);
    assert_eq!(of("max_os_ns"), 12_100);
    let coverage = outcome.report["verdict"]["coverage"].as_f64().unwrap();
    let expected = of("covered_ns") as f64 / of("elapsed_ns") as f64;
    assert!((coverage - expected).abs() < 1e-12);
}

#[test]
fn pauses_are_taken_off_coverage() {
    let outcome = run(
        "quiet",
        "bare-metal-intel",
        &[
            "--duration",
            "100ms",
            "--cpus",
            "1", //
            "--width",
            "2ms",
            "--window",
            "10ms",
        ],
    );
    assert_eq!(outcome.verdict(), "pass");
    let cpu = outcome.only_cpu();
    let of = |name: &str| number(&cpu[name]);
    assert_eq!(
        of("covered_ns"),
        of("elapsed_ns") - of("blind_ns") - of("paused_ns")
    );
    assert_eq!(
        of("elapsed_ns"),
        of("iterations") * 100 + of("blind_ns") + of("paused_ns")
    );
    // A fifth is sampled; a window ends with a block of the loop, 0.4096 ms.
    let coverage = outcome.report["verdict"]["coverage"].as_f64().unwrap();
    assert!((0.2..=0.25).contains(&coverage), "{coverage}");
}

#[test]
fn of_more_gaps_than_are_kept_the_longest_stay_and_all_are_counted() {
    let arguments = [
        "--duration",
        "220ms",
        "--threshold",
        "150ns",
        "--cpus",
        "1", //
        "--hardlimit",
        "10us",
    ];
    let outcome = run("many-gaps", "bare-metal-intel", &arguments);
    assert_eq!(outcome.verdict(), "pass");
    let cpu = outcome.only_cpu();
    let by_cause = &cpu["gaps_by_cause"];
    let (os, platform) = (
        number(&by_cause["os"]),
        number(&by_cause["firmware-or-cpu"]),
    );
    let seen = number(&cpu["gaps_seen"]);
    assert!(seen > 100_000, "{seen} are too few for this test");
    assert_eq!(os + platform, seen);
    assert!(platform > 1_000, "{platform} longer ones are too few");
    assert_eq!(number(&cpu["gaps_dropped"]), 0);
    assert_eq!(number(&cpu["gaps_recorded"]), 100_000);
    let gaps = outcome.report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 100_000);
    let kept = |cause| gaps.iter().filter(|gap| gap["cause"] == cause).count() as u64;
    assert_eq!(
        kept("firmware-or-cpu"),
        platform,
        "a longer gap was dropped"
    );
    let starts: Vec<u64> = gaps
        .iter()
        .map(|gap| number(&gap["start_cycles"]))
        .collect();
    assert!(starts.is_sorted_by(|a, b| a < b), "a gap stands twice");
    let text = format!("{} of the shorter gaps", seen - 100_000);
    assert!(outcome.finding("short-gaps-left-out").starts_with(&text));
    let bucket_sum: u64 = cpu["histogram"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| number(&bucket["kernel_ran"]) + number(&bucket["kernel_absent"]))
        .sum();
    assert_eq!(bucket_sum, seen);
}

#[test]
fn gaps_that_the_ring_cannot_hold_are_counted_and_prevent_a_pass() {
    let arguments = [
        "--duration",
        "220ms",
        "--threshold",
        "150ns",
        "--cpus",
        "1", //
        "--hardlimit",
        "10us",
    ];
    let outcome = run("lost-gaps", "bare-metal-intel", &arguments);
    let cpu = outcome.only_cpu();
    let of = |name: &str| number(&cpu[name]);
    assert!(of("gaps_dropped") > 0, "the ring held everything");
    let judged: u64 = cpu["gaps_by_cause"]
        .as_object()
        .unwrap()
        .values()
        .map(number)
        .sum();
    assert_eq!(of("gaps_seen"), judged + of("gaps_dropped"));
    assert_eq!(outcome.verdict(), "inconclusive");
    assert!(outcome.findings().contains(&"records-lost"));
}
