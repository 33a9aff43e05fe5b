//! The program as a whole: how long it takes to start and to end, and how
//! much memory it holds.

mod figures;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use figures::{is_quick, median, row};

/// A scripted machine with more gaps on each CPU than a report keeps: the most
/// memory that a run can need, however long it is.
const MANY_GAPS: &str = r#"
hz = 1e9
smi_count = 7

[[event]]
at = "1ms"
every = "40us"
length = "20us"
what = "kernel"

[[event]]
at = "1.02ms"
every = "40us"
length = "15us"
what = "stall"
smi = 1
"#;

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
    let sampled = count(&report, |report| report["cpus"].as_array().map(Vec::len))? as f64;
    let bar = 24.0 + 8.0 * sampled;
    row("peak memory at defaults", peak_mib(), "MiB", Some(bar));

    // Blind time as a real machine has it, caches cold after each gap. Trips
    // below the threshold cost blind time too, so this is an upper bound.
    seconds(&[&common[..], &["5s", "--threshold", "1us"]].concat())?;
    let blind = count(&report, |report| report["cpus"][0]["blind_ns"].as_u64())? as f64;
    let gaps = count(&report, |report| report["cpus"][0]["gaps_seen"].as_u64())? as f64;
    row(
        "blind time, mean a live gap above 1 us",
        blind / gaps / 1e3,
        "us",
        None,
    );

    let script = folder.join("many-gaps.toml");
    std::fs::write(&script, MANY_GAPS)?;
    seconds(&[&common[..], &["60s", "--script", text(&script)]].concat())?;
    let kept = count(&report, |report| {
        report["cpus"][0]["gaps_recorded"].as_u64()
    })?;
    let name = format!("peak memory, {kept} gaps kept");
    row(&name, peak_mib(), "MiB", Some(bar));
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

/// The largest child so far; each figure is taken after a larger child.
fn peak_mib() -> f64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(f64::NAN, |usage| usage.max_rss() as f64 / 1024.0)
}

fn count<N: TryInto<u64>>(
    report: &Path,
    find: impl Fn(&Value) -> Option<N>,
) -> std::io::Result<u64> {
    let report: Value = serde_json::from_slice(&std::fs::read(report)?)?;
    find(&report)
        .and_then(|number| number.try_into().ok())
        .ok_or_else(|| std::io::Error::other("the report lacks a field"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
