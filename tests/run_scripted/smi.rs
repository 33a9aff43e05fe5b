//! SMIs on bare metal: proved, mixed, short, hidden, shared, and not countable.

use super::harness::{number, run};

#[test]
fn smis_are_proved_by_a_count_of_their_own_even_where_it_wraps() {
    let outcome = run("smi", "bare-metal-intel", &["--duration", "100ms"]);
    assert_eq!(outcome.verdict(), "fail");
    let causes = |cpu| -> Vec<(&str, &str)> {
        let gaps = outcome.gaps().into_iter();
        gaps.filter(|gap| gap.0 == cpu)
            .map(|(_, cause, confidence)| (cause, confidence))
            .collect()
    };
    let common = [("smi", "proved"), ("smi+os", "proved"), ("os", "strong")];
    assert_eq!(causes(1)[..3], common);
    assert_eq!(causes(1)[3], ("cpu", "strong"));
    assert_eq!(causes(2), common);
    assert_eq!(causes(3), common);
    for cpu in outcome.report["cpus"].as_array().unwrap() {
        // The counter went from 2^32 - 2 by 2.
        assert_eq!(number(&cpu["smi"]["before"]), 4_294_967_294);
        assert_eq!(number(&cpu["smi"]["after"]), 0);
        assert_eq!(number(&cpu["smi"]["delta"]), 2);
        assert!(cpu["smi_reason"].is_null());
    }
    // The SMI stopped three CPUs at once and is one stall; the other one is
    // the stall of CPU 1.
    assert_eq!(number(&outcome.report["verdict"]["platform_stalls"]), 2);
    assert_eq!(number(&outcome.report["verdict"]["platform_gaps"]), 4);
    assert_eq!(outcome.report["verdict"]["subject"], "hardware");
    let proved = &outcome.report["gaps"][0];
    assert_eq!(proved["kernel_ran"], false);
    assert_eq!(proved["smi_delta"], 1);
    // The delta holds the stall and one round of the loop.
    assert_eq!(number(&proved["duration_ns"]), 100_100);
}

#[test]
fn smis_below_the_threshold_are_a_finding_and_no_gap() {
    let outcome = run("smi-short", "bare-metal-intel", &["--duration", "90ms"]);
    assert_eq!(outcome.verdict(), "pass");
    assert!(outcome.gaps().is_empty());
    assert!(outcome.finding("smi-below-threshold").starts_with("8 SMI"));
    assert_eq!(number(&outcome.report["cpus"][0]["smi"]["delta"]), 8);
}

#[test]
fn a_rise_without_a_gap_is_a_finding_of_its_own() {
    let outcome = run("smi-hidden", "bare-metal-intel", &["--duration", "95ms"]);
    assert_eq!(outcome.verdict(), "pass");
    assert!(outcome.gaps().is_empty());
    assert!(outcome.finding("smi-without-gap").starts_with("1 SMI"));
}

#[test]
fn a_count_that_several_gaps_share_is_given_to_none() {
    let arguments = ["--duration", "50ms", "--threshold", "2us", "--cpus", "1"];
    let outcome = run("smi-shared", "bare-metal-intel", &arguments);
    assert_eq!(outcome.verdict(), "fail");
    let gaps = outcome.gaps();
    let count = |cause| gaps.iter().filter(|gap| gap.1 == cause).count();
    assert_eq!(count("smi"), 0, "one of the unread gaps was called the SMI");
    assert!(count("firmware-or-cpu") > 0, "all gaps were read");
    assert_eq!(number(&outcome.only_cpu()["smi"]["delta"]), 1);
    assert!(outcome.finding("smi-unassigned").starts_with("1 SMI"));
}

#[test]
fn a_stall_right_behind_an_smi_does_not_swallow_its_count() {
    let arguments = ["--duration", "95ms", "--cpus", "1"];
    let outcome = run("smi-echo", "bare-metal-intel", &arguments);
    assert_eq!(
        outcome.gaps(),
        [(1, "smi", "proved"), (1, "cpu", "strong")],
        "the SMI and its echo are one stay away from this kernel"
    );
    assert!(outcome.findings().iter().all(|id| !id.starts_with("smi-")));
}

#[test]
fn a_reading_after_a_pause_clears_no_gap_before_it() {
    let outcome = run(
        "smi-unread-then-pause",
        "bare-metal-intel",
        &[
            "--duration",
            "100ms",
            "--threshold",
            "2us",
            "--cpus",
            "1", //
            "--width",
            "40ms",
            "--window",
            "50ms",
        ],
    );
    // The last gap before the pause held an SMI and was not read; the reading
    // after the pause found the rise, and the gap at 70 ms shows no further one.
    let gaps = outcome.report["gaps"].as_array().unwrap();
    let at = |nanos: u64| {
        let close = |gap: &&serde_json::Value| number(&gap["duration_ns"]).abs_diff(nanos) <= 200;
        gaps.iter().find(close).unwrap()
    };
    assert_eq!(at(6_000)["cause"], "firmware-or-cpu");
    assert_eq!(at(50_000)["cause"], "cpu");
}

