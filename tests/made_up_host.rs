//! A host for the whole program: the files of one of fixtures/hosts, and scripts of
//! fixtures/scripts for what its CPUs do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

/// The host of this name or in this folder. The user engine samples the first
/// script, the BPF engine the second.
pub fn made_up_host(host: &str, scripts: &[&str]) -> TempDir {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let made_up = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixtures.join("hosts").join(host)).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), made_up.path().join(entry.file_name())).unwrap();
    }
    fs::create_dir(made_up.path().join("hwgap")).unwrap();
    for (engine, script) in ["user", "bpf"].iter().zip(scripts) {
        let script = fixtures.join("scripts").join(format!("{script}.toml"));
        let link = made_up.path().join(format!("hwgap/{engine}.toml"));
        symlink(script, link).unwrap();
    }
    made_up
}
