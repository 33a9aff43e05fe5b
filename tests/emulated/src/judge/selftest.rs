//! `hwgap selftest` against the log of the SMIs that it raised itself.

use super::Outcome;
use crate::report::{Check, Report, SelfTest};
use crate::scenario::Selftest;
use crate::smilog::SmiLog;
use crate::units::display;

/// The kinds of stall that must be raised, each of them.
const KINDS: [(&str, usize); 5] = [
    ("page fault", 1),
    ("stall and page fault", 1),
    ("competing task", 3),
    ("signal storm", 1),
    ("task in a signal storm", 1),
];
/// The kind that only `--raise-smi` raises.
const SMI: &str = "SMI by the command port";
/// By how much an SMI's gap may exceed the time between the two readings of
/// the clock around the write to the port.
const LENGTH_TOLERANCE: u64 = 100;

/// Everything the guest handed over.
pub struct Evidence {
    /// What was stored.
    pub test: SelfTest,
    /// What was printed.
    pub text: String,
    pub exit_code: i32,
    /// Of a run afterwards.
    pub report: Report,
    pub log: SmiLog,
}

/// Judges the self-test by the injector's log.
pub fn judge(scenario: &str, asked: &Selftest, evidence: &Evidence) -> Outcome {
    let Evidence {
        test,
        text,
        exit_code,
        report,
        log,
    } = evidence;
    let mut outcome = Outcome {
        scenario: scenario.to_owned(),
        smis: log.smis.len(),
        ..Outcome::default()
    };
    outcome.require(
        *exit_code == 0,
        format!("exit status {exit_code}, 0 was due"),
    );
    for (kind, times) in KINDS {
        let checks: Vec<&Check> = of_kind(test, kind).collect();
        outcome.require(
            checks.len() == times,
            format!("{} checks of kind {kind:?}, {times} were due", checks.len()),
        );
        for check in checks {
            judge_check(&mut outcome, check);
        }
    }
    if asked.smis > 0 {
        judge_smis(&mut outcome, test, asked, log);
    }
    outcome.require(
        test.resolution_ns > 0 && text.contains("Smallest stall that this host resolves: "),
        "the smallest stall that the host resolves is not printed",
    );
    outcome.require(
        report.selftest.as_ref() == Some(test),
        "a later report does not carry the stored result",
    );
    outcome
}

fn of_kind<'a>(test: &'a SelfTest, kind: &'a str) -> impl Iterator<Item = &'a Check> {
    test.checks.iter().filter(move |check| check.kind == kind)
}

/// All raised and found, and rightly classed but for one of fifty that a tick of
/// the kernel's met, by the report's own count.
fn judge_check(outcome: &mut Outcome, check: &Check) {
    let raised = check.raised.unwrap_or(0);
    outcome.require(
        raised > 0
            && check.found == raised
            && check.rightly_classed + check.overlapped == raised
            && check.overlapped * 50 <= raised,
        format!(
            "{} of {:?} ns: {:?} raised, {} found, {} rightly classed ({:?})",
            check.kind,
            check.length_ns,
            check.raised,
            check.found,
            check.rightly_classed,
            check.note
        ),
    );
}

/// The handler's log, hwgap's own tally and the counter agree.
fn judge_smis(outcome: &mut Outcome, test: &SelfTest, asked: &Selftest, log: &SmiLog) {
    let Some(check) = of_kind(test, SMI).next() else {
        outcome.require(false, "no check of SMIs");
        return;
    };
    judge_check(outcome, check);
    outcome.expected = asked.smis as usize;
    outcome.found = check.found as usize;
    outcome.counted = check.smi_count;
    outcome.length_error = check.median_excess_ns;
    outcome.require(
        log.count == asked.smis,
        format!("{} SMIs in the log, {} were due", log.count, asked.smis),
    );
    outcome.require(
        check.raised == Some(log.count) && check.smi_count == Some(log.count),
        format!(
            "{:?} raised and {:?} counted, the log has {}",
            check.raised, check.smi_count, log.count
        ),
    );
    let excess = check.median_excess_ns;
    outcome.require(
        excess.is_some_and(|excess| excess <= LENGTH_TOLERANCE),
        format!(
            "gaps exceed the SMIs by {}",
            excess.map_or_else(|| String::from("an unknown time"), display)
        ),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::smilog::Smi;

    fn check(kind: &str, found: u64, smi_count: Option<u64>) -> Check {
        Check {
            kind: kind.into(),
            length_ns: None,
            raised: Some(10),
            found,
            rightly_classed: found,
            median_excess_ns: Some(40),
            overlapped: 0,
            smi_count,
            note: None,
        }
    }

    /// Judges a self-test in which all went well but for what is given.
    fn judged(found: u64, smi_count: u64, logged: u64, carried: bool) -> Vec<String> {
        let test = SelfTest {
            made_utc: "2026-01-01T00:00:00Z".into(),
            resolution_ns: 60,
            checks: vec![
                check("page fault", 10, None),
                check("stall and page fault", 10, None),
                check("competing task", 10, None),
                check("competing task", 10, None),
                check("competing task", 10, None),
                check("signal storm", 10, None),
                check("task in a signal storm", 10, None),
                check(SMI, found, Some(smi_count)),
            ],
        };
        let report = json!({
            "schema": "hwgap.report",
            "schema_version": 1,
            "run": { "hardlimit_ns": 10_000 },
            "tsc": { "origin": "0", "hz": 1e9 },
            "cpus": [],
            "gaps": [],
            "findings": [],
            "verdict": { "result": "pass", "subject": "hardware", "platform_gaps": 0, "platform_max_ns": 0, "coverage": 1.0 },
        });
        let mut report = Report::parse(&report.to_string()).unwrap();
        report.selftest = carried.then(|| test.clone());
        let smis = (0..logged).map(|entry| Smi {
            entry,
            exit: entry + 1,
            hit: None,
        });
        let evidence = Evidence {
            test,
            text: "Smallest stall that this host resolves: 60ns\n".into(),
            exit_code: 0,
            report,
            log: SmiLog {
                count: logged,
                lost: 0,
                smis: smis.collect(),
            },
        };
        let asked = Selftest {
            options: Vec::new(),
            smis: 10,
        };
        judge("selftest", &asked, &evidence).failures
    }

    #[test]
    fn one_that_the_log_bears_out_passes() {
        assert_eq!(judged(10, 10, 10, true), Vec::<String>::new());
    }

    #[test]
    fn a_missed_smi_a_wrong_count_and_a_report_without_the_result_fail() {
        assert!(judged(9, 10, 10, true)[0].contains("9 found"));
        assert!(judged(10, 9, 10, true)[0].contains("counted"));
        assert!(judged(10, 10, 11, true)[0].contains("in the log"));
        assert!(judged(10, 10, 10, false)[0].contains("carry"));
    }
}
