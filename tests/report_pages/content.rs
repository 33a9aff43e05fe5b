//! What must be in a page, and what must not.

use hwgap::model::agreement::{Agreed, Agreement, EngineReport};
use hwgap::model::{
    ClockStepKind, ClockStepReport, EngineName, Inventory, NamedText, Report, TscAdjust,
    TscLogLine, VectorCount, WatchedReport,
};
use hwgap::read::redact::redact;
use hwgap::render::markdown::Limit;
use hwgap::units::{Cycles, Nanos};
use serde_json::Value;

use super::inert_pages::assert_inert_page;
use super::{WHOLE, page, sample, ticket};

#[test]
fn a_short_ticket_keeps_verdict_and_worst_stall() {
    let report = sample("bare-metal-fail");
    let whole = ticket(&report, WHOLE);
    for limit in [1_500, 3_000, 4_500] {
        let text = ticket(&report, Limit(limit));
        assert!(text.chars().count() <= limit, "{}", text.len());
        assert!(text.len() < whole.len());
        assert!(text.contains("**FAIL:** 4 hardware stalls"), "{text}");
        assert!(text.contains("412 us"), "{text}");
    }
}

#[test]
fn nothing_is_called_hardware_in_a_guest() {
    for name in ["guest-pass", "guest-fail"] {
        let report = sample(name);
        for text in [assert_inert_page(&page(&report)), ticket(&report, WHOLE)] {
            let text = text.to_lowercase();
            let allowed = "the hardware is only a part";
            assert_eq!(
                text.matches("hardware").count(),
                text.matches(allowed).count(),
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn a_redacted_report_holds_no_name_of_the_machine() {
    let mut report = sample("bare-metal-fail");
    report.host.hostname = Some("RT-Bench-01.lab".to_owned());
    let telling = "on rt-bench-01 at 10.1.2.3, by /home/ada/x and 52:54:00:12:34:56";
    report.run.label = Some(telling.to_owned());
    report.run.command_line = telling.to_owned();
    report.host.kernel.command_line = Some(telling.to_owned());
    report.verdict.reasons = vec![telling.to_owned()];
    report.findings[0].text = telling.to_owned();
    report.evidence[0].reason = telling.to_owned();
    report.gaps[0].detail = telling.to_owned();
    report.inventory = Some(Inventory {
        serials: Some(vec![NamedText {
            name: "system serial number".to_owned(),
            text: "ABC1234".to_owned(),
        }]),
        kernel_build: Some("#1 built on rt-bench-01.lab for ABC1234".to_owned()),
        ..Inventory::default()
    });
    let redacted = redact(report);
    for text in [
        serde_json::to_string(&redacted).unwrap(),
        page(&redacted),
        ticket(&redacted, WHOLE),
    ] {
        let text = text.to_lowercase();
        for name in ["rt-bench", "10.1.2.3", "/home/", "52:54", "abc1234"] {
            assert!(!text.contains(name), "{name}: {text}");
        }
        assert!(text.contains("poweredge r740"));
    }
}

/// No text of a report is forgotten, whatever later versions add: each in turn
/// is given the machine's names.
#[test]
fn no_text_of_a_report_keeps_a_name() {
    let telling = "on rt-bench-01 at 10.1.2.3 with 52:54:00:12:34:56";
    let mut kept = Vec::new();
    for name in ["bare-metal-fail", "guest-fail", "ordinary-user"] {
        let mut report = with_all_texts(sample(name));
        report.host.hostname = Some("rt-bench-01".to_owned());
        let whole = serde_json::to_value(&report).unwrap();
        for path in paths_of_texts(&whole, String::new()) {
            let mut told = whole.clone();
            *told.pointer_mut(&path).unwrap() = telling.into();
            // Words of the program itself cannot be anything else.
            if ["/schema", "/tsc/origin", "/host/hostname"].contains(&path.as_str()) {
                continue;
            }
            let Ok(report) = serde_json::from_value::<Report>(told) else {
                continue;
            };
            let text = serde_json::to_string(&redact(report)).unwrap();
            for secret in ["rt-bench-01", "10.1.2.3", "52:54"] {
                if text.contains(secret) {
                    kept.push(format!("{name}: {path} keeps {secret}"));
                }
            }
        }
    }
    assert!(kept.is_empty(), "{kept:#?}");
}

/// A report that has all parts which may hold texts.
fn with_all_texts(mut report: Report) -> Report {
    let text = || Some("a text".to_owned());
    let named = || {
        vec![NamedText {
            name: "a name".to_owned(),
            text: "a text".to_owned(),
        }]
    };
    report.inventory = Some(Inventory {
        product_version: text(),
        kernel_build: text(),
        bmc_firmware: text(),
        idle_driver: text(),
        governors: vec!["performance".to_owned()],
        mitigations: named(),
        modules: named(),
        unknown: named(),
        ..Inventory::default()
    });
    report.tsc.log = vec![TscLogLine {
        seen_utc: text(),
        text: "clocksource: rt-bench-01".to_owned(),
    }];
    report.run.label = text();
    report.run.error = text();
    report.engines = vec![EngineReport {
        engine: EngineName::Bpf,
        slices: 1,
        elapsed_ns: Nanos(1),
        covered_ns: Nanos(1),
        rates: Vec::new(),
        unknown_shares: 0,
        verdict: report.verdict.clone(),
        cpus: report.cpus.clone(),
    }];
    report.agreement = Some(Agreement {
        result: Agreed::Agree,
        level: 0.05,
        tests: Vec::new(),
        differences: vec!["a difference".to_owned()],
    });
    report
}

/// JSON pointers (RFC 6901) to all strings.
pub fn paths_of_texts(value: &Value, path: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![path],
        Value::Array(items) => (items.iter().enumerate())
            .flat_map(|(index, item)| paths_of_texts(item, format!("{path}/{index}")))
            .collect(),
        Value::Object(fields) => (fields.iter())
            .flat_map(|(name, field)| paths_of_texts(field, format!("{path}/{name}")))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn what_was_watched_is_on_the_page_and_in_the_ticket() {
    let mut report = sample("bare-metal-fail");
    report.cpus[0].watched = Some(WatchedReport {
        core_throttle_count: Some(7),
        core_throttle_ns: Some(Nanos(3_000_000)),
        vectors: Some(vec![VectorCount {
            name: "MCE".to_owned(),
            count: 2,
        }]),
        tsc_adjust: Some(TscAdjust {
            before: 0,
            after: -40,
        }),
        ..WatchedReport::default()
    });
    report.tsc.steps = vec![ClockStepReport {
        seen_utc: "2026-11-20T17:52:45.000000000Z".to_owned(),
        from_cycles: Cycles(1),
        to_cycles: Cycles(2),
        what: ClockStepKind::TscStep { ahead_ns: -1_500 },
    }];
    let shown = assert_inert_page(&page(&report));
    let ticket = ticket(&report, WHOLE);
    for words in [
        "7 times, 3.00 ms",
        "MCE 2",
        "0 to -40",
        "set back by 1.50 us",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
        let plain: String = ticket.chars().filter(|c| *c != '\\').collect();
        assert!(plain.contains(words), "{words}: {ticket}");
    }
}
