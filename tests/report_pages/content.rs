//! What must be in a page, and what must not.

use hwgap::report::markdown::Limit;
use hwgap::report::model::{Inventory, NamedText};
use hwgap::report::redact::redact;

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
