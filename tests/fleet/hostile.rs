//! Reports that mean harm.

use std::io::Write;

use serde_json::json;

use super::place::{Place, report, run};

fn reason(place: &Place, file: &str) -> String {
    let (status, answer) = place.answer(&[file, "--policy", "p.toml"]);
    assert_eq!(status, 3, "{answer}");
    assert_eq!(answer["totals"]["set_aside"], 1, "{answer}");
    answer["set_aside"][0]["reason"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn deep_nesting_is_refused_wherever_it_is() {
    let place = Place::new();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    place.file("raw.json", &deep);
    assert!(reason(&place, "raw.json").contains("nested deeper than 64"));
    // In a field that is passed over, of an otherwise good report.
    let good = String::from_utf8(report("a", |value| value["extra"] = json!("HERE"))).unwrap();
    place.file("field.json", good.replace("\"HERE\"", &deep));
    assert!(reason(&place, "field.json").contains("nested deeper than 64"));
    let large = format!(
        "\"{}\"",
        "x".repeat(9 << 20).replace("xxxxxxxx", "\",\"xxxxx")
    );
    let large = good.replace("\"HERE\"", &format!("[{large}, {deep}]"));
    place.file("large.json", large);
    assert!(reason(&place, "large.json").contains("nested deeper than 64"));
}

#[test]
fn long_lists_are_refused_where_entries_are_kept_and_passed_over_elsewhere() {
    let place = Place::new();
    let good = report("a", |value| value["evidence"] = json!("HERE"));
    let good = String::from_utf8(good).unwrap();
    let entry = "{\"source\":\"a\",\"usable\":true,\"reason\":\"\"},";
    let list = format!("[{}]", entry.repeat(20_000).trim_end_matches(','));
    place.file("kept.json", good.replace("\"HERE\"", &list));
    assert!(reason(&place, "kept.json").contains("more than 1000 entries"));
    let good = String::from_utf8(report("a", |value| value["later"] = json!("HERE"))).unwrap();
    let list = format!("[{}]", "0,".repeat(6 << 20).trim_end_matches(','));
    place.file("passed.json", good.replace("\"HERE\"", &list));
    assert_eq!(place.answer(&["passed.json", "--policy", "p.toml"]).0, 0);
}

#[test]
fn files_that_grow_without_end_are_refused() {
    let place = Place::new();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // A report's beginning, and then blanks: 80 MiB of 80 KiB.
    packer.write_all(b"{").unwrap();
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..80 {
        packer.write_all(&blanks).unwrap();
    }
    let packed = packer.finish().unwrap();
    assert!(packed.len() < 120_000);
    place.file("bomb.json.gz", &packed);
    let said = reason(&place, "bomb.json.gz");
    assert!(said.contains("more than 200 times its size"), "{said}");
    // The same within an archive, and packed four times over.
    let mut nested = packed;
    for _ in 0..4 {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&nested).unwrap();
        nested = packer.finish().unwrap();
    }
    place.file("nested.gz", nested);
    assert!(reason(&place, "nested.gz").contains("packed layers"));
}

#[test]
fn names_in_archives_lead_nowhere() {
    let place = Place::new();
    let content = report("a", |_| ());
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |kind, name: &[u8], link: Option<&str>, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        if let Some(link) = link {
            header.set_link_name_literal(link).unwrap();
        }
        header.set_cksum();
        archive.append(&header, content).unwrap();
    };
    add(tar::EntryType::Regular, b"../../etc/passwd", None, &content);
    add(tar::EntryType::Regular, b"/etc/passwd", None, &content);
    add(
        tar::EntryType::Symlink,
        b"link.json",
        Some("/etc/passwd"),
        b"",
    );
    add(tar::EntryType::Link, b"hard.json", Some("/etc/passwd"), b"");
    add(tar::EntryType::Fifo, b"pipe.json", None, b"");
    add(tar::EntryType::Regular, b"good.json", None, &content);
    place.file("in.tar", archive.into_inner().unwrap());
    let (status, answer) = place.answer(&["in.tar", "--policy", "p.toml"]);
    assert_eq!(status, 3);
    assert_eq!(answer["totals"]["hosts"], 1);
    assert_eq!(answer["totals"]["set_aside"], 5, "{answer:#}");
    let reasons = answer["set_aside"].to_string();
    for part in [
        "leads out of the archive",
        "is a link in an archive",
        "is no regular file",
    ] {
        assert!(reasons.contains(part), "{reasons}");
    }
}

#[test]
fn names_that_begin_like_a_formula_are_texts_in_a_spreadsheet() {
    let place = Place::new();
    for (number, start) in ["=", "+", "-", "@"].into_iter().enumerate() {
        let host = report(&format!("{start}cmd|' /C calc'!A0"), |_| ());
        place.file(&format!("in/{number}.json"), host);
    }
    let text = place
        .fleet(&["in", "--policy", "p.toml", "--format", "csv"])
        .text;
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = rows
        .records()
        .map(|row| row.unwrap()[0].to_owned())
        .collect();
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.starts_with('\'')), "{names:?}");
}

#[test]
fn markup_in_names_is_inert_in_every_format() {
    let place = Place::new();
    let evil = "<script>alert(1)</script>\"'&\u{1b}[31m\u{202e}=cmd|' /C calc'!A0\n# EOF";
    let bad = run(evil, 0, &[500], |value| {
        value["host"]["system"]["product"] = json!(evil);
        value["host"]["bios"]["version"] = json!(evil);
        value["verdict"]["reasons"] = json!([evil, evil]);
    });
    place.file(&format!("in/{}.json", "=x<b>"), bad);
    for format in ["text", "json", "csv", "html", "junit", "openmetrics"] {
        let said = place.fleet(&["in", "--policy", "p.toml", "--format", format]);
        assert_eq!(said.status, 1, "{format}: {}", said.errors);
        let raw = said.text.contains("<script>");
        assert!(
            !raw || !["html", "junit"].contains(&format),
            "{format}: {}",
            said.text
        );
        let steering = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.text.contains(steering), "{format}: {}", said.text);
        if format == "openmetrics" {
            assert_eq!(said.text.matches("\n# EOF").count(), 1, "{}", said.text);
        }
        if format == "csv" {
            assert!(
                said.text.lines().all(|line| !line.contains(",=")),
                "{}",
                said.text
            );
        }
    }
}
