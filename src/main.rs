//! The program: what was typed, what follows from it, how it ended.

use std::process::ExitCode;
use std::thread::{Builder, JoinHandle};

use clap::Parser;

use hwgap::cli::{Cli, arguments};
use hwgap::commands::carry_out;
use hwgap::files::patient::tell;
use hwgap::session::limits::stack_is_small;
use hwgap::sys::memory::share_arenas;
use hwgap::sys::signals::{block_all, block_file_size};
use hwgap::text::{adopt_locale, clean_lines};

/// Stack of the program where the system's limit is too low for it.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    adopt_locale();
    block_file_size();
    share_arenas();
    if !stack_is_small() {
        return program();
    }
    // The main thread's stack grows only as far as RLIMIT_STACK lets it.
    let roomy = Builder::new().stack_size(STACK).spawn(program);
    // Signals are for that thread, which may listen for them.
    block_all();
    match roomy.map(JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // A panic has said so.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            tell(&format!(
                "hwgap: RLIMIT_STACK (ulimit -s) is too low, and no thread can be started: {error}\n"
            ));
            ExitCode::from(3)
        }
    }
}

/// What somebody who types only the name wants to know.
const FIRST_STEPS: &str = "\
hwgap run                 measures this machine for two minutes
hwgap preflight           says what would disturb a measurement here
hwgap help [COMMAND]      tells the rest
";

fn program() -> ExitCode {
    let given = arguments(std::env::args_os());
    if given.len() <= 1 {
        tell(FIRST_STEPS);
        return ExitCode::from(2);
    }
    let command = Cli::parse_from(given).command;
    let name = command.program();
    match carry_out(command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(&clean_lines(&format!("{name}: {failure}\n")));
            failure.exit().into()
        }
    }
}
