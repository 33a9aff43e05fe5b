//! A machine in a machine: the emulator's SVM lets a kernel in it be a real host
//! of KVM. There `hwgap host` observes a real guest in which `hwgap run` samples,
//! while causes with known times keep the vCPU out of it; `hwgap explain` joins
//! both, and each gap of the guest must have the cause that was planted.

mod cost;
mod explanation;
mod job;
mod judge;
pub mod plant;
pub mod planted;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

use crate::machine::{Boot, HostFiles};
use crate::scenario::{Firmware, Machine};
use crate::smilog::SmiLog;
use crate::suite::Folders;
use job::{
    DEVICE_READS, EXITS, INNER, Job, MARKS, MIGRATIONS, OFFSET, PHASES, Phase, REPORT, SMIS,
};
use planted::{Plant, Planted};

/// Of both machines.
pub const KERNEL: &str = "6.1";

/// The emulator's SVM lets one boot of four or so crash or hang.
const ATTEMPTS: u32 = 6;
/// Boots take a third of this CPU time.
const HANGS: Duration = Duration::from_secs(400);

/// A boot, and what is planted in it.
#[derive(Clone, Copy)]
pub struct Case {
    /// Of its folder.
    name: &'static str,
    cpus: u32,
    /// After so many of the outer machine's seconds the guest hangs.
    patience: u32,
    job: Job,
}

const CASES: [Case; 3] = [
    // To the instruction.
    Case {
        name: "nested",
        cpus: 1,
        patience: 40,
        job: Job::Causes(&PHASES),
    },
    Case {
        name: "nested-cost",
        cpus: 1,
        patience: 40,
        job: Job::Cost,
    },
    // In this machine's time: a thread cannot go to another CPU where there is
    // one.
    Case {
        name: "nested-two-cpus",
        cpus: 2,
        patience: 400,
        job: Job::Causes(&[MIGRATIONS]),
    },
];

/// What the judge says.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was planted, and what became of it.
    pub table: String,
    /// Each a sentence; empty means passed.
    pub failures: Vec<String>,
}

/// The cases of these names; all without any.
///
/// # Errors
/// Where there is none of a name.
pub fn select(names: &[String]) -> Result<Vec<&'static Case>> {
    if names.is_empty() {
        return Ok(CASES.iter().collect());
    }
    (names.iter())
        .map(|name| {
            let all = CASES.map(|case| case.name).join(", ");
            (CASES.iter().find(|case| case.name == name))
                .with_context(|| format!("there is no nested case {name}, but {all}"))
        })
        .collect()
}

