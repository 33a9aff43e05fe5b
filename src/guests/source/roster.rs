//! The guests that are watched, as far as they are known by now.

use std::collections::{HashMap, HashSet};

use super::SourceError;
use crate::guests::find::{self, Folders, FoundGuest, FoundVcpu, Wanted};
use crate::guests::guest_tsc;
use crate::host::debugfs::Debugfs;
use crate::host::root::Root;
use crate::model::absence::GuestFoundBy;
use crate::sys::tsc;
use crate::units::{CpuId, Cycles, Nanos};

/// PROC_PID_INIT_INO (include/linux/proc_ns.h).
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// The guests and their threads.
pub(super) struct Roster {
    root: Root,
    debugfs: Debugfs,
    wanted: Wanted,
    guests: Vec<FoundGuest>,
    /// KVM's folders of the guests of a process.
    folders: HashMap<u32, Folders>,
    threads: HashSet<u32>,
    /// Those of them that [`Roster::take_new`] has not told.
    new: Vec<u32>,
    /// Those of them that have ended.
    ended: HashSet<u32>,
    /// Threads that are none of a wanted guest.
    others: HashSet<u32>,
    /// How long a thread had waited when it was found.
    waited_before: HashMap<u32, Nanos>,
}

impl Roster {
    /// # Errors
    /// Where a guest is wanted that is not there.
    pub(super) fn begin(root: &Root, wanted: &Wanted) -> Result<Roster, SourceError> {
        let mut roster = Roster {
            root: root.clone(),
            debugfs: Debugfs::find(root),
            wanted: wanted.clone(),
            guests: Vec::new(),
            folders: HashMap::new(),
            threads: HashSet::new(),
            new: Vec::new(),
            ended: HashSet::new(),
            others: HashSet::new(),
            waited_before: HashMap::new(),
        };
        let missing = |text: String| Err(SourceError::Missing(text));
        // The kernel's records number threads as the first namespace does.
        let namespace = std::fs::read_link(root.path("proc/self/ns/pid"));
        if namespace.is_ok_and(|own| own.as_os_str() != FIRST_NAMESPACE) {
            return missing(String::from(
                "this is a container with process numbers of its own; run it with the host's \
                 (--pid=host)",
            ));
        }
        roster.look();
        // A name may be a number.
        if let Wanted::Pid(pid) = wanted
            && roster.guests.is_empty()
        {
            roster.wanted = Wanted::Name(pid.to_string());
            roster.look();
            if roster.guests.is_empty() {
                roster.wanted = wanted.clone();
            }
        }
        match wanted {
            Wanted::Name(name) if roster.guests.is_empty() => missing(format!(
                "no guest of KVM is called {name}; name the process of its VMM, or all"
            )),
            Wanted::Pid(pid) if roster.guests.is_empty() => {
                match find::process(root, *pid, GuestFoundBy::Entries) {
                    Some(other) if find::has_guest(root, *pid) == Some(false) => missing(format!(
                        "process {pid} ({}) runs no guest of KVM, and no guest is called {pid}; \
                         name the process of a VMM, or all",
                        other.name
                    )),
                    // Its files are hidden, and its first entry tells.
                    Some(guest) => {
                        roster.guests.push(guest);
                        Ok(roster)
                    }
                    None => missing(format!(
                        "there is no process {pid}, and no guest is called {pid}"
                    )),
                }
            }
            _ => Ok(roster),
        }
    }

    pub(super) fn guests(&self) -> &[FoundGuest] {
        &self.guests
    }

    pub(super) fn has(&self, tid: u32) -> bool {
        self.threads.contains(&tid)
    }

    /// The processes whose threads are wanted.
    pub(super) fn processes(&self) -> impl Iterator<Item = u32> {
        self.guests.iter().map(|guest| guest.pid)
    }

    /// The threads of vCPUs that have not ended.
    pub(super) fn threads(&self) -> impl Iterator<Item = u32> {
        self.threads.difference(&self.ended).copied()
    }

