//! The guests of this host, and the threads that are their vCPUs.

use std::collections::BTreeMap;

use crate::host::root::Root;
use crate::host::text::clean;
use crate::model::absence::{GuestFoundBy, GuestTsc};
use crate::units::{CpuId, Nanos};

/// Names are as long as whoever starts a guest makes them.
const LONGEST_NAME: usize = 80;

/// Which guests are to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of the host.
    All,
    /// The one whose VMM is this process.
    Pid(u32),
    /// Those of this name: QEMU's `-name`, or that of the VMM's process.
    Name(String),
}

impl Wanted {
    /// By what was given for it.
    ///
    /// # Errors
    /// Where that is nothing.
    pub fn parse(text: &str) -> Result<Wanted, String> {
        match (text, text.parse::<u32>()) {
            ("", _) => Err(String::from(
                "--guest is empty; give the process of a VMM, the name of a guest, or all",
            )),
            ("all", _) => Ok(Wanted::All),
            (_, Ok(pid)) if pid.to_string() == text => Ok(Wanted::Pid(pid)),
            (name, _) => Ok(Wanted::Name(name.to_owned())),
        }
    }

    fn is(&self, guest: &FoundGuest) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Pid(pid) => guest.pid == *pid,
            Wanted::Name(name) => guest.name == *name,
        }
    }
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundGuest {
    /// The process of its VMM.
    pub pid: u32,
    /// QEMU's `-name`, or the name of the process.
    pub name: String,
    /// The VMM's program.
    pub vmm: Option<String>,
    /// How it was found.
    pub found_by: GuestFoundBy,
    /// Its vCPUs whose thread is known, by index.
    pub vcpus: Vec<FoundVcpu>,
}

/// A vCPU and its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVcpu {
    /// Its number for KVM.
    pub index: u32,
    /// Its thread.
    pub tid: u32,
    /// KVM's folder of it below debugfs, where it is known which is its own.
    pub folder: Option<String>,
    /// The thread's name.
    pub thread: Option<String>,
    /// Where it may run, as a list such as `2-3`.
    pub affinity: Option<String>,
    /// Its policy and priority, such as `SCHED_FIFO 1`.
    pub scheduling: Option<String>,
    /// How long it was ready and did not run since it was found.
    pub waited: Option<Nanos>,
    /// The guest's TSC by the host's, or why it is not known. `seen_cycles` are the
    /// host's TSC itself, not yet since an origin.
    pub tsc: Result<Vec<GuestTsc>, String>,
}

/// KVM's folders below debugfs of the guests of a process.
pub(super) type Folders = Vec<String>;

/// The processes that run guests now, with the threads of the vCPUs of all of a
/// process: by KVM's folders in debugfs, else by open files.
pub(super) fn find(root: &Root, debugfs: &Root, wanted: &Wanted) -> Vec<(FoundGuest, Folders)> {
    let mut processes: BTreeMap<u32, Folders> = BTreeMap::new();
    let folders: Vec<(u32, String)> = (debugfs.list_dir("kvm").unwrap_or_default().iter())
        // PID-FD, of the thread that made it.
        .filter_map(|name| {
            let thread: u32 = name.split_once('-')?.0.parse().ok()?;
            let pid = status(root, thread, "Tgid")?.parse().ok()?;
            Some((pid, format!("kvm/{name}")))
        })
        .collect();
    for (pid, folder) in folders {
        processes.entry(pid).or_default().push(folder);
    }
    if processes.is_empty() {
        let pids = numbers(root, "proc").into_iter();
        let those = pids.filter(|&pid| has_guest(root, pid) == Some(true));
        processes = those.map(|pid| (pid, Folders::new())).collect();
    }
    processes
        .into_iter()
        .filter_map(|(pid, folders)| {
            let mut guest = process(root, pid, GuestFoundBy::OpenFiles)?;
            guest.vcpus = vcpus(root, debugfs, pid, &folders);
            Some((guest, folders))
        })
        .filter(|(guest, _)| wanted.is(guest))
        .collect()
}

