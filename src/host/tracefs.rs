//! Where the kernel's tracing files lie: where they are mounted, else in a
//! mount of our own that nobody else sees and that goes with the process.

use crate::sys::detached_mount::DetachedMount;

use super::root::Root;

/// Where distributions mount it; the second only through debugfs.
const PLACES: [&str; 2] = ["sys/kernel/tracing", "sys/kernel/debug/tracing"];

#[derive(Debug)]
pub struct Tracefs {
    root: Root,
    // The files are there as long as the mount is.
    _mount: Option<DetachedMount>,
}

impl Tracefs {
    /// Finds the files below `root`, or mounts them detached.
    ///
    /// # Errors
    /// Why neither worked, for people.
    pub fn open(root: &Root) -> Result<Tracefs, String> {
        for place in PLACES {
            let found = Root::at(root.path(place));
            if found.read_text("available_tracers").is_ok() {
                return Ok(Tracefs {
                    root: found,
                    _mount: None,
                });
            }
        }
        match DetachedMount::new(c"tracefs") {
            Ok(mount) => Ok(Tracefs {
                root: Root::at(mount.path()),
                _mount: Some(mount),
            }),
            Err(error) => Err(format!(
                "tracefs is not readable, and mounting it failed: {error}"
            )),
        }
    }

    /// Files that stand in for the kernel's.
    pub fn at(folder: Root) -> Tracefs {
        Tracefs {
            root: folder,
            _mount: None,
        }
    }

    /// The folder that holds them.
    pub fn root(&self) -> &Root {
        &self.root
    }
}
