//! What the guest does: each tool in turn, with a fresh log of SMIs each.

/// The tracer's default sampling width, in microseconds.
pub const HALF: u64 = 500_000;
/// 95 % of its window.
pub const WIDE: u64 = 950_000;
/// The threshold of every tool.
pub const THRESHOLD_NS: u64 = 10_000;

/// SMIs of four lengths every 16 ms; each tool has them for 5 seconds.
const SMIS: &str = "smi-injector start --timer 16ms --lengths 20us,50us,100us,200us";
const SECONDS: u32 = 5;

/// The guest's script.
///
/// The tracers stamp their records with the TSC, so that each can be laid
/// beside the log. hwlatdetect is Debian's Python program, run in the host's
/// files; Python comes up before the SMIs start to matter, so its own count of
/// them tells how many fell into its run.
pub fn script() -> String {
    let mut script = String::from(
        "T=/sys/kernel/tracing\n\
         echo x86-tsc >$T/trace_clock\n\
         echo 10 >$T/tracing_thresh\n",
    );
    for (name, width) in [("hwlat", HALF), ("hwlat-95", WIDE)] {
        script += &format!(
            "echo {width} >$T/hwlat_detector/width\n\
             {}",
            traced(name, "hwlat")
        );
    }
    script += "echo 1 >$T/events/osnoise/sample_threshold/enable\n";
    script += &traced("osnoise", "osnoise");
    script += "echo 0 >$T/events/osnoise/sample_threshold/enable\n";
    script += &format!("echo {HALF} >$T/hwlat_detector/width\n");
    script += &format!(
        "mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose host /host\n\
         for folder in proc sys dev; do mount --rbind /$folder /host/$folder; done\n\
         mount -t debugfs debugfs /host/sys/kernel/debug\n\
         {SMIS}\n\
         chroot /host /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin python3 -B /usr/sbin/hwlatdetect \
         --duration {SECONDS} --threshold 10 >hwlatdetect.txt 2>&1\n\
         smi-injector stop\n"
    );
    for (name, options) in [("hwgap-default", ""), ("hwgap", UNPAUSED)] {
        script += &hwgap(name, options);
    }
    script
}

/// No pause for others, although there is one CPU.
const UNPAUSED: &str = "--width 1s --window 1s";

/// What the guest does on the kernel that allows interrupts to be masked.
pub fn masked_script() -> String {
    hwgap("hwgap-bpf", &format!("--engine bpf {UNPAUSED}"))
}

fn hwgap(name: &str, options: &str) -> String {
    format!(
        "{SMIS}\n\
         hwgap run --duration {SECONDS}s --threshold 10us --cpus 0 --keep-gaps all {options} -o {name}.json >{name}.txt 2>&1\n\
         smi-injector stop; smi-injector dump >smi-{name}.json\n"
    )
}

fn traced(name: &str, tracer: &str) -> String {
    format!(
        "echo >$T/trace\n\
         {SMIS}\n\
         echo {tracer} >$T/current_tracer; echo 1 >$T/tracing_on; sleep {SECONDS}; echo 0 >$T/tracing_on\n\
         smi-injector stop; smi-injector dump >smi-{name}.json\n\
         cat $T/trace >{name}.trace; echo nop >$T/current_tracer\n"
    )
}
