//! Reports come in many wrappings; what is none is set aside.

use std::io::Write;

use serde_json::json;

use super::fleet::{Place, report, reports, said};
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
