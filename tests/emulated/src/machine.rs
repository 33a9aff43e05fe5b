//! Boots the machine: QEMU's q35 under its software emulator.
//!
//! KVM offers no SMM here, and its time is the host's. Under `-icount shift=0`
//! one instruction takes one virtual nanosecond, so nothing the host does can
//! disturb a measurement (QEMU documentation, "TCG Instruction Counting").

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::patience::{Patience, Progress};
use crate::saved_state::{Change, SavedState};
use crate::scenario::{Firmware, HypervisorBit, Machine};

const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
const OVMF_VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// A bare-metal machine's firmware does not call itself QEMU's.
const PHYSICAL_IDENTITY: [&str; 5] = [
    "type=0,vendor=Hwgap,version=1.0,date=01/01/2026",
    "type=1,manufacturer=Hwgap,product=Emulated PC,version=1.0",
    "type=2,manufacturer=Hwgap,product=Emulated board,version=1.0",
    "type=3,manufacturer=Hwgap,version=1.0",
    "type=4,manufacturer=Hwgap,version=1.0",
];

/// One boot.
pub struct Boot<'a> {
    pub machine: &'a Machine,
    pub kernel: PathBuf,
    pub initramfs: &'a [u8],
    /// The guest's console and results go here.
    pub folder: &'a Path,
    /// What is changed while it is saved, if it is.
    pub change: Option<Change>,
    /// Whether the guest may read the host's files, for Python programs.
    pub host_files: HostFiles,
    /// The CPU time that the emulator may take.
    pub most: Duration,
}

/// The host's root folder inside the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFiles {
    Hidden,
    ReadOnly,
}

