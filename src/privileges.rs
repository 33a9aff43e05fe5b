//! Rights that a run needs to get going and not to go on. Once all files,
//! counters and threads are there, every thread gives them up: a defect in what
//! runs for days is then no way to the machine.

use std::collections::HashSet;
use std::ffi::CString;
use std::io;

use caps::{CapSet, Capability};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, User, initgroups, setgid, setgroups, setuid};

use crate::model::Privileges;

/// What is kept while a run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    All(&'static str),
    /// These, where they are there.
    Only(HashSet<Capability>),
}

/// What a run writes while it goes on and at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Nothing but standard output.
    Nothing,
    /// Files, which may lie in folders of other users.
    Files,
}

impl Keep {
    /// For a run whose threads and counters are all there before it samples.
    pub fn least(writes: Writes) -> Keep {
        let mut kept = HashSet::new();
        if writes == Writes::Files {
            // A report is made anew in its folder, with the group and the mode
            // of the one before.
            kept.extend([
                Capability::CAP_DAC_OVERRIDE,
                Capability::CAP_CHOWN,
                Capability::CAP_FOWNER,
            ]);
        }
        if lift_memory_limit().is_err() {
            // What is allocated later is locked too (mlockall(2)), and fails at
            // the limit.
            kept.insert(Capability::CAP_IPC_LOCK);
        }
        Keep::Only(kept)
    }

    /// The same and these.
    pub fn and(&self, more: &[Capability]) -> Keep {
        match self {
            Keep::All(reason) => Keep::All(reason),
            Keep::Only(kept) => Keep::Only(kept.iter().chain(more).copied().collect()),
        }
    }

    /// Gives up the rest on the calling thread; capabilities(7) belong to
    /// threads.
    pub fn apply(&self) -> Privileges {
        let kept = match self {
            Keep::All(reason) => {
                return Privileges {
                    kept: names(&held()),
                    dropped: Vec::new(),
                    reason: Some((*reason).to_owned()),
                };
            }
            Keep::Only(kept) => kept,
        };
        let before = held();
        let after: HashSet<Capability> = before.intersection(kept).copied().collect();
        // Inheritable first: programs that are started get nothing either.
        let result = [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted]
            .into_iter()
            .try_for_each(|set| {
                let now = caps::read(None, set)?;
                caps::set(None, set, &now.intersection(&after).copied().collect())
            });
        let now = held();
        Privileges {
            kept: names(&now),
            dropped: names(&before.difference(&now).copied().collect()),
            reason: result.err().map(|error| error.to_string()),
        }
    }
}

/// What a command that measures nothing does, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// It reads and writes files that a user names.
    Files,
    /// It puts settings of the host back, by what a journal says.
    PutBack,
}

/// Gives up, on the calling thread and for those that it starts, what a task
/// has no use for: all, but where root puts its own host back. With file
/// capabilities the journal is an ordinary user's, who can write to it what he
/// likes.
pub fn keep_for(task: Task) -> Privileges {
    let kept = match task {
        Task::PutBack if is_root() => HashSet::from([
            // Other users' files and settings, in user namespaces as well.
            Capability::CAP_DAC_OVERRIDE,
            // Mounts debugfs and tracefs where only this process sees them.
            Capability::CAP_SYS_ADMIN,
            // Priorities and CPUs of threads.
            Capability::CAP_SYS_NICE,
            // The guardian's place among those that are short of memory.
            Capability::CAP_SYS_RESOURCE,
        ]),
        Task::PutBack | Task::Files => HashSet::new(),
    };
    Keep::Only(kept).apply()
}

/// Changes a setting of the host with this user's own rights: for an ordinary
/// user without the program's capabilities, as its guardian and `hwgap restore`
/// will have none when they put it back.
pub fn with_own_rights<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let effective = caps::read(None, CapSet::Effective).unwrap_or_default();
    if is_root() || effective.is_empty() {
        return act();
    }
    let set = |now: &HashSet<Capability>| caps::set(None, CapSet::Effective, now);
    set(&HashSet::new()).map_err(io::Error::other)?;
    let done = act();
    set(&effective).map_err(io::Error::other)?;
    done
}

/// Becomes an ordinary user for good, for the program that this one turns into:
/// under sudo whoever called it; else the same user without any capability, and
/// without a way to gain one by a program that is started (no_new_privs).
///
/// # Errors
/// Where it cannot be done; nothing is to be started then.
pub fn drop_for_good() -> io::Result<()> {
    let number = |name| -> Option<u32> { std::env::var(name).ok()?.parse().ok() };
    let caller = number("SUDO_UID")
        .filter(|uid| *uid > 0)
        .zip(number("SUDO_GID"));
    match caller.filter(|_| is_root()) {
        Some((uid, gid)) => {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            match User::from_uid(uid)?.and_then(|user| CString::new(user.name).ok()) {
                Some(name) => initgroups(&name, gid)?,
                None => setgroups(&[gid])?,
            }
            setgid(gid)?;
            setuid(uid)?;
        }
        None => nix::sys::prctl::set_no_new_privs()?,
    }
    let kept = Keep::Only(HashSet::new()).apply().kept;
    match kept.is_empty() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{} stay", kept.join(", ")))),
    }
}

fn is_root() -> bool {
    Uid::effective().is_root()
}

fn held() -> HashSet<Capability> {
    caps::read(None, CapSet::Permitted).unwrap_or_default()
}

fn names(set: &HashSet<Capability>) -> Vec<String> {
    let mut names: Vec<String> = set.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

/// Raises RLIMIT_MEMLOCK, which CAP_IPC_LOCK lifted until now; it takes
/// CAP_SYS_RESOURCE.
fn lift_memory_limit() -> nix::Result<()> {
    match getrlimit(Resource::RLIMIT_MEMLOCK)? {
        (RLIM_INFINITY, _) => Ok(()),
        _ => setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_what_it_must_and_no_more() {
        let kept = [Capability::CAP_CHOWN].into_iter().collect();
        let outcome = std::thread::spawn(move || {
            let before = held();
            (before, Keep::Only(kept).apply(), held())
        });
        let (before, told, after) = outcome.join().unwrap();
        assert!(after.is_subset(&[Capability::CAP_CHOWN].into_iter().collect()));
        assert_eq!(told.kept.len() + told.dropped.len(), before.len());
        assert_eq!(told.reason, None);
    }

    #[test]
    fn who_reads_files_of_anybody_holds_nothing() {
        let outcome = std::thread::spawn(|| (keep_for(Task::Files), held()));
        let (told, after) = outcome.join().unwrap();
        assert!(after.is_empty() && told.kept.is_empty(), "{told:?}");
    }

    #[test]
    fn files_of_others_stay_writable_only_where_files_are_written() {
        let holds = |writes| match Keep::least(writes) {
            Keep::Only(kept) => kept.contains(&Capability::CAP_DAC_OVERRIDE),
            Keep::All(_) => panic!(),
        };
        assert!(holds(Writes::Files) && !holds(Writes::Nothing));
    }
}
