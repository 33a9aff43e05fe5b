//! A trace of the time around a gap: an instance of tracefs of hwgap's own,
//! which records from before the run on and overwrites its oldest. At a gap it
//! is stopped, read out and started anew. It goes with the run's changes of the
//! host, whose guardian takes it away where the run is killed.

mod dat;
mod pages;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::changes::{Access, Place, SharedChanges};
use crate::files::OutputError;
use crate::files::output::PendingFile;
use crate::host::root::Root;
use crate::host::tracefs::Tracefs;
use crate::model::ActionRun;
use crate::plan::TracePlan;
use crate::sys::sched;
use crate::units::{Cycles, Nanos};

use super::Notice;
use super::marker::Marker;
use dat::Formats;
use pages::Ring;

/// What is recorded where nothing is said, as far as the kernel has it.
const EVENTS: [&str; 8] = [
    "sched:sched_switch",
    "sched:sched_waking",
    "irq",
    "irq_vectors",
    "timer",
    "nmi",
    "ipi",
    "mce",
];
/// Bytes of a CPU's buffer, in KiB: as much as the kernel gives its own, or some
/// 500 events in each millisecond that is to be kept.
const LEAST_KIB: u64 = 1408;
const KIB_A_MILLISECOND: u64 = 32;

pub struct Trace {
    plan: TracePlan,
    tracefs: Tracefs,
    switch: File,
    marker: Marker,
    rings: Vec<Ring>,
    formats: Formats,
    /// The first file, opened before the run.
    first: Option<PendingFile>,
    saved: u64,
}

impl Trace {
    /// Makes the instance and lets it record.
    ///
    /// # Errors
    /// Why it cannot be had, for people.
    pub(super) fn arm(
        plan: &TracePlan,
        root: &Root,
        changes: SharedChanges,
    ) -> Result<Trace, String> {
        let of_file = |error: OutputError| error.to_string();
        let first = PendingFile::create(&plan.file).map_err(of_file)?;
        if !first.is_replaced() {
            return Err(format!("{:?} is no file", plan.file));
        }
        let tracefs = Tracefs::open(root)?;
        let mut changes = changes.lock();
        // Several traces of a run each have their own.
        let name = format!(
            "instances/hwgap-trace-{}-{}",
            std::process::id(),
            changes.next()
        );
        let place = Place::tracefs(&name);
        let made = changes.make_folder(place.clone());
        made.map_err(|error| format!("no trace instance can be made: {error}"))?;
        let set = |file: &str, text: &str| {
            let written = changes.access().write(&place.join(file), text);
            written.map_err(|error| format!("trace instance, {file}: {error}"))
        };
        set("trace_clock", "x86-tsc")?;
        let before = plan.before.0 / Nanos::MILLISECOND.0;
        let kib = LEAST_KIB.max(before.saturating_mul(KIB_A_MILLISECOND));
        set("buffer_size_kb", &kib.to_string())?;
        let folder = tracefs.root().path(&name);
        let groups = enable(&folder, &plan.events, set)?;
        let opened = |error: io::Error| format!("trace instance: {error}");
        let write = |file: &str| OpenOptions::new().write(true).open(folder.join(file));
        let switch = write("tracing_on").map_err(opened)?;
        let marker = Marker::at(&folder.join("trace_marker")).map_err(opened)?;
        let rings = pages::rings(&folder).map_err(opened)?;
        let formats = Formats::read(tracefs.root(), &folder, &groups).map_err(opened)?;
        drop(changes);
        Ok(Trace {
            plan: plan.clone(),
            tracefs,
            switch,
            marker,
            rings,
            formats,
            first: Some(first),
            saved: 0,
        })
    }

    /// Saves what is around a gap; at the end, what is before it.
    pub(super) fn save(&mut self, notice: &Notice, run: &mut ActionRun) -> Result<(), String> {
        let (before, after) = (self.plan.before, self.plan.after);
        if let Some(age) = notice.age() {
            std::thread::sleep(after.saturating_sub(age).as_duration());
        }
        // It says where in the trace the gap is.
        let _ = self.marker.write(notice);
        let [start, _] = notice.span;
        let from = start.saturating_sub(notice.hz.to_cycles(before));
        self.record("0")
            .map_err(|error| format!("tracing_on: {error}"))?;
        // Megabytes may follow: others of this CPU come first.
        let _ = sched::set_background();
        let taken: Vec<_> = (self.rings.iter_mut())
            .map(|ring| ring.take(from))
            .collect();
        let on_again = self.record("1");
        let reached = taken.iter().filter_map(|cpu| cpu.lost_before).max();
        run.reaches_back_ns =
            reached.map(|first: Cycles| notice.hz.to_nanos(start.saturating_sub(first)));
        let path = numbered(&self.plan.file, self.saved);
        let file = match self.first.take() {
            Some(file) => Ok(file),
            None => PendingFile::create(&path),
        };
        let written = file.and_then(|file| {
            let save = |out: &mut dyn Write| {
                let mut out = io::BufWriter::with_capacity(1 << 16, out);
                dat::write(&self.formats, self.tracefs.root(), &taken, &mut out)?;
                out.flush()
            };
            file.save(save)
        });
        let _ = sched::set_ordinary();
        written.map_err(|error| error.to_string())?;
        self.saved += 1;
        run.file = Some(path.display().to_string());
        on_again.map_err(|error| format!("tracing_on: {error}"))
    }

    fn record(&mut self, on: &str) -> io::Result<()> {
        self.switch.write_all(on.as_bytes())
    }
}

/// Switches the events on. Returns their groups.
fn enable(
    folder: &Path,
    asked: &[String],
    set: impl Fn(&str, &str) -> Result<(), String>,
) -> Result<Vec<String>, String> {
    let all: Vec<&str> = match asked {
        [] => EVENTS.to_vec(),
        asked => asked.iter().map(String::as_str).collect(),
    };
    let mut groups = Vec::new();
    for event in all {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let path = event.replacen(':', "/", 1);
        let is_there = path.split('/').all(is_name) && folder.join("events").join(&path).is_dir();
        if !is_there && asked.is_empty() {
            continue;
        }
        if !is_there {
            return Err(format!("--trace-events: this kernel has no event {event}"));
        }
        set(&format!("events/{path}/enable"), "1")?;
        let group = path.split('/').next().unwrap_or_default().to_owned();
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(groups)
}

/// The file of this trace: FILE, then FILE-2 with the same ending.
fn numbered(file: &Path, saved: u64) -> PathBuf {
    if saved == 0 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let ending = file
        .extension()
        .map_or(String::new(), |ending| format!(".{}", ending.display()));
    file.with_file_name(format!("{stem}-{}{ending}", saved + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trace_has_its_file() {
        let of = |file: &str, saved| numbered(Path::new(file), saved).display().to_string();
        assert_eq!(of("a/b.dat", 0), "a/b.dat");
        assert_eq!(of("a/b.dat", 1), "a/b-2.dat");
        assert_eq!(of("b", 9), "b-10");
    }
}
