//! The page of a command, from its definition.

use std::io;

use clap::Command;
use clap_mangen::Man;

use super::help::{self, Section};
use super::{name, sections, title};

/// What `clap_mangen` puts before each part that it renders; a page needs it
/// once.
pub(super) const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

pub(super) fn page(command: &Command, pages: &[String]) -> io::Result<String> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().override_usage(usage));
    let mut parts = Vec::new();
    man.render_name_section(&mut parts)?;
    man.render_synopsis_section(&mut parts)?;
    man.render_description_section(&mut parts)?;
    man.render_options_section(&mut parts)?;
    let mut text = String::from_utf8(parts).map_err(io::Error::other)?;

    if command.has_subcommands() {
        text += &commands(command).to_roff();
    }
    let help = command.get_after_long_help().map(ToString::to_string);
    let mut help = help::sections(help.as_deref().unwrap_or_default());
    let mut taken = |heading: &str| {
        let at = help.iter().position(|section| section.heading == heading);
        at.map(|at| help.remove(at))
    };
    let (examples, exit_status) = (taken("Examples"), taken("Exit status"));
    // The policy has a page of its own.
    help.retain(|section| !section.heading.starts_with("Policy"));
    let own = name(command);
    let rest = [
        exit_status,
        sections::environment(own),
        sections::files(own),
        examples,
        Some(sections::bugs(own)),
        Some(sections::see_also(&format!("{own}(1)"), pages)),
    ];
    for section in help.into_iter().chain(rest.into_iter().flatten()) {
        text += &section.to_roff();
    }
    Ok(format!(
        "{PREAMBLE}{}{}",
        title(own, 1),
        text.replace(PREAMBLE, "")
    ))
}

fn commands(root: &Command) -> Section {
    let visible = root
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let rows: Vec<(String, String)> = visible
        .map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (format!("{}(1)", name(command)), about.unwrap_or_default())
        })
        .collect();
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|(name, about)| (name.as_str(), about.as_str()))
        .collect();
    Section::of_terms("Commands", &rows)
}
