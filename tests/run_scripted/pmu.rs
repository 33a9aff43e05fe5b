//! What the PMU's counts add: instructions of ring 0 stand in for a footprint
//! that does not work, and stand beside one that does.

use serde_json::Value;

use super::harness::{Outcome, number, run};

const ONE_CPU: [&str; 4] = ["--cpus", "1", "--duration", "100ms"];

/// Interrupts at the beginning, by which the others are told.
const INTERRUPTS: usize = 7;

fn causes(outcome: &Outcome) -> Vec<(&str, &str)> {
    let gaps = outcome.gaps();
    gaps.into_iter()
        .skip(INTERRUPTS)
        .map(|(_, cause, confidence)| (cause, confidence))
        .collect()
}

fn source<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    let all = outcome.report["evidence"].as_array().unwrap();
    all.iter().find(|entry| entry["source"] == name).unwrap()
}

#[test]
fn counts_that_stand_still_in_smm_stand_in_for_the_footprint() {
    let outcome = run("fred-pmu", "bare-metal-intel", &ONE_CPU);
    assert_eq!(
        causes(&outcome),
        [
            ("smi", "proved"),
            ("os", "strong"),
            ("cpu", "strong"),
            ("smi+os", "proved")
        ]
    );
    // The clock beside the counters tells how long the SMI in the mixed gap was.
    let mixed = &outcome.report["gaps"][INTERRUPTS + 3];
    assert!(
        number(&mixed["residual_ns"]).abs_diff(70_000) <= 1_000,
        "{mixed}"
    );
    assert_eq!(outcome.verdict(), "fail");
    assert_eq!(source(&outcome, "ring-zero-instructions")["usable"], true);
    assert_eq!(source(&outcome, "smm-time-of-gaps")["usable"], true);
    // Time without the kernel counts as covered again.
    let coverage = outcome.report["verdict"]["coverage"].as_f64().unwrap();
    assert!(coverage > 0.99, "{coverage}");
}

#[test]
fn counts_that_go_on_in_smm_prove_no_kernel_beside_an_smi() {
    let outcome = run("fred-pmu-counting", "bare-metal-intel", &ONE_CPU);
    assert_eq!(
        causes(&outcome),
        [
            ("smi", "probable"),
            ("os", "strong"),
            ("cpu", "strong"),
            ("smi", "probable")
        ]
    );
    assert!(outcome.report["gaps"][INTERRUPTS]["kernel_ran"].is_null());
    assert_eq!(source(&outcome, "smm-time-of-gaps")["usable"], false);
}

#[test]
fn beside_a_footprint_they_are_a_second_witness() {
    let outcome = run("pmu", "bare-metal-intel", &ONE_CPU);
    assert_eq!(
        causes(&outcome),
        [
            ("smi", "proved"),
            ("os", "strong"),
            ("cpu", "strong"),
            ("smi+os", "proved")
        ]
    );
    let entry = &source(&outcome, "ring-zero-instructions")["reason"];
    let text = entry.as_str().unwrap();
    assert!(text.ends_with("on 11 of 11 gaps"), "{text}");
    assert!(!outcome.findings().contains(&"ring-zero-contradicted"));
    assert_eq!(
        outcome.report["gaps"][INTERRUPTS + 1]["raw"]["ring_zero"]["in_smm"],
        "stopped"
    );
}
