//! Puts one change back. It looks first: a value that is neither the old one
//! nor ours was set by somebody else, and stays.

use std::fmt;
use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::units::CpuId;
use crate::units::cpulist::CpuList;

use super::access::Access;
use super::change::{Change, Place};

/// How often a folder that is still in use is tried again: the threads of a
/// killed process leave its control group one by one.
const TRIES: u32 = 100;
/// Time between two tries.
const BETWEEN: Duration = Duration::from_millis(20);

/// What to do with a value that somebody else has set meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Leave it alone, and keep what was there before hwgap for a later word.
    Report,
    /// Leave it alone for good.
    Accept,
    /// Put back what was there before hwgap.
    Overwrite,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutBack {
    Done,
    Already,
    /// What was changed is no longer there: nothing to put back.
    Gone,
    /// Somebody else has changed it meanwhile to this. It was left alone.
    Conflict(String),
    /// Somebody else has changed it meanwhile to this, and it is to stay so.
    Accepted(String),
    /// It resisted, for this reason.
    Failed(String),
}

impl PutBack {
    /// Whether the change needs no more care.
    pub fn is_settled(&self) -> bool {
        match self {
            PutBack::Done | PutBack::Already | PutBack::Gone | PutBack::Accepted(_) => true,
            PutBack::Conflict(_) | PutBack::Failed(_) => false,
        }
    }
}

/// Puts a change back. `became` is what was read back after the change, where
/// the kernel made something else of the value written.
pub fn put_back(
    change: &Change,
    became: Option<&str>,
    access: &dyn Access,
    foreign: Foreign,
) -> PutBack {
    match judge(change, became, access, foreign) {
        Ok(Next::Settled(result)) => result,
        Ok(Next::Do) => match carry_out(change, access) {
            Ok(()) => PutBack::Done,
            Err(error) => refused(&error, change, access),
        },
        Err(error) => refused(&error, change, access),
    }
}

/// What putting it back would meet, without doing it. `Done` stands for a
/// change that would be put back.
pub fn look(
    change: &Change,
    became: Option<&str>,
    access: &dyn Access,
    foreign: Foreign,
) -> PutBack {
    match judge(change, became, access, foreign) {
        Ok(Next::Settled(result)) => result,
        Ok(Next::Do) => PutBack::Done,
        Err(error) => refused(&error, change, access),
    }
}

enum Next {
    Settled(PutBack),
    Do,
}

fn judge(
    change: &Change,
    became: Option<&str>,
    access: &dyn Access,
    foreign: Foreign,
) -> io::Result<Next> {
    let conflict = |found: String| match foreign {
        Foreign::Report => Next::Settled(PutBack::Conflict(found)),
        Foreign::Accept => Next::Settled(PutBack::Accepted(found)),
        Foreign::Overwrite => Next::Do,
    };
    Ok(match change {
        Change::Value {
            place,
            format,
            old,
            new,
        } => {
            let found = format.value(&access.read(place)?);
            if format.same(&found, old) {
                Next::Settled(PutBack::Already)
            } else if format.same(&found, new)
                || became.is_some_and(|became| format.same(&found, became))
            {
                Next::Do
            } else {
                conflict(found)
            }
        }
        // Nothing was written to it, so that nobody can tell who changed it.
        Change::Along { place, format, old } => match format.same(&access.read(place)?, old) {
            true => Next::Settled(PutBack::Already),
            false => Next::Do,
        },
        Change::Folder { place } => {
            access.list(place)?;
            Next::Do
        }
        Change::Moved {
            pid,
            started,
            from,
            to,
        } => match access.control_group(*pid) {
            _ if access.start_time(*pid) != Some(*started) => Next::Settled(PutBack::Gone),
            None => Next::Settled(PutBack::Gone),
            Some(group) if is_group(from, &group) => Next::Settled(PutBack::Already),
            Some(group) if is_group(to, &group) => Next::Do,
            Some(group) => conflict(format!("/{group}")),
        },
        Change::Affinity {
            thread,
            started,
            old,
        } => match access.affinity(*thread) {
            _ if access.start_time(*thread) != Some(*started) => Next::Settled(PutBack::Gone),
            Err(error) => return Err(error),
            Ok(found) => {
                let before = old.parse::<CpuList>().map_err(io::Error::other)?;
                // A cpuset that changes gives its tasks all that it has; less
                // than before, or others, is somebody's choice.
                let was_widened = before.without(&found).is_empty();
                let is_ours = became.is_some_and(|became| became == found.to_string());
                match found == before {
                    true => Next::Settled(PutBack::Already),
                    false if was_widened || is_ours => Next::Do,
                    false => conflict(found.to_string()),
                }
            }
        },
        Change::Priority {
            thread,
            started,
            old,
            new,
            ..
        } => match access.schedule(*thread) {
            _ if access.start_time(*thread) != Some(*started) => Next::Settled(PutBack::Gone),
            Err(error) => return Err(error),
            Ok(found) if found == *old => Next::Settled(PutBack::Already),
            Ok(found) if found == *new => Next::Do,
            Ok(found) => conflict(found.to_string()),
        },
    })
}

