//! Runs a program and writes down what it took.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use hwgap_emulated::injector::clock::tsc;
use hwgap_emulated::usage::{Usage, peak_of_children};

/// Runs a program and writes down what it took
#[derive(Parser)]
struct Options {
    /// Where to
    #[arg(long)]
    usage: PathBuf,
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let Options { usage, command } = Options::parse();
    let [program, arguments @ ..] = &command[..] else {
        unreachable!("clap requires one");
    };
    let before = tsc();
    let status = Command::new(program).args(arguments).status();
    let after = tsc();
    let status = status.with_context(|| program.clone())?;
    let taken = Usage {
        before,
        after,
        peak_kib: peak_of_children()?,
    };
    fs::write(&usage, serde_json::to_string(&taken)?)?;
    Ok(status
        .code()
        .map_or(ExitCode::FAILURE, |code| ExitCode::from(code as u8)))
}
