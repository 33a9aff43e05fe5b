//! File systems of the kernel's that a host may leave unmounted. To mount one
//! where others see it is not for a measurement to do.

use super::root::Root;
use crate::sys::detached_mount::DetachedMount;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelFsKind {
    /// The kernel's own knobs and views.
    Debugfs,
    /// What security modules show, lockdown among them.
    Securityfs,
    Tracefs,
}

impl KernelFsKind {
    /// Where distributions mount it.
    fn place(self) -> &'static str {
        match self {
            KernelFsKind::Debugfs => "sys/kernel/debug",
            KernelFsKind::Securityfs => "sys/kernel/security",
            KernelFsKind::Tracefs => "sys/kernel/tracing",
        }
    }

    fn mount(self) -> std::io::Result<DetachedMount> {
        DetachedMount::new(match self {
            KernelFsKind::Debugfs => c"debugfs",
            KernelFsKind::Securityfs => c"securityfs",
            KernelFsKind::Tracefs => c"tracefs",
        })
    }
}

/// Such a file system, to read from.
#[derive(Debug)]
pub struct KernelFs {
    kind: KernelFsKind,
    root: Root,
    // The files of a mount of hwgap's own are there as long as it is.
    own: Option<DetachedMount>,
}

impl KernelFs {
    /// The host's; where the running machine has none mounted, one of this
    /// process's own, if it may mount one. Nothing of the host changes.
    pub fn find(root: &Root, kind: KernelFsKind) -> KernelFs {
        let mounted = Root::at(root.path(kind.place()));
        // Of its files some are missing and some are closed to this process;
        // an empty folder is no file system.
        let is_empty = mounted.list_dir("").is_ok_and(|files| files.is_empty());
        let own = match root.is_live() && is_empty {
            true => kind.mount().ok(),
            false => None,
        };
        let root = match &own {
            Some(mount) => Root::at(mount.path()),
            None => mounted,
        };
        KernelFs { kind, root, own }
    }

    pub fn root(&self) -> &Root {
        &self.root
    }

    /// How a file of it is called where it is mounted as usual.
    pub fn usual_path(&self, file: &str) -> String {
        format!("{}/{file}", self.kind.place())
    }

    /// Whether the host has none mounted, and this is one of hwgap's own.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_of_other_machines_are_read_where_they_stand() {
        let host = tempfile::tempdir().unwrap();
        let place = host.path().join("sys/kernel/debug");
        std::fs::create_dir_all(&place).unwrap();
        let debugfs = KernelFs::find(&Root::at(host.path()), KernelFsKind::Debugfs);
        assert_eq!(debugfs.root().path(""), place.join(""));
        assert!(!debugfs.is_own());
    }

    #[test]
    fn this_machine_has_one_or_lets_none_be_mounted() {
        for kind in [
            KernelFsKind::Debugfs,
            KernelFsKind::Securityfs,
            KernelFsKind::Tracefs,
        ] {
            let found = KernelFs::find(&Root::live(), kind);
            let read = found.root().list_dir("");
            match found.is_own() {
                true => assert!(!read.unwrap().is_empty(), "{kind:?}"),
                false => println!("{kind:?}: mounted, or not to be had: {read:?}"),
            }
        }
    }
}
