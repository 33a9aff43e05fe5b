//! Disturbs the guest in one way, until it is killed.
#![expect(
    unsafe_code,
    reason = "the clock's ioctl, signals to threads and perf events have no safe form in std"
)]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use hwgap_emulated::realtime::{ABOVE_HWGAP, become_fifo};

/// Disturbs the guest in one way, until it is killed
#[derive(Parser)]
enum Load {
    /// Starts and reaps a process every 5 ms
    Forks,
    /// Wakes up every 200 us
    Timers,
    /// Maps, touches and unmaps 64 pages every 2 ms
    PageFaults,
    /// Sends signals to every thread of hwgap every 1 ms
    Signals,
    /// Holds the CPU for 20, 100 and 1,000 us in turn, every 10 ms
    Fifo,
    /// Lets the real-time clock interrupt 8,192 times a second, with no task
    Interrupts,
    /// Sends a byte there and back between two threads every 500 us
    Pipes,
    /// Spins at ordinary priority, so that RT throttling has someone to serve
    Busy,
    /// Reads zeroes for 500 us in every 2 ms: nearly all of it in system calls
    Syscalls,
    /// Timer interrupts every 11 and 17 us, with no task: nearly all of the time
    InterruptStorm,
    /// Timer interrupts every 47 us, with no task
    InterruptShower,
}

fn main() -> Result<()> {
    let load = Load::parse();
    // Interrupts need no task to run, and the busy one is to give way.
    if !matches!(
        load,
        Load::Busy | Load::Interrupts | Load::InterruptStorm | Load::InterruptShower
    ) {
        become_fifo(ABOVE_HWGAP)?;
    }
    match load {
        Load::Forks => loop {
            Command::new("/bin/busybox").arg("true").status()?;
            sleep(Duration::from_millis(5));
        },
        Load::Timers => loop {
            sleep(Duration::from_micros(200));
        },
        Load::PageFaults => loop {
            touch_fresh_pages(64);
            sleep(Duration::from_millis(2));
        },
        Load::Signals => loop {
            signal_hwgap();
            sleep(Duration::from_millis(1));
        },
        Load::Fifo => {
            for microseconds in [20, 100, 1_000].iter().cycle() {
                let started = Instant::now();
                while started.elapsed() < Duration::from_micros(*microseconds) {}
                sleep(Duration::from_millis(10));
            }
            Ok(())
        }
        Load::Interrupts => interrupt_by_clock(),
        Load::InterruptStorm => interrupt_by_perf(&[11_003, 17_011]),
        Load::InterruptShower => interrupt_by_perf(&[47_017]),
        Load::Pipes => play_ping_pong(),
        Load::Syscalls => {
            let mut zeroes = File::open("/dev/zero").context("/dev/zero")?;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let started = Instant::now();
                while started.elapsed() < Duration::from_micros(500) {
                    zeroes.read_exact(&mut buffer)?;
                }
                sleep(Duration::from_micros(1_500));
            }
        }
        Load::Busy => loop {
            black_box(());
        },
    }
}

/// Each byte wakes the other thread up: two switches and a way through the
/// kernel's pipes.
fn play_ping_pong() -> Result<()> {
    let (mut from_here, mut to_there) = std::io::pipe()?;
    let (mut from_there, mut to_here) = std::io::pipe()?;
    std::thread::spawn(move || -> Result<()> {
        let mut byte = [0];
        // As the first thread, or it would never come to run.
        become_fifo(ABOVE_HWGAP)?;
        loop {
            from_here.read_exact(&mut byte)?;
            to_here.write_all(&byte)?;
        }
    });
    let mut byte = [1];
    loop {
        to_there.write_all(&byte)?;
        from_there.read_exact(&mut byte)?;
        sleep(Duration::from_micros(500));
    }
}

fn touch_fresh_pages(pages: usize) {
    // An allocation of this size is a mapping of its own, returned when dropped.
    let mut memory: Vec<u8> = Vec::with_capacity(pages * 4096);
    memory.resize(pages * 4096, 1);
    black_box(&memory);
}

fn signal_hwgap() {
    for process in numeric_entries("/proc") {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        if name.trim() != "hwgap" {
            continue;
        }
        for thread in numeric_entries(&format!("/proc/{process}/task")) {
            // SAFETY: a signal to another process touches no memory of ours.
            // SIGURG is ignored unless asked for, so it cannot end hwgap; a
            // thread that has gone meanwhile is no matter.
            unsafe { libc::syscall(libc::SYS_tgkill, process, thread, libc::SIGURG) };
        }
    }
}

fn numeric_entries(folder: &str) -> Vec<libc::pid_t> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The kernel serves the clock's periodic interrupt by a timer that restarts
/// itself in interrupt context (drivers/rtc/interface.c, rtc_pie_update_irq).
fn interrupt_by_clock() -> Result<()> {
    const RTC_IRQP_SET: libc::Ioctl = 0x4008_700C;
    const RTC_PIE_ON: libc::Ioctl = 0x7005;
    let clock = File::open("/dev/rtc0").context("/dev/rtc0")?;
    // SAFETY: both requests take a number or nothing, no pointer.
    let result = unsafe {
        libc::ioctl(clock.as_raw_fd(), RTC_IRQP_SET, 8192_u64)
            | libc::ioctl(clock.as_raw_fd(), RTC_PIE_ON, 0)
    };
    ensure!(
        result == 0,
        "the real-time clock: {}",
        std::io::Error::last_os_error()
    );
    loop {
        sleep(Duration::from_secs(1));
    }
}

/// perf's cpu-clock is a timer that restarts itself in interrupt context
/// (kernel/events/core.c, perf_swevent_hrtimer), no sooner than after 10 us. The
/// CPU's own and with no buffer to write into, it needs no task at all.
fn interrupt_by_perf(periods_ns: &[u64]) -> Result<()> {
    // perf_event_open(2): type, size, config, sample_period; then flags, of
    // which bit 2 is `pinned`.
    const SOFTWARE: u32 = 1;
    const SIZE: usize = 64;
    const PINNED: u64 = 1 << 2;
    for &period in periods_ns {
        let mut attributes = [0_u64; SIZE / 8];
        attributes[0] = u64::from(SOFTWARE) | (SIZE as u64) << 32;
        attributes[2] = period;
        attributes[5] = PINNED;
        // SAFETY: the kernel reads SIZE bytes, which outlive the call. The
        // descriptor is ours and stays open until this process ends.
        let event =
            unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), -1, 0, -1, 0) };
        ensure!(
            event >= 0,
            "perf_event_open: {}",
            std::io::Error::last_os_error()
        );
    }
    loop {
        sleep(Duration::from_secs(1));
    }
}
