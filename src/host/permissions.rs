//! What this process may do.

use std::fmt;

use super::root::{Known, Root};
use super::status::{STATUS, status_field};

#[derive(Clone, Debug)]
pub struct Permissions {
    /// How far perf is closed to ordinary users: -1 open, 2 user space only,
    /// 3 and 4 (distribution kernels) closed
    /// (Documentation/admin-guide/perf-security.rst).
    pub perf_event_paranoid: Known<i32>,
    /// The effective capabilities of the main thread.
    pub capabilities: Known<Capabilities>,
    /// Whose capabilities they are.
    pub user_namespace: Known<UserNamespace>,
}

/// The user namespace of this process (user_namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserNamespace {
    /// The machine's: capabilities count everywhere.
    Initial,
    /// One of its own, as in a rootless container: they count for what belongs
    /// to it, and not for the machine's limits.
    Own,
}

impl UserNamespace {
    /// The initial one maps all users to themselves.
    fn read(root: &Root) -> Known<UserNamespace> {
        let map = root.read_text("proc/self/uid_map")?;
        let fields: Vec<&str> = map.split_ascii_whitespace().collect();
        Ok(match fields[..] {
            ["0", "0", "4294967295"] => UserNamespace::Initial,
            _ => UserNamespace::Own,
        })
    }
}

impl Permissions {
    pub(super) fn read(root: &Root) -> Permissions {
        Permissions {
            perf_event_paranoid: root.read_number("proc/sys/kernel/perf_event_paranoid"),
            capabilities: Capabilities::read(root),
            user_namespace: UserNamespace::read(root),
        }
    }
}

/// A capability that a measurement can use (capabilities(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Locks memory beyond the limit.
    IpcLock,
    /// Opens MSR devices.
    SysRawio,
    /// Stands for many rights, Perfmon and Bpf among them.
    SysAdmin,
    /// Sets real-time priorities.
    SysNice,
    /// Uses perf whatever `perf_event_paranoid` says (from 5.8).
    Perfmon,
    /// Loads BPF programs (from 5.8).
    Bpf,
}

impl Capability {
    /// The bit's number in include/uapi/linux/capability.h.
    fn bit(self) -> u32 {
        match self {
            Capability::IpcLock => 14,
            Capability::SysRawio => 17,
            Capability::SysAdmin => 21,
            Capability::SysNice => 23,
            Capability::Perfmon => 38,
            Capability::Bpf => 39,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Capability::IpcLock => "CAP_IPC_LOCK",
            Capability::SysRawio => "CAP_SYS_RAWIO",
            Capability::SysAdmin => "CAP_SYS_ADMIN",
            Capability::SysNice => "CAP_SYS_NICE",
            Capability::Perfmon => "CAP_PERFMON",
            Capability::Bpf => "CAP_BPF",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    fn read(root: &Root) -> Known<Capabilities> {
        let expected = "a line 'CapEff' with a hexadecimal mask";
        let text = status_field(root, "CapEff", expected)?;
        u64::from_str_radix(&text, 16)
            .map(Capabilities)
            .map_err(|_| root.malformed(STATUS, expected, &text))
    }

    /// Whether the set grants this: by its own bit, or for Perfmon and Bpf by
    /// SysAdmin, which the kernel takes in their place.
    pub fn grants(self, capability: Capability) -> bool {
        let has = |one: Capability| self.0 & (1 << one.bit()) != 0;
        match capability {
            Capability::Perfmon | Capability::Bpf => has(capability) || has(Capability::SysAdmin),
            _ => has(capability),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_the_kernels() {
        // What `capsh --decode` says of these masks.
        for (mask, capability) in [
            (0x4000, Capability::IpcLock),
            (0x2_0000, Capability::SysRawio),
            (0x20_0000, Capability::SysAdmin),
            (0x80_0000, Capability::SysNice),
            (0x40_0000_0000, Capability::Perfmon),
            (0x80_0000_0000, Capability::Bpf),
        ] {
            assert!(Capabilities(mask).grants(capability), "{capability}");
            assert!(
                !Capabilities(!mask & !0x20_0000).grants(capability),
                "{capability}"
            );
        }
    }

    #[test]
    fn sys_admin_stands_in_for_two_others_only() {
        let admin = Capabilities(1 << 21);
        assert!(admin.grants(Capability::Perfmon) && admin.grants(Capability::Bpf));
        assert!(!admin.grants(Capability::SysNice) && !admin.grants(Capability::SysRawio));
    }
}
