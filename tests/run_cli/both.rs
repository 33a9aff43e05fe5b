//! Two engines on the running machine: what the host must allow is printed
//! where it does not.

use super::harness::{measured, report, run};

#[test]
fn both_engines_take_turns_on_this_machine() {
    let said = run(&["--engine", "both", "--duration", "1s", "-o", "-"]);
    if said.stdout.is_empty() {
        assert_eq!(said.status, Some(3), "{}", said.stderr);
        assert!(said.stderr.contains("BPF"), "{}", said.stderr);
        println!("not tested: {}", said.stderr.trim());
        return;
    }
    measured(&said);
    let report = report(&said.stdout);
    let engines = report["engines"].as_array().unwrap();
    let names: Vec<&str> = (engines.iter())
        .map(|engine| engine["engine"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["user", "bpf"]);
    for engine in engines {
        assert_eq!(engine["slices"], 4);
        assert!(engine["covered_ns"].as_u64().unwrap() > 0, "{engine}");
        let masked = engine["cpus"][0].get("masked").is_some();
        assert_eq!(masked, engine["engine"] == "bpf");
    }
    assert_ne!(report["agreement"]["result"], "untested");
}

#[test]
fn a_run_too_short_for_two_engines_is_refused() {
    let said = run(&["--engine", "both", "--duration", "799ms"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("800"), "{}", said.stderr);
}
