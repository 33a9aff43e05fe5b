//! Whether this host lets interrupts be masked from user space; and if not,
//! exactly what is missing and what helps.

use std::io;

use crate::host::Host;
use crate::host::kernel::Lockdown;
use crate::host::permissions::Capability;
use crate::host::root::Root;
use crate::sampler::engines::bpf::counters::{Counters, KernelCounter};
use crate::sampler::engines::bpf::program::Functions;
use crate::sampler::engines::bpf::shot::{ArmError, Loaded, Order};
use crate::sys::bpf::{Btf, BtfError};
use crate::units::Nanos;

const BTF: &str = "sys/kernel/btf/vmlinux";
const JIT: &str = "proc/sys/net/core/bpf_jit_enable";
/// The first kernel with `bpf_local_irq_save`.
const FIRST_KERNEL: (u32, u32) = (6, 14);
const SAVE: &str = "bpf_local_irq_save";
const RESTORE: &str = "bpf_local_irq_restore";

/// What the kernel offers, tried.
#[derive(Clone, Copy, Debug)]
pub struct Ability {
    pub(super) functions: Functions,
    pub(super) counters: Option<Counters>,
}

/// What is missing. Each text names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// The kernel is too old.
    #[error(
        "this kernel is {release}, and BPF programs can mask interrupts from Linux 6.14 on; boot a \
         newer kernel, or use --engine user"
    )]
    KernelTooOld {
        /// Its release.
        release: String,
    },
    /// No type information.
    #[error(
        "the kernel shows no type information in /{BTF} ({cause}); boot a kernel with \
         CONFIG_DEBUG_INFO_BTF, as distributions build it, or use --engine user"
    )]
    NoBtf {
        /// The system's answer.
        cause: io::Error,
    },
    /// Type information that cannot be read.
    #[error("the kernel's type information in /{BTF} cannot be read: {0}; use --engine user")]
    BadBtf(#[from] BtfError),
    /// A function that the kernel does not have.
    #[error(
        "this kernel ({release}) has no function {name} for BPF programs; boot a kernel with BPF \
         from 6.14 on, or use --engine user"
    )]
    NoFunction {
        /// The function.
        name: &'static str,
        /// The kernel's release.
        release: String,
    },
    /// Rights that this process lacks.
    #[error(
        "this process lacks {0}; run as root, or with: setpriv --inh-caps +bpf,+perfmon --ambient-caps \
         +bpf,+perfmon (kernel.unprivileged_bpf_disabled does not matter here: such programs always need the \
         capabilities)"
    )]
    NoCapability(String),
    /// The translator is off.
    #[error(
        "BPF programs are interpreted here, and then cannot call kernel functions; write 1 to \
         /proc/sys/net/core/bpf_jit_enable, or boot a kernel with CONFIG_BPF_JIT"
    )]
    NoJit,
    /// The kernel refused although all seemed to be there.
    #[error("the kernel refused the BPF program: {reason}{hint}; or use --engine user")]
    Refused {
        /// What it said.
        reason: String,
        /// What may help.
        hint: &'static str,
    },
}

/// Finds out by the files below `root` and by a trial: the program is loaded
/// and run once, for a microsecond.
///
/// # Errors
/// What is missing.
pub fn probe(root: &Root, host: &Host) -> Result<Ability, Missing> {
    let release = (host.kernel.release.as_ref())
        .map_or_else(|_| String::from("of unknown release"), ToString::to_string);
    let numbers = (host.kernel.release.as_ref())
        .ok()
        .and_then(|release| release.numbers());
    let bytes = std::fs::read(root.path(BTF)).map_err(|cause| match numbers {
        Some(numbers) if numbers < FIRST_KERNEL => Missing::KernelTooOld {
            release: release.clone(),
        },
        _ => Missing::NoBtf { cause },
    })?;
    let btf = Btf::parse(&bytes)?;
    let function = |name: &'static str| {
        // A vendor's kernel may have it under an older number, so that the
        // number explains an absence and is no reason for one.
        btf.function(name).ok_or_else(|| match numbers {
            Some(numbers) if numbers < FIRST_KERNEL => Missing::KernelTooOld {
                release: release.clone(),
            },
            _ => Missing::NoFunction {
                name,
                release: release.clone(),
            },
        })
    };
    let functions = Functions {
        irq_save: function(SAVE)?,
        irq_restore: function(RESTORE)?,
    };
    capabilities(host)?;
    if root.read_number::<u8>(JIT) == Ok(0) {
        return Err(Missing::NoJit);
    }
    // The kernel finds a variable's address by its symbol, which only kernels
    // with CONFIG_KALLSYMS_ALL list: the type information alone proves nothing.
    let counters = counters(&btf).filter(|&counters| trial(functions, Some(counters)).is_ok());
    trial(functions, counters).map_err(|error| refused(&error, host))?;
    Ok(Ability {
        functions,
        counters,
    })
}

