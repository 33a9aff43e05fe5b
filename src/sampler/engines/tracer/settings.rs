//! What a tracer changes on the host: settings that it shares with everybody,
//! and a trace instance of our own. All of it goes through the journal, whose
//! guardian puts it back where this process cannot: the latest change first,
//! as width and window bound each other, and as an instance that goes ends its
//! tracer, which writes to the settings when it ends.

use std::io;

use crate::changes::{Access, Format, Place, Settled, SharedChanges};
use crate::sampler::engines::tracer::error::TracerError;

/// The changes of a tracer, among those of the run; as before when they are
/// dropped.
pub(super) struct Settings {
    changes: SharedChanges,
    /// The number of the first one.
    first: usize,
}

impl Settings {
    /// No change so far.
    pub(super) fn begin(changes: SharedChanges) -> Settings {
        let first = changes.lock().next();
        Settings { changes, first }
    }

    /// Gives a file another value.
    pub(super) fn set(
        &mut self,
        file: &str,
        format: Format,
        after: &str,
    ) -> Result<(), TracerError> {
        let mut changes = self.changes.lock();
        let changed = changes.set(Place::tracefs(file), format, after);
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
        let shown = self.read(file);
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
        let now = self.read(outer);
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
        let mut changes = self.changes.lock();
        let made = changes.make_folder(Place::tracefs(folder));
        made.map(|_| ())
            .map_err(|cause| TracerError::Instance { cause })
    }

    /// Takes all changes back and says what could not be.
    pub(super) fn put_back(self) -> Vec<String> {
        (self.take_back().into_iter())
            .filter(|one| !one.put_back.is_settled())
            .map(|one| format!("{}: {}", one.change.what(), one.put_back))
            .collect()
    }

    fn take_back(&self) -> Vec<Settled> {
        self.changes.lock().put_back_from(self.first)
    }

    fn read(&self, file: &str) -> io::Result<String> {
        self.changes.lock().access().read(&Place::tracefs(file))
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        // What resists is told of when the run puts all back.
        self.take_back();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::changes::{Changes, Guard, LiveAccess};
    use crate::host::root::Root;

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

    fn changes(host: &Path) -> SharedChanges {
        let access = LiveAccess::new(Root::at(host));
        let started = String::from("2026-01-01T00:00:00Z");
        let changes = Changes::begin(access, &host.join("journal"), started, &Guard::Absent);
        SharedChanges::new(changes.unwrap())
    }

    fn settings(host: &Path) -> Settings {
        Settings::begin(changes(host))
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
    #[test]
    fn what_the_run_changed_before_stays_until_its_end() {
        let host = host();
        let shared = changes(host.path());
        let quieted = Place::tracefs("osnoise/stop_tracing_us");
        let made = shared.lock().set(quieted, Format::Text, "77");
        made.unwrap();
        let tracing = host.path().join(TRACING);
        let value = |file: &str| files(&tracing)[Path::new(file)].clone();
        // As often as engines take turns.
        for _ in 0..2 {
            let mut settings = Settings::begin(shared.clone());
            settings.set("tracing_thresh", Format::Text, "9").unwrap();
            assert_eq!(value("tracing_thresh"), "9");
            assert!(settings.put_back().is_empty());
            assert_eq!(value("tracing_thresh"), "0");
            assert_eq!(value("osnoise/stop_tracing_us"), "77");
        }
        assert_eq!(shared.lock().put_back().len(), 1);
        assert_eq!(value("osnoise/stop_tracing_us"), "0");
    }
}
