//! The schemas in schemas/ are those of the types, and documents keep to them.
//!
//! After a wanted change write them anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test schemas && git diff schemas`.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use hwgap::schema::Document;
use hwgap::text::json;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::made_up_host::made_up_host;
use crate::report_samples;
use crate::synthetic::{Fault, Recipe, into_folder};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema(document: Document) -> Value {
    serde_json::from_str(&document.derive()).unwrap()
}

fn validator(document: Document) -> Validator {
    jsonschema::draft202012::new(&schema(document)).unwrap()
}

fn assert_keeps(validator: &Validator, name: &str, document: &Value) {
    let errors = validator.iter_errors(document);
    let errors: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .take(5)
        .collect();
    assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// What hwgap prints; its exit status may be any but that of wrong usage.
fn printed(folder: &Path, arguments: &[&str]) -> Value {
    let output = Command::cargo_bin("hwgap")
        .unwrap()
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

/// What a run of these scripts prints.
fn run(scripts: &[&str], arguments: &[&str]) -> Value {
    let host = made_up_host("bare-metal-intel", scripts);
    let host = ["run", "--host-root", host.path().to_str().unwrap()];
    printed(root(), &[&host, arguments].concat())
}

#[test]
fn schemas_are_those_of_the_types() {
    for document in Document::ALL {
        let derived = document.derive();
        let file = root().join(format!("schemas/{}.json", document.name()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &derived).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap();
        let remedy = "UPDATE_GOLDEN=1 cargo test schemas";
        assert!(
            kept == derived,
            "{} is out of date: {remedy}",
            file.display()
        );
    }
}

#[test]
fn hwgap_schema_prints_them() {
    for document in Document::ALL {
        let schema = printed(root(), &["schema", document.name()]);
        assert_eq!(
            schema,
            read(&root().join(format!("schemas/{}.json", document.name())))
        );
    }
}

/// Every property of every object says what it is.
#[test]
fn every_field_is_described() {
    fn look(place: &str, schema: &Value, bare: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{name}");
            if property["description"].as_str().is_none_or(str::is_empty) {
                bare.push(place.clone());
            }
            look(&place, property, bare);
        }
    }
    for document in Document::ALL {
        let schema = schema(document);
        let mut bare = Vec::new();
        look(document.name(), &schema, &mut bare);
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            look(name, definition, &mut bare);
        }
        assert!(bare.is_empty(), "{bare:?}");
    }
}

#[test]
fn reports_keep_to_their_schema() {
    let validator = validator(Document::Report);
    for (name, report) in report_samples::all() {
        let mut text = Vec::new();
        json::write(&report, &mut text).unwrap();
        assert_keeps(&validator, name, &serde_json::from_slice(&text).unwrap());
    }
    // Written anew by this version, as earlier ones lacked some fields.
    for name in ["emulated-smis", "v1-smi"] {
        let file = format!("fixtures/reports/{name}.json");
        let report = printed(root(), &["report", &file, "--format", "json"]);
        assert_keeps(&validator, name, &report);
    }
    for script in fs::read_dir(root().join("fixtures/scripts")).unwrap() {
        let script = script.unwrap().path();
        let script = script.file_stem().unwrap().to_str().unwrap();
        let report = run(&[script], &["--duration", "100ms", "--format", "json"]);
        assert_keeps(&validator, script, &report);
    }
}

#[test]
fn live_lines_keep_to_their_schema() {
    // So short a run has one line.
    let line = run(&["smi"], &["--live-json", "-", "--duration", "100ms"]);
    assert_keeps(&validator(Document::Live), "live", &line);
}

#[test]
fn two_engines_in_turn_keep_to_the_schema() {
    let arguments = [
        "--engine",
        "both",
        "--duration",
        "800ms",
        "--cpus",
        "1",
        "--format",
        "json",
    ];
    let report = run(&["steady-smis"; 2], &arguments);
    assert_eq!(report["engines"].as_array().unwrap().len(), 2);
    assert_keeps(&validator(Document::Report), "both", &report);
}

#[test]
fn comparisons_keep_to_their_schema() {
    let validator = validator(Document::Compare);
    let golden = read(&root().join("tests/golden/compare/worse.json"));
    assert_keeps(&validator, "worse.json", &golden);
    let report = "fixtures/reports/emulated-smis.json";
    let arguments = ["compare", "--format", "json", "--before", report, "--after"];
    let other = "fixtures/reports/v1-smi.json";
    let compared = printed(root(), &[&arguments[..], &[other]].concat());
    assert_keeps(&validator, "emulated-smis", &compared);
}

#[test]
fn explanations_keep_to_their_schema() {
    let validator = validator(Document::Explain);
    for name in ["explained", "shifted"] {
        let file = format!("tests/golden/explain/{name}.json");
        assert_keeps(&validator, name, &read(&root().join(file)));
    }
}

#[test]
fn fleets_keep_to_their_schema() {
    let validator = validator(Document::Fleet);
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        hosts: 200,
        seed: 1,
        faults: vec![Fault::BadBios, Fault::HotHosts, Fault::Series],
    };
    into_folder(&recipe, &folder.path().join("reports")).unwrap();
    fs::write(folder.path().join("reports/broken.json"), "{").unwrap();
    fs::write(folder.path().join("p.toml"), "limits.worst = \"200us\"\n").unwrap();
    fs::write(folder.path().join("hosts.txt"), "synthetic000001\nghost\n").unwrap();
    let fleet = [
        "fleet",
        "reports",
        "--policy",
        "p.toml",
        "--expect",
        "hosts.txt",
    ];
    let fleet = printed(folder.path(), &[&fleet[..], &["--format", "json"]].concat());
    for list in [
        "hosts",
        "groups",
        "separators",
        "series",
        "missing",
        "unexpected",
        "set_aside",
    ] {
        assert!(!fleet[list].as_array().unwrap().is_empty(), "{list}");
    }
    assert_keeps(&validator, "fleet", &fleet);
}

#[test]
fn preflight_keeps_to_its_schema() {
    let validator = validator(Document::Preflight);
    for host in fs::read_dir(root().join("fixtures/hosts")).unwrap() {
        let host = host.unwrap().path();
        // There preflight has no answer, but status 2.
        if host.ends_with("truncated-tree") {
            continue;
        }
        let host = host.to_str().unwrap();
        let answer = printed(
            root(),
            &["preflight", "--format", "json", "--host-root", host],
        );
        assert_keeps(&validator, host, &answer);
    }
}

#[test]
fn what_is_no_report_does_not_keep_to_the_schema() {
    let validator = validator(Document::Report);
    let sound = printed(
        root(),
        &[
            "report",
            "fixtures/reports/emulated-smis.json",
            "--format",
            "json",
        ],
    );
    assert!(validator.is_valid(&sound));
    for (pointer, wrong) in [
        ("/schema", json!("hwgap.fleet")),
        ("/gaps/0/cause", json!("gremlins")),
        ("/gaps/0/duration_ns", json!(1.5)),
        ("/verdict/coverage", json!("all")),
        ("/cpus/0/smi", json!(0)),
    ] {
        let mut report = sound.clone();
        *report.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&report), "{pointer}");
    }
}
