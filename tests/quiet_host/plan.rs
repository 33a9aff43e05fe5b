//! What a dry run shows, and what is refused before anything is changed.

use serde_json::Value;

use super::harness::{Host, assert_as_before, said, settings};

fn plan(host: &Host, more: &[&str]) -> Value {
    let all = [&["--dry-run", "--format", "json"], more].concat();
    let (status, stdout, stderr) = said(&mut host.run(&all));
    assert_eq!(status, Some(0), "{stderr}");
    serde_json::from_str(&stdout).unwrap()
}

/// What is to become of the settings whose name holds this.
fn of<'a>(plan: &'a Value, name: &str) -> Vec<(&'a str, Option<&'a str>)> {
    (settings(plan).into_iter())
        .filter(|(_, setting, ..)| setting.contains(name))
        .map(|(_, _, result, during)| (result, during))
        .collect()
}

#[test]
fn a_dry_run_names_each_setting_and_touches_none() {
    let host = Host::new();
    host.write("proc/irq/121/smp_affinity_list", "1-3\n");
    let before = host.values();
    let plan = plan(&host, &["--quiet-host"]);
    assert_eq!(of(&plan, "workqueue/cpumask"), [("changed", Some("3"))]);
    assert_eq!(of(&plan, "sched_rt_runtime"), [("changed", Some("999000"))]);
    assert_eq!(
        of(&plan, "fair_server/cpu2"),
        [("changed", Some("1000000"))]
    );
    assert_eq!(of(&plan, "fair_server/cpu1"), [], "it is not sampled");
    assert_eq!(of(&plan, "watchdog_cpumask"), [("changed", Some("0,1"))]);
    assert_eq!(of(&plan, "stat_interval"), [("changed", Some("3600"))]);
    assert_eq!(of(&plan, "cpu3/cpufreq/scaling_governor").len(), 1);
    // The kernel's own word on interrupts that nobody moves.
    let managed = of(&plan, "proc/irq/121");
    assert_eq!(managed, [("skipped", None)]);
    assert_as_before(&before, &host);
    assert!(!host.journal().exists());
}

#[test]
fn where_every_cpu_is_sampled_others_keep_their_share() {
    let host = Host::new();
    for (more, result) in [(&[][..], "skipped"), (&["--starve-host"][..], "changed")] {
        let all = [&["--cpus", "0-3", "--quiet-host"], more].concat();
        let mut command = host.hwgap(&["run", "--dry-run", "--format", "json"]);
        let (status, stdout, stderr) = said(command.args(all));
        assert_eq!(status, Some(0), "{stderr}");
        let plan: Value = serde_json::from_str(&stdout).unwrap();
        for name in ["sched_rt_runtime", "fair_server/cpu0"] {
            assert_eq!(of(&plan, name)[0].0, result, "{name}: {plan}");
        }
        // There is no CPU to move these to.
        for name in ["/proc/irq", "partition"] {
            assert_eq!(of(&plan, name)[0].0, "skipped", "{name}: {plan}");
        }
    }
}

#[test]
fn steps_can_be_chosen_and_left_out() {
    let host = Host::new();
    let steps = |list: &str| -> Vec<String> {
        let plan = plan(&host, &[&format!("--quiet-host={list}")]);
        let mut steps: Vec<String> = (settings(&plan).iter())
            .map(|(step, ..)| String::from(*step))
            .collect();
        steps.dedup();
        steps
    };
    assert_eq!(steps("irq,vm-stat"), ["irq", "vm-stat"]);
    let but = steps("no-irq,no-vm-stat");
    assert!(!but.contains(&"irq".into()) && but.contains(&"workqueue".into()));
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    let host = Host::new();
    for (arguments, words) in [
        (&["--quiet-host=irqs"][..], "irq, workqueue"),
        (&["--quiet-host=irq,no-ksm"], "not both"),
        (&["--dry-run"], "--quiet-host"),
        (&["--starve-host"], "--quiet-host"),
    ] {
        let (status, _, stderr) = said(&mut host.run(arguments));
        assert_eq!(status, Some(2), "{arguments:?}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}
