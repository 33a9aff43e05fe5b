//! Each ```console block is what the program prints.
//!
//! A comment before the block (`<!-- sample`) says where the output comes from, a line each:
//!
//! - nothing: the command itself, in a folder with fixtures/reports and
//!   examples/policies in it;
//! - `script: NAME on HOST`: the same on a scripted CPU and a host of fixtures;
//! - `host: HOST`: the same on the files of that host;
//! - `report: NAME`: the command's summary, out of the report that it saved;
//! - `golden: FILE`: that file of tests/golden, which another test holds;
//! - `fleet: HOSTS FAULTS` puts a synthetic fleet into the folder `reports` first;
//! - `policy: LINE` is a line of p.toml in that folder;
//! - `show: A; B 4` shows of the output the paragraphs that begin with A, and
//!   of those that begin with B four lines. What is left out becomes `...`.
//!
//! After a wanted change write them anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test documents && git diff README.md docs`.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::blocks::{Block, Page, blocks, joined, root, words};
use crate::made_up_host::made_up_host;
use crate::synthetic::{Fault, Recipe, into_folder};

const LEFT_OUT: &str = "...";

#[derive(Default)]
struct Sample {
    script: Option<(String, String)>,
    host: Option<String>,
    report: Option<String>,
    golden: Option<String>,
    fleet: Option<Recipe>,
    policy: Vec<String>,
    show: Vec<(String, usize)>,
}

/// What the comment before the block says of it.
fn sample(lines: &[&str], block: &Block) -> Sample {
    let mut sample = Sample::default();
    let before = &lines[..block.begin - 1];
    if !before.last().is_some_and(|line| line.ends_with("-->")) {
        return sample;
    }
    let begin = before.iter().rposition(|line| line.starts_with("<!--"));
    let comment = before[begin.expect("a comment begins")..].join("\n");
    let Some(comment) = comment.strip_prefix("<!-- sample\n") else {
        return sample;
    };
    let comment = comment.trim_end_matches("-->");
    for line in comment.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let value = value.to_owned();
        match key {
            "script" => {
                let (script, host) = value.split_once(" on ").expect("NAME on HOST");
                sample.script = Some((script.to_owned(), host.to_owned()));
            }
            "host" => sample.host = Some(value),
            "report" => sample.report = Some(value),
            "golden" => sample.golden = Some(value),
            "fleet" => sample.fleet = Some(fleet(&value)),
            "policy" => sample.policy.push(value),
            "show" => sample.show = value.split("; ").map(shown).collect(),
            _ => panic!("no such thing to say of a sample: {line}"),
        }
    }
    sample
}

/// `300 bad-bios,series`: how many hosts, and what is wrong with them.
fn fleet(text: &str) -> Recipe {
    let (hosts, faults) = text.split_once(' ').expect("HOSTS FAULTS");
    let fault = |name| Fault::from_str(name, false).expect("a fault");
    Recipe {
        hosts: hosts.parse().expect("a number of hosts"),
        seed: 1,
        faults: faults.split(',').map(fault).collect(),
    }
}

/// `Worst 4`: the beginning of a paragraph, and how many lines of it.
fn shown(part: &str) -> (String, usize) {
    let count = part.rsplit_once(' ');
    let count = count.and_then(|(name, count)| Some((name, count.parse().ok()?)));
    let (name, count) = count.unwrap_or((part, usize::MAX));
    (name.to_owned(), count)
}

