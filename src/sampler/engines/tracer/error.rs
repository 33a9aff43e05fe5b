//! What keeps a tracer of the kernel's from sampling, and what helps.

use std::io;

use crate::sampler::engines::tracer::kind::Tracer;

/// What keeps a tracer from sampling.
#[derive(Debug, thiserror::Error)]
pub enum TracerError {
    /// No tracing files.
    #[error("{0}; run as root, on a kernel with CONFIG_FTRACE that is not locked down")]
    NoTracefs(String),
    /// The kernel was built without it.
    #[error(
        "this kernel ({release}) was built without the {tracer} tracer ({}); boot one that has it, \
         as Debian's real-time kernel does (package linux-image-rt-amd64), or use --engine user or \
         bpf, which need no such kernel", tracer.config()
    )]
    NotBuiltIn {
        /// The tracer.
        tracer: Tracer,
        /// The kernel's release.
        release: String,
    },
    /// Another program uses it, or what it is set by.
    #[error(
        "the tracer {used} is in use in {place}; only one program can use these settings at a \
         time: end the other one, or write nop to that file"
    )]
    Busy {
        /// The tracer that runs.
        used: String,
        /// Its file.
        place: String,
    },
    /// A file that could not be read.
    #[error("{file} cannot be read: {cause}")]
    Read {
        /// The file, below tracefs.
        file: String,
        /// The system's answer.
        cause: String,
    },
    /// A setting of the machine's that the kernel refused.
    #[error("{after:?} cannot be written to {file}: {cause}")]
    Setting {
        /// The file, below tracefs.
        file: String,
        /// What was to be written.
        after: String,
        /// Whether the kernel has no such setting.
        missing: bool,
        /// The system's answer.
        cause: String,
    },
    /// A setting of the instance's that the kernel refused.
    #[error("{after:?} cannot be written to {file}: {cause}")]
    Write {
        /// The file, below tracefs.
        file: String,
        /// What was to be written.
        after: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// No journal of the changes, without which none are made.
    #[error("this run keeps no journal, without which no setting of the kernel's is changed")]
    NoJournal,
    /// No trace instance could be made.
    #[error("no trace instance can be made ({cause}): the kernel's own is left alone")]
    Instance {
        /// The system's answer.
        cause: io::Error,
    },
    /// The kernel started no sampling thread.
    #[error("the {0} tracer was switched on and started no thread; see the kernel log (dmesg)")]
    NoThread(Tracer),
    /// A threshold that the tracer cannot tell apart.
    #[error(
        "the {tracer} tracer finds gaps of {least} us and more; raise --threshold to that, or use \
         --engine user or bpf"
    )]
    ThresholdTooLow {
        /// The tracer.
        tracer: Tracer,
        /// The shortest, in microseconds.
        least: u64,
    },
    /// A width that would hold interrupts off for too long.
    #[error(
        "--width of more than 1 s: the {0} tracer holds interrupts off for the whole width; write \
         --width 1s or less"
    )]
    WidthTooLong(Tracer),
}
