//! Comparisons against the files in tests/golden/compare.
//!
//! After a wanted change write them anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test --test all compare_cli && git diff tests/golden`.

use std::path::Path;

use assert_cmd::Command;

use super::samples::{cases, save};

fn compared(folder: &Path, format: &str, before: usize, after: usize) -> String {
    let names = |side: &str, count: usize| -> Vec<String> {
        (1..=count)
            .map(|number| format!("{side}{number}.json"))
            .collect()
    };
    let output = Command::cargo_bin("hwgap")
        .unwrap()
        .current_dir(folder)
        .args(["compare", "--format", format, "--before"])
        .args(names("a", before))
        .arg("--after")
        .args(names("b", after))
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn comparisons_are_as_in_the_golden_files() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/compare");
    for (name, before, after) in cases() {
        let folder = tempfile::tempdir().unwrap();
        for (side, runs) in [("a", &before), ("b", &after)] {
            for (number, run) in (1..).zip(runs) {
                save(folder.path(), &format!("{side}{number}.json"), run);
            }
        }
        for (format, extension) in [
            ("text", "txt"),
            ("markdown", "md"),
            ("json", "json"),
            ("html", "html"),
        ] {
            let text = compared(folder.path(), format, before.len(), after.len());
            let text = ["Compared by hwgap ", "\"version\": \""]
                .iter()
                .fold(text, |text, tag| {
                    text.replace(
                        &format!("{tag}{}", env!("CARGO_PKG_VERSION")),
                        &format!("{tag}VERSION"),
                    )
                });
            if format == "text" {
                assert_fits(name, &text);
                assert!(text.lines().count() <= 40, "{name}:\n{text}");
            }
            // One file of each other format shows its shape.
            let is_kept = match format {
                "text" => name != "hostile",
                "html" => matches!(name, "worse" | "hostile"),
                _ => name == "worse",
            };
            if !is_kept {
                continue;
            }
            let file = golden.join(format!("{name}.{extension}"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, &text).unwrap();
            }
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(text == kept, "{name} differs from its golden file:\n{text}");
        }
    }
}

fn assert_fits(name: &str, text: &str) {
    for line in text.lines() {
        assert!(line.len() <= 80, "{name}: {} columns: {line}", line.len());
        assert!(
            line.bytes().all(|b| (b' '..=b'~').contains(&b)),
            "{name}: {line:?}"
        );
        assert_eq!(line.trim_end(), line, "{name}");
    }
}
