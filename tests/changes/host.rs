//! A made-up host whose files fail on demand.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hwgap::changes::{Access, Changes, Guard, LiveAccess, Place, Schedule};
use hwgap::host::root::Root;
use hwgap::units::cpulist::CpuList;

pub const INTERVAL: &str = "proc/sys/vm/stat_interval";
pub const MASK: &str = "sys/devices/virtual/workqueue/cpumask";
pub const HUGE: &str = "sys/kernel/mm/transparent_hugepage/enabled";

/// The tree, and a folder for the journal.
pub struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    pub fn new() -> Host {
        let host = Host {
            folder: tempfile::tempdir().unwrap(),
        };
        for (file, text) in [
            (INTERVAL, "1\n"),
            (MASK, "3\n"),
            (HUGE, "[always] madvise never\n"),
            ("proc/sys/kernel/random/boot_id", "one-boot\n"),
        ] {
            host.write(file, text);
        }
        fs::create_dir_all(host.path("sys/fs/cgroup")).unwrap();
        host
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("root").join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file))
            .unwrap()
            .trim()
            .to_owned()
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    pub fn journal_file(&self) -> PathBuf {
        self.journal().join("changes.journal")
    }

    pub fn access(&self) -> Faulty {
        Faulty {
            real: LiveAccess::new(Root::at(self.path(""))),
            faults: RefCell::default(),
        }
    }

    pub fn begin(&self) -> Changes<Faulty> {
        self.try_begin().unwrap()
    }

    pub fn try_begin(&self) -> Result<Changes<Faulty>, hwgap::changes::JournalError> {
        begin_in(self.access(), &self.journal())
    }
}

fn begin_in(
    access: Faulty,
    folder: &Path,
) -> Result<Changes<Faulty>, hwgap::changes::JournalError> {
    Changes::begin(access, folder, String::from("now"), &Guard::Absent)
}

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Read,
    Write,
    Remove,
}

/// A host whose files fail on demand.
pub struct Faulty {
    real: LiveAccess,
    faults: RefCell<HashMap<(Operation, String), (i32, u32)>>,
}

impl Faulty {
    /// From now on this fails with this error, so many times.
    pub fn fail(&self, operation: Operation, file: &str, errno: i32, times: u32) {
        let mut faults = self.faults.borrow_mut();
        faults.insert((operation, file.to_owned()), (errno, times));
    }

    fn check(&self, operation: Operation, place: &Place) -> io::Result<()> {
        let mut faults = self.faults.borrow_mut();
        match faults.get_mut(&(operation, place.path.clone())) {
            Some((errno, left)) if *left > 0 => {
                *left -= 1;
                Err(io::Error::from_raw_os_error(*errno))
            }
            _ => Ok(()),
        }
    }
}

impl Access for Faulty {
    fn read(&self, place: &Place) -> io::Result<String> {
        self.check(Operation::Read, place)?;
        self.real.read(place)
    }

    fn write(&self, place: &Place, text: &str) -> io::Result<()> {
        self.check(Operation::Write, place)?;
        self.real.write(place, text)
    }

    fn list(&self, place: &Place) -> io::Result<Vec<String>> {
        self.real.list(place)
    }

    fn make_folder(&self, place: &Place) -> io::Result<()> {
        self.real.make_folder(place)
    }

    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        self.check(Operation::Remove, place)?;
        self.real.remove_folder(place)
    }

    fn start_time(&self, number: u32) -> Option<u64> {
        self.real.start_time(number)
    }

    fn control_group(&self, number: u32) -> Option<String> {
        self.real.control_group(number)
    }

    fn affinity(&self, thread: u32) -> io::Result<CpuList> {
        self.real.affinity(thread)
    }

    fn set_affinity(&self, thread: u32, cpus: &CpuList) -> io::Result<()> {
        self.real.set_affinity(thread, cpus)
    }

    fn schedule(&self, thread: u32) -> io::Result<Schedule> {
        self.real.schedule(thread)
    }

    fn set_schedule(&self, thread: u32, schedule: Schedule) -> io::Result<()> {
        self.real.set_schedule(thread, schedule)
    }
}
