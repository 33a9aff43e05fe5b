//! The hand that reads and changes a host: the real one, and in tests one whose
//! files fail on demand.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::cpulist::CpuList;
use crate::host::debugfs::Debugfs;
use crate::host::kernel_fs::{KernelFs, KernelFsKind};
use crate::host::root::Root;
use crate::sys::sched;

use super::change::{Place, Schedule, Tree};
use super::process;

/// The largest value that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// What can be read and changed of a host. Errors are the system's own, so
/// that EPERM, EBUSY and the rest reach whoever has to name them.
pub trait Access {
    /// The text of a file.
    fn read(&self, place: &Place) -> io::Result<String>;
    /// Writes to a file, in one system call. The file must exist.
    fn write(&self, place: &Place, text: &str) -> io::Result<()>;
    /// The names in a folder, sorted.
    fn list(&self, place: &Place) -> io::Result<Vec<String>>;
    /// Makes a folder.
    fn make_folder(&self, place: &Place) -> io::Result<()>;
    /// Removes an empty folder, or one that holds only files of the kernel's.
    fn remove_folder(&self, place: &Place) -> io::Result<()>;
    /// When a process or thread started; `None` where there is none.
    fn start_time(&self, number: u32) -> Option<u64>;
    /// The control group (version 2) of a process, below that hierarchy.
    fn control_group(&self, number: u32) -> Option<String>;
    /// The CPUs of a thread.
    fn affinity(&self, thread: u32) -> io::Result<CpuList>;
    /// Sets the CPUs of a thread.
    fn set_affinity(&self, thread: u32, cpus: &CpuList) -> io::Result<()>;
    /// How a thread is scheduled.
    fn schedule(&self, thread: u32) -> io::Result<Schedule>;
    /// Sets how a thread is scheduled.
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

    /// Its root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The full path. A file system that is mounted nowhere is mounted where
    /// only this process sees it.
    fn path(&self, place: &Place) -> io::Result<PathBuf> {
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
        Ok(tree.path(&place.path))
    }
}

impl Access for LiveAccess {
    fn read(&self, place: &Place) -> io::Result<String> {
        let mut text = Vec::new();
        File::open(self.path(place)?)?
            .take(LARGEST)
            .read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn write(&self, place: &Place, text: &str) -> io::Result<()> {
        let path = self.path(place)?;
        // As a shell's > does, which a few files of tracefs heed.
        let is_live = self.root.is_live();
        let mut file = File::options().write(true).truncate(is_live).open(path)?;
        let mut text = text.to_owned();
        if !is_live {
            // A file of the kernel's has the old value or the new one, whenever
            // this process is killed. So has one of a made-up tree, as long as
            // what is left of a longer value goes in the same write.
            let before = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            let rest = before.min(LARGEST as usize).saturating_sub(text.len());
            text.extend(std::iter::repeat_n('\n', rest));
        }
        match file.write(text.as_bytes())? {
            whole if whole == text.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn list(&self, place: &Place) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = fs::read_dir(self.path(place)?)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn make_folder(&self, place: &Place) -> io::Result<()> {
        fs::create_dir(self.path(place)?)
    }

    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        fs::remove_dir(self.path(place)?)
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
        sched::set_affinity_of(thread, cpus)
    }

    fn schedule(&self, thread: u32) -> io::Result<Schedule> {
        let (policy, priority) = sched::scheduler_of(thread)?;
        Ok(Schedule { policy, priority })
    }

    fn set_schedule(&self, thread: u32, schedule: Schedule) -> io::Result<()> {
        sched::set_scheduler_of(thread, schedule.policy, schedule.priority)
    }
}
