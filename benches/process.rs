//! The program as a whole: how long it takes to start and to end, and how
//! much memory it holds.

mod figures;
#[path = "../tests/made_up_host.rs"]
mod made_up_host;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde::Deserialize;

use figures::{is_quick, median, row};
use made_up_host::made_up_host;

/// A scripted machine with more gaps on each CPU than a report keeps: the most
/// memory that a run can need, however long it is. Those that are kept are the
/// platform's, so that all of them are searched for a period.
const MANY_GAPS: &str = r#"
hz = 1e9
smi_count = 7

[[event]]
at = "1ms"
every = "80us"
length = "20us"
what = "kernel"

[[event]]
at = "1.04ms"
every = "80us"
length = "25us"
what = "stall"
smi = 1
"#;

/// What is looked for in a report. It is read as a stream: memory of this
/// process counts as its child's until that runs hwgap.
#[derive(Deserialize)]
struct Counts {
    cpus: Vec<CpuCounts>,
    run: RunCounts,
}

#[derive(Deserialize)]
struct CpuCounts {
    blind_ns: u64,
    gaps_seen: u64,
    gaps_recorded: u64,
}

#[derive(Deserialize)]
struct RunCounts {
    checkpoints: Option<Checkpoints>,
}

#[derive(Deserialize)]
struct Checkpoints {
    written: u64,
}

fn main() {
    let folder = std::env::temp_dir().join(format!("hwgap-bench-{}", std::process::id()));
    if let Err(error) = std::fs::create_dir(&folder).and_then(|()| measure(&folder)) {
        println!("not measured: {error}");
    }
    // What is left in a folder for temporary files harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
}

fn measure(folder: &Path) -> std::io::Result<()> {
    let starts = (0..40)
        .map(|_| Ok(seconds(&["--version"])? * 1e3))
        .collect::<std::io::Result<Vec<_>>>()?;
    row("--version", median(starts), "ms", Some(20.0));

    let report = folder.join("report.json");
    let length = if is_quick() { 2 } else { 10 };
    let duration = format!("{length}s");
    let common = ["run", "--quiet", "-o", text(&report), "--duration"];
    let taken = seconds(&[&common[..], &[&duration]].concat())?;
    row(
        &format!("run of {length} s to exit"),
        taken,
        "s",
        Some(f64::from(length) + 1.0),
    );
    let bar = most(&counts(&report)?);
    row("peak memory at defaults", peak_mib(), "MiB", Some(bar));

    let script = folder.join("many-gaps");
    std::fs::write(script.with_extension("toml"), MANY_GAPS)?;
    let host = made_up_host("bare-metal-intel", &[text(&script)]);
    let scripted = [
        "60s",
        "--checkpoint",
        "100ms",
        "--host-root",
        text(host.path()),
    ];
    seconds(&[&common[..], &scripted].concat())?;
    let found = counts(&report)?;
    let bar = bar.max(most(&found));
    let written = found.run.checkpoints.map_or(0, |all| all.written);
    let kept = found.cpus[0].gaps_recorded;
    let name = format!("peak memory, {kept} gaps kept, {written} checkpoints");
    row(&name, peak_mib(), "MiB", Some(bar));

    // Blind time as a real machine has it, caches cold after each gap. Trips
    // below the threshold cost blind time too, so this is an upper bound.
    seconds(&[&common[..], &["5s", "--threshold", "1us"]].concat())?;
    let first = counts(&report)?.cpus.swap_remove(0);
    row(
        "blind time, mean a live gap above 1 us",
        first.blind_ns as f64 / first.gaps_seen as f64 / 1e3,
        "us",
        None,
    );
    Ok(())
}

/// Runs hwgap. Its exit status is its verdict on this machine, which is not
/// what is looked for here.
fn seconds(arguments: &[&str]) -> std::io::Result<f64> {
    let begun = Instant::now();
    Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// The memory that a run of these CPUs may hold, in MiB.
fn most(counts: &Counts) -> f64 {
    24.0 + 0.75 * counts.cpus.len() as f64
}

/// The largest child so far; each figure is taken after a larger child.
fn peak_mib() -> f64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(f64::NAN, |usage| usage.max_rss() as f64 / 1024.0)
}

fn counts(report: &Path) -> std::io::Result<Counts> {
    Ok(serde_json::from_reader(BufReader::new(File::open(
        report,
    )?))?)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
