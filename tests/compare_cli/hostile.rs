//! Names that must not show, and texts that must stay text.

use hwgap::compare::model::Comparison;
use hwgap::model::Report;
use hwgap::render::comparison::{markdown, page};
use proptest::prelude::*;

use super::inert_pages::{HOSTILE, assert_inert_markdown, assert_inert_page};
use super::samples::run;
use super::verdicts::{compared, hwgap};

#[test]
fn redacted_comparisons_name_nobody() {
    let mut after = run(1, 6, Some(100), 40);
    after.host.hostname = Some("secret-host".to_owned());
    after.host.kernel.command_line = Some("ro root=/dev/mapper/secret-host-root".to_owned());
    for format in ["text", "markdown", "json", "html"] {
        let options = ["--redact", "--format", format];
        let (_, text) = hwgap(
            &[run(0, 6, Some(600), 40)],
            std::slice::from_ref(&after),
            &options,
        );
        for name in [
            "secret-host",
            "rt-bench-01",
            "synthetic run",
            "a0.json",
            "b0.json",
        ] {
            assert!(!text.contains(name), "{format} holds {name}:\n{text}");
        }
    }
}

/// Puts a text wherever a comparison takes one from a report.
fn poisoned(text: &str) -> Comparison {
    let mut after = run(1, 6, Some(100), 40);
    let some = || Some(text.to_owned());
    after.run.label = some();
    after.host.bios.version = some();
    after.host.hypervisor = some();
    after.host.kernel.command_line = some();
    after.cpus[0].scheduling = text.to_owned();
    compared(&[run(0, 6, Some(600), 40)], &[after])
}

#[test]
fn hostile_texts_stay_text() {
    for text in HOSTILE {
        let comparison = poisoned(text);
        let shown = assert_inert_page(&page(&comparison));
        let letters =
            |text: &str| -> String { text.chars().filter(char::is_ascii_alphanumeric).collect() };
        assert!(
            letters(&shown).contains(&letters(text)),
            "{text:?} is not in the page"
        );
        assert_inert_markdown(&markdown(&comparison));
    }
}

#[test]
fn megabytes_of_text_give_small_pages() {
    let comparison = poisoned(&"<x>&\u{1b}".repeat(400_000));
    let (page, ticket) = (page(&comparison), markdown(&comparison));
    assert_inert_page(&page);
    assert!(page.len() < 200_000, "{} bytes", page.len());
    assert_inert_markdown(&ticket);
    assert!(ticket.len() < 60_000, "{} bytes", ticket.len());
}

#[test]
fn control_characters_reach_no_output() {
    let mut after: Report = run(1, 6, Some(100), 40);
    after.host.bios.version = Some("\u{1b}[2J\u{7}".to_owned());
    for format in ["text", "markdown", "json", "html"] {
        let before = [run(0, 6, None, 0)];
        let (_, text) = hwgap(&before, std::slice::from_ref(&after), &["--format", format]);
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{format}");
    }
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
        let comparison = poisoned(&text);
        assert_inert_page(&page(&comparison));
        assert_inert_markdown(&markdown(&comparison));
    }
}
