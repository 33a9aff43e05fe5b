//! The job of a machine with many CPUs: what a run takes of it, or a run in
//! which all CPUs stand still at once.

use crate::saved_state::READY;
use crate::scenario::{Hwgap, Scenario};

/// The usual soft limit of open files, here the hard one too.
const OPEN_FILES: u32 = 1024;

/// Shell lines in the place of the one run on one CPU.
pub fn lines(scenario: &Scenario) -> Vec<String> {
    let command = command(&scenario.hwgap);
    match scenario.stall {
        Some(_) => stalled(&command),
        None => vec![
            format!("ulimit -n {OPEN_FILES}"),
            "(while sleep 1; do for run in $(pidof hwgap); do ls /proc/$run/fd | wc -l; done; done >descriptors) & watching=$!".into(),
            format!(
                "guest-meter --usage usage.json -- {command} >summary.txt 2>hwgap.err; echo $? >exit-code",
            ),
            "kill $watching; sleep 1; pidof hwgap >left-running".into(),
        ],
    }
}

/// The host saves the machine when it is told that samplers are at work.
/// Real-time throttling would stop all CPUs each second as well; without it, who
/// tells the host must not be on a sampler's CPU.
fn stalled(command: &str) -> Vec<String> {
    vec![
        "echo -1 >/proc/sys/kernel/sched_rt_runtime_us".into(),
        format!(
            "taskset 1 sh -c 'until cat /proc/[0-9]*/task/*/comm | grep -q ^sampler; do sleep 0.2; done; sleep 1; echo {READY} >/dev/console' &"
        ),
        format!("{command} >summary.txt 2>hwgap.err; echo $? >exit-code"),
    ]
}

/// With hwgap's own choice of what to keep: that is what takes memory.
fn command(hwgap: &Hwgap) -> String {
    format!(
        "hwgap run --duration {} --threshold {} --cpus {} -o /tmp/report.json {}",
        hwgap.duration,
        hwgap.threshold,
        hwgap.cpus,
        hwgap.options.join(" "),
    )
}
