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