    /// Looks for new guests and vCPUs, and at those that are known. Which threads
    /// have ended since the last look: their numbers may become others'.
    pub(super) fn look(&mut self) -> Vec<u32> {
        let files = self.debugfs.root().clone();
        for (guest, folders) in find::find(&self.root, &files, &self.wanted) {
            if !folders.is_empty() {
                self.folders.insert(guest.pid, folders);
            }
            let vcpus = guest.vcpus.clone();
            if !self.guests.iter().any(|known| known.pid == guest.pid) {
                let vcpus = Vec::new();
                self.guests.push(FoundGuest { vcpus, ..guest });
            }
            for vcpu in vcpus {
                self.add(guest.pid, vcpu);
            }
        }
        self.guests.sort_by_key(|guest| guest.pid);
        let now = Cycles(tsc::read());
        let mut ended = Vec::new();
        for guest in &mut self.guests {
            let folders = self.folders.get(&guest.pid).map_or(&[][..], Vec::as_slice);
            for vcpu in &mut guest.vcpus {
                match find::waited(&self.root, guest.pid, vcpu.tid) {
                    Some(total) => {
                        let before = *self.waited_before.entry(vcpu.tid).or_insert(total);
                        vcpu.waited = Some(total.saturating_sub(before));
                    }
                    None if find::process_of(&self.root, vcpu.tid) != Some(guest.pid) => {
                        if self.ended.insert(vcpu.tid) {
                            ended.push(vcpu.tid);
                        }
                        continue;
                    }
                    None => {}
                }
                find::look_again(&self.root, guest.pid, vcpu);
                if let (None, [only]) = (&vcpu.folder, folders) {
                    vcpu.folder = Some(format!("{only}/vcpu{}", vcpu.index));
                }
                match &vcpu.folder {
                    Some(place) => {
                        guest_tsc::note(&mut vcpu.tsc, guest_tsc::read(&files, place, now));
                    }
                    None if folders.len() > 1 => {
                        vcpu.tsc = Err(format!(
                            "process {} runs {} guests, and this kernel does not say whose vCPU a \
                             thread is",
                            guest.pid,
                            folders.len()
                        ));
                    }
                    None => {}
                }
            }
        }
        self.others.clear();
        ended
    }

    /// A thread has entered or left a guest.
    pub(super) fn learn(&mut self, tid: u32, vcpu: Option<u32>) {
        if self.threads.contains(&tid) || self.others.contains(&tid) {
            return;
        }
        // Its number is known at its next exit.
        let Some(index) = vcpu else { return };
        let pid = find::process_of(&self.root, tid);
        let known = |guest: &FoundGuest| Some(guest.pid) == pid;
        if !self.guests.iter().any(known) {
            let new = pid.filter(|_| self.wanted == Wanted::All);
            match new.and_then(|pid| find::process(&self.root, pid, GuestFoundBy::Entries)) {
                Some(guest) => self.guests.push(guest),
                None => {
                    self.others.insert(tid);
                    return;
                }
            }
        }
        if let Some(pid) = pid {
            self.add(pid, find::vcpu(&self.root, pid, tid, index));
        }
    }

    /// Threads that are new since the last call, with the CPU of each and whether it
    /// is stopped now.
    pub(super) fn take_new(&mut self) -> Vec<(u32, CpuId, bool)> {
        let new = std::mem::take(&mut self.new).into_iter();
        new.map(|tid| {
            let (cpu, is_stopped) = find::state(&self.root, tid);
            (tid, cpu, is_stopped)
        })
        .collect()
    }

    /// A thread is one vCPU, whatever else would have it.
    fn add(&mut self, pid: u32, vcpu: FoundVcpu) {
        let Some(guest) = self.guests.iter_mut().find(|guest| guest.pid == pid) else {
            return;
        };
        if let Some(known) = guest.vcpus.iter_mut().find(|one| one.tid == vcpu.tid) {
            known.folder = known.folder.take().or(vcpu.folder);
        } else if self.threads.insert(vcpu.tid) {
            self.new.push(vcpu.tid);
            guest.vcpus.push(vcpu);
            guest.vcpus.sort_by_key(|vcpu| (vcpu.index, vcpu.tid));
        }
    }
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

