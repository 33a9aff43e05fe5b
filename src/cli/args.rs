//! The command line, defined once: help, man pages and completions come from
//! here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::units::Nanos;

use super::duration::{DurationError, Quantity, parse_duration};
use super::help;

/// Finds the time that firmware, CPU and hypervisor take from this machine.
#[derive(Debug, Parser)]
#[command(name = "hwgap", version, about, long_about = help::ABOUT, after_long_help = help::EXIT_STATUS)]
#[command(propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure this machine and say who took the time of every gap
    #[command(long_about = help::RUN, after_long_help = help::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Say what this machine allows and what will disturb a measurement
    #[command(long_about = help::PREFLIGHT, after_long_help = help::PREFLIGHT_EXAMPLES)]
    Preflight(PreflightArgs),

    /// Show or convert a saved report
    #[command(long_about = help::REPORT, after_long_help = help::REPORT_EXAMPLES)]
    Report(ReportArgs),

    /// Raise stalls of known length here and show that they are found
    #[command(long_about = help::SELFTEST, after_long_help = help::SELFTEST_EXAMPLES)]
    Selftest(SelftestArgs),
    /// Say whether a change made stalls rarer or shorter, and how sure that is
    #[command(long_about = help::COMPARE, after_long_help = help::COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Print a completion script for a shell
    #[command(after_long_help = help::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(ManArgs),
}

/// Options of `hwgap run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// How long to measure: 10s, 0.5h, 1m30s; a bare number is seconds
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
    pub duration: Nanos,

    /// Record gaps longer than this: 10us, 500ns; a bare number is microseconds
    #[arg(long, value_name = "TIME", default_value = "10us", value_parser = threshold)]
    pub threshold: Nanos,

    /// Fail on platform gaps longer than this [default: the threshold]
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    pub hardlimit: Option<Nanos>,

    /// CPUs to sample: a list such as 1-3,5, or all, or isolated [default: the
    /// isolated ones, else all but one]
    #[arg(long, value_name = "LIST")]
    pub cpus: Option<String>,

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

    /// Store the machine's serial numbers in the report
    #[arg(long)]
    pub with_serials: bool,

    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub format: FormatArg,

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

    /// Make performance counters stand still in SMM for the run, to tell the
    /// time spent there; a switch of the whole machine, which SIGKILL leaves set
    #[arg(long)]
    pub freeze_on_smi: bool,

    /// What samples
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
    pub engine: EngineArg,

    /// BPF engine: hold interrupts off for this long at a time, 100us to
    /// 100ms; a bare number is microseconds [default: 10ms]
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    pub shot: Option<Nanos>,

    /// BPF engine: let the kernel work for this long after each shot, 20us to
    /// 1s; a bare number is microseconds [default: 250us]
    #[arg(long, value_name = "TIME", value_parser = threshold)]
    pub breath: Option<Nanos>,

    /// BPF engine: list the ends of each shot in the report: a test of the
    /// program
    #[arg(long, hide = true)]
    pub list_shots: bool,

    /// Sample a scripted clock: a test of the program
    #[arg(long, value_name = "FILE", hide = true)]
    pub script: Option<PathBuf>,

    /// With --engine both, what stands for the BPF engine: a test of the
    /// program
    #[arg(long, value_name = "FILE", hide = true, requires = "script")]
    pub second_script: Option<PathBuf>,

    /// Read the machine's files below this folder: a test of the program
    #[arg(long, value_name = "DIR", hide = true)]
    pub host_root: Option<PathBuf>,
}

/// Options of `hwgap preflight`.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    /// CPUs that a run would sample: a list such as 1-3,5, or all, or isolated
    /// [default: the isolated ones, else all but one]
    #[arg(long, value_name = "LIST")]
    pub cpus: Option<String>,

    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub format: FormatArg,

    /// Real-time priority of the samplers, 1 to 98 [default: 49, below the
    /// kernel's interrupt threads]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=98))]
    pub priority: Option<u8>,

    /// Read the machine's files below this folder and try nothing: a test of
    /// the program
    #[arg(long, value_name = "DIR", hide = true)]
    pub host_root: Option<PathBuf>,
}

/// Formats of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// A summary for people
    Text,
    /// The report
    Json,
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
    /// User and bpf in turn on the same CPUs, and whether they agree
    Both,
}

/// Options of `hwgap report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The report, as `run -o` saves it; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// What to make of it
    #[arg(long, value_enum, default_value_t = ReportFormatArg::Text)]
    pub format: ReportFormatArg,

    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Leave out host name, serial numbers, addresses and what else names this
    /// one machine
    #[arg(long)]
    pub redact: bool,

    /// Judge the saved evidence anew with the rules of this version
    #[arg(long)]
    pub reattribute: bool,

    /// Longest Markdown, in characters: what matters least is left out first
    #[arg(long, value_name = "N", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(4_000..))]
    pub limit: u32,
}

/// Formats of a saved report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormatArg {
    /// A summary for people
    Text,
    /// The report
    Json,
    /// The gaps, a row each
    Csv,
    /// Text for the field of a ticket
    Markdown,
    /// A web page in one file
    Html,
}

/// Options of `hwgap selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// The CPU to test [default: the first that `run` would sample]
    #[arg(long, value_name = "N")]
    pub cpu: Option<u32>,

    /// Also raise SMIs by writing to the SMI command port. Bare metal and root
    /// only: firmware should ignore the value written, but is not obliged to
    #[arg(long)]
    pub raise_smi: bool,

    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub format: FormatArg,

    /// Where to store the result [default: /var/lib/hwgap/selftest.json for
    /// root, else below the user's state folder]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub state: Option<PathBuf>,
}

/// Options of `hwgap compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Reports of the runs before the change
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, value_hint = ValueHint::FilePath)]
    pub before: Vec<PathBuf>,

    /// Reports of the runs after the change
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, value_hint = ValueHint::FilePath)]
    pub after: Vec<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t = CompareFormatArg::Text)]
    pub format: CompareFormatArg,

    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Level of all intervals, 0.5 to 0.9999; the rest is the risk of a false
    /// finding
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = level)]
    pub level: f64,

    /// The factor between rates from which on a difference matters
    #[arg(long, value_name = "FACTOR", default_value = "2", value_parser = margin)]
    pub margin: f64,

    /// Leave out host names, serial numbers, labels and file names
    #[arg(long)]
    pub redact: bool,
}

/// Formats of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareFormatArg {
    /// A summary for people
    Text,
    /// All figures, for programs
    Json,
    /// For a ticket or a note
    Markdown,
}

/// Options of `hwgap completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Options of the hidden `hwgap man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to write the pages
    #[arg(value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

fn duration(text: &str) -> Result<Nanos, DurationError> {
    parse_duration(text, Quantity::Duration)
}

fn threshold(text: &str) -> Result<Nanos, DurationError> {
    parse_duration(text, Quantity::Threshold)
}

fn level(text: &str) -> Result<f64, String> {
    number_within(text, 0.5..=0.9999)
}

fn margin(text: &str) -> Result<f64, String> {
    number_within(text, 1.05..=100.0)
}

fn number_within(text: &str, range: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "must be a number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}
