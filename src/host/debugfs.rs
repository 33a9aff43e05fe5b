//! Debugfs, mounted or not. Many hosts leave it unmounted, and mounting it
//! where others see it is not for a measurement to do.

use super::root::Root;
use crate::sys::detached_mount::DetachedMount;

/// Where an administrator mounts it.
const PLACE: &str = "sys/kernel/debug";

/// A debugfs to read from.
#[derive(Debug)]
pub struct Debugfs {
    root: Root,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Where it is expected.
    Mounted,
    /// In a mount of this process's own, which ends with it.
    Detached(
        #[expect(dead_code, reason = "the mount lives as long as its descriptor")] DetachedMount,
    ),
}

impl Debugfs {
    /// The host's debugfs; where the running machine has none mounted, one of
    /// this process's own, if it may mount one. Nothing of the host changes.
    pub fn find(root: &Root) -> Debugfs {
        let mounted = Root::at(root.path(PLACE));
        // Of its files some are missing and some are closed to this process;
        // an empty folder is no debugfs.
        let is_empty = mounted.list_dir("").is_ok_and(|files| files.is_empty());
        if root.is_live()
            && is_empty
            && let Ok(mount) = DetachedMount::new(c"debugfs")
        {
            return Debugfs {
                root: Root::at(mount.path()),
                place: Place::Detached(mount),
            };
        }
        Debugfs {
            root: mounted,
            place: Place::Mounted,
        }
    }

    /// The folder that is its root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// How a file of it is called where it is mounted as usual.
    pub fn usual_path(&self, file: &str) -> String {
        format!("{PLACE}/{file}")
    }

    /// A remark on where a file was read, for people; empty as a rule.
    pub fn remark(&self) -> &'static str {
        match self.place {
            Place::Mounted => "",
            Place::Detached(_) => " (in a debugfs of hwgap's own)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trees_of_other_machines_are_read_where_they_stand() {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(host.path().join(PLACE)).unwrap();
        let debugfs = Debugfs::find(&Root::at(host.path()));
        assert_eq!(debugfs.root().path(""), host.path().join(PLACE).join(""));
        assert_eq!(debugfs.remark(), "");
    }

    #[test]
    fn this_machine_has_one_or_lets_none_be_mounted() {
        let debugfs = Debugfs::find(&Root::live());
        let read = debugfs.root().list_dir("");
        match debugfs.place {
            Place::Detached(_) => assert!(!read.unwrap().is_empty()),
            Place::Mounted => println!("mounted, or not to be had: {read:?}"),
        }
    }
}
