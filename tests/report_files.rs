//! Output files: refused early, whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use hwgap::files::Reason;
use hwgap::files::output::PendingFile;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn put(path: &Path, text: &str) {
    let pending = PendingFile::create(path).unwrap();
    pending.save(|out| out.write_all(text.as_bytes())).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn refusal(path: &Path) -> (Reason, String) {
    let error = PendingFile::create(path).unwrap_err();
    let text = error.to_string();
    (error.reason, text)
}

#[test]
fn content_appears_at_commit_and_not_before() {
    let folder = folder();
    let target = folder.path().join("out.json");
    let mut pending = PendingFile::create(&target).unwrap();
    pending.write_all(b"new").unwrap();
    assert!(!target.exists());
    pending.commit().unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "new");
    assert_eq!(names(folder.path()), ["out.json"]);
}

#[test]
fn dropped_file_leaves_nothing() {
    let folder = folder();
    let mut pending = PendingFile::create(folder.path().join("out.json")).unwrap();
    pending.write_all(b"half").unwrap();
    drop(pending);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn existing_target_keeps_its_permissions() {
    let folder = folder();
    let target = folder.path().join("out.json");
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    put(&target, "new");
    assert_eq!(
        fs::metadata(&target).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(fs::read_to_string(&target).unwrap(), "new");
}

#[test]
fn link_stays_a_link() {
    let folder = folder();
    let (file, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    put(&link, "new");
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
}

#[test]
fn full_disk_leaves_the_target_untouched() {
    let folder = folder();
    let target = folder.path().join("out.json");
    fs::write(&target, "old").unwrap();
    let pending = PendingFile::create(&target).unwrap();
    let error = pending
        .save(|out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
    assert!(error.to_string().contains("out.json"), "{error}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    assert_eq!(names(folder.path()), ["out.json"]);
}

#[test]
fn full_device_is_said_to_be_full() {
    let pending = PendingFile::create("/dev/full").unwrap();
    let error = pending.save(|out| out.write_all(b"x")).unwrap_err();
    assert!(matches!(error.reason, Reason::Full), "{error}");
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

#[test]
fn devices_and_standard_output_are_written_directly() {
    put(Path::new("/dev/null"), "gone");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    put(Path::new("-"), "");
    put(Path::new("/dev/stdout"), "");
}

#[test]
fn pipe_is_written_directly() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
    nix::unistd::mkfifo(&pipe, mode).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    put(&pipe, "through");
    assert_eq!(reader.join().unwrap(), "through");
    assert_eq!(names(folder.path()), ["pipe"]);
}

#[test]
fn paths_that_cannot_be_files_are_refused_with_the_next_step() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (reason, text) = refusal(folder.path());
    assert!(matches!(reason, Reason::IsFolder), "{text}");
    let (reason, text) = refusal(&folder.path().join("no/out.json"));
    assert!(matches!(reason, Reason::FolderMissing(_)), "{text}");
    assert!(text.contains("mkdir -p"), "{text}");
    let (reason, text) = refusal(&folder.path().join("new/"));
    assert!(matches!(reason, Reason::FolderMissing(_)), "{text}");
    let (reason, text) = refusal(&file.join("out.json"));
    assert!(matches!(reason, Reason::NotAFolder(_)), "{text}");
    let (reason, text) = refusal(Path::new(""));
    assert!(matches!(reason, Reason::NoName), "{text}");
    let dangling = folder.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    let (reason, text) = refusal(&dangling);
    assert!(matches!(reason, Reason::DanglingLink), "{text}");
    let (_, text) = refusal(Path::new("no/\x1b[2J/x"));
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn read_only_places_are_refused() {
    let folder = folder();
    let file = folder.path().join("out.json");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&file).is_ok() {
        println!("skipped: this user may write to read-only files, as root may");
        return;
    }
    let (reason, text) = refusal(&file);
    assert!(matches!(reason, Reason::Denied(_)), "{text}");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let (reason, text) = refusal(&folder.path().join("new.json"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(reason, Reason::Denied(_)), "{text}");
}

#[test]
fn writers_at_once_each_leave_a_whole_file() {
    let folder = folder();
    let target = folder.path().join("out.json");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let target = &target;
            scope.spawn(move || {
                for _ in 0..20 {
                    put(target, &format!("{writer}").repeat(1_000));
                }
            });
        }
    });
    let text = fs::read_to_string(&target).unwrap();
    assert_eq!(text.len(), 1_000);
    assert!(text.bytes().all(|byte| byte == text.as_bytes()[0]));
    assert_eq!(names(folder.path()), ["out.json"]);
}