impl Boot<'_> {
    /// Runs the guest until it powers off.
    pub fn run(&self) -> Result<()> {
        let results = self.folder.join("results");
        fs::create_dir_all(&results)?;
        let initramfs = self.folder.join("initramfs");
        fs::write(&initramfs, self.initramfs)?;
        let console = self.folder.join("console.log");
        if let Some(change) = self.change {
            let saved_state = SavedState::new(self.folder, change);
            let mut saved = self.command(&initramfs, &results)?;
            saved.args(saved_state.channels());
            self.wait_while(&mut saved, |life| saved_state.save(&console, life))?;
            saved_state.change()?;
            let mut restored = self.command(&initramfs, &results)?;
            restored
                .args(saved_state.channels())
                .args(saved_state.incoming());
            self.wait_while(&mut restored, |life| saved_state.resume(life))?;
            fs::remove_file(&saved_state.state)?;
        } else {
            self.wait(&mut self.command(&initramfs, &results)?)?;
        }
        fs::remove_file(&initramfs)?;
        ensure!(
            results.join("job.log").exists(),
            "the guest handed no results over; its console ends: {}",
            tail(&console)
        );
        Ok(())
    }

    fn command(&self, initramfs: &Path, results: &Path) -> Result<Command> {
        let mut command = Command::new("qemu-system-x86_64");
        command
            .args(self.cpu_arguments()?)
            .args(["-m", self.memory(), "-display", "none", "-monitor", "none"])
            .args(["-no-reboot", "-nic", "none", "-vga", "none"])
            .arg("-kernel")
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(initramfs)
            .arg("-append")
            .arg(format!(
                "console=ttyS0 quiet panic=-1 rdinit=/init {}",
                self.machine.kernel_options
            ))
            .arg("-serial")
            .arg(format!(
                "file:{}",
                self.folder.join("console.log").display()
            ))
            .args(shared_folder("results", results, ""));
        if self.host_files == HostFiles::ReadOnly {
            command.args(shared_folder("host", Path::new("/"), ",readonly=on"));
        }
        let errors = File::create(self.folder.join("qemu.err"))?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors);
        Ok(command)
    }

    /// In megabytes. The kernel's own share grows with the CPUs.
    fn memory(&self) -> &'static str {
        match self.machine.takes_turns() {
            true => "4096",
            false => "1024",
        }
    }

    fn cpu_arguments(&self) -> Result<Vec<String>> {
        let hypervisor = match self.machine.hypervisor_bit {
            HypervisorBit::Clear => ",-hypervisor",
            HypervisorBit::Set => ",+hypervisor",
        };
        let mut arguments = vec!["-cpu".into(), format!("{}{hypervisor}", self.machine.cpu)];
        if self.machine.hypervisor_bit == HypervisorBit::Clear {
            arguments.extend(
                PHYSICAL_IDENTITY
                    .iter()
                    .flat_map(|table| ["-smbios".to_owned(), (*table).to_owned()]),
            );
        }
        arguments.extend(["-smp".into(), self.machine.cpus.to_string()]);
        let firmware: Vec<String> = match self.machine.firmware {
            Firmware::Seabios => [
                "-machine",
                "q35,smm=on",
                "-accel",
                "tcg",
                "-icount",
                "shift=0,sleep=off",
                // Nothing of the host's comes in: neither its clock, whose
                // interrupts would be many for a slow guest, nor its entropy.
                "-rtc",
                "base=2026-01-01T00:00:00,clock=vm",
                "-seed",
                "1",
            ]
            .map(String::from)
            .into(),
            Firmware::Ovmf => {
                let variables = self.folder.join("ovmf-variables");
                fs::copy(OVMF_VARIABLES, &variables).context(OVMF_VARIABLES)?;
                vec![
                    "-machine".into(),
                    "q35,smm=on".into(),
                    "-accel".into(),
                    "tcg,thread=multi".into(),
                    "-global".into(),
                    "driver=cfi.pflash01,property=secure,value=on".into(),
                    "-drive".into(),
                    format!("if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}"),
                    "-drive".into(),
                    format!("if=pflash,format=raw,unit=1,file={}", variables.display()),
                ]
            }
        };
        arguments.extend(firmware);
        Ok(arguments)
    }

    /// Runs the emulator while another thread steers it.
    fn wait_while(
        &self,
        command: &mut Command,
        steer: impl FnOnce(&Life) -> Result<()> + Send,
    ) -> Result<()> {
        let life = Life::default();
        std::thread::scope(|scope| {
            let steering = scope.spawn(|| steer(&life));
            let waited = self.wait(command);
            life.ended.store(true, Ordering::Relaxed);
            let steered = steering.join().expect("steering does not panic");
            waited.and(steered)
        })
    }

    fn wait(&self, command: &mut Command) -> Result<()> {
        let mut child = command.spawn().context("qemu-system-x86_64")?;
        let mut patience = Patience::begin(self.most);
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(
                    status.success(),
                    "the emulator failed: {}",
                    tail(&self.folder.join("qemu.err"))
                );
                return Ok(());
            }
            let trouble = match patience.look(child.id())? {
                Progress::Working => {
                    std::thread::sleep(Duration::from_millis(100));
                    continue;
                }
                Progress::Endless => "the guest came to no end",
                Progress::Hanging => "the emulator hangs",
            };
            child.kill()?;
            child.wait()?;
            bail!(
                "{trouble}; its console ends: {}",
                tail(&self.folder.join("console.log"))
            );
        }
    }
}

/// Whether an emulator still runs, for those who wait for a word of it.
#[derive(Default)]
pub struct Life {
    ended: AtomicBool,
}

impl Life {
    /// Waits a little.
    ///
    /// # Errors
    /// Where the emulator has ended, which makes waiting vain.
    pub fn pause(&self) -> Result<()> {
        ensure!(
            !self.ended.load(Ordering::Relaxed),
            "the emulator ended too early"
        );
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    }
}

fn shared_folder(tag: &str, path: &Path, options: &str) -> [String; 4] {
    [
        "-fsdev".into(),
        format!(
            "local,id={tag},path={},security_model=none{options}",
            path.display()
        ),
        "-device".into(),
        format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
    ]
}

fn tail(file: &Path) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
