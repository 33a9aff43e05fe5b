//! Two engines in turn, each on a script of its own.

use serde_json::Value;

use super::harness::{Outcome, number, on, run};
use crate::made_up_host::made_up_host;

fn both(first: &str, second: &str, arguments: &[&str]) -> Outcome {
    let host = made_up_host("bare-metal-intel", &[first, second]);
    let mut all = vec!["--engine", "both", "--cpus", "1", "--duration", "800ms"];
    all.extend(arguments);
    on(host.path(), &all)
}

fn engine<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    let engines = outcome.report["engines"].as_array().unwrap();
    engines.iter().find(|row| row["engine"] == name).unwrap()
}

fn all_stalls(engine: &Value) -> u64 {
    assert!(engine["rates"][0]["cause"].is_null());
    number(&engine["rates"][0]["stalls"])
}

#[test]
fn two_engines_on_one_machine_agree() {
    let outcome = both("steady-smis", "steady-smis", &[]);
    assert_eq!(outcome.verdict(), "fail");
    assert_eq!(outcome.report["run"]["engine"], "both");
    let agreement = &outcome.report["agreement"];
    assert_eq!(agreement["result"], "agree", "{agreement}");
    // 5 ms apart in 800 ms, shared between the two; a turn's end may hide one.
    for name in ["user", "bpf"] {
        let row = engine(&outcome, name);
        assert_eq!(number(&row["slices"]), 4);
        let stalls = all_stalls(row);
        assert!((74..=82).contains(&stalls), "{name}: {stalls}");
        let low = row["rates"][0]["low95_per_hour"].as_f64().unwrap();
        let rate = row["rates"][0]["per_hour"].as_f64().unwrap();
        let high = row["rates"][0]["high95_per_hour"].as_f64().unwrap();
        assert!(low < rate && rate < high, "{row}");
    }
    assert!(
        outcome.text.contains("The engines agree"),
        "{}",
        outcome.text
    );
}

#[test]
fn engines_that_saw_different_machines_differ_and_the_worse_verdict_counts() {
    let outcome = both("steady-smis", "quiet", &[]);
    let agreement = &outcome.report["agreement"];
    assert_eq!(agreement["result"], "differ", "{agreement}");
    assert_eq!(all_stalls(engine(&outcome, "bpf")), 0);
    assert_eq!(engine(&outcome, "user")["verdict"]["result"], "fail");
    assert_eq!(engine(&outcome, "bpf")["verdict"]["result"], "pass");
    assert_eq!(outcome.verdict(), "fail");
    let first = agreement["differences"][0].as_str().unwrap();
    assert!(first.starts_with("The user engine saw more"), "{first}");
    assert!(
        outcome.text.contains("The engines DIFFER"),
        "{}",
        outcome.text
    );
}

#[test]
fn the_report_of_both_is_the_sum_of_their_turns() {
    let outcome = both("steady-smis", "steady-smis", &[]);
    let report = &outcome.report;
    let row = outcome.only_cpu();
    let sum = |field: &str| -> u64 {
        let rows = ["user", "bpf"].map(|name| number(&engine(&outcome, name)["cpus"][0][field]));
        rows.iter().sum()
    };
    for field in ["elapsed_ns", "covered_ns", "gaps_seen", "iterations"] {
        assert_eq!(number(&row[field]), sum(field), "{field}");
    }
    // The gaps of a CPU are in order of time, whichever engine saw them.
    let gaps = report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len() as u64, number(&row["gaps_recorded"]));
    let starts: Vec<u64> = gaps
        .iter()
        .map(|gap| number(&gap["start_cycles"]))
        .collect();
    assert!(starts.is_sorted(), "{starts:?}");
    let of = |name: &str| gaps.iter().filter(|gap| gap["engine"] == name).count();
    assert_eq!(of("user") + of("bpf"), gaps.len());
    assert!(of("user") > 0 && of("bpf") > 0);
    // The counter went on between the turns, and the count is that of the turns.
    let engines = report["engines"].as_array().unwrap();
    let counts = (engines.iter()).map(|engine| number(&engine["cpus"][0]["smi"]["delta"]));
    let smi = &row["smi"];
    assert_eq!(number(&smi["delta"]), counts.sum::<u64>());
    let span = number(&smi["after"]) - number(&smi["before"]);
    assert!((1..=span).contains(&number(&smi["delta"])), "{smi}");
}

#[test]
fn a_stop_before_the_second_engine_leaves_nothing_to_compare() {
    let outcome = both("steady-smis", "quiet", &["--stop-on-gap"]);
    assert_eq!(outcome.report["run"]["ended_by"], "gap");
    assert_eq!(outcome.report["agreement"]["result"], "untested");
    assert_eq!(outcome.verdict(), "fail");
}

#[test]
fn what_is_watched_is_watched_through_all_turns() {
    let outcome = both("watched-hidden-smi", "watched-hidden-smi", &[]);
    // Hidden time keeps either engine from a pass, and so both.
    assert_eq!(outcome.verdict(), "inconclusive");
    let adjust = |row: &Value| {
        let adjust = &row["watched"]["tsc_adjust"];
        let ends = [&adjust["before"], &adjust["after"]];
        ends.map(|end| end.as_i64().unwrap())
    };
    let slices = ["user", "bpf"].map(|name| {
        let row = engine(&outcome, name);
        assert_eq!(row["verdict"]["result"], "inconclusive", "{name}");
        adjust(&row["cpus"][0])
    });
    let [before, after] = adjust(outcome.only_cpu());
    assert_eq!(Some(before), slices.iter().map(|ends| ends[0]).max());
    assert_eq!(Some(after), slices.iter().map(|ends| ends[1]).min());
    let watched = &outcome.only_cpu()["watched"];
    assert!(watched["mperf_ahead_ppm"].as_f64().unwrap() > 100_000.0);
}

#[test]
fn a_series_goes_on_through_all_turns() {
    let outcome = both("steady-smis", "steady-smis", &[]);
    let series = outcome.report["periodicity"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{series:?}");
    let period = number(&series[0]["period_ns"]);
    assert!((4_990_000..=5_020_000).contains(&period), "{period}");
    let kept = &outcome.only_cpu()["watched"]["gap_period"]["period_ns"];
    assert!((4_990_000..=5_020_000).contains(&number(kept)), "{kept}");
}

#[test]
fn the_page_shows_whether_the_engines_agree() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    both(
        "steady-smis",
        "steady-smis",
        &["--html", page.to_str().unwrap()],
    );
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Agreement of the engines"));
    assert!(page.contains("The engines agree"));
}

#[test]
fn a_single_engine_has_no_agreement() {
    let outcome = run("quiet", "bare-metal-intel", &["--duration", "50ms"]);
    assert!(outcome.report.get("engines").is_none());
    assert!(outcome.report.get("agreement").is_none());
}