/// A guest by the process of its VMM, without its vCPUs; `None` where that has
/// ended.
pub(super) fn process(root: &Root, pid: u32, found_by: GuestFoundBy) -> Option<FoundGuest> {
    let comm = label(root, &format!("proc/{pid}/comm"))?;
    let exe = std::fs::read_link(root.path(&format!("proc/{pid}/exe"))).ok();
    let vmm = exe.and_then(|path| Some(clean(path.file_name()?.to_str()?, LONGEST_NAME)));
    let arguments = root.read_text(&format!("proc/{pid}/cmdline")).ok();
    Some(FoundGuest {
        pid,
        name: arguments
            .and_then(|text| given_name(&text))
            .unwrap_or_else(|| comm.clone()),
        vmm: vmm.or(Some(comm)),
        found_by,
        vcpus: Vec::new(),
    })
}

/// Whether a process has an open file of a guest; `None` where that is hidden.
pub(super) fn has_guest(root: &Root, pid: u32) -> Option<bool> {
    let folder = format!("proc/{pid}/fd");
    let files = root.list_dir(&folder).ok()?;
    Some(files.iter().any(|file| {
        std::fs::read_link(root.path(&format!("{folder}/{file}")))
            .is_ok_and(|to| to.to_string_lossy().starts_with("anon_inode:kvm-vm"))
    }))
}

/// A vCPU by its thread.
pub(super) fn vcpu(root: &Root, pid: u32, tid: u32, index: u32) -> FoundVcpu {
    let mut vcpu = FoundVcpu {
        index,
        tid,
        folder: None,
        thread: label(root, &format!("proc/{pid}/task/{tid}/comm")),
        affinity: None,
        scheduling: None,
        waited: None,
        tsc: Err(String::from(
            "KVM's folder of this guest in debugfs was not found",
        )),
    };
    look_again(root, pid, &mut vcpu);
    vcpu
}

/// What the scheduler may do with its thread now.
pub(super) fn look_again(root: &Root, pid: u32, vcpu: &mut FoundVcpu) {
    let affinity = status(root, vcpu.tid, "Cpus_allowed_list").map(|list| clean(&list, 200));
    let stat = root.read_text(&format!("proc/{pid}/task/{}/stat", vcpu.tid));
    vcpu.affinity = affinity.or(vcpu.affinity.take());
    vcpu.scheduling = (stat.ok())
        .and_then(|stat| scheduling(&stat))
        .or(vcpu.scheduling.take());
}

/// How long a thread was ready and did not run, since it began
/// (Documentation/scheduler/sched-stats.rst).
pub(super) fn waited(root: &Root, pid: u32, tid: u32) -> Option<Nanos> {
    let text = root.read_text(&format!("proc/{pid}/task/{tid}/schedstat"));
    text.ok()?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
        .map(Nanos)
}

/// The CPU on which a thread was last, and whether it is stopped or traced (fields
/// 39 and 3 of proc(5), /proc/PID/stat).
pub(super) fn state(root: &Root, tid: u32) -> (CpuId, bool) {
    let stat = root.read_text(&format!("proc/{tid}/stat"));
    let stat = stat.unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut fields = fields.split_ascii_whitespace();
    let is_stopped = matches!(fields.next(), Some("T" | "t"));
    let cpu = fields.nth(35).and_then(|field| field.parse().ok());
    (CpuId(cpu.unwrap_or(0)), is_stopped)
}

/// The process of a thread.
pub(super) fn process_of(root: &Root, thread: u32) -> Option<u32> {
    status(root, thread, "Tgid")?.parse().ok()
}

fn vcpus(root: &Root, debugfs: &Root, pid: u32, folders: &[String]) -> Vec<FoundVcpu> {
    let mut threads: Vec<(u32, u32, Option<String>)> = Vec::new();
    // Newer kernels name the thread.
    for folder in folders {
        for name in debugfs.list_dir(folder).unwrap_or_default() {
            let thread = debugfs.read_number(&format!("{folder}/{name}/pid"));
            if let Some(index) = name.strip_prefix("vcpu").and_then(|text| text.parse().ok())
                && let Ok(tid) = thread
            {
                threads.push((index, tid, Some(format!("{folder}/{name}"))));
            }
        }
    }
    if threads.is_empty() {
        threads = numbers(root, &format!("proc/{pid}/task"))
            .into_iter()
            .filter_map(|tid| {
                let comm = label(root, &format!("proc/{pid}/task/{tid}/comm"))?;
                let index = index_in(&comm)?;
                let of_only = |folder: &String| format!("{folder}/vcpu{index}");
                let only = folders.first().filter(|_| folders.len() == 1).map(of_only);
                Some((index, tid, only))
            })
            .collect();
    }
    threads.sort_unstable();
    // Of one number by one guest there is one; those of several guests stay.
    if folders.len() < 2 {
        threads.dedup_by_key(|thread| thread.0);
    }
    threads
        .into_iter()
        .map(|(index, tid, folder)| FoundVcpu {
            folder,
            ..vcpu(root, pid, tid, index)
        })
        .collect()
}

