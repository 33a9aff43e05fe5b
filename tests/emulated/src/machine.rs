//! Boots the machine: QEMU's q35 under its software emulator.
//!
//! KVM offers no SMM here, and its time is the host's. Under `-icount shift=0`
//! one instruction takes one virtual nanosecond, so nothing the host does can
//! disturb a measurement (QEMU documentation, "TCG Instruction Counting").

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::preset::Preset;
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
    /// Whether the guest may read the host's files, for Python programs.
    pub host_files: HostFiles,
    pub time_limit: Duration,
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
        if let Some(value) = self.machine.smi_count_start {
            let preset = Preset::new(self.folder, value);
            let control = format!("unix:{},server=on,wait=off", preset.socket.display());
            let mut saved = self.command(&initramfs, &results)?;
            saved.args(["-qmp", &control]);
            self.wait_while(&mut saved, || preset.save(&console, self.time_limit))?;
            preset.patch()?;
            let mut restored = self.command(&initramfs, &results)?;
            let state = format!("file:{}", preset.state.display());
            restored.args(["-qmp", &control, "-incoming", &state]);
            self.wait_while(&mut restored, || preset.resume(self.time_limit))?;
            fs::remove_file(&preset.state)?;
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
            .args(["-m", "1024", "-display", "none", "-monitor", "none"])
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
        let firmware: Vec<String> = match self.machine.firmware {
            Firmware::Seabios => [
                "-machine",
                "q35,smm=on",
                "-accel",
                "tcg",
                "-smp",
                "1",
                "-icount",
                "shift=0,sleep=off",
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
                    "-smp".into(),
                    "2".into(),
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
        steer: impl FnOnce() -> Result<()> + Send,
    ) -> Result<()> {
        std::thread::scope(|scope| {
            let steering = scope.spawn(steer);
            self.wait(command)?;
            steering.join().expect("steering does not panic")
        })
    }

    fn wait(&self, command: &mut Command) -> Result<()> {
        let mut child = command.spawn().context("qemu-system-x86_64")?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(
                    status.success(),
                    "the emulator failed: {}",
                    tail(&self.folder.join("qemu.err"))
                );
                return Ok(());
            }
            if started.elapsed() > self.time_limit {
                child.kill()?;
                child.wait()?;
                bail!(
                    "the guest was not done after {} s; its console ends: {}",
                    self.time_limit.as_secs(),
                    tail(&self.folder.join("console.log"))
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
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
