//! Which CPUs are sampled on which machine.

use std::fs;
use std::path::Path;

use super::harness::{number, run};

fn sampled(report: &serde_json::Value) -> Vec<u64> {
    let cpus = report["cpus"].as_array().unwrap();
    cpus.iter().map(|cpu| number(&cpu["cpu"])).collect()
}

#[test]
fn all_but_the_first_cpu_are_sampled_by_default() {
    let outcome = run("quiet", "bare-metal-intel", &["--duration", "20ms"]);
    assert_eq!(sampled(&outcome.report), [1, 2, 3]);
    assert_eq!(outcome.report["run"]["cpus_not_sampled"], "0");
    assert!(
        outcome.text.contains("not sampled: CPU 0"),
        "{}",
        outcome.text
    );
}

#[test]
fn isolated_cpus_are_the_default_where_there_are_any() {
    let outcome = run("quiet", "isolated-cpus", &["--duration", "20ms"]);
    assert_eq!(sampled(&outcome.report), [2, 3, 4, 5, 6, 7]);
    assert_eq!(outcome.report["run"]["cpus_not_sampled"], "0,1");
}

#[test]
fn cpus_beyond_the_c_librarys_mask_can_be_sampled() {
    let arguments = ["--duration", "20ms", "--cpus", "1023,1024,2046"];
    let outcome = run("quiet", "big-machine", &arguments);
    assert_eq!(outcome.verdict(), "pass");
    assert_eq!(sampled(&outcome.report), [1023, 1024, 2046]);
}

#[test]
fn a_machine_with_one_cpu_keeps_a_fifth_of_it_for_others() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/bare-metal-intel");
    copy(&fixture, host.path());
    for file in ["online", "possible", "present"] {
        fs::write(host.path().join("sys/devices/system/cpu").join(file), "0\n").unwrap();
    }
    let host = host.path().to_str().unwrap();
    let outcome = run("quiet", host, &["--duration", "1s"]);
    assert_eq!(sampled(&outcome.report), [0]);
    assert!(outcome.findings().contains(&"sampling-pauses"));
    let run = &outcome.report["run"];
    assert_eq!(number(&run["width_ns"]), 80_000_000);
    assert_eq!(number(&run["window_ns"]), 100_000_000);
    let coverage = outcome.report["verdict"]["coverage"].as_f64().unwrap();
    assert!((0.79..=0.81).contains(&coverage), "{coverage}");
}

/// One socket's firmware or power control stalls that socket alone.
#[test]
fn a_stall_of_one_package_is_told_from_one_of_all() {
    let host = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/bare-metal-intel");
    copy(&fixture, host.path());
    for cpu in 0..4 {
        let folder = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        let folder = host.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("physical_package_id"), format!("{}\n", cpu / 2)).unwrap();
    }
    let host = host.path().to_str().unwrap();
    let outcome = run("package-stall", host, &["--duration", "50ms"]);
    let packages: Vec<u64> = (outcome.report["cpus"].as_array().unwrap().iter())
        .map(|cpu| number(&cpu["place"]["package"]))
        .collect();
    assert_eq!(packages, [0, 1, 1]);
    let stalls: Vec<(&str, bool)> = (outcome.report["stalls"].as_array().unwrap().iter())
        .map(|stall| {
            let all = stall["all_sampled_cpus"].as_bool().unwrap();
            (stall["packages"].as_str().unwrap(), all)
        })
        .collect();
    assert_eq!(stalls, [("1", false), ("0,1", true), ("", false)]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

#[test]
fn a_handler_that_was_stopped_is_told_by_the_same_stall_of_another_cpu() {
    let outcome = run(
        "stall-elsewhere",
        "bare-metal-intel",
        &["--cpus", "1-3", "--duration", "95ms", "--keep-gaps", "all"],
    );
    let long = |cpu: u64| {
        let gaps = outcome.report["gaps"].as_array().unwrap().iter();
        let mut long =
            gaps.filter(|gap| gap["cpu"] == cpu && gap["duration_ns"].as_u64().unwrap() > 400_000);
        let gap = long.next().unwrap();
        assert!(long.next().is_none());
        gap
    };
    let (seen, met, alone) = (long(1), long(2), long(3));
    assert_eq!(seen["cause"], "firmware-or-cpu");
    assert_eq!(met["cause"], "firmware-or-cpu+os");
    assert_eq!(met["platform_confidence"], "probable");
    assert_eq!(met["raw"]["elsewhere_ns"], seen["duration_ns"]);
    assert!(met["platform_ns"].as_u64().unwrap().abs_diff(500_000) < 3_000);
    let detail = met["detail"].as_str().unwrap();
    assert!(
        detail.contains("another CPU stood still for 500 us"),
        "{detail}"
    );
    // Nobody else saw it.
    assert_eq!(alone["cause"], "unknown");
    assert_eq!(alone["platform_ns"], 0);
    assert!(alone["raw"].get("elsewhere_ns").is_none());
}
