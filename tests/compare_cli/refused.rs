//! Inputs that are no reports, or not fit to be compared: exit status 2 with
//! file, place and cause, and never a panic.

use assert_cmd::Command;
use hwgap::compare::{Naming, Question, compare, load};
use hwgap::render::comparison;
use hwgap::render::style::Style;
use hwgap::text::json;
use hwgap::text::look::Extent;
use proptest::prelude::*;

use super::samples::{run, save};

fn refused(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let good = save(folder.path(), "good.json", &run(0, 1, Some(600), 40));
    let bad = folder.path().join("bad.json");
    std::fs::write(&bad, content).unwrap();
    let output = Command::cargo_bin("hwgap")
        .unwrap()
        .args(["compare", "--before"])
        .arg(good)
        .arg("--after")
        .arg(&bad)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn whole() -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = save(folder.path(), "b.json", &run(1, 1, Some(600), 40));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn what_is_no_report_is_refused_with_file_place_and_cause() {
    let whole = whole();
    let half = &whole[..whole.len() / 2];
    for (content, cause) in [
        (String::new(), "is empty"),
        (half.to_owned(), "ends in mid-report at line"),
        ("not json".to_owned(), "is not JSON"),
        (
            r#"{"schema": "other"}"#.to_owned(),
            "is not a report of hwgap",
        ),
        (
            whole.replace("\"schema_version\": 1", "\"schema_version\": 99"),
            "\"schema_version\" 99",
        ),
        (whole.replacen("2100000000,", "NaN,", 1), "is not JSON"),
        (whole.replacen("2100000000,", "-1.0,", 1), "tsc.hz"),
        (
            whole.replacen("\"duration_ns\": ", "\"duration_ns\": -", 1),
            "gaps[0]",
        ),
        (
            whole.replacen("\"end_cycles\": ", "\"end_cycles\": 1, \"was\": ", 1),
            "gaps[0]",
        ),
    ] {
        let message = refused(content.as_bytes());
        assert!(message.contains("bad.json"), "{message}");
        assert!(message.contains(cause), "{cause} is missing: {message}");
        assert!(!message.contains("good.json"), "{message}");
    }
}

#[test]
fn one_run_on_both_sides_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = save(folder.path(), "a.json", &run(0, 1, Some(600), 40));
    let files = [file];
    let error = load(&files, &files).unwrap_err().to_string();
    assert!(error.contains("the same run"), "{error}");
}

#[test]
fn usage_errors_end_with_two() {
    let hwgap = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("hwgap").unwrap();
        command.arg("compare").args(arguments).assert().code(2);
    };
    hwgap(&[]);
    hwgap(&["--before", "a.json"]);
    hwgap(&["--before", "missing-a.json", "--after", "missing-b.json"]);
    hwgap(&["--before", "a", "--after", "b", "--level", "NaN"]);
    hwgap(&["--before", "a", "--after", "b", "--level", "1"]);
    hwgap(&["--before", "a", "--after", "b", "--margin", "0"]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Numbers of a report replaced at random: refused, or compared and shown.
    #[test]
    fn absurd_numbers_never_panic(
        picks in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            Just("0".to_owned()), Just(u64::MAX.to_string()), Just(i64::MIN.to_string()),
            Just("1e308".to_owned()), Just("1e-308".to_owned()), Just("null".to_owned()),
            any::<u64>().prop_map(|number| number.to_string()),
        ]), 1..6),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut text = whole();
        for (pick, number) in picks {
            let places: Vec<usize> = text.match_indices(": ").map(|(at, _)| at + 2)
                .filter(|at| text.as_bytes()[*at].is_ascii_digit()).collect();
            let from = places[pick.index(places.len())];
            let digits = text[from..].find(|c: char| !"0123456789.eE+-".contains(c)).unwrap();
            text.replace_range(from..from + digits, &number);
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let good = save(folder.path(), "a.json", &run(0, 1, Some(600), 40));
        let bad = folder.path().join("b.json");
        std::fs::write(&bad, text).unwrap();
        if let Ok((before, after)) = load(&[good], &[bad]) {
            let question = Question { level: 0.95, margin: 2.0, naming: Naming::Full };
            for (before, after) in [(&before, &after), (&after, &before)] {
                let found = compare(before, after, &question);
                let page = comparison::text(&found, Style::Plain, Extent::Verbose);
                for line in page.lines() {
                    prop_assert!(line.len() <= 80, "{}", line);
                }
                comparison::markdown(&found);
                json::write(&found, std::io::sink()).unwrap();
            }
        }
    }
}
