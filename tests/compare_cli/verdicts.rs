//! Verdicts, exit status and options.

use std::path::PathBuf;

use assert_cmd::Command;
use hwgap::compare::model::Finding;
use hwgap::compare::{Naming, Question, compare, load};
use hwgap::model::Report;
use hwgap::units::Nanos;
use serde_json::Value;
use tempfile::TempDir;

use super::samples::{cases, run, save};

const QUESTION: Question = Question {
    level: 0.95,
    margin: 2.0,
    naming: Naming::Full,
};

fn on_disk(before: &[Report], after: &[Report]) -> (TempDir, Vec<PathBuf>, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let side = |name: &str, runs: &[Report]| -> Vec<PathBuf> {
        (runs.iter().enumerate())
            .map(|(index, run)| save(folder.path(), &format!("{name}{index}.json"), run))
            .collect()
    };
    let (before, after) = (side("a", before), side("b", after));
    (folder, before, after)
}

pub fn compared(before: &[Report], after: &[Report]) -> hwgap::compare::model::Comparison {
    let (_folder, before, after) = on_disk(before, after);
    let (before, after) = load(&before, &after).unwrap();
    compare(&before, &after, &QUESTION)
}

pub fn hwgap(before: &[Report], after: &[Report], options: &[&str]) -> (i32, String) {
    let (_folder, before, after) = on_disk(before, after);
    let output = Command::cargo_bin("hwgap")
        .unwrap()
        .args(["compare", "--before"])
        .args(before)
        .arg("--after")
        .args(after)
        .args(options)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn verdict_and_status_follow_the_stalls() {
    for (name, before, after) in cases() {
        let (finding, status) = match name {
            "worse" | "longer" | "hostile" => (Finding::Worse, 1),
            "better" => (Finding::Better, 0),
            "no-difference" => (Finding::NoDifference, 0),
            "none-seen" => (Finding::NoDifference, 0),
            _ => (Finding::NotEnoughData, 3),
        };
        assert_eq!(compared(&before, &after).verdict.result, finding, "{name}");
        assert_eq!(hwgap(&before, &after, &[]).0, status, "{name}");
    }
}

#[test]
fn one_smi_on_three_cpus_is_one_stall() {
    let found = compared(&[run(0, 6, Some(600), 40)], &[run(1, 6, Some(600), 40)]);
    assert_eq!((found.before.stalls, found.after.stalls), (36, 36));
    // The CPUs' clocks differ; the offsets are taken off before gaps are joined.
    let mut shifted = run(2, 6, Some(600), 40);
    shifted.tsc.offsets[0].offset_cycles = 900_000_000;
    for gap in shifted.gaps.iter_mut().filter(|gap| gap.cpu.0 == 2) {
        gap.start_cycles.0 += 900_000_000;
        gap.end_cycles.0 += 900_000_000;
    }
    assert_eq!(
        compared(&[run(0, 6, Some(600), 40)], &[shifted])
            .after
            .stalls,
        36
    );
}

#[test]
fn different_thresholds_meet_at_the_higher_one() {
    let mut coarse = run(1, 6, Some(600), 90);
    coarse.run.threshold_ns = Nanos(60_000);
    let found = compared(&[run(0, 6, Some(600), 40)], &[coarse]);
    assert_eq!(found.threshold.ns, Nanos(60_000));
    assert_eq!(found.threshold.reasons.len(), 1);
    // Of the other side no stall is so long.
    assert_eq!((found.before.stalls, found.after.stalls), (0, 36));
}

#[test]
fn full_records_raise_the_threshold_to_where_they_are_whole() {
    let mut full = run(1, 6, Some(600), 40);
    full.cpus[0].gaps_seen += 5_000;
    full.cpus[0].gaps_by_cause.smi += 5_000;
    let shortest = full.gaps.iter().filter(|gap| gap.cpu == full.cpus[0].cpu);
    let shortest = shortest.map(|gap| gap.duration_ns).min().unwrap();
    let found = compared(&[run(0, 6, Some(600), 40)], &[full]);
    assert_eq!(found.threshold.ns, shortest);
    assert!(
        found.threshold.reasons[0].contains("CPU 1"),
        "{:?}",
        found.threshold
    );
}

#[test]
fn runs_that_are_not_alike_are_flagged() {
    let mut other = run(1, 6, Some(600), 40);
    other.host.system.product = Some("PowerEdge R750".to_owned());
    other.host.kernel.release = Some("6.18.0".to_owned());
    other.tsc.hz *= 1.01;
    other.cpus.pop();
    other.gaps.retain(|gap| gap.cpu.0 != 3);
    for gap in &mut other.gaps {
        gap.end_cycles.0 = gap.start_cycles.0 + (gap.duration_ns.0 as f64 * 2.121) as u64;
    }
    other.run.window_ns = Nanos(2_000_000_000);
    let found = compared(&[run(0, 6, Some(600), 40)], &[other]);
    let ids: Vec<&str> = found.notes.iter().map(|note| note.id).collect();
    for id in ["machine", "kernel", "tsc", "cpus", "window", "one-run"] {
        assert!(ids.contains(&id), "{id} is missing in {ids:?}");
    }
    let alike = compared(
        &[run(0, 6, Some(600), 40), run(1, 6, Some(600), 40)],
        &[run(2, 6, Some(600), 40), run(3, 6, Some(600), 40)],
    );
    assert!(alike.notes.is_empty(), "{:?}", alike.notes);
}

#[test]
fn classes_are_not_held_against_each_other_on_unlike_evidence() {
    let mut blind = run(1, 6, Some(100), 40);
    for cpu in &mut blind.cpus {
        cpu.smi = None;
    }
    for gap in &mut blind.gaps {
        gap.cause = hwgap::model::Cause::FirmwareOrCpu;
    }
    let found = compared(&[run(0, 6, Some(600), 40)], &[blind]);
    assert_eq!(found.verdict.result, Finding::Worse);
    let smi = found
        .rates
        .iter()
        .find(|row| row.class == hwgap::compare::Class::Smi)
        .unwrap();
    assert!(smi.not_tested.unwrap().contains("countable"), "{smi:?}");
    assert_eq!(smi.p_corrected, None);
}

#[test]
fn only_the_setting_under_test_is_in_the_table() {
    let (_, before, after) = cases().remove(1);
    let found = compared(&before, &after);
    assert_eq!(found.changes.len(), 1);
    assert_eq!(found.changes[0].field, "host.kernel.command_line");
    assert_eq!(found.changes[0].after, ["processor.max_cstate=1"]);
}

#[test]
fn an_inventory_of_a_later_version_is_compared_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |number: u64, governor: &str| {
        let file = save(
            folder.path(),
            &format!("{number}.json"),
            &run(number, 6, None, 0),
        );
        let mut tree: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        tree["inventory"] = serde_json::json!({ "of_tomorrow": governor, "as_before": true });
        std::fs::write(&file, tree.to_string()).unwrap();
        file
    };
    let (before, after) = ([path(0, "powersave")], [path(1, "performance")]);
    let (before, after) = load(&before, &after).unwrap();
    let found = compare(&before, &after, &QUESTION);
    let fields: Vec<&str> = found
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect();
    assert!(fields.contains(&"inventory.of_tomorrow"), "{fields:?}");
    assert!(!fields.contains(&"inventory.as_before"), "{fields:?}");
}
