//! What the user typed. Below the plan nobody sees these types.

mod actions;
mod args;
mod compare;
pub mod duration;
mod explain;
mod fleet;
mod format;
mod help;
mod host;
mod hwlatdetect;
mod invocation;
mod look;
mod other;
mod preflight;
mod report;
mod restore;
mod run;
mod selftest;
mod values;

pub use actions::{Action, StressArg};
pub use args::{Cli, Command};
pub use compare::{CompareArgs, CompareFormatArg};
pub use explain::{ExplainArgs, ExplainFormatArg};
pub use fleet::{FleetArgs, FleetFormatArg};
pub use format::FormatArg;
pub use host::{HostArgs, HostFormatArg, SourceArg};
pub use hwlatdetect::{FormatVersionArg, HwlatdetectArgs, Optional};
pub use invocation::arguments;
pub use look::{ColorArg, LookArgs};
pub use other::{CompletionsArgs, DocumentArg, LaunchArgs, ManArgs, SchemaArgs};
pub use preflight::{PreflightArgs, RequireArg};
pub use report::{ReportArgs, ReportFormatArg};
pub use restore::{GuardianArgs, RestoreArgs};
pub use run::{EngineArg, RunArgs};
pub use selftest::SelftestArgs;
