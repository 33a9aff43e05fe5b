//! Every command line of hwgap in the pages is one that it takes, and every
//! option that they name exists.

use std::collections::HashSet;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser as _};
use hwgap::cli::Cli;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::blocks::{Page, joined, words};

/// Options of other programs that pages name by themselves.
const OF_OTHERS: [&str; 5] = ["--help", "--version", "--locked", "--release", "--tag"];

fn all_options() -> HashSet<String> {
    let mut options = HashSet::new();
    let mut root = Cli::command();
    root.build();
    let commands = std::iter::once(&root).chain(root.get_subcommands());
    for argument in commands.flat_map(clap::Command::get_arguments) {
        options.extend(argument.get_long().map(|name| format!("--{name}")));
    }
    options
}

/// The commands of hwgap in a line of shell.
fn commands(line: &str) -> Vec<String> {
    let line = line.split(" # ").next().unwrap();
    let parts = line.split(" && ").flat_map(|part| part.split(" | "));
    parts
        .filter_map(|part| {
            let part = part.trim().trim_start_matches("$ ");
            let part = part.strip_prefix("sudo ").unwrap_or(part);
            let part = part
                .split(" > ")
                .next()
                .unwrap()
                .split(" || ")
                .next()
                .unwrap();
            let is_ours = part.starts_with("hwgap ") || part.starts_with("hwlatdetect -");
            is_ours.then(|| part.to_owned())
        })
        .collect()
}

/// Whether hwgap takes the command line. In running text it may lack what it
/// needs, as in "`hwgap compare` says".
fn check(place: &str, command: &str, is_text: bool) {
    let words = words(command);
    let words = words.iter().filter(|word| *word != "…");
    let words = hwgap::cli::arguments(words.map(Into::into));
    let Err(error) = Cli::try_parse_from(words) else {
        return;
    };
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => is_text,
        _ => false,
    };
    assert!(is_fine, "{place}: {command}: {error}");
}

#[test]
fn every_command_line_is_one_that_hwgap_takes() {
    let options = all_options();
    let root = Cli::command();
    let names: HashSet<&str> = root.get_subcommands().map(|c| c.get_name()).collect();
    let mut checked = 0;
    for page in Page::all() {
        let place = page.name();
        let mut in_block = false;
        for event in Parser::new_ext(&page.text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_block = true,
                Event::End(TagEnd::CodeBlock) => in_block = false,
                Event::Text(text) if in_block => {
                    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
                    for command in joined(&lines).iter().flat_map(|line| commands(line)) {
                        check(&place, &command, false);
                        checked += 1;
                    }
                }
                Event::Code(text) => {
                    for command in commands(&text) {
                        check(&place, &command, true);
                        checked += 1;
                    }
                    // `--option` or `run --option`; other programs' lines have
                    // options of their own.
                    let first = text.split([' ', '=']).next().unwrap_or_default();
                    if !first.starts_with("--") && !names.contains(first) {
                        continue;
                    }
                    let words = text.split([' ', '=']).filter(|word| word.starts_with("--"));
                    for option in words.filter(|word| !OF_OTHERS.contains(word)) {
                        checked += 1;
                        assert!(options.contains(option), "{place}: there is no {option}");
                    }
                }
                _ => {}
            }
        }
    }
    assert!(checked > 40, "only {checked} were found");
}
