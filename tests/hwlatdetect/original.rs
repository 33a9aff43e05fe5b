//! Against the original's own source, where rt-tests is installed: it is given
//! the samples and the SMI counts that hwgap found, and must print the same.
//! `HWLATDETECT_ORIGINALS` names other releases' sources, parted by colons.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser;
use hwgap::cli::{Cli, Command as Typed};
use hwgap::hwlatdetect::Parameters;
use hwgap::units::Nanos;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::clients::samples_of;
use super::harness::{Said, repository, scripted};

/// The sources at hand, with the form that each of them writes.
fn originals() -> Vec<(PathBuf, &'static str)> {
    let named = std::env::var("HWLATDETECT_ORIGINALS").unwrap_or_default();
    let installed = ["/usr/sbin/hwlatdetect", "/usr/bin/hwlatdetect"];
    let mut found = Vec::new();
    for path in named.split(':').chain(installed) {
        let Ok(source) = fs::read_to_string(path) else {
            continue;
        };
        let form = match () {
            // The shim, or another program of that name.
            () if !source.contains("class Tracer") => continue,
            () if source.contains("count:{") => "2.10",
            () if source.contains("cpu:{") => "2.6",
            () => "2.4",
        };
        found.push((PathBuf::from(path), form));
    }
    if found.is_empty() {
        eprintln!("skipped: no hwlatdetect is installed (package rt-tests)");
    }
    found
}

fn python(source: &Path, command: &str) -> Command {
    let mut python = Command::new("python3");
    python
        .arg(repository("tests/hwlatdetect/original.py"))
        .arg(command)
        .arg(source);
    python
}

/// What the original prints of these samples and SMI counts; `counts` has a
/// line for each CPU.
fn of_original(source: &Path, samples: &str, counts: &str, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let records: String = samples_of(samples).map(record).collect();
    fs::write(folder.path().join("trace"), records).unwrap();
    fs::write(folder.path().join("smis"), counts).unwrap();
    let mut python = python(source, "run");
    python.arg(folder.path()).args(arguments);
    python.output().unwrap().into()
}

/// The tracer's line for a sample of form 2.10.
fn record(sample: &str) -> String {
    let field = |name: &str| {
        let mut fields = sample.split(", ");
        fields.find_map(|field| field.strip_prefix(name)).unwrap()
    };
    format!(
        "<...>-1729  [{:03}] d.... 6784.734490: #1     inner/outer(us): {:>4}/{:<5} ts:{} count:{}\n",
        field("cpu:").parse::<u32>().unwrap(),
        field("inner:"),
        field("outer:"),
        field("ts: "),
        field("count:"),
    )
}

/// hwgap's output without what it has more than the original, and with the mean
/// time, which the original computes otherwise, apart.
fn in_common(stdout: &str) -> (String, Option<f64>) {
    let mut text = String::new();
    let mut mtbf = None;
    for line in stdout.lines() {
        let own = line.starts_with("        Sampling:") || line.starts_with("Coverage:");
        if let Some(seconds) = line.strip_prefix("MTBF: ") {
            mtbf = seconds.strip_suffix(" seconds").unwrap().parse().ok();
        } else if !own {
            let line = line.split_once(" (hwgap").map_or(line, |(line, _)| line);
            text += line;
            text.push('\n');
        }
    }
    (text, mtbf)
}