/// Whether a place is this control group of version 2.
fn is_group(place: &Place, group: &str) -> bool {
    let path = place.path.trim_end_matches('/');
    match group {
        "" => GROUP_MOUNTS.contains(&path),
        group => (GROUP_MOUNTS.iter())
            .any(|mount| path.strip_prefix(mount) == Some(&format!("/{group}"))),
    }
}

/// Where version 2 is mounted: alone, or beside version 1.
pub const GROUP_MOUNTS: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];

fn carry_out(change: &Change, access: &dyn Access) -> io::Result<()> {
    match change {
        Change::Value {
            place, format, old, ..
        }
        | Change::Along { place, format, old } => {
            let found = access.read(place)?;
            for text in format.writes(&found, old) {
                access.write(place, &text)?;
            }
            let now = access.read(place)?;
            match format.same(&now, old) {
                true => Ok(()),
                false => Err(io::Error::other(format!(
                    "{old} was written, and it holds {}",
                    format.value(&now)
                ))),
            }
        }
        Change::Folder { place } => remove(place, access),
        Change::Moved { pid, from, .. } => {
            access.write(&from.join("cgroup.procs"), &pid.to_string())
        }
        Change::Affinity { thread, old, .. } => {
            let cpus = old.parse().map_err(io::Error::other)?;
            access.set_affinity(*thread, &cpus)
        }
        Change::Priority { thread, old, .. } => access.set_schedule(*thread, *old),
    }
}

fn remove(place: &Place, access: &dyn Access) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match access.remove_folder(place) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && tries < TRIES => {
                tries += 1;
                sleep(BETWEEN);
            }
            result => return result,
        }
    }
}

/// ENODEV is how sysfs refuses the file of a device that has gone, a CPU among
/// them; ESRCH is a thread that has.
fn refused(error: &io::Error, change: &Change, access: &dyn Access) -> PutBack {
    // The kernel keeps what was set for a CPU that goes offline, and sets it
    // anew when that is back (drivers/cpufreq/cpufreq.c, `last_governor`).
    if let Some(cpu) = offline_cpu(change, access) {
        return PutBack::Failed(format!(
            "CPU {cpu} is offline; 'hwgap restore' puts it back once that is online again"
        ));
    }
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR | libc::ENODEV | libc::ESRCH) => PutBack::Gone,
        _ => PutBack::Failed(error.to_string()),
    }
}

/// The CPU whose setting this is, where that is offline.
fn offline_cpu(change: &Change, access: &dyn Access) -> Option<CpuId> {
    let (Change::Value { place, .. } | Change::Along { place, .. }) = change else {
        return None;
    };
    let folder = Place::root("sys/devices/system/cpu");
    let below = place
        .path
        .strip_prefix(&folder.path)?
        .strip_prefix("/cpu")?;
    let (number, _) = below.split_once('/')?;
    let cpu = CpuId(number.parse().ok()?);
    let state = access
        .read(&folder.join(&format!("cpu{cpu}/online")))
        .ok()?;
    (state.trim() == "0").then_some(cpu)
}

impl fmt::Display for PutBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutBack::Done => f.write_str("put back"),
            PutBack::Already => f.write_str("already as before"),
            PutBack::Gone => f.write_str("no longer there"),
            PutBack::Conflict(found) => {
                write!(f, "left alone: somebody else has set it to {found}")
            }
            PutBack::Accepted(found) => write!(f, "stays at {found}, which somebody else has set"),
            PutBack::Failed(reason) => write!(f, "refused: {reason}"),
        }
    }
}
