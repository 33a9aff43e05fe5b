//! What the guest does: both programs in turn, by each set of options.

/// SMIs of four lengths every 16 ms.
const SMIS: &str = "smi-injector start --timer 16ms --lengths 20us,50us,100us,200us";

/// A set of options.
pub struct Case {
    pub name: &'static str,
    pub what: &'static str,
    pub options: &'static str,
    /// Whether the drop-in is to sample all of the time.
    pub whole: bool,
}

/// Two seconds hold some 120 SMIs, and take minutes here.
pub const CASES: [Case; 3] = [
    Case {
        name: "defaults",
        what: "default width and window",
        options: "--duration 2 --threshold 10",
        whole: false,
    },
    Case {
        name: "openshift",
        what: "OpenShift's runner, 9.5 %",
        options: "--threshold 10 --hardlimit 10 --duration 2s --window 10000000us --width 950000us",
        whole: false,
    },
    Case {
        name: "whole",
        what: "width equal to window",
        options: "--duration 2 --threshold 10 --window 1000000us --width 1000000us",
        whole: true,
    },
];

/// The guest's script. Debian's program runs in the host's files.
pub fn script() -> String {
    let mut script = String::from(
        "mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose host /host\n\
         for folder in proc sys dev; do mount --rbind /$folder /host/$folder; done\n\
         mount -t debugfs debugfs /host/sys/kernel/debug\n\
         ln -s /bin/hwgap /bin/hwlatdetect\n\
         echo 0 >/sys/kernel/tracing/tracing_on\n",
    );
    for Case { name, options, .. } in &CASES {
        script += &format!(
            "{SMIS}\n\
             chroot /host /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin python3 -B \
             /usr/sbin/hwlatdetect {options} >debian-{name}.txt 2>&1\n\
             smi-injector stop; smi-injector dump >smi-debian-{name}.json\n\
             {SMIS}\n\
             hwlatdetect {options} --json drop-in-{name}.json >drop-in-{name}.txt \
             2>drop-in-{name}.err\n\
             echo $? >drop-in-{name}.status\n\
             smi-injector stop; smi-injector dump >smi-drop-in-{name}.json\n"
        );
    }
    script
}
