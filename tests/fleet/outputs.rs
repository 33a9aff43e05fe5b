//! Each format says the same; `tests/fleet/consumers` asks real readers.

use serde_json::json;

use crate::synthetic::Fault;

use super::place::{Place, Said, report, reports, root, run};

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
    assert!(said.text.lines().count() <= 40, "{}", said.text);
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
fn junit_tells_failures_from_questions_without_an_answer() {
    let text = shown(&demo(), "junit").text;
    // Two hosts fail; one is missing, and one report cannot be read.
    assert_eq!(text.matches("<failure ").count(), 2, "{text}");
    assert_eq!(text.matches("<error ").count(), 2, "{text}");
}

#[test]
fn the_names_of_metrics_stay() {
    let text = shown(&demo(), "openmetrics").text;
    for line in [
        "hwgap_fleet_result{POLICY,result=\"fail\"} 1.0\n",
        "hwgap_fleet_hosts{POLICY,result=\"fail\"} 2.0\n",
        "hwgap_fleet_hosts{POLICY,result=\"missing\"} 1.0\n",
        "hwgap_fleet_documents_set_aside{POLICY} 1.0\n",
        "hwgap_fleet_group_hosts{POLICY,dimension=\"model\",group=\"SR-630\",result=\"fail\"} 2.0\n",
    ] {
        let line = line.replace("POLICY", "policy=\"test\",policy_file=\"p.toml\"");
        assert!(text.contains(&line), "{line}\n{text}");
    }
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

/// Every target of a link, as a browser would read it.
fn targets(page: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1);
    let targets = links.map(|rest| rest.split('"').next().unwrap());
    targets.map(|target| target.replace("%20", " ")).collect()
}

#[test]
fn links_lead_from_where_the_page_is_to_files_that_are_there() {
    let place = demo();
    place.file("in/of host 7.json", report("h7", |_| ()));
    std::fs::create_dir_all(place.path("a/b")).unwrap();
    for output in ["fleet.html", "a/b/fleet.html", "in/fleet.html"] {
        let arguments = ["in", "--policy", "p.toml", "--format", "html", "-o", output];
        assert_eq!(place.fleet(&arguments).status, 1);
        let file = place.path(output);
        let found = targets(&std::fs::read_to_string(&file).unwrap());
        assert_eq!(found.len(), 61, "{output}");
        for target in found {
            let there = file.parent().unwrap().join(&target);
            assert!(there.is_file(), "{output}: {target}");
        }
    }
}

#[test]
fn a_failing_host_can_be_read_in_the_page() {
    let place = Place::new();
    let run = |hour: usize, longest_us: u64| {
        let lengths: Vec<u64> = (0..9).map(|number| longest_us + 9 - number).collect();
        run("slow", hour, &lengths, |_| ())
    };
    place.file("in/1.json", run(1, 500));
    place.file("in/2.json", run(2, 7));
    let shown = |format| place.fleet(&["in", "--policy", "p.toml", "--format", format]);
    let page = shown("html").text;
    for part in [
        "limits.worst: the platform took 509 us at a time",
        "href=\"./in/1.json\"",
        "href=\"./in/2.json\"",
        "FAIL, begun 2026-01-01T01:00:00.000000000Z",
        "PASS, begun 2026-01-01T02:00:00.000000000Z",
        "<td>2026-01-01T01:00:05.000000000Z</td>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // The five longest, and none of a run that passes.
    assert!(
        !page.contains("T01:00:06.000000000Z</td>") && !page.contains("T02:00:01.000000000Z</td>")
    );
    let answer: serde_json::Value = serde_json::from_str(&shown("json").text).unwrap();
    let host = &answer["hosts"][0];
    assert_eq!(host["runs"][0]["result"], "fail");
    assert_eq!(host["worst_stalls"].as_array().unwrap().len(), 5);
    assert_eq!(host["worst_stalls"][0]["duration_ns"], 509_000);
}

#[test]
fn a_single_report_has_figures_for_monitoring() {
    let place = Place::new();
    place.file("one.json", run("a", 0, &[5], |_| ()));
    let mut command = assert_cmd::Command::cargo_bin("hwgap").unwrap();
    let command = command
        .args(["report", "--format", "openmetrics"])
        .arg(place.path("one.json"));
    let said = super::place::said(command);
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

/// Hosts of one BIOS that fail, a series that others share, and one that has run
/// twice.
fn pictured() -> Place {
    let place = Place::new();
    place.file("p.toml", "name = \"test\"\n[limits]\nworst = \"220us\"\n");
    let faults = [Fault::BadBios, Fault::Series];
    for (number, content) in reports(30, 9, &faults).iter().enumerate() {
        place.file(&format!("in/{number:02}.json"), content);
    }
    place.file("in/a.json", run("slow", 1, &[500, 7, 40], |_| ()));
    place.file("in/b.json", run("slow", 2, &[300, 30], |_| ()));
    place
}

#[test]
fn the_page_is_as_in_the_golden_file() {
    let place = pictured();
    let day = ["--as-of", "2026-11-21", "--format", "html"];
    let said = place.fleet(&[&["in", "--policy", "p.toml"][..], &day].concat());
    assert_eq!(said.status, 1, "{}", said.errors);
    let page = said.text.replace("><", ">\n<");
    for words in [
        "<strong>The worst stall of each host</strong>",
        "<strong>Hosts that fail</strong>",
        "<strong>Periods that hosts share</strong>",
        "aria-label=\"Stalls of slow\"",
        "4 marks of stalls in 2 h, the longest 500 us.",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let file = root().join("tests/golden/fleet.html");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(page == kept, "differs from the golden file");
}
