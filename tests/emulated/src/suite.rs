//! Runs scenarios, two at a time, and judges each.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::guest;
use crate::initramfs::{Initramfs, module_files};
use crate::judge::checks::{Evidence, judge};
use crate::judge::{Outcome, acted, coverage, left_behind, many, pair, selftest, words};
use crate::machine::{Boot, HostFiles};
use crate::patience;
use crate::report::Report;
use crate::scenario::{Firmware, Scenario, Written};
use crate::smilog::SmiLog;

/// One boot keeps about one core busy.
const WORKERS: usize = 2;
/// Why a lock is always to be had.
const UNPOISONED: &str = "no worker panics while it holds the lock";
/// The programs that go into the guest.
const PROGRAMS: [&str; 5] = [
    "hwgap",
    "smi-injector",
    "guest-load",
    "guest-meter",
    "nested-plant",
];

/// Where everything lies.
pub struct Folders {
    /// tests/emulated
    pub home: PathBuf,
    pub cache: PathBuf,
    /// The statically linked programs.
    pub programs: PathBuf,
}

impl Folders {
    /// Brings the emulator and the kernels; false where one cannot be had.
    pub fn ensure_packages(&self, kernels: &[&str]) -> Result<bool> {
        let status = Command::new(self.home.join("packages"))
            .arg(&self.cache)
            .args(kernels)
            .status()
            .context("packages")?;
        Ok(status.success())
    }

    /// Waits until no other suite uses the cache, and keeps it to this one for
    /// as long as the file is open: each boot's folder goes by its scenario.
    pub fn lock(&self) -> Result<File> {
        let path = self.cache.join("lock");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        if file.try_lock().is_err() {
            eprintln!("emulated: waiting for another suite on {}", path.display());
            file.lock()?;
        }
        Ok(file)
    }

    /// The kernel's image.
    pub fn kernel(&self, name: &str) -> PathBuf {
        self.cache.join("kernels").join(name).join("vmlinuz")
    }

    /// The folder of the kernel's modules.dep.
    fn modules(&self, kernel: &str) -> Result<PathBuf> {
        let parent = self.cache.join("kernels").join(kernel).join("lib/modules");
        let release = fs::read_dir(&parent)
            .with_context(|| parent.display().to_string())?
            .next()
            .with_context(|| format!("kernel {kernel} has no modules"))??;
        Ok(release.path())
    }

    /// An empty folder for one boot's files.
    pub fn boot_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.cache.join("runs").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Everything the guest needs for a job.
    pub fn initramfs(&self, kernel: &str, early: &[&str], job: &str) -> Result<Vec<u8>> {
        let mut archive = Initramfs::default();
        for folder in ["bin", "dev", "modules", "modules/early", "modules/late"] {
            archive.folder(folder);
        }
        archive.device("dev/console", 5, 1);
        archive.program("init", guest::INIT.as_bytes());
        archive.program("job", job.as_bytes());
        archive.program("bin/busybox", &fs::read("/bin/busybox").context("busybox")?);
        for name in PROGRAMS {
            let path = self.programs.join(name);
            let content = fs::read(&path).with_context(|| path.display().to_string())?;
            archive.program(&format!("bin/{name}"), &content);
        }
        let modules = self.modules(kernel)?;
        for (folder, names) in [("early", early), ("late", &guest::LATE_MODULES)] {
            let mut loaded = Vec::new();
            for name in names {
                for (module, content) in module_files(&modules, name)? {
                    if !loaded.contains(&module) {
                        let position = loaded.len();
                        archive.program(
                            &format!("modules/{folder}/{position:02}-{module}.ko"),
                            &content,
                        );
                        loaded.push(module);
                    }
                }
            }
        }
        Ok(archive.finish())
    }
}

