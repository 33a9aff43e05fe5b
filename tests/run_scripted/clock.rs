//! Footprints and clocks that cannot be trusted, and CPUs that go away.

use super::harness::{number, run};

#[test]
fn without_the_footprint_a_gap_is_unknown_and_the_run_inconclusive() {
    for script in ["fred", "footprint-fails"] {
        let outcome = run(script, "bare-metal-intel", &["--duration", "95ms"]);
        assert_eq!(outcome.verdict(), "inconclusive", "{script}");
        for (_, cause, confidence) in outcome.gaps() {
            assert_eq!((cause, confidence), ("unknown", "none"), "{script}");
        }
        assert_eq!(number(&outcome.report["verdict"]["platform_gaps"]), 0);
        assert!(outcome.findings().contains(&"footprint-unusable"));
        let footprint = &outcome.report["evidence"][0];
        assert_eq!(footprint["source"], "footprint");
        assert_eq!(footprint["usable"], false);
    }
}

#[test]
fn a_switch_before_a_gap_does_not_make_it_the_kernels() {
    let arguments = ["--duration", "95ms", "--cpus", "1"];
    let outcome = run("fred-switch-before", "bare-metal-intel", &arguments);
    assert_eq!(outcome.gaps(), [(1, "unknown", "none")]);
    assert_eq!(outcome.verdict(), "inconclusive");
}

#[test]
fn without_the_footprint_a_quiet_run_still_passes() {
    let outcome = run("fred", "bare-metal-intel", &["--duration", "10ms"]);
    assert_eq!(outcome.verdict(), "pass");
}

#[test]
fn nothing_is_attributed_by_a_tsc_that_the_kernel_gave_up() {
    let arguments = ["--duration", "95ms", "--cpus", "1"];
    let outcome = run("smi", "hpet-clocksource", &arguments);
    assert_eq!(outcome.verdict(), "inconclusive");
    assert_eq!(outcome.gaps().len(), 4);
    for (_, cause, confidence) in outcome.gaps() {
        assert_eq!((cause, confidence), ("unknown", "none"));
    }
    assert!(outcome.findings().contains(&"tsc-given-up"));
    let verdict = &outcome.report["verdict"];
    assert_eq!(number(&verdict["platform_gaps"]), 0);
    assert_eq!(number(&verdict["platform_stalls"]), 0);
    assert_eq!(outcome.report["tsc"]["clocksource_start"], "hpet");
}

#[test]
fn nothing_is_attributed_by_a_tsc_that_ran_backwards() {
    let arguments = ["--duration", "95ms", "--cpus", "1"];
    let outcome = run("backwards", "bare-metal-intel", &arguments);
    assert_eq!(outcome.verdict(), "inconclusive");
    assert!(outcome.finding("tsc-backwards").contains("1 time"));
    assert_eq!(
        outcome.gaps(),
        [(1, "unknown", "none"), (1, "unknown", "none")]
    );
    assert_eq!(number(&outcome.only_cpu()["gaps_by_cause"]["unknown"]), 2);
    assert_eq!(number(&outcome.report["verdict"]["platform_gaps"]), 0);
}

#[test]
fn a_cpu_that_goes_away_ends_its_sampler_and_leaves_a_whole_result() {
    let outcome = run("migration", "bare-metal-intel", &["--duration", "95ms"]);
    assert_eq!(outcome.verdict(), "inconclusive");
    assert_eq!(outcome.report["run"]["ended_by"], "error");
    let error = outcome.report["run"]["error"].as_str().unwrap();
    assert!(error.starts_with("CPU 2: "), "{error}");
    assert!(outcome.findings().contains(&"cpu-lost"));
    let cpus = outcome.report["cpus"].as_array().unwrap();
    let ended: Vec<bool> = cpus
        .iter()
        .map(|cpu| cpu["ended_early"].is_string())
        .collect();
    assert_eq!(ended, [false, true, false]);
    // CPU 2 has what was sampled until then, the others all of it.
    assert!(number(&cpus[1]["elapsed_ns"]) < 42_000_000);
    assert!(number(&cpus[2]["elapsed_ns"]) >= 95_000_000);
    let causes = |cpu| outcome.gaps().iter().filter(|gap| gap.0 == cpu).count();
    assert_eq!((causes(1), causes(2), causes(3)), (1, 1, 1));
}

#[test]
fn a_cpu_that_goes_away_in_a_pause_is_noticed_before_the_next_window() {
    let outcome = run(
        "migration-in-pause",
        "bare-metal-intel",
        &[
            "--duration",
            "95ms",
            "--cpus",
            "1", //
            "--width",
            "10ms",
            "--window",
            "20ms",
        ],
    );
    assert_eq!(outcome.report["run"]["ended_by"], "error");
    assert!(outcome.gaps().is_empty(), "{:?}", outcome.gaps());
}

#[test]
fn a_step_back_by_a_move_to_another_cpu_is_not_the_tscs() {
    let arguments = ["--duration", "95ms", "--cpus", "1"];
    let outcome = run("migration-back", "bare-metal-intel", &arguments);
    assert!(outcome.findings().contains(&"cpu-lost"));
    assert!(!outcome.findings().contains(&"tsc-backwards"));
}