/// The number in a thread's name such as `CPU 0/KVM` (QEMU), `fc_vcpu 0`
/// (Firecracker), `vcpu0` (Cloud Hypervisor) or `crosvm_vcpu0`.
fn index_in(name: &str) -> Option<u32> {
    let lower = name.to_ascii_lowercase();
    let rest = lower.split_once("cpu")?.1.trim_start_matches([' ', '_']);
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// QEMU's `-name NAME` or `-name guest=NAME,…`.
fn given_name(arguments: &str) -> Option<String> {
    let mut arguments = arguments.split('\0');
    arguments.find(|argument| ["-name", "--name"].contains(argument))?;
    let value = arguments.next()?;
    let first = value.split(',').next()?;
    let guest = (value.split(',')).find_map(|part| part.strip_prefix("guest="));
    let name = clean(guest.unwrap_or(first), LONGEST_NAME);
    (!name.is_empty()).then_some(name)
}

/// Policy and priority by fields 40 and 41 of proc(5), /proc/PID/stat.
fn scheduling(stat: &str) -> Option<String> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(37);
    let priority: u32 = fields.next()?.parse().ok()?;
    let policy: i32 = fields.next()?.parse().ok()?;
    Some(match policy {
        libc::SCHED_OTHER => String::from("SCHED_OTHER"),
        libc::SCHED_FIFO => format!("SCHED_FIFO {priority}"),
        libc::SCHED_RR => format!("SCHED_RR {priority}"),
        libc::SCHED_BATCH => String::from("SCHED_BATCH"),
        libc::SCHED_IDLE => String::from("SCHED_IDLE"),
        libc::SCHED_DEADLINE => String::from("SCHED_DEADLINE"),
        other => format!("policy {other}"),
    })
}

fn status(root: &Root, thread: u32, field: &str) -> Option<String> {
    let text = root.read_text(&format!("proc/{thread}/status")).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    Some(fields.find(|(key, _)| *key == field)?.1.trim().to_owned())
}

fn label(root: &Root, file: &str) -> Option<String> {
    root.read_label(file, LONGEST_NAME).ok()
}

