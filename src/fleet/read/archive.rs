//! The entries of a tar archive. Nothing is unpacked to disk: a name only says
//! where a report stood, and one that leads elsewhere is refused all the same.

use std::io::Read;
use std::path::{Component, Path};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::content;
use super::limits::MOST_ENTRIES;
use super::{Reading, Refused};

/// The longest name, and the longest list of extensions, that is read.
const LONGEST_NAME: u64 = 64 << 10;

/// Reads an archive. Extended names are read here and not by the library,
/// which would take one of any length into memory.
pub(super) fn read(source: &str, input: &mut dyn Read, layers: u32, reading: &mut Reading<'_>) {
    let mut archive = Archive::new(input);
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => return reading.set_aside(source, &Refused::Packing(error)),
    };
    let mut long_name = None;
    for (number, entry) in (0..).zip(entries) {
        let mut entry = match entry {
            Ok(entry) if number < MOST_ENTRIES => entry,
            Ok(_) => {
                let limit = format!("{MOST_ENTRIES} entries");
                return reading.set_aside(source, &Refused::TooMuch(limit));
            }
            Err(error) => return reading.set_aside(source, &Refused::Packing(error)),
        };
        match entry.header().entry_type() {
            EntryType::GNULongName => long_name = gnu_name(&mut entry),
            EntryType::XHeader => long_name = pax_name(&mut entry).or(long_name),
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::GNULongLink => (),
            kind => {
                let name = long_name.take();
                let name = name.unwrap_or_else(|| entry.path_bytes().into_owned());
                let path = String::from_utf8_lossy(&name).into_owned();
                let place = format!("{source}/{path}");
                match refusal(kind, Path::new(&path)) {
                    Some(why) => reading.set_aside(&place, &Refused::Path(why)),
                    None => content::read(&place, &mut entry, layers, reading),
                }
            }
        }
    }
}

fn refusal(kind: EntryType, path: &Path) -> Option<&'static str> {
    let leads_out = |part: Component<'_>| !matches!(part, Component::Normal(_) | Component::CurDir);
    match kind {
        EntryType::Symlink | EntryType::Link => {
            Some("is a link in an archive; only regular files are read")
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => path
            .components()
            .any(leads_out)
            .then_some("has a name that leads out of the archive (absolute, or with ..)"),
        _ => Some("is no regular file"),
    }
}

fn text(entry: &mut Entry<'_, impl Read>) -> Vec<u8> {
    let mut text = Vec::new();
    // What is cut off or cannot be read makes a wrong name, no more.
    let _ = entry.take(LONGEST_NAME).read_to_end(&mut text);
    text
}

fn gnu_name(entry: &mut Entry<'_, impl Read>) -> Option<Vec<u8>> {
    let mut name = text(entry);
    let end = name.iter().position(|byte| *byte == 0);
    name.truncate(end.unwrap_or(name.len()));
    Some(name)
}

fn pax_name(entry: &mut Entry<'_, impl Read>) -> Option<Vec<u8>> {
    let text = text(entry);
    let mut extensions = PaxExtensions::new(&text).flatten();
    let path = extensions.find(|one| one.key_bytes() == b"path");
    path.map(|one| one.value_bytes().to_vec())
}
