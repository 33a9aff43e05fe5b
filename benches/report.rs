//! Pages of a large report: how long they take, how large they are, and how
//! much memory they hold.

mod figures;
#[path = "../tests/made_up_host.rs"]
mod made_up_host;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use figures::{is_quick, median, row};
use made_up_host::made_up_host;

/// A scripted machine with 100,000 stalls of the platform, the most that a
/// report keeps of a CPU.
const MANY_STALLS: &str = r#"
hz = 1e9
smi_count = 7

[[event]]
at = "1.02ms"
every = "100us"
length = "15us"
what = "stall"
smi = 1
"#;

fn main() {
    let folder = std::env::temp_dir().join(format!("hwgap-bench-report-{}", std::process::id()));
    if let Err(error) = std::fs::create_dir(&folder).and_then(|()| measure(&folder)) {
        println!("not measured: {error}");
    }
    // What is left in a folder for temporary files harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
}

fn measure(folder: &Path) -> std::io::Result<()> {
    let (script, saved) = (folder.join("script"), folder.join("report.json"));
    std::fs::write(script.with_extension("toml"), MANY_STALLS)?;
    let host = made_up_host("bare-metal-intel", &[text(&script)]);
    let duration = if is_quick() { "1s" } else { "10s" };
    let script = [
        "--host-root",
        text(host.path()),
        "--cpus",
        "1",
        "--duration",
        duration,
    ];
    seconds(&[&["run", "--quiet", "-o", text(&saved)][..], &script].concat())?;
    let read = (0..3)
        .map(|_| {
            seconds(&[
                "report",
                text(&saved),
                "--format",
                "histogram",
                "-o",
                "/dev/null",
            ])
        })
        .collect::<std::io::Result<Vec<_>>>()?;
    let read = median(read);
    row("the report read, and a histogram made", read, "s", None);
    for (format, bar) in [
        ("html", 2.0),
        ("markdown", 0.06),
        ("csv", 100.0),
        ("perfetto", 15.0),
        ("jsonl", 100.0),
    ] {
        let page = folder.join(format);
        let common = [
            "report",
            text(&saved),
            "--format",
            format,
            "-o",
            text(&page),
        ];
        let taken = (0..3)
            .map(|_| seconds(&common))
            .collect::<std::io::Result<Vec<_>>>()?;
        let taken = median(taken);
        let name = format!("{format} of 100,000 gaps");
        row(&name, taken, "s", Some(2.0));
        // No form is made sooner than its report is read.
        row(&name, taken / read, "x", None);
        let size = std::fs::metadata(&page)?.len() as f64 / 1e6;
        row(&format!("{format} of 100,000 gaps"), size, "MB", Some(bar));
    }
    row("peak memory of the largest", peak_mib(), "MiB", Some(300.0));
    Ok(())
}

fn seconds(arguments: &[&str]) -> std::io::Result<f64> {
    let begun = Instant::now();
    Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    Ok(begun.elapsed().as_secs_f64())
}

fn peak_mib() -> f64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).map_or(f64::NAN, |usage| usage.max_rss() as f64 / 1024.0)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}
