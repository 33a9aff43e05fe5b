//! A machine in a machine: the emulator's SVM lets a kernel in it be a real host
//! of KVM. There `hwgap host` observes a real guest in which `hwgap run` samples,
//! while causes with known times keep the vCPU out of it; `hwgap explain` joins
//! both, and each gap of the guest must have the cause that was planted.

mod explanation;
mod job;
mod judge;
pub mod plant;
pub mod planted;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

use crate::machine::{Boot, HostFiles};
use crate::scenario::{Firmware, Machine};
use crate::smilog::SmiLog;
use crate::suite::Folders;
use job::{DEVICE_READS, INNER, MIGRATIONS, PHASES, Phase, SMIS};
use planted::{Plant, Planted};

/// Of both machines.
pub const KERNEL: &str = "6.1";

/// The guest's report.
const GUEST: &str = "inner/report.json";
const ATTEMPTS: u32 = 3;

/// A boot, and what is planted in it.
struct Case {
    /// Of its folder.
    name: &'static str,
    cpus: u32,
    /// After so many of the outer machine's seconds the guest hangs: the
    /// emulator's SVM lets one of ten or so crash or hang.
    patience: u32,
    phases: &'static [Phase],
}

const CASES: [Case; 2] = [
    // To the instruction.
    Case {
        name: "nested",
        cpus: 1,
        patience: 40,
        phases: &PHASES,
    },
    // In this machine's time: a thread cannot go to another CPU where there is
    // one.
    Case {
        name: "nested-two-cpus",
        cpus: 2,
        patience: 400,
        phases: &[MIGRATIONS],
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

/// Boots the machines and judges.
///
/// # Errors
/// Where a machine cannot be had.
pub fn run(folders: &Folders) -> Result<Findings> {
    for case in &CASES {
        // Each begins at another moment, for one that crashed does so again.
        for attempt in 0..ATTEMPTS {
            let folder = boot(folders, case, attempt)?;
            if folder.join("results").join(GUEST).exists() {
                break;
            }
        }
    }
    Ok(judge_again(folders))
}

fn boot(folders: &Folders, case: &Case, attempt: u32) -> Result<PathBuf> {
    let folder = folders.boot_folder(case.name)?;
    let inner = folder.join("inner-initramfs");
    fs::write(
        &inner,
        folders.initramfs(KERNEL, &job::INNER_MODULES, &job::inner())?,
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
    let script = job::outer(&kernel, &inner, case.phases, attempt, case.patience);
    Boot {
        machine: &machine,
        initramfs: &folders.initramfs(KERNEL, &job::OUTER_MODULES, &script)?,
        kernel,
        folder: &folder,
        change: None,
        host_files: HostFiles::ReadOnly,
    }
    .run()?;
    fs::remove_file(&inner)?;
    Ok(folder)
}

/// Joins and judges what the last boots left.
pub fn judge_again(folders: &Folders) -> Findings {
    let mut all = Findings {
        table: table::header(),
        ..Findings::default()
    };
    for case in &CASES {
        let results = folders.cache.join("runs").join(case.name).join("results");
        match judge_case(folders, case, &results) {
            Ok(findings) => {
                all.table += &findings.table;
                all.failures.extend(findings.failures);
            }
            Err(error) => all.failures.push(format!("{}: {error:#}", case.name)),
        }
    }
    all
}

fn judge_case(folders: &Folders, case: &Case, results: &Path) -> Result<Findings> {
    let guest = results.join(GUEST);
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
    let offset: i64 = text(&results.join("tsc-offset"))?
        .trim()
        .parse()
        .context("tsc-offset")?;
    let mut truth = Vec::new();
    for phase in case.phases {
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
        table: table::rows(case.name, &verdict),
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