#[test]
fn without_a_counter_nothing_is_called_an_smi() {
    let options = ["--duration", "95ms", "--cpus", "1"];
    let outcome = run("stall", "bare-metal-intel", &options);
    assert_eq!(outcome.verdict(), "fail");
    for (_, cause, confidence) in outcome.gaps() {
        assert!(["firmware-or-cpu", "os"].contains(&cause), "{cause}");
        // An SMI beside the kernel's work would go unseen.
        assert!(cause != "os" || confidence == "probable");
    }
    for cpu in outcome.report["cpus"].as_array().unwrap() {
        assert!(cpu["smi"].is_null());
        let reason = cpu["smi_reason"].as_str().unwrap();
        assert!(reason.contains("no SMI counter"), "{reason}");
    }
    assert!(outcome.findings().contains(&"smi-not-countable"));
    assert!(!outcome.text.contains("0 SMIs"), "{}", outcome.text);
    assert!(!outcome.report.to_string().contains("0 SMIs"));
}

#[test]
fn without_a_counter_a_stall_of_all_cpus_at_once_is_probably_an_smi() {
    let outcome = run("stall", "bare-metal-intel", &["--duration", "95ms"]);
    let platform: Vec<_> = outcome
        .gaps()
        .into_iter()
        .filter(|gap| gap.1 != "os")
        .collect();
    assert_eq!(platform.len(), 3);
    assert!(
        platform
            .iter()
            .all(|gap| (gap.1, gap.2) == ("smi", "probable"))
    );
    let stalls = outcome.report["stalls"].as_array().unwrap();
    assert_eq!(stalls.len(), 1);
    assert_eq!(stalls[0]["cpus"], "1-3");
    assert_eq!(stalls[0]["all_sampled_cpus"], true);
    assert!(stalls[0]["smi_delta"].is_null());
    assert_eq!(number(&outcome.report["verdict"]["platform_stalls"]), 1);
}

#[test]
fn an_smi_that_hits_the_sampler_at_its_own_work_is_a_gap_of_its_own() {
    let arguments = ["--duration", "95ms", "--cpus", "1", "--threshold", "10us"];
    let outcome = run("smi-in-slow-path", "bare-metal-intel", &arguments);
    let counted = number(&outcome.only_cpu()["smi"]["delta"]);
    assert_eq!(counted, 70);
    let gaps = outcome.report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 70, "an SMI was lost in the tool's own time");
    for gap in gaps {
        assert_eq!(gap["smi_delta"], 1, "{gap}");
        let length = number(&gap["duration_ns"]);
        assert!((20_000..=24_500).contains(&length), "{gap}");
    }
    assert!(outcome.findings().iter().all(|id| !id.starts_with("smi-")));
}

#[test]
fn an_smi_that_hits_the_samplers_own_calls_of_the_kernel_has_its_gap() {
    // Above this threshold the interrupts are gaps, and the sampler asks the
    // kernel about each.
    let arguments = ["--duration", "95ms", "--cpus", "1", "--threshold", "1us"];
    let outcome = run("smi-in-slow-path", "bare-metal-intel", &arguments);
    let gaps = outcome.report["gaps"].as_array().unwrap();
    let smis: Vec<_> = gaps.iter().filter(|gap| gap["smi_delta"] == 1).collect();
    assert_eq!(smis.len(), 70, "an SMI was lost");
    for gap in &smis {
        // The calls in which it hit the sampler are in the gap as well.
        let allowed = match gap["kernel_ran"].as_bool() {
            Some(false) => 20_000..=20_400,
            _ => 19_000..=23_500,
        };
        assert!(allowed.contains(&number(&gap["platform_ns"])), "{gap}");
    }
    assert!(outcome.findings().iter().all(|id| !id.starts_with("smi-")));
}

#[test]
fn an_interrupt_that_hits_the_sampler_at_its_own_work_is_never_the_platforms() {
    let arguments = ["--duration", "95ms", "--cpus", "1", "--threshold", "10us"];
    let outcome = run("interrupt-in-slow-path", "bare-metal-intel", &arguments);
    let gaps = outcome.gaps();
    assert!(gaps.len() > 40, "{} interrupts hit the loop", gaps.len());
    // Without records nothing tells why they are longer than the others.
    assert_eq!(outcome.verdict(), "inconclusive");
    let told = |cause| gaps.iter().filter(|gap| gap.1 == cause).count();
    assert_eq!(told("os") + told("unknown"), gaps.len(), "{gaps:?}");
    let gaps = outcome.report["gaps"].as_array().unwrap();
    assert!(gaps.iter().all(|gap| gap["platform_ns"] == 0));
}

#[test]
fn without_a_counter_a_stall_at_the_samplers_own_work_is_a_gap_as_well() {
    let arguments = ["--duration", "95ms", "--cpus", "1", "--threshold", "10us"];
    let outcome = run("smi-in-slow-path-uncounted", "bare-metal-intel", &arguments);
    assert!(outcome.only_cpu()["smi"].is_null());
    let gaps = outcome.report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 70, "a stall was lost in the tool's own time");
    assert!(gaps.iter().all(|gap| gap["cause"] != "smi"));

    let outcome = run(
        "interrupt-in-slow-path-uncounted",
        "bare-metal-intel",
        &arguments,
    );
    assert_eq!(outcome.verdict(), "inconclusive");
    let gaps = outcome.gaps();
    // The first ones come before the run has seen how short interrupts are.
    let told = |cause| gaps.iter().filter(|gap| gap.1 == cause).count();
    assert_eq!(told("os") + told("unknown"), gaps.len(), "{gaps:?}");
    assert!(told("unknown") > 40, "{gaps:?}");
}
