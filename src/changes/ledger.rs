//! The changes of a run: noted, made, and put back when it ends.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files::patient::tell;

use super::access::Access;
use super::asked::{Changed, Refusal};
use super::change::{Change, Place, Schedule};
use super::format::Format;
use super::guardian::{Guard, Guardian, Health};
use super::journal::{Found, Header, Journal, JournalError, Locked, Standing};
use super::restore::{Settled, boot_id, settle};
use super::undo::{Foreign, put_back};

/// The changes of a run. Dropped without [`Changes::put_back`], as on an error
/// or a panic, it puts them back all the same.
pub struct Changes<A: Access> {
    access: A,
    journal: Option<Journal>,
    guardian: Option<Guardian>,
    /// To start another guardian, where the first one is killed.
    guard: (Guard, PathBuf, String),
    standing: Vec<Standing>,
}

impl<A: Access> Changes<A> {
    /// Takes the lock, begins a journal in `folder` and starts a guardian.
    /// Nothing is changed yet.
    ///
    /// # Errors
    /// [`JournalError::Unrestored`] where an earlier run left changes.
    pub fn begin(
        access: A,
        folder: &Path,
        started_utc: String,
        guard: &Guard,
    ) -> Result<Changes<A>, JournalError> {
        let locked = match Locked::take(folder, Duration::ZERO)?.look()? {
            Found::Nothing(locked) => locked,
            Found::Left(left) if left.standing.is_empty() && left.unreadable == 0 => {
                // A run that died before its first change.
                left.journal.close().map_err(|cause| JournalError::Io {
                    path: folder.display().to_string(),
                    cause,
                })?;
                Locked::take(folder, Duration::ZERO)?
            }
            Found::Left(left) => {
                return Err(JournalError::Unrestored {
                    changes: left.standing.len() + left.unreadable,
                    path: left.journal.path().display().to_string(),
                });
            }
        };
        let header = Header::new(boot_id(&access), started_utc);
        let journal = locked.begin(&header)?;
        let guardian = guard.start(folder, &header.run);
        let guardian = guardian.map_err(|cause| JournalError::Io {
            path: String::from("the guardian process"),
            cause,
        });
        let guardian = match guardian {
            Ok(guardian) => guardian,
            Err(error) => {
                // Nothing was changed yet.
                let _ = journal.close();
                return Err(error);
            }
        };
        Ok(Changes {
            access,
            journal: Some(journal),
            guardian,
            guard: (guard.clone(), folder.to_owned(), header.run),
            standing: Vec::new(),
        })
    }

    /// Looks after the guardian: one that was stopped is woken, and in the place
    /// of one that was killed another one is started. Says what it found.
    pub fn watch_guardian(&mut self) -> Option<String> {
        let health = self.guardian.as_mut()?.look();
        match health {
            Health::Well => None,
            Health::Woken => Some(String::from(
                "hwgap: the guardian was stopped, and was told to go on\n",
            )),
            Health::Dead => {
                let (guard, folder, run) = &self.guard;
                let again = guard.start(folder, run);
                let words = match &again {
                    Ok(_) => String::from("another one was started"),
                    Err(error) => format!(
                        "another one cannot be started: {error}; if this run is killed as well, \
                         'hwgap restore' puts the host back"
                    ),
                };
                self.guardian = again.unwrap_or_default();
                Some(format!("hwgap: the guardian has died; {words}\n"))
            }
        }
    }

    pub fn access(&self) -> &A {
        &self.access
    }

    /// Gives a file another value.
    ///
    /// # Errors
    /// Why it keeps its value.
    pub fn set(&mut self, place: Place, format: Format, new: &str) -> Result<Changed, Refusal> {
        let text = self.access.read(&place);
        let old = text.map(|text| format.value(&text));
        let old = old.map_err(|error| Refusal::new(None, &error))?;
        if format.same(&old, new) {
            return Ok(Changed::Already(old));
        }
        let change = Change::Value {
            place: place.clone(),
            format,
            old: old.clone(),
            new: new.to_owned(),
        };
        let writes = format.writes(&old, new);
        let n = self.make(change, |access| {
            writes
                .iter()
                .try_for_each(|text| access.write(&place, text))
        });
        let n = n.map_err(|error| Refusal::new(Some(old.clone()), &error))?;
        let became = match self.access.read(&place) {
            Ok(text) => format.value(&text),
            // It may hold the new value; whoever puts it back will look.
            Err(error) => return Err(Refusal::new(Some(old), &error)),
        };
        if format.same(&became, &old) {
            self.forget(n);
            let reason = format!("the kernel took {new} and still has {old}");
            return Err(Refusal {
                old: Some(old),
                reason,
                errno: None,
            });
        }
        if !format.same(&became, new) {
            self.note_became(n, &became);
        }
        Ok(Changed::Made { n, old, became })
    }

    /// Notes a value that a later change may take along, so that it is put
    /// back after that one. A file that cannot be read is no value.
    pub fn keep(&mut self, place: Place, format: Format) {
        let Ok(text) = self.access.read(&place) else {
            return;
        };
        let old = format.value(&text);
        // Nothing is made here; that it could not be noted is no reason to
        // keep from what follows, which says more.
        let _ = self.make(Change::Along { place, format, old }, |_| Ok(()));
    }

