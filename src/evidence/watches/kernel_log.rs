//! The kernel log's lines about the TSC, through /dev/kmsg
//! (Documentation/ABI/testing/dev-kmsg): all that the ring still holds when a
//! run begins, and what is added meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use crate::host::kernel_log::TscLogEvent;
use crate::host::root::Root;
use crate::units::UtcNanos;

/// Events kept of each of both times; a log that is flooded is reported, not
/// remembered for ever.
const MOST: usize = 100;
/// Reads in a row at most, each of one record: a log that is written faster
/// than it is read must not hold the collector.
const MOST_READS: usize = 65_536;
/// Reads in a row at most while the run goes on.
const MOST_READS_IN_LOOK: usize = 256;
/// The longest record (kernel/printk, PRINTK_MESSAGE_MAX is 2,048 from 6.4 on
/// and was 8,192 before).
const LONGEST_RECORD: usize = 8_192;

/// When something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Between boot and the start of the run.
    BeforeRun,
    /// During the run; noticed at this time.
    InRun(UtcNanos),
}

/// A line about the TSC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// What it says.
    pub event: TscLogEvent,
    /// When it was said.
    pub said: Said,
}

/// The kernel log of a run.
#[derive(Clone, Debug)]
pub struct KernelLog {
    /// Clones read on from one place.
    file: Result<Arc<File>, String>,
    events: Vec<LogEvent>,
    in_run: usize,
    overruns: u64,
}

enum Step {
    Record(usize),
    Overrun,
    Nothing,
    Failed(String),
}

impl KernelLog {
    pub(super) fn begin(root: &Root) -> KernelLog {
        let path = root.path("dev/kmsg");
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .map(Arc::new)
            .map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => String::from(
                    "/dev/kmsg may not be read by this user (kernel.dmesg_restrict, or the \
                     device's mode)",
                ),
                io::ErrorKind::NotFound => String::from("/dev/kmsg does not exist"),
                _ => format!("/dev/kmsg: {error}"),
            });
        let mut log = KernelLog {
            file,
            events: Vec::new(),
            in_run: 0,
            overruns: 0,
        };
        log.drain(Said::BeforeRun, MOST_READS);
        // What the ring lost before the run is no loss of the run.
        log.overruns = 0;
        log
    }

    pub(super) fn look(&mut self, now: UtcNanos) {
        self.drain(Said::InRun(now), MOST_READS_IN_LOOK);
    }

    fn drain(&mut self, said: Said, most: usize) {
        let mut buffer = [0; LONGEST_RECORD];
        for _ in 0..most {
            let Ok(file) = &self.file else { return };
            match step(file, &mut buffer) {
                Step::Record(length) => self.take(&buffer[..length], said),
                Step::Overrun => self.overruns += 1,
                Step::Nothing => return,
                Step::Failed(reason) => self.file = Err(reason),
            }
        }
    }

    fn take(&mut self, record: &[u8], said: Said) {
        // A record's further lines begin with a blank and tell of its origin.
        for line in String::from_utf8_lossy(record).lines() {
            if !is_kernels(line) {
                continue;
            }
            let Some(event) = TscLogEvent::classify(line) else {
                continue;
            };
            let full = match said {
                Said::BeforeRun => self.events.len() >= MOST,
                Said::InRun(_) => self.in_run >= MOST,
            };
            if !full {
                self.in_run += usize::from(said != Said::BeforeRun);
                self.events.push(LogEvent { event, said });
            }
        }
    }

    /// Whether the log could be read to the end of the run.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn readable(&self) -> Result<(), &str> {
        self.file.as_ref().map(|_| ()).map_err(String::as_str)
    }

    /// The lines about the TSC, in the order of the log.
    pub fn events(&self) -> &[LogEvent] {
        &self.events
    }

    /// How often records were overwritten during the run before they could be
    /// read.
    pub fn overruns(&self) -> u64 {
        self.overruns
    }
}

/// Whether the kernel itself wrote a record: programs can write to the log
/// too, and the kernel marks what they write by a facility, which stands above
/// the three bits of the level (kernel/printk/printk.c, devkmsg_write).
fn is_kernels(record: &str) -> bool {
    let level = record.split(',').next().unwrap_or_default();
    level.parse::<u32>().is_ok_and(|level| level < 8)
}

/// One read of the device is one record; of a recorded file it is whatever
/// fits, and there a line may be cut in two.
fn step(mut file: &File, buffer: &mut [u8]) -> Step {
    match file.read(buffer) {
        Ok(0) => Step::Nothing,
        Ok(length) => Step::Record(length),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN) => Step::Nothing,
            Some(libc::EINTR) => Step::Record(0),
            Some(libc::EPIPE) => Step::Overrun,
            _ => Step::Failed(format!("/dev/kmsg: {error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    #[test]
    fn lines_before_and_during_a_run_are_told_apart() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("dev")).unwrap();
        let path = host.path().join("dev/kmsg");
        fs::write(
            &path,
            "6,1,58,-;tsc: Detected 2596.120 MHz processor\n SUBSYSTEM=cpu\n6,2,60,-;other\n",
        )
        .unwrap();
        let mut log = KernelLog::begin(&Root::at(host.path()));
        log.look(UtcNanos(5));
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(
                b"4,3,99,-;Marking TSC unstable due to check_tsc_sync_source failed\n\
                  12,4,99,-;Marking TSC unstable due to a program that says so\n",
            )
            .unwrap();
        log.look(UtcNanos(7));
        assert_eq!(log.readable(), Ok(()));
        let said: Vec<Said> = log.events().iter().map(|event| event.said).collect();
        assert_eq!(said, [Said::BeforeRun, Said::InRun(UtcNanos(7))]);
    }

    #[test]
    fn a_log_that_cannot_be_read_gives_its_reason() {
        let host = tempfile::tempdir().unwrap();
        let log = KernelLog::begin(&Root::at(host.path()));
        assert_eq!(log.readable(), Err("/dev/kmsg does not exist"));
    }

    #[test]
    fn the_log_of_this_machine_is_read_or_refused_with_a_reason() {
        let log = KernelLog::begin(&Root::live());
        if let Err(reason) = log.readable() {
            println!("skipped: {reason}");
            return;
        }
        // Nothing a run does makes the kernel speak of the TSC.
        assert!(
            log.events()
                .iter()
                .all(|event| event.said == Said::BeforeRun)
        );
    }
}
