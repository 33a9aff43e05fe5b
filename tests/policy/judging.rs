//! What policies say of runs.

use assert_cmd::Command;
use hwgap::model::Outcome;
use hwgap::read::brief::Brief;
use jiff::civil::date;
use serde_json::{Value, json};

use super::{judged, policy, run, run_with};
use crate::made_up_host::made_up_host;

#[test]
fn limits_fail_and_missing_evidence_is_inconclusive() {
    let limits = policy("[limits]\nworst = \"10us\"\n");
    assert_eq!(judged(&limits, &run(|_| ())), (Outcome::Pass, vec![]));
    let slow = run_with(&[11], |_| ());
    assert_eq!(
        judged(&limits, &slow),
        (Outcome::Fail, vec!["limits.worst"])
    );
    let coarse = run(|report| report["run"]["threshold_ns"] = json!(20_000));
    assert_eq!(
        judged(&limits, &coarse),
        (Outcome::Inconclusive, vec!["limits.worst"])
    );
    let doubtful = run(|report| {
        report["verdict"]["result"] = json!("inconclusive");
        report["verdict"]["reasons"] = json!(["records were lost"]);
    });
    assert_eq!(
        judged(&limits, &doubtful),
        (Outcome::Inconclusive, vec!["run.verdict"])
    );
}

#[test]
fn a_limit_below_the_runs_own_does_not_pass_over_what_is_unknown() {
    let open = |part: u64| {
        run_with(&[], |report| {
            report["run"]["threshold_ns"] = json!(1_000);
            report["cpus"][0]["max_unknown_ns"] = json!(part);
        })
    };
    for (rule, limits) in [
        ("limits.worst", "worst = \"5us\""),
        (
            "limits.rate_per_hour",
            "above = \"5us\"\nrate_per_hour = 100.0",
        ),
        (
            "limits.rate_upper95_per_hour",
            "above = \"5us\"\nrate_upper95_per_hour = 100.0",
        ),
        (
            "limits.lost_per_hour",
            "above = \"5us\"\nlost_per_hour = \"1ms\"",
        ),
    ] {
        let limits = policy(&format!("[limits]\n{limits}\n"));
        let quiet = run_with(&[], |report| {
            report["run"]["threshold_ns"] = json!(1_000);
        });
        assert_eq!(judged(&limits, &quiet), (Outcome::Pass, vec![]), "{rule}");
        assert_eq!(judged(&limits, &open(4_900)).0, judged(&limits, &open(0)).0);
        let (outcome, against) = judged(&limits, &open(7_000));
        assert_eq!(outcome, Outcome::Inconclusive, "{rule}");
        assert!(against.contains(&rule), "{rule}: {against:?}");
    }
}

/// The end of a run, where it was not that of its duration.
fn cut(ended_by: &str, planned_s: u64) -> Brief<'static> {
    run(|report| {
        report["run"]["ended_by"] = json!(ended_by);
        report["run"]["planned_ns"] = json!(planned_s * 1_000_000_000);
        report["verdict"]["result"] = json!("inconclusive");
        report["verdict"]["incomplete"] = json!("cut short");
        report["verdict"]["reasons"] = json!(["cut short"]);
    })
}

#[test]
fn what_was_cut_short_passes_only_where_a_policy_says_how_much_is_enough() {
    let incomplete = (Outcome::Inconclusive, vec!["measurement.complete"]);
    for ended_by in ["signal", "running", "gap", "error"] {
        let cut = cut(ended_by, 12 * 3_600);
        assert_eq!(judged(&policy(""), &cut), incomplete, "{ended_by}");
        let limit = policy("[limits]\nworst = \"50us\"\n");
        assert_eq!(judged(&limit, &cut), incomplete, "{ended_by}");
        for enough in ["duration = \"1h\"", "covered = \"30m\""] {
            let enough = policy(&format!("[measurement]\n{enough}\n"));
            assert_eq!(judged(&enough, &cut), (Outcome::Pass, vec![]), "{ended_by}");
        }
        let more = policy("[measurement]\nduration = \"2h\"\n");
        assert_eq!(
            judged(&more, &cut),
            (Outcome::Inconclusive, vec!["measurement.duration"])
        );
    }
    // Other doubts of the run stay.
    let doubted = run(|report| {
        report["run"]["ended_by"] = json!("running");
        report["verdict"]["result"] = json!("inconclusive");
        report["verdict"]["incomplete"] = json!("cut short");
        report["verdict"]["reasons"] = json!(["cut short", "records were lost"]);
    });
    let enough = policy("[measurement]\nduration = \"1h\"\n");
    assert_eq!(
        judged(&enough, &doubted),
        (Outcome::Inconclusive, vec!["run.verdict"])
    );
}

