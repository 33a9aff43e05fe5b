//! Options that decide what is sampled and when a run ends.

use super::harness::{Outcome, number, run};

#[test]
fn a_run_without_a_gap_passes() {
    let outcome = run("quiet", "bare-metal-intel", &["--duration", "50ms"]);
    assert_eq!(outcome.verdict(), "pass");
    assert_eq!(outcome.report["run"]["ended_by"], "duration");
    assert!(outcome.text.starts_with("PASS"), "{}", outcome.text);
    assert!(outcome.text.contains("SCRIPTED CLOCK"));
    assert_eq!(outcome.report["run"]["scripted"], true);
    // No gap in 50 ms is not "none".
    let upper = &outcome.report["verdict"]["platform_rate_upper95_per_hour"];
    assert!(upper.as_f64().unwrap() > 100_000.0);
}

#[test]
fn a_limit_above_the_threshold_lets_recorded_gaps_pass() {
    let outcome = run(
        "stall",
        "bare-metal-intel",
        &["--duration", "95ms", "--hardlimit", "200us"],
    );
    assert_eq!(outcome.verdict(), "pass");
    // All sampled CPUs stall at once, which makes an SMI probable, not proved.
    let platform = |gap: &&(u64, &str, &str)| (gap.1, gap.2) == ("smi", "probable");
    assert_eq!(outcome.gaps().iter().filter(platform).count(), 3);
    assert_eq!(number(&outcome.report["verdict"]["platform_gaps"]), 0);
    assert_eq!(
        number(&outcome.report["verdict"]["platform_max_ns"]),
        100_100
    );
}

#[test]
fn the_first_platform_gap_ends_the_run_if_asked() {
    let outcome = run(
        "stall",
        "bare-metal-intel",
        &["--duration", "10s", "--cpus", "1", "--stop-on-gap"],
    );
    assert_eq!(outcome.report["run"]["ended_by"], "gap");
    assert_eq!(outcome.verdict(), "fail");
}

#[test]
fn gaps_of_the_kernel_do_not_stop_a_run() {
    let outcome = run(
        "stall",
        "bare-metal-intel",
        &["--duration", "20ms", "--cpus", "1", "--stop-on-gap"],
    );
    assert_eq!(outcome.report["run"]["ended_by"], "duration");
    assert_eq!(outcome.gaps(), [(1, "os", "probable")]);
    assert_eq!(outcome.verdict(), "pass");
}

#[test]
fn what_comes_in_the_warm_up_is_not_counted() {
    let options = ["--duration", "60ms", "--cpus", "1"];
    let whole = run("smi", "bare-metal-intel", &options);
    let warmed = [&options[..], &["--warm-up", "15ms"]].concat();
    let warmed = run("smi", "bare-metal-intel", &warmed);
    assert_eq!(whole.report["run"]["warm_up_ns"], 0);
    assert_eq!(warmed.report["run"]["warm_up_ns"], 15_000_000);
    // Of two SMIs the first comes in the warm-up.
    let smis = |outcome: &Outcome| {
        let smi = &outcome.only_cpu()["smi"];
        (number(&smi["before"]), number(&smi["delta"]))
    };
    assert_eq!(smis(&whole), (4_294_967_294, 2));
    assert_eq!(smis(&warmed), (4_294_967_295, 1));
    let (all, left) = (whole.only_cpu(), warmed.only_cpu());
    assert_eq!(number(&left["gaps_seen"]) + 1, number(&all["gaps_seen"]));
    assert_eq!(warmed.gaps().len() + 1, whole.gaps().len());
    assert!(number(&left["elapsed_ns"]) >= 60_000_000);
    let buckets = left["histogram"]["buckets"].as_array().unwrap().iter();
    let deltas = buckets.map(|bucket| {
        let of = |name: &str| number(&bucket[name]);
        of("kernel_absent") + of("kernel_ran") + of("unknown")
    });
    assert_eq!(deltas.sum::<u64>(), number(&left["gaps_seen"]));
}
