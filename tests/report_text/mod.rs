//! The text summary, compared with the files in tests/golden.
//!
//! After a wanted change write them anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test --test all report_text && git diff tests/golden`.

use crate::report_samples;
use std::path::Path;

use hwgap::model::{Outcome, Report, Severity};
use hwgap::render::screen::LINES;
use hwgap::render::style::Style;
use hwgap::render::terminal as text;
use hwgap::text::look::Extent;
use proptest::prelude::*;

mod extreme;

fn shown(report: &Report, style: Style, extent: Extent) -> String {
    text::render(&report.without_gaps(), &report.gaps, style, extent)
}

/// The summary that fits a screen.
fn rendered(report: &Report, style: Style) -> String {
    shown(report, style, Extent::Screen)
}

/// All of it.
fn verbose(report: &Report, style: Style) -> String {
    shown(report, style, Extent::Verbose)
}

fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("an unfinished escape").1;
    }
    plain + rest
}

fn assert_fits(text: &str) {
    for line in text.lines() {
        assert!(line.len() <= 80, "{} columns: {line}", line.len());
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn summaries_are_as_in_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, report) in report_samples::all() {
        for (name, text) in [
            (name.to_owned(), rendered(&report, Style::Plain)),
            (format!("{name}-verbose"), verbose(&report, Style::Plain)),
        ] {
            assert_fits(&text);
            let file = folder.join(format!("{name}.txt"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, &text).unwrap();
            }
            let golden = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                text == golden,
                "{name} differs from its golden file:\n{text}"
            );
        }
    }
}

fn assert_fits_a_screen(name: &str, text: &str) {
    assert_fits(text);
    let lines = text.lines().count();
    assert!(lines <= LINES, "{name}: {lines} lines:\n{text}");
}

#[test]
fn a_summary_fits_a_screen_whatever_was_measured() {
    for (name, report) in report_samples::all().into_iter().chain(extreme::all()) {
        assert_fits_a_screen(name, &rendered(&report, Style::Plain));
        assert_fits(&verbose(&report, Style::Plain));
    }
}

/// Nothing without which the verdict would be misunderstood may fall to the
/// lines that there are.
#[test]
fn what_forbids_trust_is_always_shown_or_counted() {
    for (name, report) in report_samples::all().into_iter().chain(extreme::all()) {
        let text = rendered(&report, Style::Plain);
        let mut critical: Vec<&str> = (report.findings.iter())
            .filter(|finding| finding.severity == Severity::Critical)
            .map(|finding| finding.id.as_str())
            .collect();
        critical.sort_unstable();
        critical.dedup();
        let shown = text.lines().filter(|line| line.starts_with("!! ")).count();
        let counted = text.contains("more with --verbose");
        assert!(
            shown == critical.len() || (shown >= 10 && counted),
            "{name}: {shown} of {}:\n{text}",
            critical.len()
        );
        if report.run.scripted {
            assert!(text.contains("SCRIPTED CLOCK"), "{name}");
        }
    }
}

#[test]
fn colours_change_nothing_but_the_colour() {
    for (name, report) in report_samples::all() {
        let coloured = rendered(&report, Style::Colored);
        assert!(coloured.contains("\x1b[1m"), "{name}");
        assert_eq!(
            without_colours(&coloured),
            rendered(&report, Style::Plain),
            "{name}"
        );
    }
}

#[test]
fn verdict_is_the_first_line_and_one_line() {
    for (name, report) in report_samples::all() {
        let text = rendered(&report, Style::Plain);
        let first = text.lines().next().unwrap();
        let whole = match report.verdict.result {
            Outcome::Pass => first.starts_with("PASS (so far): ") && first.contains(" CPU"),
            Outcome::Fail => first.starts_with("FAIL: ") && first.ends_with(')'),
            Outcome::Inconclusive => first.starts_with("INCONCLUSIVE: "),
        };
        assert!(whole, "{name}: {first}");
    }
}

#[test]
fn nothing_is_called_hardware_in_a_guest() {
    for (name, report) in report_samples::all() {
        if name.starts_with("guest") {
            for text in [
                rendered(&report, Style::Plain),
                verbose(&report, Style::Plain),
            ] {
                let words: Vec<&str> = text.split_whitespace().collect();
                let text = words.join(" ").to_lowercase();
                let allowed = "of which the hardware is only a part";
                let text = text.replace(allowed, "");
                assert!(!text.contains("hardware"), "{name}:\n{text}");
            }
        }
    }
}

#[test]
fn uncounted_smis_are_never_shown_as_none() {
    for (name, report) in report_samples::all() {
        let text = rendered(&report, Style::Plain);
        let uncounted = report.cpus.iter().any(|cpu| cpu.smi.is_none());
        if uncounted || name.starts_with("guest") {
            assert!(text.contains("n/a"), "{name}:\n{text}");
            let all = verbose(&report, Style::Plain);
            assert!(all.contains("n/a"), "{name}");
            assert!(all.contains("not countable here: "), "{name}");
        }
    }
}

