//! What the user typed. Below the plan nobody sees these types.

mod args;
pub mod duration;
mod fleet;
mod help;

pub use args::{
    Cli, Command, CompareArgs, CompareFormatArg, CompletionsArgs, EngineArg, FormatArg, ManArgs,
    PreflightArgs, ReportArgs, ReportFormatArg, RunArgs, SelftestArgs,
};
pub use fleet::{FaultArg, FleetArgs, FleetFormatArg, FleetGenerateArgs};