/// Runs the scenarios; `done` is told each outcome as it comes.
///
/// Two at a time, but those of OVMF alone and last: their time is the host's, and
/// a neighbour would be in it. Those with many CPUs come first, as they take
/// longest.
pub fn run(
    folders: &Folders,
    scenarios: &[Scenario],
    recorded_cost: f64,
    done: impl Fn(&Outcome) + Sync,
) -> Vec<Outcome> {
    let outcomes = Mutex::new(BTreeMap::new());
    for (firmware, workers) in [(Firmware::Seabios, WORKERS), (Firmware::Ovmf, 1)] {
        let mut due: Vec<_> = (scenarios.iter().enumerate())
            .filter(|(_, scenario)| scenario.machine.firmware == firmware)
            .collect();
        due.sort_by_key(|(_, scenario)| Reverse(scenario.machine.cpus));
        let queue = Mutex::new(due.into_iter());
        let work = || {
            loop {
                let Some((index, scenario)) = queue.lock().expect(UNPOISONED).next() else {
                    return;
                };
                let outcome = run_one(folders, scenario, recorded_cost)
                    .unwrap_or_else(|error| Outcome::broken(&scenario.name, format!("{error:#}")));
                done(&outcome);
                outcomes.lock().expect(UNPOISONED).insert(index, outcome);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(work);
            }
        });
    }
    let outcomes = outcomes.into_inner().expect(UNPOISONED);
    outcomes.into_values().collect()
}

fn run_one(folders: &Folders, scenario: &Scenario, recorded_cost: f64) -> Result<Outcome> {
    let folder = folders.boot_folder(&scenario.name)?;
    let initramfs = folders.initramfs(
        &scenario.machine.kernel,
        &guest::early_modules(scenario),
        &guest::job(scenario),
    )?;
    Boot {
        machine: &scenario.machine,
        kernel: folders.kernel(&scenario.machine.kernel),
        initramfs: &initramfs,
        folder: &folder,
        change: scenario.change()?,
        host_files: HostFiles::Hidden,
        most: patience::MOST,
    }
    .run()?;
    judge_results(scenario, &folder.join("results"), recorded_cost)
}

/// Judges the files that a guest handed over.
pub fn judge_results(scenario: &Scenario, results: &Path, recorded_cost: f64) -> Result<Outcome> {
    let read = |name: &str| {
        fs::read_to_string(results.join(name)).with_context(|| {
            let errors = fs::read_to_string(results.join("hwgap.err")).unwrap_or_default();
            format!("the guest left no {name}; hwgap said: {}", errors.trim())
        })
    };
    if results.join(guest::MACHINE_FAILED).exists() {
        bail!(
            "the guest could not be made what the scenario asks for: {}",
            read("job.log")?.trim()
        );
    }
    let mut left = Outcome {
        scenario: scenario.name.clone(),
        ..Outcome::default()
    };
    left_behind::judge(&mut left, &scenario.expect, results)?;
    if scenario.expect.report == Written::No {
        return Ok(left);
    }
    let report = Report::parse(&read("report.json")?)?;
    if let Some(expect) = &scenario.expect.acted {
        acted::judge(&mut left, expect, &report, results)?;
    }
    if let Some(other) = &scenario.expect.coverage_as_in {
        coverage::same_as(&mut left, &report, &Report::parse(&read(other)?)?);
    }
    if scenario.machine.takes_turns() {
        return Ok(left.with(many::judge(scenario, results)?));
    }
    let log = match scenario.smi {
        Some(_) => serde_json::from_str(&read("smi.json")?).context("smi.json")?,
        None => SmiLog::default(),
    };
    if scenario.machine.firmware == Firmware::Ovmf {
        return match scenario.smi {
            Some(_) => pair::judge(scenario, &report, &log),
            // The host's noise is in every time: nothing of them is judged.
            None => Ok(words::quieted_alone(scenario, &report)),
        };
    }
    let exit_code = |name| -> Result<i32> { read(name)?.trim().parse().context(name) };
    if let Some(asked) = &scenario.selftest {
        let evidence = selftest::Evidence {
            test: serde_json::from_str(&read("selftest.json")?).context("selftest.json")?,
            text: read("selftest.txt")?,
            exit_code: exit_code("selftest-exit-code")?,
            report,
            log,
        };
        return Ok(selftest::judge(&scenario.name, asked, &evidence));
    }
    let exit_code = exit_code("exit-code")?;
    let evidence = Evidence {
        report,
        log,
        exit_code,
        summary: read("summary.txt")?,
    };
    Ok(left.with(judge(scenario, &evidence, recorded_cost)?))
}