    /// Notes the CPUs of a thread, which a later change may take along.
    pub fn keep_affinity(&mut self, thread: u32) {
        let (Some(started), Ok(cpus)) =
            (self.access.start_time(thread), self.access.affinity(thread))
        else {
            return;
        };
        let change = Change::Affinity {
            thread,
            started,
            old: cpus.to_string(),
        };
        let _ = self.make(change, |_| Ok(()));
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// Those of mkdir(2).
    pub fn make_folder(&mut self, place: Place) -> io::Result<usize> {
        if self.access.list(&place).is_ok() {
            return Err(io::Error::from_raw_os_error(libc::EEXIST));
        }
        let change = Change::Folder {
            place: place.clone(),
        };
        self.make(change, |access| access.make_folder(&place))
    }

    /// Moves a process to another control group of version 2.
    ///
    /// # Errors
    /// Those of the group's `cgroup.procs`.
    pub fn move_process(&mut self, pid: u32, from: Place, to: Place) -> io::Result<usize> {
        let gone = || io::Error::from_raw_os_error(libc::ESRCH);
        let change = Change::Moved {
            pid,
            started: self.access.start_time(pid).ok_or_else(gone)?,
            from,
            to: to.clone(),
        };
        self.make(change, |access| {
            access.write(&to.join("cgroup.procs"), &pid.to_string())
        })
    }

    /// Gives a thread another priority.
    ///
    /// # Errors
    /// Those of sched_setscheduler(2).
    pub fn set_priority(&mut self, thread: u32, name: &str, new: Schedule) -> io::Result<usize> {
        let gone = || io::Error::from_raw_os_error(libc::ESRCH);
        let change = Change::Priority {
            thread,
            started: self.access.start_time(thread).ok_or_else(gone)?,
            name: name.to_owned(),
            old: self.access.schedule(thread)?,
            new,
        };
        self.make(change, |access| access.set_schedule(thread, new))
    }

    /// What was changed so far and not put back.
    pub fn standing(&self) -> &[Standing] {
        &self.standing
    }

    pub fn next(&self) -> usize {
        self.journal.as_ref().map_or(0, Journal::next)
    }

    /// Puts back the changes from number `n` on, where a step turns out to
    /// lead nowhere half-way.
    pub fn take_back_from(&mut self, n: usize) {
        while let Some(last) = self.standing.pop_if(|last| last.n >= n) {
            let back = put_back(
                &last.change,
                last.became.as_deref(),
                &self.access,
                Foreign::Report,
            );
            match (&mut self.journal, back.is_settled()) {
                (Some(journal), true) => drop(journal.void(last.n)),
                _ => {
                    self.standing.push(last);
                    return;
                }
            }
        }
    }

    /// Puts the changes from number `n` on back, the latest first. What resists
    /// is tried again when everything is put back.
    pub fn put_back_from(&mut self, n: usize) -> Vec<Settled> {
        let Some(journal) = &mut self.journal else {
            return Vec::new();
        };
        let later = self.standing.partition_point(|one| one.n < n);
        let later = self.standing.split_off(later);
        let settled = settle(journal, later.clone(), &self.access, Foreign::Report);
        let open = |one: &Standing| {
            let mut open = settled.iter().filter(|one| !one.put_back.is_settled());
            open.any(|open| open.n == one.n)
        };
        self.standing.extend(later.into_iter().filter(open));
        settled
    }

    /// Puts everything back, the latest change first, and ends the journal and
    /// its guardian: no change can be made afterwards. What resists stays in
    /// the journal, for `hwgap restore`.
    pub fn put_back(&mut self) -> Vec<Settled> {
        let settled = self.put_back_from(0);
        let Some(journal) = self.journal.take() else {
            return settled;
        };
        self.standing.clear();
        if settled.iter().all(|one| one.put_back.is_settled()) {
            // A journal that stays has no change in it: harmless.
            let _ = journal.close();
        }
        if let Some(guardian) = self.guardian.take() {
            guardian.dismiss();
        }
        settled
    }

    fn make(
        &mut self,
        change: Change,
        act: impl FnOnce(&A) -> io::Result<()>,
    ) -> io::Result<usize> {
        let Some(journal) = &mut self.journal else {
            return Err(io::Error::other("the run has ended"));
        };
        if !change.is_plausible() {
            // Nobody would put it back.
            return Err(io::Error::other(
                "it is none of the settings that hwgap changes",
            ));
        }
        let n = journal.announce(&change)?;
        self.standing.push(Standing {
            n,
            change,
            became: None,
        });
        act(&self.access).inspect_err(|_| self.forget(n))?;
        Ok(n)
    }

    /// A change that did not come about.
    fn forget(&mut self, n: usize) {
        // Several writes may have come about in part.
        let Some(index) = self.standing.iter().position(|open| open.n == n) else {
            return;
        };
        let open = &self.standing[index];
        let back = put_back(&open.change, None, &self.access, Foreign::Overwrite);
        if back.is_settled() {
            self.standing.remove(index);
            if let Some(journal) = &mut self.journal {
                // Putting it back once more would find it as before.
                let _ = journal.void(n);
            }
        }
    }

    fn note_became(&mut self, n: usize, value: &str) {
        if let Some(open) = self.standing.iter_mut().find(|open| open.n == n) {
            open.became = Some(value.to_owned());
        }
        if let Some(journal) = &mut self.journal {
            // Without it, the value is taken for somebody else's: reported.
            let _ = journal.became(n, value);
        }
    }
}

impl<A: Access> Drop for Changes<A> {
    fn drop(&mut self) {
        for one in Changes::put_back(self) {
            if !one.put_back.is_settled() {
                let (what, how) = (one.change.what(), &one.put_back);
                tell(&format!("hwgap: {what} was not put back: {how}\n"));
            }
        }
    }
}
