//! A trace buffer of our own: a tracefs instance. What the kernel's main buffer
//! records, and for whom, stays as it is.

use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::host::root::Root;
use crate::host::tracefs::Tracefs;
use crate::sampler::engines::tracer::error::TracerError;
use crate::sampler::engines::tracer::kind::Tracer;
use crate::sampler::engines::tracer::settings::Settings;
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

/// Bytes of a CPU's buffer, in KiB: a second of some thousand records.
const BUFFER_KIB: u32 = 512;
/// The form of the records, whatever the main buffer's is set to; options that
/// a kernel lacks need not be set.
const FORM: [&str; 9] = [
    "context-info",
    "irq-info",
    "annotate",
    "norecord-tgid",
    "noraw",
    "nohex",
    "nobin",
    "nolatency-format",
    "nofields",
];

/// The instance.
pub(super) struct Instance {
    name: String,
    folder: Root,
}

impl Instance {
    /// Makes an instance that records nothing yet, stamps with the TSC, and
    /// takes these CPUs only. It goes with the settings.
    pub(super) fn create(
        tracefs: &Tracefs,
        settings: &mut Settings,
        cpus: &CpuList,
    ) -> Result<Instance, TracerError> {
        let name = format!("instances/hwgap-{}", std::process::id());
        settings.make_instance(&name)?;
        let folder = Root::at(tracefs.root().path(&name));
        let instance = Instance { name, folder };
        instance.set("tracing_on", "0")?;
        instance.set("trace_clock", "x86-tsc")?;
        instance.set("buffer_size_kb", &BUFFER_KIB.to_string())?;
        instance.set("tracing_cpumask", &mask(cpus))?;
        for option in FORM {
            let _ = write(&instance.folder, "trace_options", option);
        }
        Ok(instance)
    }

    /// Its files.
    pub(super) fn folder(&self) -> &Root {
        &self.folder
    }

    /// Writes to one of its files.
    pub(super) fn set(&self, file: &str, text: &str) -> Result<(), TracerError> {
        write(&self.folder, file, text).map_err(|cause| TracerError::Write {
            file: format!("{}/{file}", self.name),
            after: text.to_owned(),
            cause,
        })
    }

    /// Chooses the tracer.
    pub(super) fn choose(&self, tracer: Tracer) -> Result<(), TracerError> {
        self.set("current_tracer", tracer.name())
    }

    /// Records of a CPU that its buffer had no room for.
    pub(super) fn overruns(&self, cpu: CpuId) -> u64 {
        let stats = self.folder.read_text(&format!("per_cpu/cpu{cpu}/stats"));
        stats.map_or(0, |stats| lost_records(&stats))
    }

    /// Ends the tracer, so that nothing keeps the instance.
    pub(super) fn end(&self) {
        for (file, text) in [("tracing_on", "0"), ("current_tracer", "nop")] {
            // The instance ends it as well when it goes.
            let _ = write(&self.folder, file, text);
        }
    }
}

/// Writes a whole setting at once, as these files want it.
fn write(folder: &Root, file: &str, text: &str) -> io::Result<()> {
    let mut open = OpenOptions::new().write(true).open(folder.path(file))?;
    open.write_all(text.as_bytes())
}

/// The CPUs as a mask: groups of 32 bits, the highest first.
fn mask(cpus: &CpuList) -> String {
    let highest = cpus.iter().last().map_or(0, |cpu| cpu.0);
    let groups = (0..=highest / 32).rev().map(|group| {
        let bits = (0..32).filter(|bit| cpus.contains(CpuId(group * 32 + bit)));
        format!("{:08x}", bits.fold(0u32, |mask, bit| mask | 1 << bit))
    });
    groups.collect::<Vec<_>>().join(",")
}

/// What a buffer lost: overwritten, not committed, or dropped, by its stats
/// (kernel/trace/trace.c, `tracing_stats_read`).
fn lost_records(stats: &str) -> u64 {
    stats
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            matches!(name.trim(), "overrun" | "commit overrun" | "dropped events")
                .then(|| value.trim().parse::<u64>().ok())?
        })
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_a_group_for_each_32_cpus() {
        let mask_of = |list: &str| mask(&list.parse().unwrap());
        assert_eq!(mask_of("0"), "00000001");
        assert_eq!(mask_of("1-3,5"), "0000002e");
        assert_eq!(mask_of("0,33"), "00000002,00000001");
    }

    #[test]
    fn lost_records_are_summed_and_other_lines_are_not() {
        let stats = "entries: 7\noverrun: 3\ncommit overrun: 1\nbytes: 900\n\
                     oldest event ts:  2727.123\ndropped events: 2\nread events: 5\n";
        assert_eq!(lost_records(stats), 6);
        assert_eq!(lost_records("overrun\noverrun: x\n:\n"), 0);
    }
}
