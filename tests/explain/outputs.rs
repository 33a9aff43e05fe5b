//! What `hwgap explain` prints, and how it ends.
//!
//! After a wanted change write the files in tests/golden/explain anew and read the
//! difference: `UPDATE_GOLDEN=1 cargo test --test all explain && git diff
//! tests/golden`.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use hwgap::model::absence::{HostCause, Isa};
use hwgap::model::explained::Explanation;
use hwgap::text::json;

use crate::inert_pages;

use super::pair::{OFFSET, Pair, part};

/// A pair with one of each kind.
pub fn sample() -> Pair {
    let mut pair = Pair::new(2);
    pair.usual(30);
    let fifo = "stress-ng (77, SCHED_FIFO 50)";
    pair.stall(
        1,
        5_000_000_000,
        &[part(HostCause::HostTask, fifo, 500_000)],
    );
    let at = 6_000_000_000;
    let parts = [
        part(HostCause::VmExit, "IO_INSTRUCTION", 5_000),
        part(HostCause::Vmm, "io, port 0x70", 80_000),
    ];
    let length = pair.absence(0, at, ("IO_INSTRUCTION", Isa::Vmx), &parts);
    pair.gap(0, at - 500, at + length + 500);
    let at = 8_000_000_100;
    pair.gap(0, at, at + 150_000);
    pair.smi(0, at - 20_000_000, at + 30_000_000, 1);
    let at = 3_000_000_100;
    pair.gap(1, at, at + 9_000);
    pair
}