/// Boots the machines and judges.
///
/// # Errors
/// Where a machine cannot be had.
pub fn run(folders: &Folders, cases: &[&Case]) -> Result<Findings> {
    for case in cases {
        // Each begins at another moment, for one that crashed does so again.
        for attempt in 0..ATTEMPTS {
            let folder = match boot(folders, case, attempt) {
                Ok(folder) => folder,
                Err(error) if attempt + 1 < ATTEMPTS => {
                    eprintln!("{}: {error:#}; once more", case.name);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if folder
                .join("results")
                .join(INNER)
                .join(case.job.left())
                .exists()
            {
                break;
            }
        }
    }
    Ok(judge_again(folders, cases))
}

fn boot(folders: &Folders, case: &Case, attempt: u32) -> Result<PathBuf> {
    let folder = folders.boot_folder(case.name)?;
    let inner = folder.join("inner-initramfs");
    fs::write(
        &inner,
        folders.initramfs(KERNEL, &job::INNER_MODULES, &case.job.inner())?,
    )?;
    let kernel = folders.kernel(KERNEL);
    let machine = Machine {
        kernel: KERNEL.into(),
        cpu: "EPYC,+svm".into(),
        cpus: case.cpus,
        // Else the host's kernel does not trust the TSCs of two CPUs, and KVM lets
        // the guest's stand still while its vCPU waits (arch/x86/kvm/x86.c,
        // `kvm_arch_vcpu_load`).
        kernel_options: "tsc=reliable".into(),
        firmware: match case.cpus {
            1 => Firmware::Seabios,
            // The instruction clock is that of one CPU.
            _ => Firmware::Ovmf,
        },
        ..Machine::default()
    };
    let script = case.job.outer(&kernel, &inner, attempt, case.patience);
    Boot {
        machine: &machine,
        initramfs: &folders.initramfs(KERNEL, &job::OUTER_MODULES, &script)?,
        kernel,
        folder: &folder,
        change: None,
        host_files: HostFiles::ReadOnly,
        most: HANGS,
    }
    .run()?;
    fs::remove_file(&inner)?;
    Ok(folder)
}

/// Joins and judges what the last boots left.
pub fn judge_again(folders: &Folders, cases: &[&Case]) -> Findings {
    let mut all = Findings::default();
    for case in cases {
        let results = folders.cache.join("runs").join(case.name).join("results");
        let findings = match case.job {
            Job::Causes(phases) => judge_case(folders, case, phases, &results),
            Job::Cost => judge_cost(&results),
        };
        match findings {
            Ok(findings) => {
                all.table += &findings.table;
                all.table.push('\n');
                all.failures.extend(findings.failures);
            }
            Err(error) => all.failures.push(format!("{}: {error:#}", case.name)),
        }
    }
    all
}

fn judge_cost(results: &Path) -> Result<Findings> {
    let cost = cost::measure(
        &text(&results.join(INNER).join(EXITS))?,
        &text(&results.join(MARKS))?,
        offset(results)?,
    )?;
    Ok(Findings {
        table: cost.table(),
        failures: cost.failure().into_iter().collect(),
    })
}

/// Guest TSC less host TSC, as KVM told the outer machine's shell.
fn offset(results: &Path) -> Result<i64> {
    let text = text(&results.join(OFFSET))?;
    text.trim().parse().context(OFFSET)
}

fn judge_case(
    folders: &Folders,
    case: &Case,
    phases: &[Phase],
    results: &Path,
) -> Result<Findings> {
    let guest = results.join(INNER).join(REPORT);
    let explained = results.join("explained.json");
    let hwgap = Command::new(folders.programs.join("hwgap"))
        .arg("explain")
        .arg(&guest)
        .arg("--host")
        .arg(results.join("host.json"))
        .args(["--format", "json", "-o"])
        .arg(&explained)
        .output()
        .context("hwgap explain")?;
    ensure!(
        explained.exists(),
        "hwgap explain: {}",
        String::from_utf8_lossy(&hwgap.stderr).trim()
    );
    let offset = offset(results)?;
    let mut truth = Vec::new();
    for phase in phases {
        let path = results.join(phase.file);
        match phase.file {
            SMIS => truth.extend(read::<SmiLog>(&path)?.smis.iter().map(|smi| Planted {
                what: Plant::Smi,
                start: smi.entry,
                end: smi.exit,
            })),
            _ => truth.extend(read::<Vec<Planted>>(&path)?),
        }
    }
    let by_the_guest: Vec<Planted> = read(&results.join(INNER).join(DEVICE_READS))?;
    truth.extend(by_the_guest.into_iter().map(|planted| Planted {
        start: planted.start.wrapping_add_signed(-offset),
        end: planted.end.wrapping_add_signed(-offset),
        ..planted
    }));
    let verdict = judge::judge(&judge::Evidence {
        guest: read(&guest)?,
        explanation: read(&explained)?,
        offset,
        truth,
        exact: case.cpus == 1,
    });
    Ok(Findings {
        table: table::header() + &table::rows(case.name, &verdict),
        failures: (verdict.failures.iter())
            .map(|failure| format!("{}: {failure}", case.name))
            .collect(),
    })
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&text(path)?).with_context(|| path.display().to_string())
}
