//! The files of debugfs, of which some can be set as well as read.

use super::kernel::Lockdown;
use super::kernel_fs::{KernelFs, KernelFsKind};
use super::root::{Known, ReadError, Root};

#[derive(Debug)]
pub struct Debugfs {
    files: KernelFs,
    lockdown: Known<Lockdown>,
}

impl Debugfs {
    /// The host's, or one of this process's own.
    pub fn find(root: &Root) -> Debugfs {
        Debugfs {
            files: KernelFs::find(root, KernelFsKind::Debugfs),
            lockdown: Lockdown::read(root),
        }
    }

    /// The folder to read this file from.
    ///
    /// # Errors
    /// `LockedDown`: such a kernel lets nobody open a file that can be set,
    /// not even to read it, and notes each attempt in its log
    /// (`debugfs_locked_down` in fs/debugfs/file.c). So none is made.
    pub fn root_for(&self, file: &str) -> Known<&Root> {
        match self.lockdown {
            Ok(Lockdown::Integrity | Lockdown::Confidentiality) => Err(ReadError::LockedDown {
                path: format!("/{}", self.usual_path(file)),
            }),
            _ => Ok(self.files.root()),
        }
    }

    /// The folder of all files, for those that can only be read: a kernel that is
    /// locked down shows them too.
    pub fn root(&self) -> &Root {
        self.files.root()
    }

    /// How a file of it is called where it is mounted as usual.
    pub fn usual_path(&self, file: &str) -> String {
        self.files.usual_path(file)
    }

    /// A remark on where a file was read, for people; empty as a rule.
    pub fn remark(&self) -> &'static str {
        match self.files.is_own() {
            true => " (in a debugfs of hwgap's own)",
            false => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_kernel_is_not_asked() {
        const FILE: &str = "sched/fair_server/cpu0/runtime";
        let folder = tempfile::tempdir().unwrap();
        for (place, text) in [
            (format!("sys/kernel/debug/{FILE}"), "50000000\n"),
            ("sys/kernel/security/lockdown".into(), "[none] integrity\n"),
        ] {
            let path = folder.path().join(place);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let host = Root::at(folder.path());
        let open = Debugfs::find(&host);
        assert_eq!(
            open.root_for(FILE).unwrap().read_number(FILE),
            Ok(50_000_000)
        );

        for mode in ["[integrity]", "[confidentiality]"] {
            let lockdown = folder.path().join("sys/kernel/security/lockdown");
            std::fs::write(lockdown, format!("none {mode}\n")).unwrap();
            let error = Debugfs::find(&host).root_for(FILE).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("/sys/kernel/debug/{FILE} may not be read: the kernel is locked down")
            );
        }
    }
}
