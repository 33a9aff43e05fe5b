//! Every wait of the program, its bound, and who can end it.
//!
//! A measuring program that waits without an end holds CPUs at real-time
//! priority, or settings of the host, for nothing. So each wait has a bound
//! here, and `tests/security/run` tests each with the waited-for thing frozen.
//!
//! | waits for | where | bound | who ends it sooner |
//! |---|---|---|---|
//! | a sampler's CPU, before it samples | `sampler/workers.rs` | [`CPU`]; told after [`SILENCE`] | a signal |
//! | a sampler's end, after its time or a signal | `sampler/rescue.rs` | [`SAMPLER_END`], then its thread is moved to another CPU; 10 s more where it may run nowhere else, then the run ends without it | |
//! | a collector that stands still | `session/watchdog.rs` | 10 s, then the samplers are ended | |
//! | room in a pipe or terminal on standard output | `files/patient.rs` | [`STDOUT`], [`STDOUT_ALONE`] where the report goes nowhere else | its reader, a signal |
//! | the same on standard error | `files/patient.rs`, `commands/run/ongoing/display.rs` | [`STDERR`] | its reader, a signal |
//! | somebody to read a pipe that is named as an output | `report/files.rs`, `report/event_file.rs` | [`PIPE_READER`] | the reader, a signal |
//! | room in that pipe | `files/patient.rs` | [`PIPE_ROOM`] | the reader, a signal |
//! | somebody to write to a pipe that is named as an input | `files/read.rs` | [`PIPE_WRITER`] | the writer, a signal |
//! | the next bytes of an input that is a pipe | readers of `report`, `compare`, `fleet` | none: as `cat`, with no right and no setting held | the writer, a signal |
//! | the guardian's first word | `changes/guardian.rs` | [`GUARDIAN_READY`], then nothing is changed | |
//! | the guardian's end | `changes/guardian.rs` | [`GUARDIAN_END`], then it is killed: everything is back by then | |
//! | a shell action | `actions/shell.rs` | `--action-timeout`, then its process group is killed, [`PROCESS_KILLED`] | |
//! | the end of the run's command | `actions/load.rs` | [`COMMAND_END`] after SIGTERM, [`COMMAND_KILLED`] after SIGKILL, then the run ends without it | |
//! | the same, where the run was killed | `commands/launch.rs` | [`COMMAND_END`] after SIGTERM, then SIGKILL | |
//! | a trace that is being saved | `actions/trace` | the disk, as for a checkpoint | |
//! | the run, as its guardian | `changes/guardian.rs` | none: that is its work; it holds nothing | the run's end |
//! | the lock of the journal | `changes/journal/lock.rs` | 0 s (`run`), 5 s (`restore`), 60 s (the guardian) | its holder, a signal |
//! | the checkpoint that is being saved | `commands/run/ongoing/checkpoints.rs` | the disk: a file system that hangs holds everybody | |
//! | descriptors whose closing waits for the kernel | `sys/slow_close.rs` | the kernel's grace periods | |

use std::time::{Duration, Instant};

/// Between two looks of a wait.
pub const TICK: Duration = Duration::from_millis(50);
/// A wait that lasts longer is told.
pub const SILENCE: Duration = Duration::from_millis(600);
/// For a CPU to sample that something else occupies.
pub const CPU: Duration = Duration::from_secs(10);
/// For a sampler that is to end.
pub const SAMPLER_END: Duration = Duration::from_secs(1);
/// For the reader of standard output, where the report is saved elsewhere.
pub const STDOUT: Duration = Duration::from_secs(3);
/// For the reader of standard output, where that is all that is left of a run.
pub const STDOUT_ALONE: Duration = Duration::from_secs(60);
/// For the reader of standard error.
pub const STDERR: Duration = Duration::from_secs(1);
/// For somebody to open a pipe that is an output.
pub const PIPE_READER: Duration = Duration::from_secs(30);
/// For the reader of that pipe to make room.
pub const PIPE_ROOM: Duration = Duration::from_secs(4);
/// For somebody to write to a pipe that is an input.
pub const PIPE_WRITER: Duration = Duration::from_secs(60);
/// For the guardian to say that it is ready.
pub const GUARDIAN_READY: Duration = Duration::from_secs(10);
/// For the command of a run to end once it is asked to: stress-ng takes seconds where
/// its disk or its CPUs are busy, and leaves files where it is killed.
pub const COMMAND_END: Duration = Duration::from_secs(10);
/// For a process of a run that was killed, a shell action above all: one in a system
/// call that hangs does not end.
pub const PROCESS_KILLED: Duration = Duration::from_secs(1);
/// For the command of a run, once it was killed.
pub const COMMAND_KILLED: Duration = Duration::from_secs(2);
/// For the guardian to end once it is dismissed.
pub const GUARDIAN_END: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub struct Patience {
    begun: Instant,
    most: Duration,
}

impl Patience {
    pub fn begin(most: Duration) -> Patience {
        Patience {
            begun: Instant::now(),
            most,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Whether it has waited long enough.
    pub fn is_over(&self) -> bool {
        self.elapsed() >= self.most
    }
}