fn capabilities(host: &Host) -> Result<(), Missing> {
    let Ok(held) = &host.permissions.capabilities else {
        return Ok(());
    };
    let lacking: Vec<String> = [Capability::Bpf, Capability::Perfmon]
        .into_iter()
        .filter(|&capability| !held.grants(capability))
        .map(|capability| capability.to_string())
        .collect();
    if lacking.is_empty() {
        Ok(())
    } else {
        Err(Missing::NoCapability(lacking.join(" and ")))
    }
}

/// Where the kernel counts NMIs and machine checks: up to Linux 7.0 in members
/// and variables of their own, later in one array (arch/x86/include/asm/
/// hardirq.h).
fn counters(btf: &Btf<'_>) -> Option<Counters> {
    let statistics = btf.variable("irq_stat")?;
    let counter = |variable, offset: u32| {
        let offset = i16::try_from(offset).ok()?;
        Some(KernelCounter { variable, offset })
    };
    if let Some(array) = btf.member_of_variable(statistics, "counts") {
        let element = |name| {
            let offset = btf.enumerator(name)?.checked_mul(4)?.checked_add(array)?;
            counter(statistics, offset)
        };
        return Some(Counters {
            nmis: element("IRQ_COUNT_NMI")?,
            machine_checks: element("IRQ_COUNT_MCE_EXCEPTION"),
        });
    }
    let nmis = btf.member_of_variable(statistics, "__nmi_count")?;
    Some(Counters {
        nmis: counter(statistics, nmis)?,
        machine_checks: btf
            .variable("mce_exception_count")
            .and_then(|variable| counter(variable, 0)),
    })
}

fn trial(functions: Functions, counters: Option<Counters>) -> Result<(), ArmError> {
    let order = Order {
        length: Nanos::MICROSECOND,
        trip: Nanos::SECOND,
        threshold: Nanos::SECOND,
        rounds: 100,
        look: Nanos::SECOND,
    };
    let mut loaded = Loaded::new(functions, counters, None)?;
    loaded.fire(order).map(drop).map_err(ArmError::Area)
}

fn refused(error: &ArmError, host: &Host) -> Missing {
    let cause = match error {
        ArmError::Area(cause) => cause.raw_os_error(),
        ArmError::Refused(refusal) => refusal.cause.raw_os_error(),
        ArmError::Source(_) => None,
    };
    let locked = matches!(host.kernel.lockdown, Ok(Lockdown::Confidentiality));
    let hint = match cause {
        Some(libc::EPERM | libc::EACCES) if locked => {
            "; the kernel is locked down to confidentiality: boot with lockdown=integrity"
        }
        Some(libc::EPERM | libc::EACCES) => {
            "; a container's user namespace, a seccomp filter or a security module forbids bpf(2) \
             although the capabilities are there: run outside of it"
        }
        Some(libc::ENOSYS) => "; boot a kernel with CONFIG_BPF_SYSCALL",
        Some(libc::ENOMEM) => "; raise the memory limit of the control group",
        _ => "",
    };
    Missing::Refused {
        reason: error.to_string(),
        hint,
    }
}
