//! Reports that contradict themselves are set aside, and the contradiction is
//! named.

use hwgap::read::brief::from_slice;
use serde_json::{Value, json};

use super::place::{Place, run};
use super::scripted;

/// What is said of a failing report that was changed.
fn said(change: impl FnOnce(&mut Value)) -> String {
    let text = run("a", 0, &[500, 200, 90, 40, 12], change);
    match from_slice(&text) {
        Ok(_) => "taken".to_owned(),
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn what_is_whole_is_taken() {
    assert_eq!(said(|_| ()), "taken");
    // Fields of later versions, and those that an earlier one did not have.
    assert_eq!(
        said(|report| report["verdict"]["later"] = json!(1)),
        "taken"
    );
    assert_eq!(
        said(|report| {
            report["run"].as_object_mut().unwrap().remove("planned_ns");
            report.as_object_mut().unwrap().remove("stalls");
        }),
        "taken"
    );
}

type Change = fn(&mut Value);

#[test]
fn each_contradiction_is_named() {
    let cases: &[(&str, Change)] = &[
        ("verdict.result is pass", |r| {
            r["verdict"]["result"] = json!("pass")
        }),
        ("verdict.result is inconclusive", |r| {
            r["verdict"]["result"] = json!("inconclusive");
        }),
        ("verdict.platform_max_ns is 0", |r| {
            r["verdict"]["platform_max_ns"] = json!(0)
        }),
        ("verdict.platform_max_ns", |r| {
            r["verdict"]["platform_max_ns"] = json!(99_999_999);
        }),
        ("verdict.platform_stalls is 0", |r| {
            r["verdict"]["platform_stalls"] = json!(0)
        }),
        ("platform_rate_per_hour", |r| {
            r["verdict"]["platform_stalls"] = json!(3)
        }),
        ("verdict.platform_gaps 1", |r| {
            r["verdict"]["platform_gaps"] = json!(1)
        }),
        ("gaps above the limit are listed", |r| {
            r["verdict"]["platform_gaps"] = json!(6)
        }),
        ("more than the cpus count", |r| {
            r["verdict"]["platform_gaps"] = json!(99)
        }),
        ("platform_rate_per_hour", |r| {
            r["verdict"]["platform_rate_per_hour"] = json!(0.0)
        }),
        ("upper95", |r| {
            r["verdict"]["platform_rate_upper95_per_hour"] = json!(0.5)
        }),
        ("verdict.coverage", |r| {
            r["verdict"]["coverage"] = json!(0.5)
        }),
        ("verdict.subject", |r| {
            r["verdict"]["subject"] = json!("hypervisor-and-below")
        }),
        ("made of 0 gaps", |r| r["stalls"] = json!([])),
        ("gaps of the platform", |r| {
            drop(r["stalls"].as_array_mut().unwrap().pop())
        }),
        ("a time of stalls", |r| {
            r["stalls"][0]["start_utc"] = json!("soon")
        }),
        ("a stall began outside", |r| {
            r["stalls"][0]["start_utc"] = json!("2025-01-01T00:00:00.000000000Z");
        }),
        ("but only", |r| {
            r["stalls"][0]["duration_ns"] = json!(11_000)
        }),
        ("the stalls took", |r| {
            r["stalls"][4]["duration_ns"] = json!(9_000_000)
        }),
        ("covered_ns 4000000000000 is more", |r| {
            r["cpus"][0]["covered_ns"] = json!(4_000_000_000_000_u64);
        }),
        ("add up to", |r| r["cpus"][0]["covered_ns"] = json!(1)),
        ("is not run.elapsed_ns 5", |r| {
            r["run"]["elapsed_ns"] = json!(5)
        }),
        ("more than run.elapsed_ns", |r| {
            r["cpus"][0]["elapsed_ns"] = json!(9_000_000_000_000_u64)
        }),
        ("but 0 gaps are listed", |r| r["gaps"] = json!([])),
        ("gaps are listed", |r| {
            drop(r["gaps"].as_array_mut().unwrap().pop())
        }),
        ("gaps is null", |r| r["gaps"] = Value::Null),
        ("gaps_seen is 76", |r| r["cpus"][1]["gaps_seen"] = json!(76)),
        ("gaps_by_cause", |r| {
            r["cpus"][0]["gaps_by_cause"]["smi"] = json!(0);
            r["cpus"][0]["gaps_by_cause"]["os"] = json!(5);
        }),
        ("but a gap of 500000 is listed", |r| {
            for cpu in r["cpus"].as_array_mut().unwrap() {
                cpu["max_platform_ns"] = json!(0);
            }
        }),
        ("max_platform_ns is 9000", |r| {
            r["cpus"][2]["max_platform_ns"] = json!(9_000)
        }),
        ("stands twice", |r| r["cpus"][1]["cpu"] = json!(1)),
        ("but 0 gaps are listed", |r| r["cpus"][2]["cpu"] = json!(7)),
        ("run.cpus_not_sampled", |r| {
            r["run"]["cpus_not_sampled"] = json!("0-1")
        }),
        ("the SMI counter went", |r| {
            r["cpus"][0]["smi"]["delta"] = json!(0)
        }),
        ("more than its duration_ns 20", |r| {
            r["gaps"][0]["duration_ns"] = json!(20)
        }),
        ("before it starts", |r| {
            r["gaps"][2]["end_cycles"] = json!(3)
        }),
        ("more than its duration_ns", |r| {
            r["gaps"][2]["os_ns"] = json!(900_000)
        }),
        ("lengths of gaps", |r| {
            r["tsc"]["hz"] = json!(2_000_000_000_u64)
        }),
        ("is in the future", |r| {
            r["run"]["started_utc"] = json!("9999-01-01T00:00:00.000000000Z");
        }),
        ("run.started_utc \"zzzz\" is no time", |r| {
            r["run"]["started_utc"] = json!("zzzz");
        }),
        ("is not run.elapsed_ns", |r| {
            r["run"]["started_utc"] = json!("2026-01-01T00:10:00.000000000Z");
        }),
        ("is not run.elapsed_ns", |r| {
            r["run"]["ended_utc"] = json!("2026-01-01T00:00:00.000000000Z");
        }),
        ("less than run.planned_ns", |r| {
            r["run"]["scripted"] = json!(false);
            r["run"]["planned_ns"] = json!(43_200_000_000_000_u64);
        }),
        ("verdict.incomplete", |r| {
            r["run"]["ended_by"] = json!("running")
        }),
    ];
    let wrong: Vec<String> = (cases.iter())
        .map(|(wanted, change)| (wanted, said(change)))
        .filter(|(wanted, said)| !said.contains(*wanted))
        .map(|(wanted, said)| format!("{wanted}: {said}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Adds two actions and a command that agree with each other and the rest.
fn act(report: &mut Value) {
    let cpu = report["cpus"][0]["cpu"].clone();
    let ran = |latency: u64, error: Value| json!({"cpu": cpu, "start_cycles": 7, "latency_ns": latency, "took_ns": 5, "error": error});
    report["run"]["actions"] = json!({"above_ns": 10_000, "of": "any", "gaps": 4, "actions": [
        {"action": "shell:x", "when": "gap", "done": 1, "failed": 1, "busy": 1, "beyond_limit": 1,
         "latency_max_ns": 30, "latency_mean_ns": 20,
         "runs": [ran(10, Value::Null), ran(30, json!("exit status 1"))]},
        {"action": "mark", "when": "end", "done": 1, "failed": 0, "busy": 0, "beyond_limit": 0,
         "latency_max_ns": null, "latency_mean_ns": null,
         "runs": [{"cpu": null, "start_cycles": null, "latency_ns": null, "took_ns": 5,
                   "error": null}]},
    ]});
    report["run"]["command"] = json!({"arguments": ["make"], "cpus": "0", "on_sampled": false,
        "was_ended": true, "exit_status": 0, "signal": null, "error": null,
        "elapsed_ns": 2_000_000_000_u64, "user_ns": 1_000_000_000_u64,
        "system_ns": 900_000_000_u64, "max_rss_kib": null});
}

#[test]
fn what_was_done_agrees_with_the_rest() {
    let said = |change: Change| {
        said(|report| {
            act(report);
            change(report);
        })
    };
    assert_eq!(said(|_| ()), "taken");
    // What was made by other versions or is going on says less.
    assert_eq!(
        said(|r| {
            r["run"]["command"]["was_ended"] = Value::Null;
            r["run"]["command"]["elapsed_ns"] = Value::Null;
            r["run"]["command"]["user_ns"] = Value::Null;
            r["run"]["command"]["system_ns"] = Value::Null;
        }),
        "taken"
    );
    let cases: &[(&str, Change)] = &[
        ("there is no run.command", |r| {
            r["run"]["ended_by"] = json!("command");
            r["run"].as_object_mut().unwrap().remove("command");
        }),
        ("was_ended is true", |r| {
            r["run"]["ended_by"] = json!("command")
        }),
        ("more than the cpus count", |r| {
            r["run"]["actions"]["gaps"] = json!(u64::MAX)
        }),
        ("accounts for 4 gaps", |r| {
            r["run"]["actions"]["gaps"] = json!(3)
        }),
        ("accounts for 18446744073709551615 gaps", |r| {
            r["run"]["actions"]["actions"][0]["busy"] = json!(u64::MAX);
        }),
        ("accounts for 2 gaps", |r| {
            r["run"]["actions"]["actions"][1]["busy"] = json!(1)
        }),
        ("carried out 1 times, but lists 2", |r| {
            r["run"]["actions"]["actions"][0]["done"] = json!(0)
        }),
        ("lists 0 that failed", |r| {
            r["run"]["actions"]["actions"][0]["runs"][1]["error"] = Value::Null;
        }),
        ("lists 2 that failed", |r| {
            r["run"]["actions"]["actions"][0]["runs"][0]["error"] = json!("no");
        }),
        ("latency_max_ns", |r| {
            r["run"]["actions"]["actions"][0]["latency_mean_ns"] = json!(31)
        }),
        ("latency_max_ns", |r| {
            r["run"]["actions"]["actions"][0]["latency_max_ns"] = json!(29)
        }),
        ("latency_max_ns", |r| {
            r["run"]["actions"]["actions"][0]["latency_mean_ns"] = Value::Null;
        }),
        ("longer than the run", |r| {
            r["run"]["actions"]["actions"][0]["latency_max_ns"] = json!(u64::MAX);
        }),
        ("not sampled", |r| {
            r["run"]["actions"]["actions"][0]["runs"][0]["cpu"] = json!(4_000_000)
        }),
        ("after the end of the run", |r| {
            r["run"]["actions"]["actions"][0]["runs"][0]["start_cycles"] = json!(u64::MAX);
        }),
        ("in the wrong place", |r| {
            r["run"]["actions"]["actions"][0]["runs"][0]["cpu"] = Value::Null;
        }),
        ("in the wrong place", |r| {
            r["run"]["actions"]["actions"][1]["runs"][0]["start_cycles"] = json!(1);
        }),
        ("above_ns does not fit", |r| {
            r["run"]["actions"]["above_ns"] = Value::Null
        }),
        ("less than run.threshold_ns", |r| {
            r["run"]["actions"]["above_ns"] = json!(1)
        }),
        ("arguments is empty", |r| {
            r["run"]["command"]["arguments"] = json!([])
        }),
        ("an exit_status and a signal", |r| {
            r["run"]["command"]["signal"] = json!(9)
        }),
        ("no list of CPUs", |r| {
            r["run"]["command"]["cpus"] = json!("\u{1b}[2J")
        }),
        ("no list of CPUs", |r| {
            r["run"]["command"]["cpus"] = json!("0-99")
        }),
        ("run.command took", |r| {
            r["run"]["command"]["user_ns"] = json!(u64::MAX)
        }),
    ];
    let wrong: Vec<String> = (cases.iter())
        .map(|(wanted, change)| (wanted, said(*change)))
        .filter(|(wanted, said)| !said.contains(*wanted))
        .map(|(wanted, said)| format!("{wanted}: {said}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A script's clock is not the command's.
    let long = |scripted: bool| {
        self::said(|r| {
            act(r);
            r["run"]["scripted"] = json!(scripted);
            r["run"]["command"]["elapsed_ns"] = json!(u64::MAX);
        })
    };
    assert_eq!(long(true), "taken");
    assert!(
        long(false).contains("longer than the run"),
        "{}",
        long(false)
    );
}

/// A pass that its own counts do not allow.
#[test]
fn a_pass_has_nothing_against_it() {
    let said = |change: Change| {
        let text = run("a", 0, &[], change);
        from_slice(&text).err().map(|problem| problem.to_string())
    };
    assert_eq!(said(|_| ()), None);
    let cases: [(&str, Change); 8] = [
        ("records of gaps were lost", |r| {
            r["cpus"][0]["gaps_dropped"] = json!(2);
            r["cpus"][0]["gaps_seen"] = json!(2);
        }),
        ("sampling ended early", |r| {
            r["cpus"][1]["ended_early"] = json!("offline")
        }),
        ("the TSC of a CPU was written to", |r| {
            r["cpus"][1]["watched"]["tsc_adjust"] = json!({"before": 0, "after": -900});
        }),
        ("the clock failed", |r| {
            r["findings"][0]["id"] = json!("tsc-backwards");
        }),
        ("reasons against it", |r| {
            r["verdict"]["reasons"] = json!(["none", "lost"])
        }),
        ("is more than max_ns", |r| {
            r["cpus"][0]["max_platform_ns"] = json!(9_000_000)
        }),
        ("verdict.platform_max_ns", |r| {
            r["cpus"][0]["max_ns"] = json!(9_000_000);
            r["cpus"][0]["max_platform_ns"] = json!(9_000_000);
        }),
        ("gaps_seen is 0", |r| {
            r["cpus"][0]["gaps_by_cause"]["unknown"] = json!(3)
        }),
    ];
    let wrong: Vec<String> = (cases.into_iter())
        .map(|(wanted, change)| (wanted, said(change).unwrap_or_default()))
        .filter(|(wanted, said)| !said.contains(wanted))
        .map(|(wanted, said)| format!("{wanted}: {said}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_fleet_sets_them_aside_and_a_single_report_is_refused() {
    let place = Place::new();
    place.file("in/good.json", run("good", 0, &[5], |_| ()));
    let bad = run("bad", 0, &[500], |report| {
        report["verdict"]["result"] = json!("pass")
    });
    place.file("in/bad.json", &bad);
    let (status, answer) = place.answer(&["in"]);
    assert_eq!(status, 3);
    assert_eq!(answer["totals"]["pass"], 1, "{answer:#}");
    let reason = answer["set_aside"][0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("contradicts itself: verdict.result"),
        "{reason}"
    );
    for command in ["report", "compare"] {
        let mut command = match command {
            "report" => {
                let mut report = assert_cmd::Command::cargo_bin("hwgap").unwrap();
                report.args(["report", "in/bad.json"]);
                report
            }
            _ => {
                let mut compare = assert_cmd::Command::cargo_bin("hwgap").unwrap();
                compare.args([
                    "compare",
                    "--before",
                    "in/good.json",
                    "--after",
                    "in/bad.json",
                ]);
                compare
            }
        };
        let output = command.current_dir(place.0.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("contradicts itself"), "{errors}");
    }
}

/// A script's run is cut by its own end, so that it stands for whole ones.
#[test]
fn a_real_report_with_its_verdict_turned_is_set_aside() {
    let place = Place::new();
    for script in ["smi", "stall", "steady-smis", "smi-shared"] {
        let text = scripted::report(&place, script, &["--duration", "1s"]);
        let mut report: Value = serde_json::from_slice(&text).unwrap();
        let turned = match report["verdict"]["result"].as_str() {
            Some("fail") => "pass",
            _ => "fail",
        };
        report["verdict"]["result"] = json!(turned);
        let problem = from_slice(report.to_string().as_bytes()).err();
        assert!(problem.is_some(), "{script}");
    }
}
