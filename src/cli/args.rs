//! The command line, defined once: help, man pages and completions come from
//! here. Each command has its options in a file of its own.

use clap::{Parser, Subcommand};

use super::compare::CompareArgs;
use super::explain::ExplainArgs;
use super::fleet::FleetArgs;
use super::help;
use super::host::HostArgs;
use super::hwlatdetect::HwlatdetectArgs;
use super::other::{CompletionsArgs, LaunchArgs, ManArgs, SchemaArgs};
use super::preflight::PreflightArgs;
use super::report::ReportArgs;
use super::restore::{GuardianArgs, RestoreArgs};
use super::run::RunArgs;
use super::selftest::SelftestArgs;

/// Finds the time that firmware, CPU and hypervisor take from this machine.
#[derive(Debug, Parser)]
#[command(name = "hwgap", version = env!("CARGO_PKG_VERSION"), long_version = env!("HWGAP_VERSION"), about, long_about = help::ABOUT, after_long_help = help::OVERVIEW)]
#[command(propagate_version = true)]
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
    /// Measure with the options and the output of hwlatdetect
    #[command(long_about = help::HWLATDETECT, after_long_help = help::HWLATDETECT_EXAMPLES)]
    #[command(infer_long_args = true, args_override_self = true)]
    Hwlatdetect(Box<HwlatdetectArgs>),
    /// Put back host settings that a killed run left changed
    #[command(long_about = help::RESTORE, after_long_help = help::RESTORE_EXAMPLES)]
    Restore(RestoreArgs),
    /// Judge the reports of many machines by one policy
    #[command(long_about = help::FLEET, after_long_help = help::FLEET_EXAMPLES)]
    Fleet(FleetArgs),
    /// Say what keeps the guests of this host waiting
    #[command(long_about = help::HOST, after_long_help = help::HOST_EXAMPLES)]
    Host(HostArgs),
    /// Say what stalled a guest, by its run and its host's report
    #[command(long_about = help::EXPLAIN, after_long_help = help::EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Print the JSON Schema of what hwgap writes
    #[command(after_long_help = help::SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    #[command(after_long_help = help::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man(ManArgs),
    /// Wait for a run to end, and put back what it leaves
    #[command(hide = true)]
    Guardian(GuardianArgs),
    /// Become another program, as one that a run starts
    #[command(hide = true)]
    Launch(LaunchArgs),
}

impl Command {
    /// Whose name errors begin with.
    pub fn program(&self) -> &'static str {
        match self {
            Command::Hwlatdetect(_) => "hwlatdetect",
            _ => "hwgap",
        }
    }
}
