//! Pages against the files in tests/golden.
//!
//! After a wanted change write the golden files anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test --test all report_pages && git diff tests/golden`.

use std::path::Path;

use super::{WHOLE, page, sample, ticket};

#[test]
fn pages_are_as_in_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in ["bare-metal-fail", "guest-fail", "inconclusive"] {
        let report = sample(name);
        for (ending, text) in [("md", ticket(&report, WHOLE)), ("html", page(&report))] {
            // One element a line, so that a difference can be read.
            let version = format!("hwgap {}.", env!("CARGO_PKG_VERSION"));
            let text = text
                .replace("><", ">\n<")
                .replace(&version, "hwgap VERSION.");
            let file = folder.join(format!("{name}.{ending}"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, &text).unwrap();
            }
            let golden = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                text == golden,
                "{name}.{ending} differs from its golden file:\n{text}"
            );
        }
    }
}
