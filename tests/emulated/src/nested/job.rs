//! What both machines run, as shell scripts for their busybox.

use std::fmt::Write;
use std::path::Path;

/// What the outer machine needs to be a host of KVM whose guest's VMM comes from
/// the files of this one.
pub const OUTER_MODULES: [&str; 5] = ["msr", "kvm-amd", "virtio_pci", "9pnet_virtio", "9p"];

/// What the guest needs to share a folder, and to read a device of QEMU's.
pub const INNER_MODULES: [&str; 4] = ["virtio_pci", "9pnet_virtio", "9p", "qemu_fw_cfg"];

/// The folder that both machines share, in the outer one's results.
pub const INNER: &str = "inner";

/// How long hwgap samples in the guest and observes outside of it.
const GUEST_SECONDS: u32 = 6;
const HOST_SECONDS: u32 = 9;

/// Guest TSC less host TSC.
pub const OFFSET: &str = "tsc-offset";

/// The guest's report.
pub const REPORT: &str = "report.json";

/// What is planted in the guest, with the file that tells when.
pub const DEVICE_READS: &str = "device-reads.json";

/// What exits take, by the guest, and between which marks of the outer machine
/// somebody watches them.
pub const EXITS: &str = "exits";
pub const MARKS: &str = "marks";

/// A way to keep the vCPU out of its guest.
pub struct Phase {
    /// The file that tells when.
    pub file: &'static str,
    /// The shell line that writes it.
    line: &'static str,
}

/// One after another, so that each gap has one cause.
pub const PHASES: [Phase; 4] = [
    Phase {
        file: "tasks.json",
        line: "nested-plant tasks 100us,500us,5ms --count 60 --interval 7.3ms >tasks.json",
    },
    Phase {
        file: "storms.json",
        line: "nested-plant storms --count 20 --interval 7.3ms >storms.json",
    },
    Phase {
        file: "stops.json",
        line: "nested-plant stops $vmm 3ms --count 20 --interval 9.7ms >stops.json",
    },
    Phase {
        file: SMIS,
        line: "smi-injector start --timer 16ms --lengths 60us,150us,400us,1ms\n\
               sleep 0.6\n\
               smi-injector stop; smi-injector dump >smi.json",
    },
];

/// The injector's log among them.
pub const SMIS: &str = "smi.json";

/// With two CPUs, whose time is not exact.
pub const MIGRATIONS: Phase = Phase {
    file: "migrations.json",
    line: "nested-plant migrations $vcpu --count 100 --interval 9.7ms >migrations.json",
};

/// What is done in a boot.
#[derive(Clone, Copy)]
pub enum Job {
    /// The vCPU is kept out of the guest in these ways.
    Causes(&'static [Phase]),
    /// The guest exits as often as it can, and is watched.
    Cost,
}

impl Job {
    /// What the guest leaves at its end.
    pub fn left(self) -> &'static str {
        match self {
            Self::Causes(_) => REPORT,
            Self::Cost => EXITS,
        }
    }

    /// The guest's script.
    pub fn inner(self) -> String {
        let work = match self {
            Self::Causes(_) => format!(
                "(sleep 1.2; nested-plant device-reads --count 30 --interval 11.3ms \
                 >{DEVICE_READS}) &\n\
                 hwgap run --duration {GUEST_SECONDS}s --threshold 5us --cpus 0 --width 1s \
                 --window 1s --keep-gaps all -o /tmp/{REPORT} >summary.txt 2>hwgap.err; \
                 echo $? >exit-code"
            ),
            Self::Cost => format!("nested-plant exits 50ms --count 150 >/tmp/{EXITS}"),
        };
        format!(
            "mount -t 9p -o trans=virtio,version=9p2000.L results /host\n\
             touch /host/up\n\
             while [ ! -e /host/go ]; do sleep 0.1; done\n\
             {work}\n\
             wait\n\
             cp /tmp/{left} .\n\
             umount /host\n",
            left = self.left()
        )
    }

    /// The outer machine's. Each attempt lets the guest begin at another moment.
    pub fn outer(self, kernel: &Path, initramfs: &Path, attempt: u32, patience: u32) -> String {
        let mut script = format!(
            "usleep {attempt}1237\n\
             mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=131072,cache=loose host /host\n\
             for folder in proc sys dev; do mount --rbind /$folder /host/$folder; done\n\
             mount -t debugfs debugfs /sys/kernel/debug\n\
             mkdir {INNER}; mount --bind /results/{INNER} /host/mnt\n\
             chroot /host /usr/bin/qemu-system-x86_64 -name inner,debug-threads=on -accel kvm \
             -cpu host,-x2apic -m 160 -smp 1 -kernel {kernel} -initrd {initramfs} \
             -append 'console=ttyS0 quiet panic=-1 rdinit=/init' -nic none -vga none -display none \
             -monitor none -no-reboot -serial file:/mnt/console.log {share} </dev/null >vmm.log 2>&1 &\n\
             vmm=$!\n\
             (sleep {patience}; kill -9 $vmm) & patience=$!\n\
             while [ ! -e {INNER}/up ]; do\n\
             kill -0 $vmm || exit 1\n\
             sleep 0.2\n\
             done\n\
             vcpu=$(grep -l '^CPU 0/KVM' /proc/$vmm/task/*/comm | cut -d / -f 5)\n\
             cat /sys/kernel/debug/kvm/$vmm-*/vcpu0/tsc-offset >{OFFSET}\n",
            kernel = kernel.display(),
            initramfs = initramfs.display(),
            share = "-fsdev local,id=results,path=/mnt,security_model=none \
                     -device virtio-9p-pci,fsdev=results,mount_tag=results",
        );
        match self {
            Self::Causes(phases) => script += &causes(phases),
            Self::Cost => script += COST,
        }
        script + "wait $vmm; kill $patience\n"
    }
}

fn causes(phases: &[Phase]) -> String {
    let mut script = format!(
        "hwgap host --guest all --duration {HOST_SECONDS}s --threshold 5us -o host.json \
         >host.txt 2>host.err & host=$!\n\
         sleep 1\n\
         touch {INNER}/go\n\
         sleep 3\n"
    );
    for phase in phases {
        let _ = writeln!(script, "{}", phase.line);
    }
    script + "wait $host; echo $? >host-exit-code\n"
}

/// Two watch in turn, and nobody before, between and after them. Where perf is not
/// installed, its turn is empty.
const COST: &str = "mount -t tracefs tracefs /sys/kernel/tracing\n\
     touch inner/go\n\
     sleep 1\n\
     mark() { nested-plant now >>marks; }\n\
     mark\n\
     hwgap host --guest all --duration 1s -o host.json >host.txt 2>host.err\n\
     mark\n\
     sleep 0.3\n\
     mark\n\
     timeout -s INT 3 chroot /host /usr/bin/perf kvm stat live -d 1 -p $vmm >perf.txt 2>&1\n\
     mark\n";
