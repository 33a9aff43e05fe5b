//! All that is done with a report which came from elsewhere.

use std::io;

use hwgap::compare::{Machine, Naming, Question, SavedRun, compare};
use hwgap::report::markdown::Limit;
use hwgap::report::model::{Gap, Report};
use hwgap::report::reattribute::reattribute;
use hwgap::report::redact::redact;
use hwgap::report::style::Style;
use hwgap::report::text::{Summary, WORST_GAPS};
use hwgap::report::{Changes, Origin, comparison, csv, html, json, markdown, read, text, worst};

/// The most that is read of an input.
const LARGEST: u64 = 1 << 24;

fn parse(bytes: &[u8]) -> Option<Report> {
    match read::from_reader::<Vec<Gap>>("input.json", bytes, LARGEST) {
        Ok(report) => Some(report),
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("input.json: "), "{message}");
            assert!(message.len() < 2_000, "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
            None
        }
    }
}

/// Reads and converts a report in every way. Returns whether it was one.
pub fn report(bytes: &[u8]) -> bool {
    let Some(report) = parse(bytes) else {
        return false;
    };
    convert(&report);
    convert(&redact(reattribute(report)));
    true
}

fn convert(report: &Report) {
    let origin = Origin {
        sha256: "00".repeat(32),
        changes: Changes::None,
    };
    let (head, gaps) = (report.without_gaps(), &report.gaps);
    let worst = worst::gaps(gaps, WORST_GAPS);
    text::write(&Summary::new(report, &worst), Style::Plain, io::sink()).unwrap();
    json::write(report, io::sink()).unwrap();
    csv::write(gaps, report.run.engine, io::sink()).unwrap();
    markdown::write(&head, gaps, &origin, Limit(60_000), io::sink()).unwrap();
    html::write(&head, gaps, &origin, io::sink()).unwrap();
}

/// Compares a report with a sound one, either way round. Returns whether that
/// was possible.
pub fn compared(bytes: &[u8], sound: &[u8]) -> bool {
    let (Some(run), Some(other)) = (saved(bytes), saved(sound)) else {
        return false;
    };
    for naming in [Naming::Full, Naming::Redacted] {
        let question = Question {
            level: 0.95,
            margin: 2.0,
            naming,
        };
        for (before, after) in [(&run, &other), (&other, &run)] {
            let before = std::slice::from_ref(before);
            let found = compare(before, std::slice::from_ref(after), &question);
            comparison::text::render(&found, Style::Plain);
            comparison::markdown::render(&found);
            comparison::html::write(&found, io::sink()).unwrap();
            json::write(&found, io::sink()).unwrap();
        }
    }
    true
}

fn saved(bytes: &[u8]) -> Option<SavedRun> {
    let run = SavedRun {
        file: "input.json".to_owned(),
        sha256: String::new(),
        report: parse(bytes)?,
        machine: serde_json::from_slice::<Machine>(bytes).ok()?,
    };
    run.check().is_ok().then_some(run)
}
