//! The hand that reads and changes a host: the real one, and in tests one whose
//! files fail on demand.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, Dir, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::host::debugfs::Debugfs;
use crate::host::kernel_fs::{KernelFs, KernelFsKind};
use crate::host::root::Root;
use crate::privileges::with_own_rights;
use crate::sys::sched;
use crate::units::cpulist::CpuList;

use super::change::{Place, Schedule, Tree};
use super::process;

/// The largest value that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// What can be read and changed of a host. Errors are the system's own, so
/// that EPERM, EBUSY and the rest reach whoever has to name them.
pub trait Access {
    fn read(&self, place: &Place) -> io::Result<String>;
    /// Writes to a file, in one system call. The file must exist.
    fn write(&self, place: &Place, text: &str) -> io::Result<()>;
    fn list(&self, place: &Place) -> io::Result<Vec<String>>;
    fn make_folder(&self, place: &Place) -> io::Result<()>;
    /// Removes an empty folder, or one that holds only files of the kernel's.
    fn remove_folder(&self, place: &Place) -> io::Result<()>;
    /// When a process or thread started; `None` where there is none.
    fn start_time(&self, number: u32) -> Option<u64>;
    /// The control group (version 2) of a process, below that hierarchy.
    fn control_group(&self, number: u32) -> Option<String>;
    fn affinity(&self, thread: u32) -> io::Result<CpuList>;
    fn set_affinity(&self, thread: u32, cpus: &CpuList) -> io::Result<()>;
    fn schedule(&self, thread: u32) -> io::Result<Schedule>;
    fn set_schedule(&self, thread: u32, schedule: Schedule) -> io::Result<()>;
}

/// The host below a root.
pub struct LiveAccess {
    root: Root,
    debugfs: OnceCell<Debugfs>,
    tracefs: OnceCell<KernelFs>,
}

impl LiveAccess {
    /// The host below this root.
    pub fn new(root: Root) -> LiveAccess {
        LiveAccess {
            root,
            debugfs: OnceCell::new(),
            tracefs: OnceCell::new(),
        }
    }

    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The root of a tree, open. A file system that is mounted nowhere is
    /// mounted where only this process sees it.
    fn tree(&self, place: &Place) -> io::Result<OwnedFd> {
        let tree = match place.tree {
            Tree::Root => &self.root,
            Tree::Debugfs => self
                .debugfs
                .get_or_init(|| Debugfs::find(&self.root))
                .root_for(&place.path)
                .map_err(|_| {
                    let words = "the kernel is locked down";
                    io::Error::new(io::ErrorKind::PermissionDenied, words)
                })?,
            Tree::Tracefs => self
                .tracefs
                .get_or_init(|| KernelFs::find(&self.root, KernelFsKind::Tracefs))
                .root(),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(fs::openat(CWD, tree.path(""), flags, Mode::empty())?)
    }

    /// Opens a file or folder. The kernel's own links are followed; not those
    /// that lead into what a process has open.
    fn open(&self, place: &Place, flags: OFlags) -> io::Result<File> {
        let tree = self.tree(place)?;
        let flags = flags | OFlags::CLOEXEC;
        let opened = match fs::openat2(
            &tree,
            &*place.path,
            flags,
            Mode::empty(),
            ResolveFlags::NO_MAGICLINKS,
        ) {
            // Before 5.6. What a journal may name has no such link in it.
            Err(Errno::NOSYS) => fs::openat(&tree, &*place.path, flags, Mode::empty()),
            opened => opened,
        };
        Ok(File::from(opened?))
    }

    fn above(&self, place: &Place) -> io::Result<(File, OsString)> {
        let path = Path::new(&place.path);
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = Place {
            tree: place.tree,
            path: match path.parent().and_then(Path::to_str) {
                Some("") | None => String::from("."),
                Some(above) => above.to_owned(),
            },
        };
        let folder = self.open(&folder, OFlags::PATH | OFlags::DIRECTORY)?;
        Ok((folder, name.to_owned()))
    }
}

impl Access for LiveAccess {
    fn read(&self, place: &Place) -> io::Result<String> {
        let mut text = Vec::new();
        self.open(place, OFlags::RDONLY)?
            .take(LARGEST)
            .read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn write(&self, place: &Place, text: &str) -> io::Result<()> {
        with_own_rights(|| {
            // As a shell's > does, which a few files of tracefs heed.
            let is_live = self.root.is_live();
            let flags = match is_live {
                true => OFlags::WRONLY | OFlags::TRUNC,
                false => OFlags::WRONLY,
            };
            let mut file = self.open(place, flags)?;
            let mut text = text.to_owned();
            if !is_live {
                // A file of the kernel's has the old value or the new one,
                // whenever this process is killed. So has one of a made-up
                // tree, as long as what is left of a longer value goes in the
                // same write.
                let before = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
                let rest = before.min(LARGEST as usize).saturating_sub(text.len());
                text.extend(std::iter::repeat_n('\n', rest));
            }
            match file.write(text.as_bytes())? {
                whole if whole == text.len() => Ok(()),
                _ => Err(io::ErrorKind::WriteZero.into()),
            }
        })
    }

    fn list(&self, place: &Place) -> io::Result<Vec<String>> {
        let folder = self.open(place, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names: Vec<String> = Dir::read_from(&folder)?
            .filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned))
            .filter(|name| name != "." && name != "..")
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn make_folder(&self, place: &Place) -> io::Result<()> {
        with_own_rights(|| {
            let (folder, name) = self.above(place)?;
            Ok(fs::mkdirat(folder, name, Mode::from_raw_mode(0o777))?)
        })
    }

    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        with_own_rights(|| {
            let (folder, name) = self.above(place)?;
            Ok(fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
        })
    }

    fn start_time(&self, number: u32) -> Option<u64> {
        process::start_time(&self.root, number)
    }

    fn control_group(&self, number: u32) -> Option<String> {
        process::control_group(&self.root, number)
    }

    fn affinity(&self, thread: u32) -> io::Result<CpuList> {
        sched::affinity_of(thread)
    }

    fn set_affinity(&self, thread: u32, cpus: &CpuList) -> io::Result<()> {
        with_own_rights(|| sched::set_affinity_of(thread, cpus))
    }

    fn schedule(&self, thread: u32) -> io::Result<Schedule> {
        let (policy, priority) = sched::scheduler_of(thread)?;
        Ok(Schedule { policy, priority })
    }

    fn set_schedule(&self, thread: u32, schedule: Schedule) -> io::Result<()> {
        with_own_rights(|| sched::set_scheduler_of(thread, schedule.policy, schedule.priority))
    }
}