fn save(pair: &Pair, folder: &Path) {
    for (name, text) in [
        ("guest.json", as_json(&pair.settled())),
        ("host.json", as_json(&pair.host())),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn as_json(document: &impl serde::Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    json::write(document, &mut text).unwrap();
    text
}

pub fn ran(pair: &Pair, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    save(pair, folder.path());
    let output = Command::cargo_bin("hwgap")
        .unwrap()
        .current_dir(folder.path())
        .args(["explain", "guest.json", "--host", "host.json"])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn answers_are_as_in_the_golden_files() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/explain");
    let broken = {
        let mut pair = sample();
        for cpu in 0..2 {
            pair.told(cpu, 0, OFFSET + 400_000);
        }
        pair
    };
    for (name, pair, status) in [("explained", sample(), 0), ("shifted", broken, 3)] {
        for (format, extension) in [
            ("text", "txt"),
            ("markdown", "md"),
            ("json", "json"),
            ("html", "html"),
            ("csv", "csv"),
            ("junit", "xml"),
            ("openmetrics", "prom"),
        ] {
            let (code, text, errors) = ran(&pair, &["--format", format]);
            assert_eq!(errors, "");
            assert_eq!(code, Some(status));
            let version = env!("CARGO_PKG_VERSION");
            let text = text
                .replace(&format!("hwgap {version}"), "hwgap VERSION")
                .replace(
                    &format!("\"version\": \"{version}\""),
                    "\"version\": \"VERSION\"",
                )
                .replace(&format!("version=\"{version}\""), "version=\"VERSION\"");
            let file = golden.join(format!("{name}.{extension}"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::create_dir_all(&golden).unwrap();
                fs::write(&file, &text).unwrap();
            }
            let kept = fs::read_to_string(&file).unwrap_or_default();
            assert!(kept == text, "{} is out of date", file.display());
        }
    }
}

/// What was saved is shown as it was; only pictures take both reports.
#[test]
fn hwgap_report_shows_what_hwgap_explain_saved() {
    let folder = tempfile::tempdir().unwrap();
    let pair = sample();
    let (_, saved, _) = ran(&pair, &["--format", "json"]);
    fs::write(folder.path().join("explained.json"), saved).unwrap();
    let report = |format: &str| {
        let mut command = Command::cargo_bin("hwgap").unwrap();
        command.current_dir(folder.path());
        command.args(["report", "explained.json", "--format", format]);
        command.output().unwrap()
    };
    for format in ["text", "json", "csv", "markdown", "junit", "openmetrics"] {
        let (_, told, _) = ran(&pair, &["--format", format]);
        assert!(
            report(format).stdout == told.as_bytes(),
            "{format} of the saved one differs"
        );
    }
    let page = String::from_utf8(report("html").stdout).unwrap();
    assert!(page.contains("guest fit") && !page.contains("<svg"));
    let refused = report("perfetto");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("text, json, csv"), "{told}");
}

#[test]
fn a_saved_explanation_must_add_up() {
    let told = super::explained(&sample());
    let problem = |change: fn(&mut Explanation)| {
        let mut told = told.clone();
        change(&mut told);
        let problem = hwgap::read::explained::parse(&as_json(&told)).unwrap_err();
        problem.to_string()
    };
    let text = problem(|told| told.gaps[0].parts[0].length_ns.0 += 1);
    assert!(text.contains("do not add up"), "{text}");
    let text = problem(|told| told.gaps[0].host = Some(1));
    assert!(text.contains("gaps[0].host"), "{text}");
    let text = problem(|told| told.cpus[0].explained = u64::MAX);
    assert!(text.contains("cpus[].explained"), "{text}");
}

#[test]
fn no_cell_is_a_formula() {
    let mut pair = sample();
    let formula = "=HYPERLINK(1)";
    pair.host.guests[0].name = formula.to_owned();
    for absence in &mut pair.vcpu(1).absences {
        for part in &mut absence.parts {
            part.what = formula.to_owned();
        }
    }
    let (_, gaps, _) = ran(&pair, &["--format", "csv"]);
    let mut absences = Vec::new();
    hwgap::render::host::csv::write(&pair.host(), &mut absences).unwrap();
    for text in [gaps.as_bytes(), &absences] {
        let mut rows = csv::Reader::from_reader(text);
        let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
        let mut cells = rows.iter().flatten();
        assert!(cells.clone().any(|cell| cell == "'=HYPERLINK(1)"));
        assert!(cells.all(|cell| !cell.starts_with(['=', '+', '-', '@'])));
    }
}

#[test]
fn a_guest_above_its_limit_is_not_fit() {
    let mut pair = sample();
    pair.guest.run.hardlimit_ns = hwgap::units::Nanos(100_000);
    let (code, text, _) = ran(&pair, &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("guest not fit: worst 501 us"), "{text}");
}

#[test]
fn foreign_texts_steer_nothing() {
    let mut pair = sample();
    let evil = "<script>alert(1)</script>\u{1b}[31m\n# x | [a](javascript:b)";
    for absence in &mut pair.vcpu(1).absences {
        for part in &mut absence.parts {
            part.what = evil.to_owned();
        }
    }
    pair.host.guests[0].name = evil.to_owned();
    pair.host.host.hostname = Some(evil.to_owned());
    let (_, page, _) = ran(&pair, &["--format", "html"]);
    assert!(inert_pages::assert_inert_page(&page).contains("alert(1)"));
    let (_, text, _) = ran(&pair, &["--format", "markdown"]);
    inert_pages::assert_inert_markdown(&text);
    let (_, text, _) = ran(&pair, &["--verbose"]);
    assert!(
        !text.contains('\u{1b}') && !text.contains("\n# x"),
        "{text}"
    );
}

#[test]
fn what_is_no_report_of_a_host_is_refused() {
    let pair = sample();
    let folder = tempfile::tempdir().unwrap();
    save(&pair, folder.path());
    for (guest, host) in [("guest.json", "guest.json"), ("host.json", "host.json")] {
        Command::cargo_bin("hwgap")
            .unwrap()
            .current_dir(folder.path())
            .args(["explain", guest, "--host", host])
            .assert()
            .code(2);
    }
    Command::cargo_bin("hwgap")
        .unwrap()
        .current_dir(folder.path())
        .args([
            "explain",
            "guest.json",
            "--host",
            "host.json",
            "-o",
            "host.json",
        ])
        .assert()
        .code(2);
}