#[test]
fn the_same_test_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("samples");
    let report = format!("--report={}", report.display());
    let options: [&[&str]; 8] = [
        &[],
        &["--threshold", "20", "--hardlimit", "1ms", &report],
        &["--threshold=1us", "--watch"],
        &["--window=10000000us", "--width=950000us"],
        &["--window=2s", "--width=2000ms", "--hardlimit=300"],
        &["--width=3s"],
        &["--quiet"],
        &["--threshold=1s"],
    ];
    for (source, form) in originals() {
        for options in options {
            let mut arguments = vec!["--cpu-list=1"];
            arguments.extend(options);
            let form_option = format!("--format-version={form}");
            let ours = |form: &str, duration: &str| {
                let mut all = arguments.clone();
                all.extend([duration, form]);
                scripted("drop-in-latency", &all)
            };
            let said = ours(&form_option, "--duration=0.1s");
            // With --watch too the samples stand in the output.
            let samples = ours("--format-version=2.10", "--duration=0.1s").stdout;
            // CPU 1 has as many SMIs as the script.
            let mut asked = arguments.clone();
            asked.push("--duration=1");
            let original = of_original(&source, &samples, "9 9\n7 11\n0 0\n0 0\n", &asked);
            let (text, mtbf) = in_common(&said.stdout);
            let (expected, expected_mtbf) = in_common(&original.stdout);
            let text = text.replace("duration 0.1 seconds", "duration 1 seconds");
            assert_eq!(text, expected, "{form} {options:?}: {}", original.stderr);
            assert_eq!(said.status, original.status, "{form} {options:?}");
            assert_eq!(
                mtbf.is_some(),
                expected_mtbf.is_some(),
                "{form} {options:?}"
            );
        }
    }
}

/// Which command lines the original's parser takes, ours takes; which it
/// refuses as wrong usage, ours refuses.
#[test]
fn the_same_command_lines_are_taken() {
    let lines: [&[&str]; 14] = [
        &["--dur", "1", "--thr=5"],
        &["--hard=5", "--cpu=1", "--rep=", "--q"],
        &["--wa", "--deb"],
        &["--win=5", "--wid=5"],
        &["--w=5"],
        &["--wi", "5"],
        &["--d"],
        &["--h"],
        &["--duration"],
        &["--watch=yes"],
        &["--threshold", "5", "--threshold", "6"],
        &["-t", "5"],
        &["extra"],
        &["--cpus", "1"],
    ];
    for (source, form) in originals() {
        for line in lines {
            let original = of_original(&source, "", "", line);
            let ours = Cli::try_parse_from(["hwgap", "hwlatdetect"].iter().chain(line));
            let taken = original.status != 2;
            assert_eq!(ours.is_ok(), taken, "{form} {line:?}: {}", original.stderr);
        }
    }
}

/// Nanoseconds, some 290 years: longer times are refused here.
const LONGEST: u64 = 9_200_000_000_000_000_000;

fn parameters(option: &str, text: &str) -> Option<Parameters> {
    let option = format!("--{option}={text}");
    match Cli::try_parse_from(["hwgap", "hwlatdetect", &option]) {
        Ok(Cli {
            command: Typed::Hwlatdetect(args),
        }) => Some(Parameters::new(&args)),
        _ => None,
    }
}

/// Every length of time that the original reads means the same here.
#[test]
fn the_same_lengths_mean_the_same() {
    let Some((source, _)) = originals().pop() else {
        return;
    };
    let text = "[0-9]{1,7}(|us|ms|s|m|h|d|w|ns|xs)|[0-9]{0,2}[a-z]{0,3}[0-9]{0,2}";
    let one = (prop::bool::ANY, text);
    let mut runner = TestRunner::new(Config::default());
    let strategy = prop::collection::vec(one, 200);
    let cases = strategy.new_tree(&mut runner).unwrap().current();
    let mut child = python(&source, "units")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    for (seconds, text) in &cases {
        let function = if *seconds { "seconds" } else { "microseconds" };
        lines += &format!("{function} {text}\n");
    }
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    let mut read = 0;
    for ((seconds, text), original) in cases.iter().zip(said.stdout.lines()) {
        let (option, unit) = match seconds {
            true => ("duration", 1_000_000_000),
            false => ("threshold", 1_000u64),
        };
        let count = original.parse::<u64>().ok();
        let nanos = count.and_then(|count| count.checked_mul(unit));
        let Some(nanos) = nanos.filter(|&nanos| nanos < LONGEST) else {
            continue;
        };
        read += 1;
        let ours = parameters(option, text).map(|parameters| match seconds {
            true => parameters.duration,
            false => parameters.threshold,
        });
        assert_eq!(ours, Some(Nanos(nanos)), "{option} {text}");
    }
    assert!(read > 20, "only {read} were read by the original");
}