/// The folder that samples run in.
fn stage(sample: &Sample) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for source in ["fixtures/reports", "examples/policies"] {
        for entry in fs::read_dir(root().join(source)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    fs::write(folder.path().join("p.toml"), sample.policy.join("\n")).unwrap();
    if let Some(recipe) = &sample.fleet {
        into_folder(recipe, &folder.path().join("reports")).unwrap();
    }
    folder
}

fn run(folder: &Path, arguments: &[String]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    let status = output.status.code().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(status != 2, "{arguments:?}: {stderr}");
    // No page goes out of date by a release.
    let version = concat!("hwgap ", env!("CARGO_PKG_VERSION"));
    let stdout = String::from_utf8(output.stdout).unwrap();
    (stdout.replace(version, "hwgap VERSION"), status)
}

/// What the command prints, and its exit status.
fn printed(sample: &Sample, command: &str) -> (String, i32) {
    if let Some(golden) = &sample.golden {
        let file = root().join("tests/golden").join(golden);
        return (fs::read_to_string(file).unwrap(), 0);
    }
    let mut arguments = match &sample.report {
        Some(report) => vec!["report".to_owned(), report.clone()],
        None => {
            let words = words(command.strip_prefix("sudo ").unwrap_or(command));
            assert_eq!(words[0], "hwgap", "{command}");
            words[1..].to_vec()
        }
    };
    let host = match (&sample.script, &sample.host) {
        (Some((script, host)), _) => Some(made_up_host(host, &[script, script])),
        (None, host) => host.as_ref().map(|host| made_up_host(host, &[])),
    };
    if let Some(host) = &host {
        arguments.extend(["--host-root".into(), host.path().display().to_string()]);
    }
    run(stage(sample).path(), &arguments)
}

/// The parts of the output that are asked for, in its own order.
fn excerpt(output: &str, show: &[(String, usize)]) -> Vec<String> {
    let lines: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    if show.is_empty() {
        return lines.into_iter().map(str::to_owned).collect();
    }
    let mut kept = vec![false; lines.len()];
    for (name, count) in show {
        let begins = |line: &&str| line.trim_start().starts_with(name.as_str());
        let at = lines.iter().position(begins);
        let at = at.unwrap_or_else(|| panic!("no line begins with {name:?} in:\n{output}"));
        let paragraph = lines[at..].iter().take_while(|line| !line.is_empty());
        let count = paragraph.count().min(*count);
        kept[at..at + count].fill(true);
    }
    let mut shown: Vec<String> = Vec::new();
    let mut left_out: Vec<&str> = Vec::new();
    for (line, kept) in lines.iter().zip(kept) {
        if !kept {
            left_out.push(line);
            continue;
        }
        shown.extend(gap(&left_out));
        left_out.clear();
        shown.push((*line).to_owned());
    }
    shown.extend(gap(&left_out));
    shown
}

/// What stands for lines that are left out.
fn gap(lines: &[&str]) -> Option<String> {
    match lines {
        [] => None,
        _ if lines.iter().all(|line| line.is_empty()) => Some(String::new()),
        _ => Some(LEFT_OUT.to_owned()),
    }
}

/// The lines that the block should hold.
fn wanted(page: &Page, lines: &[&str], block: &Block) -> Vec<String> {
    let sample = sample(lines, block);
    let held = &lines[block.begin..block.end];
    let mut wanted = Vec::new();
    let mut status = 0;
    let mut at = 0;
    while at < held.len() {
        if !held[at].starts_with("$ ") {
            at += 1;
            continue;
        }
        let more = held[at..].iter().take_while(|line| line.ends_with('\\'));
        let end = at + more.count() + 1;
        wanted.extend(held[at..end].iter().map(|line| (*line).to_owned()));
        let command = &joined(&held[at..end])[0];
        let command = command.strip_prefix("$ ").unwrap();
        if command == "echo $?" {
            wanted.push(status.to_string());
        } else {
            let (output, ended) = printed(&sample, command);
            wanted.extend(excerpt(&output, &sample.show));
            status = ended;
        }
        at = end;
    }
    let place = format!("{}:{}", page.name(), block.begin);
    assert!(!wanted.is_empty(), "{place}: no line begins with \"$ \"");
    wanted
}

#[test]
fn every_console_sample_is_what_the_program_prints() {
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut samples = 0;
    for page in Page::all() {
        let lines: Vec<&str> = page.text.lines().collect();
        let mut anew: Vec<String> = Vec::new();
        let mut copied = 0;
        for block in blocks(&page.text) {
            if block.language != "console" {
                continue;
            }
            samples += 1;
            let wanted = wanted(&page, &lines, &block);
            let held = &lines[block.begin..block.end];
            assert!(
                is_update || wanted == held,
                "{}:{}: this is what the program prints; write it with \
                 UPDATE_GOLDEN=1 cargo test documents\n{}",
                page.name(),
                block.begin,
                wanted.join("\n")
            );
            anew.extend(lines[copied..block.begin].iter().map(ToString::to_string));
            anew.extend(wanted);
            copied = block.end;
        }
        anew.extend(lines[copied..].iter().map(ToString::to_string));
        if is_update {
            fs::write(&page.file, anew.join("\n") + "\n").unwrap();
        }
    }
    assert!(samples >= 8, "only {samples} samples were found");
}

#[test]
fn the_picture_is_drawn_from_its_report() {
    let script = root().join("fixtures/reports/picture.py");
    let Ok(output) = Command::new("python3").arg(script).output() else {
        println!("skipped: python3 is not here");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let kept = fs::read(root().join("docs/known-smis.svg")).unwrap();
    let remedy = "draw it anew: fixtures/reports/picture.py > docs/known-smis.svg";
    assert!(kept == output.stdout, "{remedy}");
}
