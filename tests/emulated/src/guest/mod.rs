//! What the guest runs, as shell scripts for its busybox.

mod many;

use crate::saved_state::READY;
use crate::scenario::{BUILT_TICK_HZ, Counter, Firmware, Sampling, Scenario, User};

/// Process 1: mounts, runs the job, hands the results to the host, powers off.
/// Modules for the hand-over are loaded only after the measurement, so that no
/// device but the platform's own is at work during it.
pub const INIT: &str = "\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /results /host /mnt
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p /etc
echo 'root:x:0:0:root:/:/bin/sh' >/etc/passwd
echo 'user:x:1000:1000:user:/:/bin/sh' >>/etc/passwd
chmod 1777 /tmp
load() { for module in /modules/$1/*; do [ ! -e $module ] || insmod $module; done; }
load early
# The kernel's own leftovers of the boot, such as its tests of crypto code, are
# no part of any scenario. Idle, the time passes at once.
sleep 5
cd /results
sh /job >/results/job.log 2>&1
load late
mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072 results /mnt && cp -r /results/. /mnt/ && sync
umount /mnt
poweroff -f
";

/// Modules that the guest loads before the job.
pub fn early_modules(scenario: &Scenario) -> Vec<&'static str> {
    match scenario.machine.counter {
        Counter::MsrDevice => vec!["msr"],
        Counter::NoDevice | Counter::Stopped => Vec::new(),
    }
}

/// Modules for the shared folder.
pub const LATE_MODULES: [&str; 3] = ["virtio_pci", "9pnet_virtio", "9p"];

/// Keeps the guest busy until the host, which saves it meanwhile, lets it go
/// on: idle, its time would fly.
const WAIT_FOR_SAVE: &str = "echo READY >/dev/console; smi-injector await-host";

/// Says that the machine is not what the scenario asks for.
pub const MACHINE_FAILED: &str = "machine-failed";

/// Microseconds by which SMIs begin later: a machine that repeats itself to the
/// nanosecond shows one relation of ticks, SMIs and windows, and a fault may need
/// another.
const DELAY: &str = "HWGAP_EMULATED_DELAY";

/// The job of a scenario.
pub fn job(scenario: &Scenario) -> String {
    let mut lines = Vec::new();
    if scenario.machine.smi_count_start.is_some() {
        lines.push(WAIT_FOR_SAVE.replace("READY", READY));
    }
    for load in &scenario.load {
        lines.push(format!(
            "guest-load {} & loads=\"$loads $!\"",
            load.argument()
        ));
    }
    for action in &scenario.action {
        lines.push(format!(
            "(sleep {}; {}) &",
            action.after_seconds, action.shell
        ));
    }
    if let Ok(delay) = std::env::var(DELAY) {
        lines.push(format!("usleep {delay}"));
    }
    match (&scenario.smi, scenario.machine.firmware) {
        (Some(pattern), Firmware::Seabios) => {
            let jitter = pattern
                .jitter_seed
                .map_or_else(String::new, |seed| format!(" --jitter-seed {seed}"));
            let tasks = if pattern.tasks { " --tasks" } else { "" };
            let tick = match scenario.machine.tick_hz {
                BUILT_TICK_HZ => String::new(),
                hz => format!(" --tick-hz {hz}"),
            };
            let sweep = pattern
                .sweep
                .map_or_else(String::new, |sweep| format!(" --sweep {sweep}"));
            let stop = match scenario.machine.counter {
                Counter::Stopped => " --stop-counter",
                Counter::MsrDevice | Counter::NoDevice => "",
            };
            lines.push(format!(
                "smi-injector start --timer {} --lengths {} --burst {}{jitter}{tasks}{tick}{sweep}{stop} || touch {MACHINE_FAILED}",
                pattern.timer,
                pattern.lengths.join(","),
                pattern.burst,
            ));
        }
        (Some(_), Firmware::Ovmf) => {
            // The writer keeps to one CPU, so that on the other nothing but the
            // SMI stops the sampler.
            lines.push(
                "(sleep 1; taskset 1 smi-injector raise --count 30 --interval-ms 200 >smi.json) &"
                    .into(),
            );
        }
        (None, _) => {}
    }
    if !scenario.hwgap.before.is_empty() {
        lines.push(scenario.hwgap.before.clone());
    }
    if let Some(selftest) = &scenario.selftest {
        lines.push(format!(
            "hwgap selftest {} >selftest.txt 2>selftest.err; echo $? >selftest-exit-code",
            selftest.options.join(" ")
        ));
        lines.push("cp /var/lib/hwgap/selftest.json .".into());
    }
    match scenario.machine.takes_turns() {
        true => lines.extend(many::lines(scenario)),
        false => lines.push(format!(
            "{} >summary.txt 2>hwgap.err; echo $? >exit-code",
            hwgap_command(scenario)
        )),
    }
    if !scenario.hwgap.after.is_empty() {
        lines.push(scenario.hwgap.after.clone());
    }
    if scenario.smi.is_some() && scenario.machine.firmware == Firmware::Seabios {
        lines.push("smi-injector stop; smi-injector dump >smi.json".into());
    }
    lines.push("[ -z \"$loads\" ] || kill $loads".into());
    lines.push("cp /tmp/report.json .; cat /proc/interrupts >interrupts; dmesg >dmesg".into());
    lines.join("\n") + "\n"
}

fn hwgap_command(scenario: &Scenario) -> String {
    let hwgap = &scenario.hwgap;
    let pauses = match &hwgap.sampling {
        Sampling::WithoutPause => "--width 1s --window 1s",
        Sampling::Default => "",
    };
    let command = format!(
        "hwgap run --duration {} --threshold {} --cpus {} {pauses} --keep-gaps all -o /tmp/report.json {}",
        hwgap.duration,
        hwgap.threshold,
        hwgap.cpus,
        hwgap.options.join(" "),
    );
    match hwgap.user {
        User::Root => command,
        User::Ordinary => format!("su user -c '{command}'"),
    }
}
