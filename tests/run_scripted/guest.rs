//! A guest: nothing is ever called hardware there.

use super::harness::{Outcome, run};

const GUESTS: [&str; 3] = ["kvm-guest", "hyperv-guest", "vmware-guest"];

fn guest(host: &str, arguments: &[&str]) -> Outcome {
    let mut all = vec!["--cpus", "1"];
    all.extend(arguments);
    if !arguments.contains(&"--duration") {
        all.extend(["--duration", "95ms"]);
    }
    run("guest", host, &all)
}

#[test]
fn what_stalls_a_guest_is_the_hypervisor_or_below() {
    for host in GUESTS {
        let outcome = guest(host, &[]);
        assert_eq!(outcome.verdict(), "fail", "{host}");
        let verdict = &outcome.report["verdict"];
        assert_eq!(verdict["subject"], "hypervisor-and-below", "{host}");
        for (_, cause, _) in outcome.gaps() {
            assert!(["hypervisor", "os"].contains(&cause), "{host}: {cause}");
        }
        let headline = outcome.text.lines().next().unwrap();
        assert!(headline.contains("by hypervisor or below"), "{headline}");
        assert!(!headline.to_lowercase().contains("hardware"), "{headline}");
        for reason in verdict["reasons"].as_array().unwrap() {
            assert!(!reason.as_str().unwrap().contains("hardware"), "{reason}");
        }
        for gap in outcome.report["gaps"].as_array().unwrap() {
            let detail = gap["detail"].as_str().unwrap();
            let blamed = ["hardware", "firmware", "SMI was", "SMIs were"];
            assert!(!blamed.iter().any(|word| detail.contains(word)), "{detail}");
        }
    }
}

#[test]
fn a_guests_own_smi_count_is_not_shown_as_the_machines() {
    let outcome = guest("kvm-guest", &[]);
    let cpu = outcome.only_cpu();
    assert!(cpu["smi"].is_null());
    assert!(cpu["smi_reason"].as_str().unwrap().contains("guest"));
    assert!(outcome.finding("guest-firmware-smi").contains("virtual"));
    assert!(!outcome.text.contains("0 SMIs"));
}

#[test]
fn a_quiet_guest_passes_in_words_that_leave_the_hardware_out() {
    let arguments = ["--hardlimit", "1ms"];
    let outcome = guest("kvm-guest", &arguments);
    assert_eq!(outcome.verdict(), "pass");
    let headline = outcome.text.lines().next().unwrap();
    assert!(headline.contains("by hypervisor or below"), "{headline}");
    assert!(!headline.contains("hardware"), "{headline}");
    assert!(outcome.text.contains("What could not be seen"));
}

#[test]
fn stop_on_gap_does_not_wait_for_a_counter_that_is_not_read() {
    let outcome = guest("kvm-guest", &["--stop-on-gap", "--duration", "10s"]);
    assert_eq!(outcome.report["run"]["ended_by"], "gap");
    assert_eq!(outcome.verdict(), "fail");
}
