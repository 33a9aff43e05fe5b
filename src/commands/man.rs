//! The hidden `hwgap man`: writes the man pages from the definitions of the
//! command line. A test compares them with the ones under `man/`.

use std::fs;
use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{Cli, ManArgs};
use crate::files::output::PendingFile;

use super::{Exit, Failure};

/// The command that is also a name to call the program by, with a page of that
/// name.
const HWLATDETECT: &str = "hwlatdetect";

/// The day of this version's release, as `CHANGELOG.md` has it: today would make
/// each day's pages differ. `packaging/version` sets it.
const RELEASED: &str = "2026-11-28";

/// What `clap_mangen` puts before each part that it renders; a page needs it
/// once.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let failed = |error| Failure::Usage(format!("{}: {error}", args.folder.display()));
    fs::create_dir_all(&args.folder).map_err(failed)?;
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let visible = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let called = root.find_subcommand(HWLATDETECT).map(called);
    for command in std::iter::once(&root).chain(visible).chain(&called) {
        let file = args.folder.join(format!("{}.1", name(command)));
        page(command)
            .and_then(|page| {
                let file = PendingFile::create(file).map_err(io::Error::other)?;
                let saved = file.save(|out| out.write_all(page.as_ref()));
                saved.map_err(io::Error::other)
            })
            .map_err(failed)?;
    }
    Ok(Exit::Good)
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

fn page(command: &Command) -> io::Result<String> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().override_usage(usage));
    let mut parts = Vec::new();
    man.render_name_section(&mut parts)?;
    man.render_synopsis_section(&mut parts)?;
    man.render_description_section(&mut parts)?;
    man.render_options_section(&mut parts)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut parts)?;
    }
    let help = command.get_after_long_help().map(ToString::to_string);
    after_help(help.as_deref().unwrap_or_default()).to_writer(&mut parts)?;
    let parts = String::from_utf8(parts).map_err(io::Error::other)?;
    Ok(format!(
        "{PREAMBLE}{}{}",
        title(command),
        parts.replace(PREAMBLE, "")
    ))
}

fn title(command: &Command) -> String {
    let name = name(command).to_uppercase();
    let version = env!("CARGO_PKG_VERSION");
    format!(".TH \"{name}\" 1 \"{RELEASED}\" \"hwgap {version}\" \"hwgap manual\"\n")
}

/// The sections that follow a command's options in its help: a heading with a
/// colon, then terms, each with its text behind two spaces or on the next,
/// deeper line.
fn after_help(help: &str) -> Roff {
    let mut roff = Roff::new();
    for line in help.lines().filter(|line| !line.is_empty()) {
        let text = line.trim_start();
        match line.len() - text.len() {
            0 => {
                roff.control("SH", [text.trim_end_matches(':').to_uppercase().as_str()]);
            }
            1..=2 => {
                let (term, text) = text.split_once("  ").unwrap_or((text, ""));
                roff.control("TP", []).text([bold(term)]);
                if !text.is_empty() {
                    roff.text([roman(text)]);
                }
            }
            _ => {
                roff.text([roman(text)]);
            }
        }
    }
    roff
}
