//! The guest's whole file system: an archive that the kernel unpacks at boot.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// An archive in the "newc" format of cpio (kernel documentation,
/// "initramfs buffer format").
#[derive(Default)]
pub struct Initramfs {
    bytes: Vec<u8>,
    entries: u32,
}

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const DEVICE: u32 = 0o020_600;

impl Initramfs {
    /// Adds a folder; parents come first.
    pub fn folder(&mut self, name: &str) {
        self.entry(name, FOLDER, (0, 0), &[]);
    }

    /// Adds an executable file.
    pub fn program(&mut self, name: &str, content: &[u8]) {
        self.entry(name, PROGRAM, (0, 0), content);
    }

    /// Adds a character device.
    pub fn device(&mut self, name: &str, major: u32, minor: u32) {
        self.entry(name, DEVICE, (major, minor), &[]);
    }

    /// Closes the archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let header = [
            self.entries,
            mode,
            0, // owner
            0, // group
            1, // links
            0, // modification time
            content.len() as u32,
            0,
            0,
            device.0,
            device.1,
            name.len() as u32 + 1,
            0, // checksum
        ];
        self.bytes.extend(b"070701");
        for field in header {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// A module's files in loading order, each decompressed; empty where the kernel
/// has it built in. `modules` is the folder that holds `modules.dep`.
pub fn module_files(modules: &Path, name: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let dependencies = fs::read_to_string(modules.join("modules.dep")).context("modules.dep")?;
    let Some(line) = dependencies
        .lines()
        .find(|line| module_name(line.split(':').next().unwrap_or_default()) == name)
    else {
        return Ok(Vec::new());
    };
    // A module's line ends with what must be loaded first.
    line.replace(':', " ")
        .split_whitespace()
        .rev()
        .map(|path| {
            let content = read_module(&modules.join(path))?;
            Ok((module_name(path).to_owned(), content))
        })
        .collect()
}

fn module_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file)
}

fn read_module(path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_some_and(|extension| extension == "xz") {
        let output = Command::new("xz").arg("-dc").arg(path).output()?;
        ensure!(output.status.success(), "xz cannot read {}", path.display());
        Ok(output.stdout)
    } else {
        fs::read(path).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_padded_to_four_bytes() {
        let mut archive = Initramfs::default();
        archive.program("init", b"abc");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        // 110 bytes of header, 5 of name, 1 of padding, then the content.
        assert_eq!(&bytes[116..119], b"abc");
        assert_eq!(&bytes[..6], b"070701");
        assert_eq!(&bytes[120..126], b"070701");
    }

    #[test]
    fn module_names_lose_folder_and_suffixes() {
        assert_eq!(module_name("kernel/fs/9p/9p.ko.xz"), "9p");
        assert_eq!(module_name("kernel/arch/x86/kernel/msr.ko"), "msr");
    }
}
