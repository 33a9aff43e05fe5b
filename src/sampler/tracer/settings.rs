//! What a tracer changes on the host: settings that it shares with everybody,
//! and a trace instance of our own. All of it goes through the journal, whose
//! guardian puts it back where this process cannot: the latest change first,
//! as width and window bound each other, and as an instance that goes ends its
//! tracer, which writes to the settings when it ends.

use std::path::Path;

use crate::changes::{Changes, Format, Guard, LiveAccess, Place, default_folder};
use crate::host::root::Root;
use crate::sys::clock::moment;

use super::error::TracerError;

/// The changes of a tracer; as before when they are dropped.
pub(super) struct Settings {
    changes: Changes<LiveAccess>,
}

impl Settings {
    /// Begins a journal for this host, with this program as its guardian.
    pub(super) fn begin() -> Result<Settings, TracerError> {
        let folder = default_folder().ok_or(TracerError::NoJournalFolder)?;
        Settings::at(Root::live(), &folder, &Guard::this_program(None))
    }

    /// Begins a journal in `folder` for the host below `root`.
    pub(super) fn at(root: Root, folder: &Path, guard: &Guard) -> Result<Settings, TracerError> {
        let started = moment().utc.rfc3339();
        let changes = Changes::begin(LiveAccess::new(root), folder, started, guard)?;
        Ok(Settings { changes })
    }

    /// Gives a file another value.
    pub(super) fn set(
        &mut self,
        file: &str,
        format: Format,
        after: &str,
    ) -> Result<(), TracerError> {
        let changed = self.changes.set(Place::tracefs(file), format, after);
        changed.map(|_| ()).map_err(|refusal| TracerError::Setting {
            file: file.to_owned(),
            after: after.to_owned(),
            missing: refusal.errno == Some(libc::ENOENT),
            cause: refusal.reason,
        })
    }

    /// Switches an option on in a file that lists those that are off with NO_
    /// before their names; nothing where there is no such option.
    pub(super) fn switch_on(&mut self, file: &str, option: &str) -> Result<(), TracerError> {
        use crate::changes::Access;
        let shown = self.changes.access().read(&Place::tracefs(file));
        let off = format!("NO_{option}");
        let words: Vec<String> = shown
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if !words.contains(&off) {
            return Ok(());
        }
        let on = words.iter().map(|word| match *word == off {
            true => option,
            false => word,
        });
        let after = on.collect::<Vec<_>>().join(" ");
        self.set(file, Format::Words, &after)
    }

    /// Sets two lengths of which the first must not exceed the second, in the
    /// order that keeps it so.
    pub(super) fn set_pair(
        &mut self,
        (inner, short): (&str, u64),
        (outer, long): (&str, u64),
    ) -> Result<(), TracerError> {
        use crate::changes::Access;
        let now = self.changes.access().read(&Place::tracefs(outer));
        let now: Option<u64> = now.ok().and_then(|text| text.trim().parse().ok());
        let inner_first = now.is_some_and(|now| short < now);
        let mut set = |file, value: u64| self.set(file, Format::Text, &value.to_string());
        if inner_first {
            set(inner, short)?;
            set(outer, long)
        } else {
            set(outer, long)?;
            set(inner, short)
        }
    }

    /// Makes the folder of an instance.
    pub(super) fn make_instance(&mut self, folder: &str) -> Result<(), TracerError> {
        let made = self.changes.make_folder(Place::tracefs(folder));
        made.map(|_| ())
            .map_err(|cause| TracerError::Instance { cause })
    }

    /// Takes all changes back and says what could not be.
    pub(super) fn put_back(self) -> Vec<String> {
        (self.changes.put_back().into_iter())
            .filter(|one| !one.put_back.is_settled())
            .map(|one| format!("{}: {}", one.change.what(), one.put_back))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const TRACING: &str = "sys/kernel/tracing";

    /// A copy of the made-up tracefs that may be written to.
    fn host() -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tracefs");
        for (file, text) in files(&source) {
            let target = copy.path().join(TRACING).join(&file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, text).unwrap();
        }
        copy
    }

    fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        let mut open = vec![folder.to_path_buf()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_path_buf();
                    all.insert(name, fs::read_to_string(&path).unwrap().trim().to_owned());
                }
            }
        }
        all
    }

    fn settings(host: &Path) -> Settings {
        Settings::at(Root::at(host), &host.join("journal"), &Guard::Absent).unwrap()
    }

    /// Changes what both tracers change. Made-up files do not answer in the
    /// kernel's own form, so that the choice is told by its word.
    fn change(settings: &mut Settings) {
        settings.set("tracing_thresh", Format::Text, "9").unwrap();
        settings
            .set_pair(
                ("hwlat_detector/width", 50_000),
                ("hwlat_detector/window", 51_000),
            )
            .unwrap();
        settings
            .set("hwlat_detector/mode", Format::Choice, "per-cpu")
            .unwrap();
        settings
            .set_pair(
                ("osnoise/runtime_us", 10_000),
                ("osnoise/period_us", 10_250),
            )
            .unwrap();
        settings.set("osnoise/cpus", Format::CpuList, "1").unwrap();
        settings
            .switch_on("osnoise/options", "OSNOISE_IRQ_DISABLE")
            .unwrap();
        settings.make_instance("instances/hwgap-1").unwrap();
    }

    #[test]
    fn every_file_is_as_before_when_all_is_put_back() {
        let host = host();
        let tracing = host.path().join(TRACING);
        let before = files(&tracing);
        let mut settings = settings(host.path());
        change(&mut settings);
        let changed = files(&tracing);
        assert_eq!(changed[Path::new("hwlat_detector/width")], "50000");
        assert_eq!(changed[Path::new("tracing_thresh")], "9");
        assert!(changed[Path::new("osnoise/options")].contains("OSNOISE_IRQ_DISABLE"));
        assert!(tracing.join("instances/hwgap-1").exists());
        assert!(
            settings
                .put_back()
                .iter()
                .all(|left| left.contains("options"))
        );
        let mut after = files(&tracing);
        // A made-up file holds the one option that was written to it last.
        let options = PathBuf::from("osnoise/options");
        assert_eq!(after[&options], "NO_OSNOISE_IRQ_DISABLE");
        after.insert(options.clone(), before[&options].clone());
        let mode = PathBuf::from("hwlat_detector/mode");
        assert_eq!(after[&mode], "round-robin");
        after.insert(mode.clone(), before[&mode].clone());
        assert_eq!(after, before);
        assert!(!tracing.join("instances/hwgap-1").exists());
    }

    #[test]
    fn an_error_half_way_puts_the_first_half_back() {
        let host = host();
        let tracing = host.path().join(TRACING);
        let mut settings = settings(host.path());
        settings.set("tracing_thresh", Format::Text, "9").unwrap();
        let error = settings.set("hwlat_detector/none", Format::Text, "1");
        assert!(matches!(
            error,
            Err(TracerError::Setting { missing: true, .. })
        ));
        drop(settings);
        assert_eq!(files(&tracing)[Path::new("tracing_thresh")], "0");
    }
}
