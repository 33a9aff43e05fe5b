//! Options of `hwgap run`.

use std::path::PathBuf;

use clap::{Args, FromArgMatches, ValueEnum, ValueHint};

use crate::host::root::Root;
use crate::model::KeepGaps;
use crate::units::Nanos;

use super::actions::ActionArgs;
use super::format::FormatArg;
use super::look::LookArgs;
use super::values::{duration, keep_gaps, threshold};

/// Options of `hwgap run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// How long to measure: 10s, 0.5h, 1m30s; a bare number is seconds
    /// [default: 120s, or until COMMAND ends]
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Nanos>,

    /// Sample for this long before the measurement begins, and discard it; of
    /// engines in turn before each turn [default: what the engine needs, 100ms
    /// of the user engine, 0 of the others]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub warm_up: Option<Nanos>,

    /// Record gaps longer than this: 10us, 500ns; a bare number is microseconds
    #[arg(short, long, value_name = "TIME", default_value = "10us", value_parser = threshold)]
    pub threshold: Nanos,

    /// Fail on platform gaps longer than this [default: the threshold]
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    pub hardlimit: Option<Nanos>,

    /// CPUs to sample: a list such as 1-3,5, or all, or isolated [default: the
    /// isolated ones, else all but one]
    #[arg(short, long, value_name = "LIST")]
    pub cpus: Option<String>,

    /// CPUs left to other tasks, hwgap's own among them: a list such as 0,4
    /// [default: those that are not sampled]
    #[arg(long, value_name = "LIST")]
    pub housekeeping: Option<String>,

    /// Sample only this part of each window; a bare number is microseconds
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    pub width: Option<Nanos>,

    /// Length of a window; a bare number is microseconds
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    pub window: Option<Nanos>,

    /// Real-time priority of the samplers, 1 to 98 [default: 49, below the
    /// kernel's interrupt threads]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=98))]
    pub priority: Option<u8>,

    /// A text of your own for the report
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,

    /// Write the report as JSON to this file; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Write the gaps as CSV to this file; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub csv: Option<PathBuf>,

    /// Write the report as a web page to this file; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,

    /// Save the report so far to the file of --output this often, so that a
    /// killed run or a power cut loses no more; 0 saves it at the end only
    /// [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "output")]
    pub checkpoint: Option<Nanos>,

    /// Write each gap as a row of CSV to this file as it happens; - is standard
    /// output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events_csv: Option<PathBuf>,

    /// Rows of the file of --events-csv: a full one becomes FILE.1 and takes
    /// the place of the one before
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub events_rows: u64,

    /// Write how the run stands as a line of JSON a second: to the descriptor
    /// with this number, or to a file, pipe or - (standard output)
    #[arg(long, value_name = "FD|PATH", value_hint = ValueHint::FilePath)]
    pub live_json: Option<PathBuf>,

    /// List at most so many gaps in the report: first those that count against
    /// the limit or may, then those that the kernel explains, of each the
    /// longest; or all. All are counted in any case [default: 15 a second and
    /// CPU, 150 to 5000 in all, that count or may, and 80 of the others]
    #[arg(long, value_name = "N|all", value_parser = keep_gaps)]
    pub keep_gaps: Option<KeepGaps>,

    /// Judge the run by this policy (TOML); it decides the exit status
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub policy: Option<PathBuf>,

    /// Store the machine's serial numbers in the report
    #[arg(long)]
    pub with_serials: bool,

    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub format: FormatArg,

    /// How the text looks.
    #[command(flatten)]
    pub look: LookArgs,

    /// Print nothing on standard output, and no progress
    #[arg(short, long)]
    pub quiet: bool,

    /// Where standard error is no terminal, print a line of progress there this
    /// often; 0 prints none
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub progress: Nanos,

    /// End at the first platform gap above the threshold
    #[arg(long)]
    pub stop_on_gap: bool,

    /// What is done about gaps, and under which load.
    #[command(flatten)]
    pub actions: ActionArgs,

    /// Make performance counters stand still in SMM for the run, to tell the
    /// time spent there; a switch of the whole machine, put back at the end
    #[arg(long)]
    pub freeze_on_smi: bool,

    /// Quiet the host for the run, and put everything back: move interrupts,
    /// kernel work and tasks off the sampled CPUs, hold watchdogs and polling.
    /// STEPS names the steps to take (irq,workqueue) or those to leave out
    /// (no-irq) [default: all; see below]
    #[arg(long, value_name = "STEPS", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    pub quiet_host: Option<String>,

    /// Show what --quiet-host would change, and neither change nor measure
    #[arg(long, requires = "quiet_host")]
    pub dry_run: bool,

    /// Let --quiet-host take the last share of time from ordinary tasks of the
    /// sampled CPUs. Where all CPUs are sampled, nothing else runs until the
    /// run ends: no shell, no network, no way to stop it
    #[arg(long, requires = "quiet_host")]
    pub starve_host: bool,

    /// Put back what an earlier run has left changed, then begin
    #[arg(long)]
    pub restore_first: bool,

    /// Where to keep the journal of changed settings [default: /var/lib/hwgap
    /// for root, else below the user's state folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub journal: Option<PathBuf>,

    /// What samples; several with commas between them take turns on the same
    /// CPUs, and the report says whether they agree
    #[arg(
        long,
        value_enum,
        value_name = "ENGINE",
        value_delimiter = ',',
        default_value = "auto"
    )]
    pub engine: Vec<EngineArg>,

    /// BPF engine: hold interrupts off for this long at a time, 100us to
    /// 100ms; a bare number is microseconds [default: 10ms]
    #[arg(long, alias = "shot", value_name = "TIME", value_parser = threshold)]
    pub irqs_off: Option<Nanos>,

    /// BPF engine: pause for this long after each such window, so that the
    /// kernel can work, 20us to 1s; a bare number is microseconds [default:
    /// 250us]
    #[arg(long, alias = "breath", value_name = "TIME", value_parser = threshold)]
    pub irqs_on: Option<Nanos>,

    /// Read the machine's files below this folder, and sample the scripted
    /// clock in it: a test of the program
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    pub host_root: Root,
}

impl RunArgs {
    /// What `hwgap run` without options does.
    pub fn defaults() -> RunArgs {
        let command = RunArgs::augment_args(clap::Command::new("run"));
        let nothing = command.try_get_matches_from(["run"]);
        nothing
            .and_then(|nothing| RunArgs::from_arg_matches(&nothing))
            .expect("no option of run is required")
    }
}

/// Engines that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// The best one that this host and this run allow
    Auto,
    /// Pinned threads in user space
    User,
    /// A BPF program with interrupts off (Linux 6.14, root or CAP_BPF and
    /// CAP_PERFMON)
    Bpf,
    /// The kernel's hwlat tracer: interrupts off, the longest gap of each
    /// window (root, a kernel with CONFIG_HWLAT_TRACER)
    Hwlat,
    /// The kernel's osnoise tracer: each gap with what interfered (root, a
    /// kernel with CONFIG_OSNOISE_TRACER)
    Osnoise,
    /// User and bpf in turn: the same as user,bpf
    Both,
}
