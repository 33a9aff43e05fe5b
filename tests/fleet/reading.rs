//! Reports come in many wrappings; what is none is set aside.

use std::io::Write;

use serde_json::json;

use super::place::{Place, report, reports, said};
use assert_cmd::Command;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

fn tar(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, content.as_slice())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

fn lines(reports: &[Vec<u8>]) -> Vec<u8> {
    let line = |text: &Vec<u8>| [text.trim_ascii(), b"\n"].concat();
    reports.iter().flat_map(line).collect()
}

#[test]
fn every_wrapping_is_taken() {
    let place = Place::new();
    let all = reports(12, 1, &[]);
    let long_name = format!("{}/node.json", "deep/".repeat(40));
    place.file("in/a.json", &all[0]);
    place.file("in/b/c.json.gz", gzip(&all[1]));
    place.file("in/b/d.zst", [zstd(&all[2]), b"".to_vec()].concat());
    place.file("in/e.jsonl", lines(&all[3..5]));
    place.file("in/f.tar.gz", gzip(&tar(&[("x/y.json", all[5].clone())])));
    place.file(
        "in/g.tar",
        tar(&[
            ("./h.json.gz", gzip(&all[6])),
            (&long_name, all[7].clone()),
            ("lines", lines(&all[8..10])),
        ]),
    );
    place.file(
        "in/two.jsonl.gz",
        [gzip(&lines(&all[10..11])), gzip(&lines(&all[11..12]))].concat(),
    );
    place.file("in/notes.txt", "not a report");
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(answer["set_aside"], json!([]));
    assert_eq!(answer["totals"]["hosts"], 12);
    assert_eq!(answer["totals"]["passed_over"], 1);
    assert_eq!(answer["totals"]["made_up"], 12);
    assert_eq!(status, 0, "{}", answer["verdict"]);
}

#[test]
fn zstd_frames_may_follow_each_other() {
    let place = Place::new();
    let all = reports(3, 2, &[]);
    // A frame to be skipped lies between (RFC 8878, 3.1.2).
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let frames = [zstd(&lines(&all[..2])), skipped, zstd(&lines(&all[2..]))].concat();
    place.file("in.zst", frames);
    let (_, answer) = place.answer(&["in.zst", "--policy", "p.toml"]);
    assert_eq!(
        (&answer["totals"]["hosts"], &answer["set_aside"]),
        (&json!(3), &json!([]))
    );
}

#[test]
fn standard_input_may_hold_anything_that_a_file_may() {
    let place = Place::new();
    let all = reports(3, 3, &[]);
    for content in [lines(&all), gzip(&lines(&all)), tar(&[("a", lines(&all))])] {
        let mut command = Command::cargo_bin("hwgap").unwrap();
        command.current_dir(place.0.path()).write_stdin(content);
        let said = said(command.args(["fleet", "-", "--policy", "p.toml"]));
        assert_eq!(said.status, 0, "{}{}", said.text, said.errors);
        assert!(
            said.text.starts_with("PASS: of 3 hosts 3 pass"),
            "{}",
            said.text
        );
    }
}

#[test]
fn what_is_no_report_is_set_aside_and_stops_nothing() {
    let place = Place::new();
    let good = report("good", |_| ());
    let cut = &good[..good.len() / 2];
    place.file("in/good.json", &good);
    place.file("in/cut.json", cut);
    place.file("in/empty.json", "");
    place.file("in/html.json", "<html></html>");
    place.file("in/other.json", "{\"schema\": \"other\"}\n");
    place.file(
        "in/newer.json",
        report("x", |value| value["schema_version"] = json!(9)),
    );
    place.file(
        "in/negative.json",
        report("x", |value| value["cpus"][0]["smi"]["delta"] = json!(-1)),
    );
    place.file(
        "in/coverage.json",
        report("x", |value| value["verdict"]["coverage"] = json!(7)),
    );
    place.file(
        "in/packed.json.gz",
        [&[0x1f, 0x8b][..], b"nonsense"].concat(),
    );
    place.file(
        "in/list.jsonl",
        [b"{}\n", &good[..], b"\n{\"a\":\n", cut].concat(),
    );
    place.file("in/short.tar", &tar(&[("a.json", good.clone())])[..600]);
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(status, 3);
    assert_eq!(answer["totals"]["hosts"], 1);
    let aside: Vec<String> = (answer["set_aside"].as_array().unwrap().iter())
        .map(|one| {
            format!(
                "{}: {}",
                one["source"].as_str().unwrap(),
                one["reason"].as_str().unwrap()
            )
        })
        .collect();
    for (name, reason) in [
        ("in/cut.json", "ends in mid-report"),
        ("in/empty.json", "is empty"),
        ("in/html.json", "is not JSON"),
        ("in/other.json", "\"schema\" is \"other\""),
        ("in/newer.json", "\"schema_version\" 9"),
        ("in/negative.json", "cpus[0].smi.delta"),
        ("in/coverage.json", "verdict.coverage is 7"),
        ("in/packed.json.gz", "cannot be unpacked"),
        ("in/list.jsonl:1", "\"schema\" is missing"),
        ("in/list.jsonl:3", "ends in mid-report"),
        ("in/list.jsonl:4", "ends in mid-report"),
        ("in/short.tar", "cannot be unpacked"),
        ("in/short.tar/a.json", "ends in mid-report"),
    ] {
        let found = aside
            .iter()
            .any(|one| one.starts_with(name) && one.contains(reason));
        assert!(found, "{name}: {reason}\n{aside:#?}");
    }
    assert_eq!(aside.len(), 13, "{aside:#?}");
}

