//! Whether an output is an input, or another output: by device and inode,
//! however the paths are spelled.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat, fstat};

use super::folder::{Folder, Located, Purpose, locate};

/// A path with the option that it came from.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The option, or what else to call it.
    pub option: &'a str,
    /// The path as it was typed.
    pub path: &'a Path,
}

impl<'a> Named<'a> {
    pub fn all(
        option: &'a str,
        paths: impl IntoIterator<Item = &'a PathBuf>,
    ) -> impl Iterator<Item = Named<'a>> {
        let paths = paths.into_iter();
        paths.map(move |path| Named { option, path })
    }
}

/// Two paths that lead to one file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// An output would take the place of an input.
    #[error("{output} and {input} are the same file: it would be overwritten; name another one")]
    Input {
        output: String,
        /// The input's.
        input: String,
    },
    /// One output would take the place of the other.
    #[error("{first} and {second} are the same file: only one would be left; name two")]
    Outputs { first: String, second: String },
    #[error(
        "{output} lies in the folder {input} that is read, under a name that reports have; name a \
         file elsewhere"
    )]
    Inside {
        output: String,
        /// The folder's.
        input: String,
    },
}

/// Which file a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// One that is there: device and inode.
    File(u64, u64),
    /// None yet: its folder, and the name that it will have.
    NotYet(u64, u64, OsString),
}

/// Refuses outputs that are inputs or each other. What cannot be looked at is
/// left to whoever opens it. Devices may be named twice.
///
/// # Errors
/// The first two that clash.
pub fn distinct(inputs: &[Named<'_>], outputs: &[Named<'_>]) -> Result<(), Clash> {
    let outputs: Vec<(&str, Identity)> = outputs
        .iter()
        .filter_map(|output| Some((output.option, of_output(output.path)?)))
        .collect();
    for input in inputs {
        let Some(identity) = of_input(input.path) else {
            continue;
        };
        if let Some((option, _)) = outputs.iter().find(|(_, output)| *output == identity) {
            return Err(Clash::Input {
                output: (*option).to_owned(),
                input: input.option.to_owned(),
            });
        }
    }
    for (at, (second, output)) in outputs.iter().enumerate() {
        if let Some((first, _)) = outputs[..at].iter().find(|(_, before)| before == output) {
            return Err(Clash::Outputs {
                first: (*first).to_owned(),
                second: (*second).to_owned(),
            });
        }
    }
    Ok(())
}

pub fn inside<'a>(path: &Path, folders: &[Named<'a>]) -> Option<Named<'a>> {
    let located = locate(path, Purpose::Write).ok()?;
    let mut here = located.folder;
    let mut place = key(&here.stat().ok()?);
    let known: Vec<((u64, u64), Named<'a>)> = folders
        .iter()
        .filter_map(|named| {
            let folder = Folder::open(named.path, Purpose::Read).ok()?;
            Some((key(&folder.stat().ok()?), *named))
        })
        .collect();
    loop {
        if let Some((_, named)) = known.iter().find(|(folder, _)| *folder == place) {
            return Some(*named);
        }
        here = here.parent().ok()?;
        let above = key(&here.stat().ok()?);
        if above == place {
            return None;
        }
        place = above;
    }
}

fn key(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn of_output(path: &Path) -> Option<Identity> {
    if path.as_os_str() == "-" {
        return of_stdio(&io::stdout());
    }
    let Located { folder, name } = locate(path, Purpose::Write).ok()?;
    let name = name?;
    match folder.look(&name).ok()? {
        Some(stat) => of_stat(&stat),
        None => {
            let (device, inode) = key(&folder.stat().ok()?);
            Some(Identity::NotYet(device, inode, name))
        }
    }
}

fn of_input(path: &Path) -> Option<Identity> {
    if path.as_os_str() == "-" {
        return of_stdio(&io::stdin());
    }
    let Located { folder, name } = locate(path, Purpose::Read).ok()?;
    of_stat(&folder.look(&name?).ok()??)
}

/// A file that the shell has opened.
fn of_stdio(stream: &impl AsFd) -> Option<Identity> {
    of_stat(&fstat(stream).ok()?)
}

fn of_stat(stat: &Stat) -> Option<Identity> {
    let (device, inode) = key(stat);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::Fifo => Some(Identity::File(device, inode)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn named<'a>(option: &'a str, path: &'a Path) -> Named<'a> {
        Named { option, path }
    }

    #[test]
    fn spelling_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "").unwrap();
        fs::create_dir(at("sub")).unwrap();
        fs::hard_link(at("a"), at("hard")).unwrap();
        symlink("a", at("soft")).unwrap();
        for other in ["a", "hard", "soft", "sub/../a", "./a"] {
            let clash = distinct(&[named("in", &at("a"))], &[named("-o", &at(other))]);
            assert!(matches!(clash, Err(Clash::Input { .. })), "{other}");
        }
        for (one, two) in [("new", "sub/../new"), ("hard", "soft")] {
            let clash = distinct(&[], &[named("-o", &at(one)), named("--csv", &at(two))]);
            assert!(matches!(clash, Err(Clash::Outputs { .. })), "{one} {two}");
        }
        let different = distinct(
            &[named("in", &at("a"))],
            &[named("-o", &at("b")), named("--csv", &at("sub/b"))],
        );
        assert_eq!(different, Ok(()));
    }

    #[test]
    fn devices_may_be_named_twice() {
        let null = Path::new("/dev/null");
        let outputs = [named("-o", null), named("--csv", null)];
        assert_eq!(distinct(&[named("in", null)], &outputs), Ok(()));
    }

    #[test]
    fn what_lies_below_is_inside() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let top = folder.path().join("a");
        let input = [named("FILE", &top)];
        assert!(inside(&folder.path().join("a/b/x.json"), &input).is_some());
        assert!(inside(&folder.path().join("a/b/../../x.json"), &input).is_none());
    }
}
