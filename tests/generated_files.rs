//! The man pages in the repository are those of this command line, and a
//! completion script comes out for each shell.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;

fn hwgap() -> Command {
    Command::cargo_bin("hwgap").unwrap()
}

fn pages(folder: &Path) -> BTreeMap<String, String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn man_pages_match_the_command_line() {
    let fresh = tempfile::tempdir().unwrap();
    hwgap().arg("man").arg(fresh.path()).assert().success();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let (fresh, kept) = (pages(fresh.path()), pages(&kept));
    let remedy = "write them anew: rm man/* && cargo run -- man man";
    assert!(fresh.keys().eq(kept.keys()), "{remedy}");
    for (name, page) in &fresh {
        assert!(kept[name] == *page, "man/{name} is out of date; {remedy}");
    }
}

#[test]
fn the_pages_bear_the_day_of_the_release() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).unwrap();
    let heading = concat!("## [", env!("CARGO_PKG_VERSION"), "] - ");
    let day = changelog
        .lines()
        .find_map(|line| line.strip_prefix(heading));
    let day = day.expect("CHANGELOG.md has the version of Cargo.toml, with its day");
    for (name, page) in pages(&root.join("man")) {
        let title = page.lines().find(|line| line.starts_with(".TH"));
        let title = title.expect("each page has a title");
        assert!(title.contains(&format!("\"{day}\"")), "{name}: {title}");
    }
}

#[test]
fn every_page_has_the_usual_sections_and_names_pages_that_exist() {
    let pages = pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man"));
    for (name, page) in &pages {
        let headings: Vec<&str> = (page.lines())
            .filter_map(|line| line.strip_prefix(".SH "))
            .map(|heading| heading.trim_matches('"'))
            .collect();
        let usual: &[&str] = match name.ends_with(".1") {
            true => &[
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "BUGS",
                "SEE ALSO",
            ],
            false => &["NAME", "DESCRIPTION", "FIELDS", "SEE ALSO"],
        };
        for heading in usual {
            assert!(headings.contains(heading), "{name}: {headings:?}");
        }
        for heading in &headings {
            let is_sentence = heading.contains(['*', '.', '?']);
            assert!(!is_sentence, "{name}: {heading}");
        }
        let words = page
            .split([' ', ',', '\n'])
            .map(|word| word.replace("\\-", "-"));
        for word in words.filter(|word| word.starts_with("hwgap")) {
            let section = word.split_once('(').and_then(|(other, rest)| {
                let section = rest.chars().next()?.to_digit(10)?;
                Some((other, section))
            });
            if let Some((other, section)) = section {
                let other = format!("{other}.{section}");
                assert!(pages.contains_key(&other), "{name} names {word}");
            }
        }
    }
}

#[test]
fn the_first_page_has_a_table_of_commands_and_examples() {
    let page = &pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man"))["hwgap.1"];
    for part in [
        ".SH COMMANDS",
        ".SH EXAMPLES",
        "hwgap\\-preflight(1)",
        ".SH FILES",
    ] {
        assert!(page.contains(part), "{part} is missing:\n{page}");
    }
}

#[test]
fn the_page_of_reports_names_each_field_of_a_gap() {
    let page = &pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("man"))["hwgap-report.5"];
    let schema = include_str!("../schemas/report.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
    let fields = schema["$defs"]["Gap"]["properties"].as_object().unwrap();
    assert!(fields.len() > 15);
    for field in fields.keys() {
        assert!(page.contains(&format!("{field} (")), "{field} is missing");
    }
}

#[test]
fn the_page_of_run_holds_examples_and_exit_status() {
    let fresh = tempfile::tempdir().unwrap();
    hwgap().arg("man").arg(fresh.path()).assert().success();
    let page = &pages(fresh.path())["hwgap-run.1"];
    for heading in [".SH EXAMPLES", ".SH \"EXIT STATUS\""] {
        assert!(page.contains(heading), "{heading} is missing:\n{page}");
    }
}

#[test]
fn the_name_of_the_drop_in_has_a_page_of_its_own() {
    let fresh = tempfile::tempdir().unwrap();
    hwgap().arg("man").arg(fresh.path()).assert().success();
    let page = &pages(fresh.path())["hwlatdetect.1"];
    assert!(page.contains(".SH NAME\nhwlatdetect \\- "), "{page}");
    assert!(
        page.contains(".SH SYNOPSIS\nhwlatdetect [OPTIONS]\n"),
        "{page}"
    );
}

#[test]
fn each_shell_gets_a_completion_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = hwgap().args(["completions", shell]).assert().success();
        let script = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        // Fish writes long options without their dashes.
        assert!(script.contains("stop-on-gap"), "{shell}:\n{script}");
    }
}