#[test]
fn a_gap_fails_a_run_that_was_cut_short_and_an_older_report_is_cut_short_too() {
    let failed = run_with(&[40], |report| {
        report["run"]["ended_by"] = json!("signal");
        report["run"].as_object_mut().unwrap().remove("planned_ns");
    });
    assert_eq!(judged(&policy(""), &failed).0, Outcome::Fail);
    // A version that did not store what was asked for called this a pass.
    let older = run(|report| {
        report["run"]["ended_by"] = json!("running");
        report["run"].as_object_mut().unwrap().remove("planned_ns");
    });
    assert_eq!(
        judged(&policy(""), &older),
        (Outcome::Inconclusive, vec!["measurement.complete"])
    );
    // A signal after the whole time has cut nothing short.
    let late = run(|report| report["run"]["ended_by"] = json!("signal"));
    assert_eq!(judged(&policy(""), &late), (Outcome::Pass, vec![]));
}

#[test]
fn a_looser_policy_passes_what_the_run_itself_failed() {
    let failed = run_with(&[40, 20, 20], |_| ());
    assert_eq!(
        judged(&policy("[limits]\nworst = \"50us\"\n"), &failed).0,
        Outcome::Pass
    );
    assert_eq!(
        judged(&policy(""), &failed),
        (Outcome::Fail, vec!["run.verdict"])
    );
}

#[test]
fn rates_are_excluded_exceeded_or_not_known() {
    let upper = policy("[limits]\nrate_upper95_per_hour = 5.0\n");
    let with = |stalls: usize| run_with(&vec![20; stalls], |_| ());
    // In an hour: 0 exclude 3.0, 1 excludes 4.8; 10 show 5.4; 3 show neither.
    assert_eq!(judged(&upper, &with(1)).0, Outcome::Pass);
    assert_eq!(judged(&upper, &with(3)).0, Outcome::Inconclusive);
    assert_eq!(judged(&upper, &with(10)).0, Outcome::Fail);
    let counted = policy("[limits]\nrate_per_hour = 2.9\n");
    assert_eq!(judged(&counted, &with(2)).0, Outcome::Pass);
    assert_eq!(judged(&counted, &with(3)).0, Outcome::Fail);
}

#[test]
fn time_lost_and_time_in_smis_are_bounded_from_both_sides() {
    let lost = policy("[limits]\nabove = \"20us\"\nlost_per_hour = \"100us\"\n");
    let of = |lengths: &[u64]| run_with(lengths, |_| ());
    assert_eq!(judged(&lost, &of(&[15; 50])).0, Outcome::Pass);
    assert_eq!(judged(&lost, &of(&[60, 60])).0, Outcome::Fail);
    // A full list may hide more, but none above what it goes down to.
    assert_eq!(judged(&lost, &of(&[15; 1_000])).0, Outcome::Pass);
    let older = run(|report| {
        report.as_object_mut().unwrap().remove("stalls");
    });
    assert_eq!(judged(&lost, &older).0, Outcome::Inconclusive);

    let share = policy("[limits]\nsmi_time_share = 0.000001\n");
    let smis = |delta: u64| {
        run(|report| {
            for cpu in report["cpus"].as_array_mut().unwrap() {
                cpu["smi"] = json!({"before": 7, "after": 7 + delta, "delta": delta});
            }
        })
    };
    // An hour at one part in a million is 3.6 ms: 360 SMIs below 10 us.
    assert_eq!(judged(&share, &smis(300)).0, Outcome::Pass);
    assert_eq!(judged(&share, &smis(400)).0, Outcome::Inconclusive);
    let seen = run_with(&[4_000], |_| ());
    assert_eq!(judged(&share, &seen).0, Outcome::Fail);
}

#[test]
fn measurement_evidence_and_clock_have_their_say() {
    let all = policy(
        "[measurement]\nduration = \"2h\"\ncovered = \"2h\"\ncoverage = 0.999\nthreshold = \"5us\"\n\
         cpus = \"1-5\"\nengines = [\"bpf\"]\n\
         [evidence]\nsmi_counter = \"required\"\nselftest = \"required\"\nguest = \"refused\"\n\
         sources = [\"footprint\", \"tea-leaves\"]\n\
         [clock]\nclocksource = [\"hpet\"]\ninvariant_tsc = \"required\"\nsteady = \"required\"\n\
         [[bios]]\nproduct = \"*\"\nversions = [\"99\"]\n\
         [[microcode]]\ncpu = \"*\"\nrevisions = [\"0xff\"]\n",
    );
    let bad = run(|report| {
        report["host"]["hypervisor"] = json!("KVM");
        report["verdict"]["subject"] = json!("hypervisor-and-below");
        report["tsc"]["invariant"] = json!(false);
        report["tsc"]["clocksource_changes"] = json!([1]);
        for cpu in report["cpus"].as_array_mut().unwrap() {
            cpu["smi"] = Value::Null;
        }
    });
    let (outcome, rules) = judged(&all, &bad);
    assert_eq!(outcome, Outcome::Fail);
    assert_eq!(
        rules,
        [
            "measurement.duration",
            "measurement.covered",
            "measurement.coverage",
            "measurement.threshold",
            "measurement.cpus",
            "measurement.engines",
            "evidence.smi_counter",
            "evidence.selftest",
            "evidence.guest",
            "evidence.sources",
            "clock.clocksource",
            "clock.invariant_tsc",
            "clock.steady",
            "bios",
            "microcode",
        ]
    );
}

