//! README.md is short, and holds the two commands that others rely on.

use std::fs;

use super::blocks::root;

#[test]
fn the_readme_has_at_most_200_lines() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = text.lines().count();
    assert!(lines <= 200, "{lines} lines: the rest belongs into docs");
}

#[test]
fn the_way_to_contribute_has_less_than_60_lines() {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let lines = text.lines().count();
    assert!(lines < 60, "{lines} lines");
}

#[test]
fn the_readme_says_how_to_run_and_how_to_test() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["cargo run --release -- run --duration 10s", "cargo test"] {
        let has = |line: &str| line.trim().starts_with(command);
        assert!(text.lines().any(has), "README.md lacks `{command}`");
    }
}

#[test]
fn its_figures_are_those_of_the_manual_and_of_the_run() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let (readme, whole) = (read("README.md"), read("docs/validation.md"));
    let table = readme.split("## Side by side").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let rows: Vec<&str> = rows
        .take(5)
        .filter_map(|row| row.strip_suffix('|'))
        .collect();
    assert_eq!(rows.len(), 5, "{table}");
    for row in rows {
        assert!(whole.contains(row), "docs/validation.md has no row {row}");
    }
    let report = read("fixtures/reports/emulated-smis.json");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let counted = &report["cpus"][0]["smi"]["delta"];
    assert!(
        readme.contains(&format!("{counted} SMIs of known time")),
        "{counted}"
    );
}
