//! Each format says the same; `tests/fleet/consumers` asks real readers.

use hwgap::fleet::synthetic::Fault;
use serde_json::json;

use super::fleet::{Place, Said, report, reports, root};

fn demo() -> Place {
    let place = Place::new();
    for (number, content) in reports(60, 4, &[Fault::BadBios]).iter().enumerate() {
        place.file(&format!("in/{number:02}.json"), content);
    }
    place.file("in/bad.json", "{");
    place.file("hosts.txt", "synthetic000000\nghost\n");
    place
}

fn shown(place: &Place, format: &str) -> Said {
    let arguments = ["in", "--policy", "p.toml", "--expect", "hosts.txt"];
    let day = ["--as-of", "2026-11-21", "--format", format];
    place.fleet(&[&arguments[..], &day].concat())
}

#[test]
fn the_text_is_as_in_the_golden_file() {
    let place = demo();
    let said = shown(&place, "text");
    assert_eq!(said.status, 1, "{}", said.errors);
    for line in said.text.lines() {
        assert!(line.len() <= 80 && line.is_ascii(), "{line}");
    }
    let file = root().join("tests/golden/fleet.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &said.text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        said.text == kept,
        "differs from the golden file:\n{}",
        said.text
    );
}

#[test]
fn json_has_the_schema_that_is_documented() {
    let place = demo();
    let answer: serde_json::Value = serde_json::from_str(&shown(&place, "json").text).unwrap();
    assert_eq!(answer["schema"], "hwgap.fleet");
    assert_eq!(answer["schema_version"], 1);
    assert_eq!(answer["as_of"], "2026-11-21");
    assert_eq!(answer["policy"], json!({"file": "p.toml", "name": "test"}));
    let fields: Vec<&str> = answer
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for field in [
        "schema",
        "schema_version",
        "tool",
        "policy",
        "as_of",
        "verdict",
        "totals",
        "hosts",
        "groups",
        "separators",
        "outliers",
        "outlier_search",
        "series",
        "missing",
        "unexpected",
        "set_aside",
    ] {
        assert!(fields.contains(&field), "{field}");
    }
    let failing = &answer["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|host| host["result"] == "fail");
    assert_eq!(failing.unwrap()["reasons"][0]["rule"], "limits.worst");
}

#[test]
fn csv_has_a_row_for_each_host() {
    let text = shown(&demo(), "csv").text;
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(rows.headers().unwrap().iter().next(), Some("host"));
    let results: Vec<String> = rows
        .records()
        .map(|row| row.unwrap()[1].to_owned())
        .collect();
    assert_eq!(results.len(), 61);
    assert_eq!(
        results.iter().filter(|result| *result == "missing").count(),
        1
    );
    assert!(results.iter().any(|result| result == "fail"));
}

#[test]
fn the_page_leads_to_the_reports() {
    let place = demo();
    place.file("in/00.html", "a page of its own");
    let output = ["--format", "html", "-o", "pages/fleet.html"];
    std::fs::create_dir(place.path("pages")).unwrap();
    let said = place.fleet(&[&["in", "--policy", "p.toml"][..], &output].concat());
    assert_eq!(said.status, 1, "{}", said.errors);
    let page = std::fs::read_to_string(place.path("pages/fleet.html")).unwrap();
    assert!(
        page.contains("href=\"./../in/00.html\""),
        "the page beside a report"
    );
    assert!(
        page.contains("href=\"./../in/01.json\""),
        "the report itself"
    );
    assert!(page.contains("SYNTHETIC") && page.contains("<details>"));
    assert!(!page.contains("<script"));
}

#[test]
fn a_single_report_has_figures_for_monitoring() {
    let place = Place::new();
    place.file("one.json", report("a", |_| ()));
    let mut command = assert_cmd::Command::cargo_bin("hwgap").unwrap();
    let command = command
        .args(["report", "--format", "openmetrics"])
        .arg(place.path("one.json"));
    let said = super::fleet::said(command);
    assert_eq!(said.status, 0, "{}", said.errors);
    for line in [
        "# TYPE hwgap_platform_longest_stall_seconds gauge",
        "hwgap_run_threshold_seconds 0.00001\n",
        "hwgap_run_result{result=\"pass\"}",
        "hwgap_cpu_smis{cpu=\"1\"}",
    ] {
        assert!(said.text.contains(line), "{line}\n{}", said.text);
    }
    assert!(said.text.ends_with("# EOF\n"));
}
