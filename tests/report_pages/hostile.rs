//! Texts that mean harm, in every place that a report has for one.

use hwgap::model::{Inventory, NamedText, Report};
use proptest::prelude::*;

use super::inert_pages::{HOSTILE, assert_inert_markdown, assert_inert_page};
use super::{WHOLE, page, sample, ticket};

/// Puts a text wherever a report has one.
fn poisoned(mut report: Report, text: &str) -> Report {
    let some = || Some(text.to_owned());
    let named = || {
        vec![NamedText {
            name: text.to_owned(),
            text: text.to_owned(),
        }]
    };
    let host = &mut report.host;
    for field in [
        &mut host.hostname,
        &mut host.system.vendor,
        &mut host.system.product,
        &mut host.system.board,
        &mut host.bios.vendor,
        &mut host.bios.version,
        &mut host.bios.date,
        &mut host.cpu.vendor,
        &mut host.cpu.model_name,
        &mut host.cpu.microcode,
        &mut host.kernel.release,
        &mut host.kernel.command_line,
        &mut report.run.label,
        &mut report.run.error,
        &mut report.tsc.clocksource_start,
    ] {
        *field = some();
    }
    report.inventory = Some(Inventory {
        bmc_firmware: some(),
        smt: some(),
        kernel_build: some(),
        governors: vec![text.to_owned(); 3],
        modules: named(),
        mitigations: named(),
        serials: Some(named()),
        unknown: named(),
        ..Inventory::default()
    });
    report.run.command_line = text.to_owned();
    report.run.started_utc = text.to_owned();
    report.run.cpus_not_sampled = text.to_owned();
    report.tool.name = text.to_owned();
    report.tsc.hz_source = text.to_owned();
    report.tsc.flags = vec![text.to_owned()];
    report.verdict.reasons = vec![text.to_owned(); 2];
    for source in &mut report.evidence {
        source.source = text.to_owned();
        source.reason = text.to_owned();
        source.costs = some();
    }
    for finding in &mut report.findings {
        finding.text = text.to_owned();
        finding.remedy = some();
    }
    for cpu in &mut report.cpus {
        cpu.smi_reason = some();
        cpu.scheduling = text.to_owned();
        cpu.ended_early = some();
    }
    for gap in &mut report.gaps {
        gap.start_utc = text.to_owned();
        gap.detail = text.to_owned();
    }
    report
}

#[test]
fn hostile_texts_show_as_they_are() {
    for text in HOSTILE {
        let report = poisoned(sample("bare-metal-fail"), text);
        let shown = assert_inert_page(&page(&report));
        let plain: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let words: String = shown
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        assert!(words.contains(&plain), "{text:?} is not in the page");
        assert_inert_markdown(&ticket(&report, WHOLE));
    }
}

#[test]
fn megabytes_of_text_give_a_small_page() {
    let report = poisoned(sample("many-cpus"), &"<x>&\u{1b}".repeat(400_000));
    let page = page(&report);
    assert_inert_page(&page);
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    let ticket = ticket(&report, WHOLE);
    assert!(ticket.chars().count() <= WHOLE.0);
    assert_inert_markdown(&ticket);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_gives_inert_pages(text in prop_oneof![
        any::<String>(),
        "[<>&\"'`*_\\[\\]()!#@/:.|~\\\\$\\-+= a1\\n]{0,80}",
    ]) {
        let report = poisoned(sample("guest-fail"), &text);
        assert_inert_page(&page(&report));
        assert_inert_markdown(&ticket(&report, WHOLE));
    }
}
