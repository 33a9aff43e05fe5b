//! All that is done with what came from elsewhere: reports, policies, journals,
//! stored self-tests, options.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use clap::Parser;
use hwgap::changes::{Foreign, Found, LiveAccess, Locked, rehearse};
use hwgap::cli::{Cli, Command, arguments};
use hwgap::compare::{Machine, Naming, Question, SavedRun, compare};
use hwgap::host::root::Root;
use hwgap::hwlatdetect::Parameters;
use hwgap::judgement::reattribute::reattribute;
use hwgap::model::{Gap, Report};
use hwgap::policy::Policy;
use hwgap::read::redact::redact;
use hwgap::read::{brief, saved as read};
use hwgap::render::markdown::Limit;
use hwgap::render::style::Style;
use hwgap::render::{
    Changes, Origin, comparison, csv, histogram, html, markdown, perfetto, terminal as text,
};
use hwgap::selftest::store;
use hwgap::text::characters::is_plain;
use hwgap::text::json;
use hwgap::text::look::Extent;

/// What an error says to a user: bounded, and without anything that steers his
/// terminal.
fn fair(message: &str) {
    assert!(message.len() < 8_000, "{message}");
    assert!(
        message.chars().all(|c| c == '\n' || is_plain(c)),
        "{message:?}"
    );
}

/// Reads a report in brief, from memory and as a stream: what fleets do. Returns
/// whether it was one.
pub fn brief(bytes: &[u8]) -> bool {
    let large = brief::from_large(bytes).map_err(|problem| fair(&problem.to_string()));
    let small = brief::from_slice(bytes).map_err(|problem| fair(&problem.to_string()));
    small.is_ok() || large.is_ok()
}

/// Reads a policy. Returns whether it was one.
pub fn policy(bytes: &[u8]) -> bool {
    let read = Policy::parse("policy.toml", &String::from_utf8_lossy(bytes));
    read.map_err(|error| fair(&error.to_string())).is_ok()
}

/// Reads a journal of changed settings as `hwgap restore` does, and looks what
/// it would put back on a host that has nothing of it. Returns whether it was
/// one.
pub fn journal(bytes: &[u8]) -> bool {
    let folder = std::env::temp_dir().join(format!("hwgap-fuzz-{}", std::process::id()));
    let place = folder.join("journal");
    // The folder is made closed to others.
    let locked = Locked::take(&place, Duration::ZERO).unwrap();
    let file = place.join("changes.journal");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file).unwrap().write_all(bytes).unwrap();
    match locked.look() {
        Ok(Found::Left(left)) => {
            let access = LiveAccess::new(Root::at(folder.join("host")));
            for foreign in [Foreign::Report, Foreign::Overwrite, Foreign::Accept] {
                rehearse(&left, &access, foreign);
            }
            true
        }
        Ok(Found::Nothing(_)) => false,
        Err(_) => false,
    }
}

/// Reads and shows a stored self-test. Returns whether it was one.
pub fn selftest(bytes: &[u8]) -> bool {
    store::parse(bytes)
        .map(|test| hwgap::render::selftest::render(&test))
        .is_some()
}

/// Reads options in hwlatdetect's words, one a line. Returns whether they were
/// understood.
pub fn options(bytes: &[u8]) -> bool {
    let given = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let given = given.split(|byte| *byte == b'\n').take(64);
    let given = given.map(|option| OsString::from_vec(option.to_vec()));
    let program = std::iter::once(OsString::from("hwlatdetect"));
    match Cli::try_parse_from(arguments(program.chain(given))) {
        Ok(Cli {
            command: Command::Hwlatdetect(options),
        }) => {
            Parameters::new(&options).run_args(&options);
            true
        }
        Ok(_) | Err(_) => false,
    }
}

/// The most that is read of an input.
const LARGEST: u64 = 1 << 24;

fn parse(bytes: &[u8]) -> Option<Report> {
    match read::from_reader::<Vec<Gap>>("input.json", bytes, LARGEST) {
        Ok(report) => Some(report),
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("input.json: "), "{message}");
            assert!(message.len() < 2_000, "{message}");
            assert!(!message.contains(char::is_control), "{message:?}");
            None
        }
    }
}

/// Reads and converts a report in every way. Returns whether it was one.
pub fn report(bytes: &[u8]) -> bool {
    let Some(report) = parse(bytes) else {
        return false;
    };
    convert(&report);
    convert(&redact(reattribute(report)));
    true
}

fn convert(report: &Report) {
    let origin = Origin {
        sha256: "00".repeat(32),
        changes: Changes::None,
    };
    let (head, gaps) = (report.without_gaps(), &report.gaps);
    for extent in [Extent::Screen, Extent::Verbose] {
        text::write(&head, gaps, Style::Plain, extent, io::sink()).unwrap();
    }
    json::write(report, io::sink()).unwrap();
    csv::write(gaps, report.run.engine, io::sink()).unwrap();
    perfetto::write(report, io::sink()).unwrap();
    histogram::write_cyclictest(report, io::sink()).unwrap();
    histogram::write_hdr_log(report, io::sink()).unwrap();
    markdown::write(&head, gaps, &origin, Limit(60_000), io::sink()).unwrap();
    html::write(&head, gaps, &origin, io::sink()).unwrap();
}

/// Compares a report with a sound one, either way round. Returns whether that
/// was possible.
pub fn compared(bytes: &[u8], sound: &[u8]) -> bool {
    let (Some(run), Some(other)) = (saved(bytes), saved(sound)) else {
        return false;
    };
    for naming in [Naming::Full, Naming::Redacted] {
        let question = Question {
            level: 0.95,
            margin: 2.0,
            naming,
        };
        for (before, after) in [(&run, &other), (&other, &run)] {
            let before = std::slice::from_ref(before);
            let found = compare(before, std::slice::from_ref(after), &question);
            comparison::text(&found, Style::Plain, Extent::Screen);
            comparison::markdown(&found);
            comparison::page(&found);
            json::write(&found, io::sink()).unwrap();
        }
    }
    true
}

fn saved(bytes: &[u8]) -> Option<SavedRun> {
    let run = SavedRun {
        file: "input.json".to_owned(),
        sha256: String::new(),
        report: parse(bytes)?,
        machine: serde_json::from_slice::<Machine>(bytes).ok()?,
    };
    run.check().is_ok().then_some(run)
}