fn numbers(root: &Root, folder: &str) -> Vec<u32> {
    let names = root.list_dir(folder).unwrap_or_default();
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(root: &Root, file: &str, text: &str) {
        let path = root.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A host with QEMU as process 100, whose vCPUs are threads 102 and 103.
    fn host(folder: &std::path::Path) -> Root {
        let root = Root::at(folder);
        put(&root, "proc/100/comm", "qemu-system-x86\n");
        put(
            &root,
            "proc/100/cmdline",
            "qemu\0-name\0guest=web,debug-threads=on\0-m\x001",
        );
        for (tid, comm) in [
            (100, "qemu-system-x86"),
            (102, "CPU 0/KVM"),
            (103, "CPU 1/KVM"),
        ] {
            put(&root, &format!("proc/100/task/{tid}/comm"), comm);
            let status = "Name:\tx\nTgid:\t100\nCpus_allowed_list:\t2-3\n";
            put(&root, &format!("proc/{tid}/status"), status);
            let mut fields = vec!["0"; 50];
            (fields[37], fields[38]) = ("7", "1");
            let stat = format!("{tid} (a) b) {}", fields.join(" "));
            put(&root, &format!("proc/100/task/{tid}/stat"), &stat);
        }
        put(&root, "proc/100/task/102/schedstat", "5 123456 9\n");
        root
    }

    #[test]
    fn a_guest_is_found_by_its_open_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = host(folder.path());
        let debugfs = Root::at(folder.path().join("none"));
        assert!(find(&root, &debugfs, &Wanted::All).is_empty());
        fs::create_dir_all(root.path("proc/100/fd")).unwrap();
        let link = root.path("proc/100/fd/9");
        std::os::unix::fs::symlink("anon_inode:kvm-vm", link).unwrap();
        let found = find(&root, &debugfs, &Wanted::Name("web".into()));
        let guest = &found[0].0;
        assert_eq!((guest.pid, guest.name.as_str()), (100, "web"));
        let vcpus: Vec<_> = guest.vcpus.iter().map(|one| (one.index, one.tid)).collect();
        assert_eq!(vcpus, [(0, 102), (1, 103)]);
        assert_eq!(guest.vcpus[0].affinity.as_deref(), Some("2-3"));
        assert_eq!(guest.vcpus[0].scheduling.as_deref(), Some("SCHED_FIFO 7"));
        assert_eq!(waited(&root, 100, 102), Some(Nanos(123_456)));
        for other in [Wanted::Pid(7), Wanted::Name("qemu-system-x86".into())] {
            assert!(find(&root, &debugfs, &other).is_empty());
        }
    }

    #[test]
    fn debugfs_tells_guests_and_threads() {
        let folder = tempfile::tempdir().unwrap();
        let root = host(folder.path());
        let debugfs = Root::at(folder.path().join("debug"));
        // Made by another thread than the main one.
        put(&debugfs, "kvm/102-9/vcpu4/pid", "103\n");
        put(&debugfs, "kvm/exits", "12\n");
        let found = find(&root, &debugfs, &Wanted::Pid(100));
        let (guest, places) = &found[0];
        assert_eq!(places[..], ["kvm/102-9"]);
        assert_eq!((guest.vcpus[0].index, guest.vcpus[0].tid), (4, 103));
        // A second guest of the process has its own vCPUs and clocks.
        put(&debugfs, "kvm/100-12/vcpu4/pid", "102\n");
        let found = find(&root, &debugfs, &Wanted::All);
        assert_eq!(found.len(), 1);
        let vcpus: Vec<_> = (found[0].0.vcpus.iter())
            .map(|one| (one.index, one.tid, one.folder.as_deref().unwrap()))
            .collect();
        let expected = [(4, 102, "kvm/100-12/vcpu4"), (4, 103, "kvm/102-9/vcpu4")];
        assert_eq!(vcpus, expected);
        // An older kernel does not say whose a thread is.
        for place in ["kvm/102-9/vcpu4/pid", "kvm/100-12/vcpu4/pid"] {
            fs::remove_file(debugfs.path(place)).unwrap();
        }
        let found = find(&root, &debugfs, &Wanted::All);
        let vcpus = found[0].0.vcpus.iter();
        let vcpus: Vec<_> = vcpus.map(|one| (one.tid, &one.folder)).collect();
        assert_eq!(vcpus, [(102, &None), (103, &None)]);
    }

    #[test]
    fn a_guest_is_named_by_number_name_or_not_at_all() {
        assert!(Wanted::parse("").is_err());
        assert_eq!(Wanted::parse("all"), Ok(Wanted::All));
        assert_eq!(Wanted::parse("41"), Ok(Wanted::Pid(41)));
        for name in ["041", "web", "99999999999"] {
            assert_eq!(Wanted::parse(name), Ok(Wanted::Name(name.into())));
        }
    }

    #[test]
    fn the_state_of_a_thread_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        let mut fields = vec!["0"; 50];
        fields[36] = "3";
        for (state, is_stopped) in [("T", true), ("t", true), ("R", false), ("S", false)] {
            fields[0] = state;
            put(
                &root,
                "proc/7/stat",
                &format!("7 (a) b) {}", fields.join(" ")),
            );
            assert_eq!(super::state(&root, 7), (CpuId(3), is_stopped));
        }
        assert_eq!(super::state(&root, 8), (CpuId(0), false));
    }

    #[test]
    fn names_of_threads_tell_the_index() {
        for (name, index) in [
            ("CPU 12/KVM", Some(12)),
            ("fc_vcpu 0", Some(0)),
            ("vcpu3", Some(3)),
            ("crosvm_vcpu1", Some(1)),
            ("IO mon_iothread", None),
            ("cpu", None),
        ] {
            assert_eq!(index_in(name), index, "{name}");
        }
    }
}