#[test]
fn inputs_that_are_not_there_are_wrong_usage() {
    let place = Place::new();
    let said = place.fleet(&["nowhere", "--policy", "p.toml"]);
    assert_eq!(said.status, 2);
    assert!(said.errors.contains("nowhere"), "{}", said.errors);
    let said = place.fleet(&[".", "--expect", "nobody.txt"]);
    assert_eq!(said.status, 2);
    assert!(said.errors.contains("--expect"), "{}", said.errors);
}

#[test]
fn an_empty_folder_is_no_pass() {
    let place = Place::new();
    std::fs::create_dir(place.path("in")).unwrap();
    let said = place.fleet(&["in", "--policy", "p.toml"]);
    assert_eq!(said.status, 3, "{}", said.text);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_report() {
    let place = Place::new();
    let marked = |text: &[u8]| [b"\xef\xbb\xbf", text].concat();
    let all = reports(4, 6, &[]);
    place.file("in/a.json", marked(&all[0]));
    place.file("in/b.json.gz", gzip(&marked(&all[1])));
    place.file("in/c.jsonl", marked(&lines(&all[2..])));
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(answer["set_aside"], json!([]));
    assert_eq!((status, &answer["totals"]["hosts"]), (0, &json!(4)));
    // Larger than is held in memory.
    let large = report("large", |value| {
        value["later"] = json!(vec!["x".repeat(1 << 19); 20]);
    });
    place.file("large.json", marked(&large));
    assert_eq!(place.answer(&["large.json", "--policy", "p.toml"]).0, 0);
}

/// What one command reads the others read too, and what a name promises is
/// written.
#[test]
fn packed_reports_are_read_and_written_by_every_command() {
    let place = Place::new();
    let run = |name: &str, hour| super::place::run(name, hour, &[5], |_| ());
    place.file("a.json.gz", gzip(&run("a", 0)));
    place.file(
        "b.json.zst",
        zstd(&[b"\xef\xbb\xbf", &run("b", 1)[..]].concat()),
    );
    let hwgap = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("hwgap").unwrap();
        said(command.current_dir(place.0.path()).args(arguments))
    };
    for file in ["a.json.gz", "b.json.zst"] {
        let shown = hwgap(&["report", file]);
        assert_eq!(shown.status, 0, "{file}: {}", shown.errors);
    }
    let compared = hwgap(&["compare", "--before", "a.json.gz", "--after", "b.json.zst"]);
    assert!([0, 3].contains(&compared.status), "{}", compared.errors);
    for (name, magic) in [
        ("c.json.gz", &[0x1f, 0x8b][..]),
        ("c.json.zst", &[0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        let made = hwgap(&["report", "a.json.gz", "--format", "json", "-o", name]);
        assert_eq!(made.status, 0, "{}", made.errors);
        let written = std::fs::read(place.path(name)).unwrap();
        assert!(written.starts_with(magic), "{name}");
        assert_eq!(place.answer(&[name]).0, 0, "{name}");
    }
}

#[test]
fn whoever_closes_a_pipe_has_read_enough() {
    let place = Place::new();
    place.file("in.jsonl", lines(&reports(2_000, 1, &[])));
    for format in ["text", "json", "csv", "html", "junit", "openmetrics"] {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("hwgap"))
            .current_dir(place.0.path())
            .args(["fleet", "in.jsonl", "--format", format])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.is_empty(), "{format}: {errors}");
        assert_ne!(output.status.code(), Some(2), "{format}");
    }
}

#[test]
fn letters_are_shown_where_the_terminal_can_and_no_stall_is_none() {
    let place = Place::new();
    place.file("a.json", super::place::run("n\u{e4}me", 0, &[], |_| ()));
    place.file("strict.toml", "[measurement]\nduration = \"9h\"\n");
    let shown = |locale: &str| {
        let mut command = Command::cargo_bin("hwgap").unwrap();
        command
            .env_remove("LC_ALL")
            .env_remove("LC_CTYPE")
            .env("LANG", locale);
        command.current_dir(place.0.path());
        said(command.args(["fleet", "a.json", "--policy", "strict.toml"])).text
    };
    assert!(shown("de_DE.UTF-8").contains("n\u{e4}me"));
    assert!(shown("C").contains("n?me"));
    let text = shown("C");
    assert!(!text.contains("0 ns") && text.contains("none"), "{text}");
}

#[test]
fn answers_by_two_policies_are_two_series() {
    let place = Place::new();
    place.file("a.json", report("a", |_| ()));
    place.file("q.toml", "[limits]\nworst = \"1us\"\n");
    let series = |policy: &str| -> std::collections::BTreeSet<String> {
        let options = ["a.json", "--policy", policy, "--format", "openmetrics"];
        let text = place.fleet(&options).text;
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        rows.map(|row| row.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    };
    let (one, other) = (series("p.toml"), series("q.toml"));
    assert!(one.len() > 10 && one.is_disjoint(&other), "{one:?}");
}

#[test]
fn why_no_host_was_looked_at_is_told() {
    let place = Place::new();
    place.file("in.jsonl", lines(&reports(3, 1, &[])));
    for format in ["text", "html"] {
        let text = place
            .fleet(&["in.jsonl", "--policy", "p.toml", "--format", format])
            .text;
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains("it takes 30 hosts or more that pass"),
            "{words}"
        );
    }
}
