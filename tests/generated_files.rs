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
