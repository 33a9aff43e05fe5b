//! Options of `hwgap selftest`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::format::FormatArg;

/// Options of `hwgap selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// The CPU to test [default: the first that `run` would sample]
    #[arg(short, long, value_name = "N")]
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
