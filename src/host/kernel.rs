//! Which kernel runs, and in which mode.

use std::fmt;

use super::command_line::CommandLine;
use super::kernel_fs::{KernelFs, KernelFsKind};
use super::modules::{self, NotableModule};
use super::root::{Known, ReadError, Root};

const LOCKDOWN: &str = "lockdown";
const REALTIME: &str = "sys/kernel/realtime";
const VERSION: &str = "proc/sys/kernel/version";

/// The longest release or version kept, in characters; uname(2) has 64.
const LONGEST_LABEL: usize = 128;

#[derive(Clone, Debug)]
pub struct Kernel {
    /// The release, such as `6.12.48-amd64`.
    pub release: Known<KernelRelease>,
    /// The build, such as `#1 SMP PREEMPT_DYNAMIC …`, cleaned for display.
    pub version: Known<String>,
    pub command_line: Known<CommandLine>,
    pub preemption: Known<Preemption>,
    /// How far it is locked down. `Missing` also where securityfs is neither
    /// mounted nor to be mounted by this process.
    pub lockdown: Known<Lockdown>,
    /// Loaded modules that matter. `Missing` on a kernel without modules.
    pub modules: Known<Vec<NotableModule>>,
}

impl Kernel {
    pub(super) fn read(root: &Root) -> Kernel {
        let version = root.read_label(VERSION, LONGEST_LABEL);
        Kernel {
            release: root
                .read_label("proc/sys/kernel/osrelease", LONGEST_LABEL)
                .map(KernelRelease),
            preemption: Preemption::read(root, &version),
            version,
            command_line: CommandLine::read(root),
            lockdown: Lockdown::read(root),
            modules: modules::read(root),
        }
    }
}

/// A kernel release, cleaned for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelRelease(String);

impl KernelRelease {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Major and minor number. `None` when the text does not begin with two
    /// numbers. Distributions backport, so a number is a hint only.
    pub fn numbers(&self) -> Option<(u32, u32)> {
        let (major, rest) = self.0.split_once('.')?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        Some((major.parse().ok()?, rest[..end].parse().ok()?))
    }
}

impl fmt::Display for KernelRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How the kernel preempts itself, as it was built (init/Makefile).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preemption {
    /// PREEMPT_RT: interrupt handlers run as threads.
    Realtime,
    /// Chosen at boot by `preempt=`.
    Dynamic,
    Full,
    /// The version names none: voluntary preemption or none at all.
    VoluntaryOrNone,
}

impl Preemption {
    /// `/sys/kernel/realtime` exists on PREEMPT_RT kernels only, and not on
    /// all of them; the version line names the model on every kernel.
    fn read(root: &Root, version: &Known<String>) -> Known<Preemption> {
        match root.read_number::<u8>(REALTIME) {
            Ok(1) => return Ok(Preemption::Realtime),
            Ok(_) | Err(ReadError::Missing { .. } | ReadError::Denied { .. }) => {}
            Err(error) => return Err(error),
        }
        version
            .as_deref()
            .map(Preemption::from_version)
            .map_err(Clone::clone)
    }

    fn from_version(version: &str) -> Preemption {
        let has = |word: &str| version.split_whitespace().any(|part| part == word);
        // Before 5.4 the out-of-tree patch wrote it with a space.
        if has("PREEMPT_RT") || version.contains("PREEMPT RT") {
            Preemption::Realtime
        } else if has("PREEMPT_DYNAMIC") {
            Preemption::Dynamic
        } else if has("PREEMPT") {
            Preemption::Full
        } else {
            Preemption::VoluntaryOrNone
        }
    }
}

/// The kernel's lockdown mode (security/lockdown/lockdown.c). Integrity keeps
/// MSR reads, perf and tracefs; confidentiality takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lockdown {
    None,
    /// User space may not change the kernel; usual with Secure Boot.
    Integrity,
    Confidentiality,
}

impl Lockdown {
    /// From securityfs, of which this process mounts one for itself where the
    /// host has none.
    pub(super) fn read(root: &Root) -> Known<Lockdown> {
        let security = KernelFs::find(root, KernelFsKind::Securityfs);
        let root = security.root();
        let text = match root.read_text(LOCKDOWN) {
            Err(ReadError::Missing { .. }) => {
                let path = format!("/{}", security.usual_path(LOCKDOWN));
                return Err(ReadError::Missing { path });
            }
            other => other?,
        };
        let chosen = text.split_whitespace().find(|word| word.starts_with('['));
        match chosen {
            Some("[none]") => Ok(Lockdown::None),
            Some("[integrity]") => Ok(Lockdown::Integrity),
            Some("[confidentiality]") => Ok(Lockdown::Confidentiality),
            _ => Err(root.malformed(LOCKDOWN, "a lockdown mode in brackets", &text)),
        }
    }
}

impl fmt::Display for Lockdown {
    /// The kernel's own word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Lockdown::None => "none",
            Lockdown::Integrity => "integrity",
            Lockdown::Confidentiality => "confidentiality",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_numbers_end_at_the_first_other_character() {
        for (text, numbers) in [
            ("6.12.48-amd64", Some((6, 12))),
            ("6.18-rc3", Some((6, 18))),
            ("5.14.0-427.el9.x86_64+rt", Some((5, 14))),
            ("6", None),
            ("6.x", None),
            ("custom.1", None),
        ] {
            assert_eq!(KernelRelease(text.into()).numbers(), numbers, "{text}");
        }
    }

    #[test]
    fn the_version_line_names_the_preemption() {
        for (version, preemption) in [
            ("#1 SMP PREEMPT_RT Debian 6.12.48-1", Preemption::Realtime),
            ("#1 SMP PREEMPT RT Tue Jan 2", Preemption::Realtime),
            ("#1 SMP PREEMPT_DYNAMIC @0", Preemption::Dynamic),
            ("#1 SMP PREEMPT Tue Jan 2", Preemption::Full),
            ("#40-Ubuntu SMP Tue Jan 2", Preemption::VoluntaryOrNone),
        ] {
            assert_eq!(Preemption::from_version(version), preemption, "{version}");
        }
    }
}
