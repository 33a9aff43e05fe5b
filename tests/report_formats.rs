//! Reports written as JSON and CSV, and read back.

use crate::report_samples;
use std::io::{self, Write};

use hwgap::model::LazyGaps;
use hwgap::model::{EngineName, Gap, Report};
use hwgap::read::saved as read;
use hwgap::read::saved::{Problem, ReadError};
use hwgap::render::csv;
use hwgap::text::json;
use serde::de::IgnoredAny;

fn sample(name: &str) -> Report {
    let mut all = report_samples::all().into_iter();
    all.find(|(own, _)| *own == name).unwrap().1
}

fn as_json(report: &Report) -> String {
    let mut text = Vec::new();
    json::write(report, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn parse(text: &str) -> Result<Report, ReadError> {
    read::from_reader("some.json", text.as_bytes(), read::LARGEST_REPORT)
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn reports_come_back_as_they_were() {
    for (name, report) in report_samples::all() {
        let text = as_json(&report);
        let again = parse(&text).unwrap();
        assert_eq!(as_json(&again), text, "{name}");
        assert_eq!(again.gaps, report.gaps, "{name}");
    }
}

#[test]
fn each_gap_stands_on_a_line() {
    let report = sample("bare-metal-fail");
    let text = as_json(&report);
    let lines = text
        .lines()
        .filter(|line| line.contains("\"end_cycles\": "));
    assert_eq!(lines.count(), report.gaps.len());
    assert!(text.ends_with("}\n"));
    assert!(text.contains("\n  \"findings\": [\n"), "{text}");
    assert!(text.contains("\n    \"threshold_ns\": 10000,\n"), "{text}");
}

#[test]
fn controls_are_escaped_in_json() {
    let mut report = sample("bare-metal-pass");
    report.run.label = Some("a\u{9b}31m\x7f\x1b\u{fc}".to_owned());
    let text = as_json(&report);
    assert!(text.contains(r"a\u009b31m\u007f\u001b"), "{text}");
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    assert_eq!(parse(&text).unwrap().run.label, report.run.label);
}

/// Counts bytes and keeps none.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lazy_gaps_are_made_while_they_are_written() {
    let report = sample("bare-metal-fail");
    let gap = report.gaps[0].clone();
    let gaps = LazyGaps(|| (0..200_000).map(|_| gap.clone()));
    let lazy = Report {
        schema: report.schema,
        schema_version: report.schema_version,
        tool: report.tool,
        run: report.run,
        host: report.host,
        tsc: report.tsc,
        evidence: report.evidence,
        cpus: report.cpus,
        gaps,
        findings: report.findings,
        verdict: report.verdict,
        stalls: report.stalls,
        selftest: report.selftest,
        quiet_host: report.quiet_host,
        engines: report.engines,
        agreement: report.agreement,
        inventory: report.inventory,
        periodicity: report.periodicity,
    };
    let mut counter = Counter(0);
    json::write(&lazy, &mut counter).unwrap();
    assert!(counter.0 > 200_000 * 300);
    counter.0 = 0;
    csv::write(lazy.gaps.iter(), EngineName::User, &mut counter).unwrap();
    assert!(counter.0 > 200_000 * 100);
}

fn rows(gaps: &[Gap]) -> Vec<Vec<String>> {
    let mut text = Vec::new();
    csv::write(gaps, EngineName::User, &mut text).unwrap();
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&text[..]);
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn csv_rows_hold_the_fields_of_the_gaps() {
    let report = sample("bare-metal-fail");
    let rows = rows(&report.gaps);
    assert_eq!(rows[0], csv::COLUMNS);
    assert_eq!(rows.len(), report.gaps.len() + 1);
    // A row and the JSON of its gap name the same values.
    let gap = serde_json::to_value(&report.gaps[0]).unwrap();
    for (column, cell) in csv::COLUMNS.iter().zip(&rows[1]) {
        let value = match column.strip_prefix("raw_") {
            // A run with one engine names it once, and not in each gap.
            None if *column == "engine" => "user".into(),
            None => gap[*column].clone(),
            Some("smi") => "own".into(),
            Some("smi_delta") => gap["raw"]["smi"]["own"]["delta"].clone(),
            Some("smi_among") => serde_json::Value::Null,
            Some(field) => gap["raw"][field].clone(),
        };
        let value = match value {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        assert_eq!(*cell, value, "{column}");
    }
}

#[test]
fn csv_names_the_engine_of_each_gap() {
    let mut gap = sample("bare-metal-fail").gaps[0].clone();
    let engine = |gap: &Gap| {
        let rows = rows(std::slice::from_ref(gap));
        let column = rows[0].iter().position(|name| name == "engine").unwrap();
        rows[1][column].clone()
    };
    assert_eq!(engine(&gap), "user");
    gap.engine = Some(EngineName::Bpf);
    assert_eq!(engine(&gap), "bpf");
}

#[test]
fn csv_has_a_header_without_gaps_and_no_formulas() {
    assert_eq!(rows(&[]).len(), 1);
    let mut gap = sample("bare-metal-fail").gaps[0].clone();
    gap.detail = "=HYPERLINK(\"http://x\")\n\x1b[1m".to_owned();
    let rows = rows(&[gap]);
    assert_eq!(rows[1][11], "'=HYPERLINK(\"http://x\")??[1m");
}

#[test]
fn a_report_can_be_read_without_its_gaps() {
    let text = as_json(&sample("bare-metal-fail"));
    let head: Report<IgnoredAny> = read::from_reader("x", text.as_bytes(), 1 << 20).unwrap();
    assert_eq!(head.verdict.platform_gaps, 10);
}

#[test]
fn cut_reports_are_refused_with_the_place() {
    let text = as_json(&sample("bare-metal-fail"));
    let cause = text.find("\"cause\"").unwrap() + 10;
    assert!(
        refusal(&text[..cause]).contains("(in gaps[0].cause)"),
        "{}",
        refusal(&text[..cause])
    );
    for end in (0..text.len() - 2).step_by(97) {
        let error = parse(&text[..end]).unwrap_err();
        assert!(
            matches!(error.problem, Problem::CutShort { .. } | Problem::Empty),
            "{error}"
        );
    }
    assert!(refusal(" \n").contains("is empty"));
}

#[test]
fn other_schemas_and_versions_are_refused_by_name() {
    let text = as_json(&sample("bare-metal-pass"));
    let later = text.replace("\"schema_version\": 1", "\"schema_version\": 2");
    let later = later.replace("\"elapsed_ns\"", "\"elapsed_fs\"");
    assert!(
        refusal(&later).contains("has \"schema_version\" 2"),
        "{}",
        refusal(&later)
    );
    let other = text.replace("\"hwgap.report\"", "\"lynis\\u001b\"");
    assert!(
        refusal(&other).contains("not a report of hwgap"),
        "{}",
        refusal(&other)
    );
    assert!(refusal("{}").contains("\"schema\" is missing"));
    assert!(refusal("{\"schema\": 1e999}").contains("some.json: is not"));
    assert!(refusal("[1]").contains("some.json: is not"));
    assert!(refusal("PK\x03\x04").contains("is not JSON"));
}

#[test]
fn wrong_values_are_refused_with_the_field() {
    let text = as_json(&sample("bare-metal-fail"));
    for (from, to, field) in [
        (
            "\"smi\": {\"own\": {\"delta\": 1",
            "\"smi\": {\"own\": {\"delta\": 99999999999",
            "gaps[0].raw.smi.own.delta",
        ),
        (
            "\"cause\": \"smi\"",
            "\"cause\": \"\u{9b}gremlins\"",
            "gaps[0].cause",
        ),
        (
            "\"elapsed_ns\": 10000000000,",
            "\"elapsed_ns\": -1,",
            "run.elapsed_ns",
        ),
        (
            "\"elapsed_ns\": 10000000000,",
            "\"elapsed_ns\": 1e30,",
            "run.elapsed_ns",
        ),
        ("\"elapsed_ns\": 10000000000,", "", "run"),
        ("\"hz\": 2100000000", "\"hz\": 0", "tsc.hz"),
        ("\"coverage\": 0.998", "\"coverage\": 7", "verdict.coverage"),
        ("\"origin\": \"1", "\"origin\": \"-1", "tsc.origin"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = refusal(&text.replacen(from, to, 1));
        assert!(error.contains(field), "{field}: {error}");
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let deep = "[".repeat(1_000_000);
    parse(&deep).unwrap_err();
    let text = as_json(&sample("bare-metal-pass"));
    let nested = text.replacen("\"flags\": ", &format!("\"flags\": {deep}"), 1);
    parse(&nested).unwrap_err();
}

#[test]
fn large_and_missing_files_are_named() {
    let error = read::from_reader::<Vec<Gap>>("big\x1b.json", io::repeat(b' '), 1_000).unwrap_err();
    assert!(matches!(error.problem, Problem::TooLarge { limit: 1_000 }));
    assert!(error.to_string().starts_with("big?.json: "));
    let missing = std::path::Path::new("no/such/report.json");
    let error = read::file::<Vec<Gap>>(missing).unwrap_err().to_string();
    assert!(
        error.starts_with("no/such/report.json: cannot be read"),
        "{error}"
    );
    let folder = read::file::<Vec<Gap>>(std::path::Path::new(".")).unwrap_err();
    assert!(matches!(folder.problem, Problem::Unreadable(_)), "{folder}");
}
