//! The hidden `hwgap man`: writes the man pages from the definitions of the
//! command line and from the schema of reports. A test compares them with the
//! ones under `man/`.

mod command;
mod formats;
mod help;
mod sections;

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};

use crate::cli::{Cli, ManArgs};
use crate::files::output::PendingFile;

use super::{Exit, Failure};

/// The command that is also a name to call the program by, with a page of that
/// name.
const HWLATDETECT: &str = "hwlatdetect";

/// The day of this version's release: today would make each day's pages differ.
const RELEASED: [u8; 10] = released(include_bytes!("../../../CHANGELOG.md"));

pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let failed = |error| Failure::Usage(format!("{}: {error}", args.folder.display()));
    fs::create_dir_all(&args.folder).map_err(failed)?;
    for (file, page) in pages().map_err(failed)? {
        save(&args.folder.join(file), &page).map_err(failed)?;
    }
    Ok(Exit::Good)
}

/// Each page with the name of its file.
fn pages() -> io::Result<Vec<(String, String)>> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let visible = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let called = root.find_subcommand(HWLATDETECT).map(called);
    let commands: Vec<&Command> = std::iter::once(&root)
        .chain(visible)
        .chain(&called)
        .collect();
    let names: Vec<String> = (commands.iter())
        .map(|command| format!("{}(1)", name(command)))
        .chain(formats::NAMES.map(str::to_owned))
        .collect();
    let mut pages = Vec::new();
    for command in commands {
        let page = command::page(command, &names)?;
        pages.push((format!("{}.1", name(command)), page));
    }
    let fleet = root.find_subcommand("fleet");
    let policy = fleet.and_then(Command::get_after_long_help);
    let policy = help::sections(&policy.map(ToString::to_string).unwrap_or_default());
    pages.push(("hwgap-report.5".into(), formats::report(&names)?));
    pages.push(("hwgap-policy.5".into(), formats::policy(&policy, &names)));
    Ok(pages)
}

/// The command as the program that it stands for.
fn called(command: &Command) -> Command {
    let usage = format!("{HWLATDETECT} [OPTIONS]");
    command
        .clone()
        .display_name(HWLATDETECT)
        .override_usage(usage)
}

/// `hwgap-run` for `hwgap run`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

fn save(file: &Path, page: &str) -> io::Result<()> {
    let file = PendingFile::create(file).map_err(io::Error::other)?;
    let saved = file.save(|out| out.write_all(page.as_bytes()));
    saved.map_err(io::Error::other)
}

/// The first line of a page.
fn title(name: &str, section: u8) -> String {
    let name = name.to_uppercase();
    let day = str::from_utf8(&RELEASED).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    format!(".TH \"{name}\" {section} \"{day}\" \"hwgap {version}\" \"hwgap manual\"\n")
}

/// The day of the latest release in the changelog, from its heading
/// `## [1.2.3] - 2026-01-31`.
const fn released(changelog: &[u8]) -> [u8; 10] {
    let mut at = 0;
    loop {
        let is_heading = changelog[at] == b'#' && changelog[at + 3] == b'[';
        if is_heading && changelog[at + 4].is_ascii_digit() {
            break;
        }
        at += 1;
    }
    while changelog[at] != b' ' || changelog[at + 1] != b'-' {
        at += 1;
    }
    let mut day = [0; 10];
    let mut digit = 0;
    while digit < day.len() {
        day[digit] = changelog[at + 3 + digit];
        digit += 1;
    }
    day
}
