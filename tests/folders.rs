//! Imports between the folders of the crate point downward, so that there is
//! no circle and a newcomer can read from the bottom up.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. A folder imports from those before it.
const ORDER: [&str; 32] = [
    "units",
    "text",
    "waits",
    "buffers",
    "model",
    "stats",
    "sys",
    "host",
    "files",
    "privileges",
    "changes",
    "cli",
    "quiet",
    "evidence",
    "attribution",
    "sampler",
    "plan",
    "actions",
    "session",
    "judgement",
    "read",
    "policy",
    "compare",
    "fleet",
    "explain",
    "preflight",
    "guests",
    "schema",
    "selftest",
    "render",
    "hwlatdetect",
    "commands",
];

/// Engines stand beside each other on the seam.
const ENGINES: [&str; 3] = ["user", "bpf", "tracer"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// The code of a file: no comments, no tests.
fn code(path: &Path) -> String {
    let name = path.file_stem().unwrap().to_string_lossy();
    if name == "tests" || name.ends_with("_tests") {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
    product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What follows `prefix` up to the end of the name.
fn named<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.split(prefix).skip(1).map(|rest| {
        let end = rest
            .find(|c: char| c != '_' && !c.is_alphanumeric())
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

fn all_files() -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    files_below(&source(), &mut files);
    let below = |path: &PathBuf| {
        let first = path.strip_prefix(source()).unwrap().iter().next().unwrap();
        Path::new(first).with_extension("").display().to_string()
    };
    files.into_iter().map(|path| (below(&path), path)).collect()
}

#[test]
fn no_folder_imports_one_above_it() {
    let rank = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut upward = BTreeSet::new();
    for (folder, path) in all_files() {
        if folder == "lib" || folder == "main" {
            continue;
        }
        let own = rank(&folder).unwrap_or_else(|| panic!("{folder}: give it a place in ORDER"));
        for used in named(&code(&path), "crate::") {
            if rank(used).is_some_and(|used| used > own) {
                upward.insert(format!("{}: crate::{used}", path.display()));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn engines_do_not_import_each_other() {
    let engines = source().join("sampler/engines");
    for engine in ENGINES {
        let mut files = Vec::new();
        files_below(&engines.join(engine), &mut files);
        assert!(!files.is_empty(), "{engine} has moved");
        for path in files {
            for used in named(&code(&path), "engines::") {
                let other = ENGINES.contains(&used) && used != engine;
                assert!(!other, "{}: engines::{used}", path.display());
            }
        }
    }
}

#[test]
fn the_model_imports_nothing_but_units() {
    for (folder, path) in all_files() {
        if folder == "model" {
            for used in named(&code(&path), "crate::") {
                let allowed = ["model", "units", "text"].contains(&used);
                assert!(allowed, "{}: crate::{used}", path.display());
            }
        }
    }
}