#[test]
fn later_overrides_win_and_can_lift_what_is_asked() {
    let text = "[limits]\nworst = \"5us\"\n[evidence]\nselftest = \"required\"\n\
        [[override]]\nhost = \"node*\"\nlimits.worst = \"8us\"\n\
        [[override]]\nhost = \"NODE1?\"\nlimits.worst = \"20us\"\nevidence.selftest = \"optional\"\n";
    assert_eq!(judged(&policy(text), &run(|_| ())), (Outcome::Pass, vec![]));
    let other = run(|report| report["host"]["hostname"] = json!("node2"));
    let (outcome, rules) = judged(&policy(text), &other);
    assert_eq!(
        (outcome, rules),
        (Outcome::Fail, vec!["limits.worst", "evidence.selftest"])
    );
}

#[test]
fn waivers_hold_to_their_day_and_say_why() {
    let text = "[limits]\nworst = \"5us\"\n[[waiver]]\nhost = \"node17\"\nrule = \"limits.worst\"\n\
        reason = \"ticket 4711\"\nuntil = 2026-11-21\n";
    let judge = |day| policy(text).judge(&run(|_| ()), date(2026, 11, day));
    let held = judge(21);
    assert_eq!(held.outcome, Outcome::Pass);
    assert_eq!(
        held.reasons[0].waived.as_ref().unwrap().reason,
        "ticket 4711"
    );
    let ended = judge(22);
    assert_eq!(ended.outcome, Outcome::Fail);
    assert!(
        ended.reasons[0]
            .text
            .contains("its waiver ended on 2026-11-21"),
        "{ended:?}"
    );
}

#[test]
fn a_run_is_judged_at_once_and_the_policy_decides_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let run = |text: &str| {
        let file = folder.path().join("p.toml");
        std::fs::write(&file, text).unwrap();
        let host = made_up_host("bare-metal-intel", &["smi"]);
        let mut command = Command::cargo_bin("hwgap").unwrap();
        command.args(["run", "--duration", "1s", "--host-root"]);
        command.arg(host.path());
        let output = command.arg("--policy").arg(file).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text, errors)
    };
    let (status, text, _) = run("name = \"loose\"\n[limits]\nworst = \"1ms\"\n");
    assert!(text.contains("by loose"), "{text}");
    assert!(
        status == 0 || text.contains("run.verdict"),
        "{status}\n{text}"
    );
    let (status, text, _) = run("[limits]\nworst = \"50us\"\n");
    assert_eq!(status, 1, "{text}");
    assert!(
        text.contains("limits.worst: the platform took 100 us at a time"),
        "{text}"
    );
    let (status, text, errors) =
        run("[limits]\nworst = \"1s\"\n[measurement]\nduration = \"1h\"\n");
    assert_eq!(status, 3, "{text}");
    assert!(
        errors.contains("cannot pass: the policy asks for --duration 3600s"),
        "{errors}"
    );
    let (status, _, errors) = run("[limits]\nworst = 5\n");
    assert_eq!(status, 2, "{errors}");
}

#[test]
fn revisions_are_compared_as_numbers() {
    let rules = |revision: &str| {
        policy(&format!(
            "[[microcode]]\ncpu = \"*\"\nrevisions = [\"{revision}\"]\n"
        ))
    };
    let found = |text: &str| run(|report| report["host"]["cpu"]["microcode"] = json!(text));
    for wanted in [
        "0x1000065",
        "0x01000065",
        "1000065",
        "0X1000065",
        " 0x1000065 ",
        "0x1000*",
        "0x01*",
    ] {
        for text in ["0x1000065", "0x01000065", "1000065"] {
            let judged = judged(&rules(wanted), &found(text));
            assert_eq!(judged.0, Outcome::Pass, "{wanted} and {text}");
        }
    }
    for wanted in ["0x1000066", "0x10000650", "100065", "0x2*", "65"] {
        let judged = judged(&rules(wanted), &found("0x1000065"));
        assert_eq!(judged.0, Outcome::Fail, "{wanted}");
    }
    // The message has the form of the kernel.
    let judgement = rules("0x7").judge(&found("01000065"), date(2026, 11, 28));
    let text = &judgement.reasons[0].text;
    assert!(text.contains("microcode revision 0x1000065"), "{text}");
}

#[test]
fn the_case_of_a_clocksource_does_not_count() {
    let rules = policy("[clock]\nclocksource = [\"TSC\", \"Hyperv_Clocksource\"]\n");
    assert_eq!(judged(&rules, &run(|_| ())).0, Outcome::Pass);
    let other = run(|report| report["tsc"]["clocksource_end"] = json!("hpet"));
    assert_eq!(judged(&rules, &other).0, Outcome::Fail);
}