/// Puts the text wherever a report has one.
fn poisoned(mut report: Report, text: &str, number: u64) -> Report {
    let some = Some(text.to_owned());
    let host = &mut report.host;
    for field in [
        &mut host.hostname,
        &mut host.system.vendor,
        &mut host.system.product,
        &mut host.bios.version,
        &mut host.cpu.model_name,
        &mut host.cpu.microcode,
        &mut host.kernel.release,
        &mut host.hypervisor,
        &mut report.run.label,
        &mut report.run.error,
        &mut report.tsc.clocksource_start,
    ] {
        *field = some.clone();
    }
    report.run.started_utc = text.to_owned();
    report.run.cpus_not_sampled = text.to_owned();
    report.run.hardlimit_ns.0 = number;
    report.run.elapsed_ns.0 = number;
    report.tsc.hz_source = text.to_owned();
    report.tsc.hz = (number as f64).max(1e-300);
    report.verdict.platform_max_ns.0 = number;
    report.verdict.platform_stalls = number;
    report.verdict.platform_rate_per_hour = Some(number as f64);
    report.verdict.reasons = vec![text.to_owned(); 2];
    for source in &mut report.evidence {
        source.source = text.to_owned();
        source.reason = text.to_owned();
        source.remedy = some.clone();
    }
    for finding in &mut report.findings {
        finding.text = text.to_owned();
        finding.remedy = some.clone();
    }
    for cpu in &mut report.cpus {
        cpu.smi_reason = some.clone();
        cpu.ended_early = some.clone();
        cpu.scheduling = text.to_owned();
        cpu.iterations = Some(number);
        cpu.min_cycles = Some(hwgap::units::Cycles(number));
        cpu.covered_ns.0 = number;
        cpu.os_ns.0 = number;
        cpu.max_platform_ns.0 = number;
        cpu.gaps_seen = number;
        cpu.gaps_by_cause.unknown = number;
        cpu.gaps_by_cause.firmware_or_cpu = number;
    }
    for gap in &mut report.gaps {
        gap.start_utc = text.to_owned();
        gap.detail = text.to_owned();
        gap.duration_ns.0 = number;
        gap.cpu.0 = number as u32;
    }
    report
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn hostile_reports_stay_within_the_page(
        text in prop_oneof![
            any::<String>(),
            "[\\x00-\\x20\\x7f-\\u{a0}a\\u{202e}]{0,300}",
            "[A-Za-z0-9/,.-]{0,400}",
        ],
        number in prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0_u64..2_000_000],
    ) {
        for (_, report) in report_samples::all() {
            let report = poisoned(report, &text, number);
            let plain = rendered(&report, Style::Plain);
            assert_fits_a_screen("hostile", &plain);
            prop_assert_eq!(without_colours(&rendered(&report, Style::Colored)), plain);
            let plain = verbose(&report, Style::Plain);
            assert_fits(&plain);
            prop_assert_eq!(without_colours(&verbose(&report, Style::Colored)), plain);
        }
    }
}

/// The lines under a heading.
fn section<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| *line != title).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn packages_and_kinds_of_cores_have_rows_of_their_own() {
    let large = verbose(&report_samples::two_packages(), Style::Plain);
    assert_eq!(
        section(&large, "Packages"),
        [
            "  package  CPUs  covered  floor  max platf.   max OS  SMIs   worst",
            "        0   256  99.80 %     20     90.0 us  8.41 us     2  402,64",
            "        1   256  99.80 %     20     88.0 us  8.41 us     3    77,9",
            "  Of each group the least coverage, the shortest loop in cycles, the longest",
            "  stalls, the largest SMI count, and the worst CPUs by name.",
            "  Of 6 listed stalls below the kernel, 1 held all sampled CPUs, 1 held package",
            "  1 alone, 4 held other sets of CPUs.",
        ]
    );
    let hybrid = verbose(&report_samples::hybrid(), Style::Plain);
    assert_eq!(
        section(&hybrid, "Packages")[..3],
        [
            "  package  cores  CPUs  covered  floor  max platf.   max OS  SMIs  worst",
            "        0  P         4  99.80 %     20           -  8.41 us     0      -",
            "        0  E         8  99.80 %     44           -  8.41 us     0      -",
        ]
    );
    for (name, report) in report_samples::all() {
        let text = verbose(&report, Style::Plain);
        assert!(section(&text, "Packages").is_empty(), "{name}");
    }
}

#[test]
fn a_summary_of_512_cpus_is_as_long_as_one_of_four() {
    let large = report_samples::two_packages();
    let mut small = large.clone();
    small.cpus.retain(|cpu| cpu.cpu.0 < 4);
    let rows = |report: &Report| {
        let text = rendered(report, Style::Plain);
        let rows = text.lines().skip_while(|line| !line.starts_with("  CPU "));
        rows.take_while(|line| line.starts_with("  ")).count()
    };
    let text = rendered(&large, Style::Plain);
    assert!(text.contains(" package 1  60.0 us  smi "), "{text}");
    assert_eq!(rows(&small), 5);
    assert_eq!(rows(&large), 6, "one line for all others");
}
