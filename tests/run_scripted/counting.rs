//! What is counted is exact: rounds, floor, coverage, gaps kept and lost.

use super::harness::{Outcome, number, run};

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

fn thousands(number: u64) -> String {
    match number / 1_000 {
        0 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

/// More gaps than a report lists, of which some 11,000 are the platform's.
fn many_gaps(options: &[&str]) -> Outcome {
    let arguments = [
        "--duration",
        "220ms",
        "--threshold",
        "150ns",
        "--cpus",
        "1", //
    ];
    let all = [arguments.as_slice(), options].concat();
    run("many-gaps", "bare-metal-intel", &all)
}

#[test]
fn of_more_gaps_than_are_kept_those_that_count_stay_and_all_are_counted() {
    let outcome = many_gaps(&["--hardlimit", "10us"]);
    assert_eq!(outcome.verdict(), "pass");
    let cpu = outcome.only_cpu();
    let by_cause = &cpu["gaps_by_cause"];
    let (os, platform) = (
        number(&by_cause["os"]),
        number(&by_cause["firmware-or-cpu"]),
    );
    let seen = number(&cpu["gaps_seen"]);
    assert!(os > 100_000, "{os} are too few for this test");
    assert_eq!(os + platform, seen);
    assert!(platform > 1_000, "{platform} longer ones are too few");
    assert_eq!(number(&cpu["gaps_dropped"]), 0);
    assert_eq!(number(&cpu["gaps_recorded"]), 150 + 80);
    let gaps = outcome.report["gaps"].as_array().unwrap();
    let kept = |cause| gaps.iter().filter(|gap| gap["cause"] == cause).count() as u64;
    assert_eq!((kept("firmware-or-cpu"), kept("os")), (150, 80));
    let starts: Vec<u64> = gaps
        .iter()
        .map(|gap| number(&gap["start_cycles"]))
        .collect();
    assert!(starts.is_sorted_by(|a, b| a < b), "a gap stands twice");
    let text = format!("{} gaps that this kernel explains", thousands(os - 80));
    assert!(outcome.finding("os-gaps-left-out").starts_with(&text));
    let bucket_sum: u64 = cpu["histogram"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| number(&bucket["kernel_ran"]) + number(&bucket["kernel_absent"]))
        .sum();
    assert_eq!(bucket_sum, seen);
}

#[test]
fn stalls_are_counted_whatever_is_kept() {
    let all = many_gaps(&["--keep-gaps", "all"]);
    let few = many_gaps(&["--keep-gaps", "500"]);
    let (whole, part) = (all.only_cpu(), few.only_cpu());
    assert_eq!(whole["gaps_recorded"], whole["gaps_seen"]);
    assert_eq!(number(&part["gaps_recorded"]), 500);
    // Of the first gaps of the kernel's it depends on the collector's visits how
    // many are judged before their like is known.
    let platform = |cpu: &serde_json::Value| number(&cpu["gaps_by_cause"]["firmware-or-cpu"]);
    assert_eq!(platform(part), platform(whole));
    assert_eq!(part["gaps_seen"], whole["gaps_seen"]);
    for figure in [
        "platform_gaps",
        "platform_stalls",
        "platform_max_ns",
        "platform_rate_per_hour",
    ] {
        let of = |outcome: &Outcome| outcome.report["verdict"][figure].clone();
        assert_eq!(of(&few), of(&all), "{figure}");
    }
    let stalls = number(&all.report["verdict"]["platform_stalls"]);
    assert_eq!(stalls, number(&whole["gaps_by_cause"]["firmware-or-cpu"]));
    let left_out = format!("{} shorter gaps", thousands(stalls - 500));
    assert!(few.finding("short-gaps-left-out").starts_with(&left_out));
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

#[test]
fn what_is_above_the_limit_has_buckets_of_its_own() {
    // Eight gaps of 12.1 us and one of 100.1 us.
    for (limit, nanos, above) in [("12.09us", 12_090, 9), ("12.1us", 12_100, 1)] {
        let arguments = [
            "--duration",
            "90ms",
            "--cpus",
            "1",
            "--threshold",
            "5us",
            "--hardlimit",
            limit,
        ];
        let outcome = run("stall", "bare-metal-intel", &arguments);
        let buckets = &outcome.only_cpu()["histogram"]["buckets"];
        let mut counted = 0;
        for bucket in buckets.as_array().unwrap() {
            let of = |name: &str| number(&bucket[name]);
            assert!(of("to_ns") <= nanos || nanos <= of("from_ns"), "{bucket}");
            if nanos <= of("from_ns") {
                counted += of("kernel_absent") + of("kernel_ran") + of("unknown");
            }
        }
        assert_eq!(counted, above, "{limit}");
    }
}
