//! What the user typed. Below the plan nobody sees these types.

mod args;
pub mod duration;
mod help;

pub use args::{
    Cli, Command, CompareArgs, CompareFormatArg, CompletionsArgs, EngineArg, FormatArg,
    GuardianArgs, ManArgs, PreflightArgs, ReportArgs, ReportFormatArg, RestoreArgs, RunArgs,
    SelftestArgs,
};
