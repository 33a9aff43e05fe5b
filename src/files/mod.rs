//! The one way to open files that a user names, and those that hold state.
//!
//! hwgap runs as root, in folders that others may write to. A path that was
//! looked at is another one a moment later, so that nothing here is used by
//! name again once it was checked: a path is walked folder by folder
//! ([`Folder`], [`locate`]), the last name is opened in the folder that was
//! reached, without following a link, and what counts is the file that is open
//! (fstat(2)).
//!
//! - [`read`]: inputs. Regular files, standard input and pipes; no devices and
//!   no files of the kernel's.
//! - [`crate::files::output`]: outputs, which replace a file by a rename, and
//!   [`crate::files::event_file`], which grows.
//! - [`state`]: folders of hwgap's own, which must be this user's and closed to
//!   the pens of others.
//! - [`identity`]: whether two paths are one file.
//! - [`patient`]: writing to pipes and terminals that may take nothing.

pub mod event_file;
pub mod folder;
pub mod identity;
pub mod output;
mod output_error;
pub mod packing;
pub mod patient;
pub mod read;
pub mod state;

pub use folder::{Folder, Located, PathError, Purpose, locate};
pub use output_error::{OutputError, Reason};

use std::hash::{BuildHasher, Hasher, RandomState};

/// A name for a file that is made in somebody else's folder: nobody can guess
/// it, and O_EXCL makes a lucky guess an error.
pub(crate) fn random_name(prefix: &str) -> String {
    // Keys of the system's random source, another one each time.
    let number = || RandomState::new().build_hasher().finish();
    format!("{prefix}{:016x}.tmp", number())
}