    #[test]
    fn a_number_that_is_no_guests_is_refused_and_may_be_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        for (pid, name) in [(1, "systemd"), (100, "7")] {
            put(
                &root,
                &format!("proc/{pid}/status"),
                &format!("Tgid:\t{pid}\n"),
            );
            put(&root, &format!("proc/{pid}/comm"), &format!("{name}\n"));
            fs::create_dir_all(root.path(&format!("proc/{pid}/fd"))).unwrap();
        }
        let link = root.path("proc/100/fd/9");
        std::os::unix::fs::symlink("anon_inode:kvm-vm", link).unwrap();
        let begin = |pid| Roster::begin(&root, &Wanted::Pid(pid));
        let told = begin(1).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("process 1 (systemd) runs no guest"), "{told}");
        let pids = |roster: Roster| roster.processes().collect::<Vec<_>>();
        assert_eq!(pids(begin(7).unwrap()), [100]);
        assert_eq!(pids(begin(100).unwrap()), [100]);
    }

    /// As kernels do it that do not name the threads of vCPUs.
    #[test]
    fn a_thread_is_one_vcpu_where_a_process_has_two_guests() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        put(&root, "proc/100/status", "Tgid:\t100\n");
        put(&root, "proc/100/comm", "vmm\n");
        put(&root, "proc/100/task/102/comm", "vcpu0\n");
        put(&root, "proc/100/task/102/schedstat", "1 1000 1\n");
        for vm in ["100-9", "100-12"] {
            let offset = format!("sys/kernel/debug/kvm/{vm}/vcpu0/tsc-offset");
            put(&root, &offset, "-7\n");
        }
        let mut roster = Roster::begin(&root, &Wanted::All).unwrap();
        roster.look();
        assert_eq!(roster.guests().len(), 1);
        let [vcpu] = &roster.guests()[0].vcpus[..] else {
            panic!("{:?}", roster.guests());
        };
        let reason = vcpu.tsc.as_ref().unwrap_err();
        assert!(reason.contains("runs 2 guests"), "{reason}");
        let new = roster.take_new();
        assert_eq!(new, [(102, CpuId(0), false)]);
        assert!(roster.take_new().is_empty());
    }

    #[test]
    fn guests_are_learnt_from_entries_and_their_clocks_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(folder.path());
        for (tid, pid) in [(100, 100), (102, 100), (300, 300)] {
            put(
                &root,
                &format!("proc/{tid}/status"),
                &format!("Tgid:\t{pid}\n"),
            );
            put(&root, &format!("proc/{pid}/comm"), "firecracker\n");
            let schedstat = format!("proc/{pid}/task/{tid}/schedstat");
            put(&root, &schedstat, "1 1000 1\n");
        }
        let offset = "sys/kernel/debug/kvm/100-9/vcpu0/tsc-offset";
        put(&root, offset, "-7\n");
        assert!(Roster::begin(&root, &Wanted::Name("web".into())).is_err());
        assert!(Roster::begin(&root, &Wanted::Pid(999)).is_err());
        let mut one = Roster::begin(&root, &Wanted::Pid(100)).unwrap();
        let mut all = Roster::begin(&root, &Wanted::All).unwrap();
        for roster in [&mut one, &mut all] {
            roster.learn(102, None);
            assert!(!roster.has(102));
            roster.learn(102, Some(0));
            roster.learn(300, Some(0));
            roster.look();
            put(&root, "proc/100/task/102/schedstat", "1 1500 1\n");
            put(&root, offset, "-9\n");
            assert!(roster.look().is_empty());
            put(&root, offset, "-7\n");
            let vcpu = &roster.guests()[0].vcpus[0];
            assert!(vcpu.waited.is_some());
            let lines = vcpu.tsc.as_ref().unwrap();
            let offsets: Vec<_> = lines.iter().map(|line| line.offset.as_str()).collect();
            assert_eq!(offsets, ["-7", "-9"]);
        }
        assert!(one.has(102) && !one.has(300) && all.has(300));
        assert_eq!(all.guests()[1].found_by, GuestFoundBy::Entries);
        assert_eq!(one.guests()[0].vcpus[0].waited, Some(Nanos(500)));
        fs::remove_dir_all(root.path("proc/102")).unwrap();
        fs::remove_dir_all(root.path("proc/100/task")).unwrap();
        assert_eq!(one.look(), [102]);
        assert!(one.look().is_empty());
        assert_eq!(one.threads().count(), 0);
    }
}
