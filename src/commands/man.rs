//! The hidden `hwgap man`: writes the man pages from the definitions of the
//! command line. A test compares them with the ones under `man/`.

use std::fs;

use clap::CommandFactory;

use crate::cli::{Cli, ManArgs};

use super::{Exit, Failure};

pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    fs::create_dir_all(&args.folder)
        .map_err(|error| Failure::Usage(format!("{}: {error}", args.folder.display())))?;
    clap_mangen::generate_to(Cli::command(), &args.folder)
        .map_err(|error| Failure::Usage(format!("{}: {error}", args.folder.display())))?;
    Ok(Exit::Good)
}
