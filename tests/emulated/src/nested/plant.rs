//! Keeps a vCPU out of its guest in known ways at known times.
#![expect(
    unsafe_code,
    reason = "signals, affinities and timers of the kernel have no safe form in std"
)]

use std::fs::File;
use std::io::Error;
use std::mem::{size_of, zeroed};
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::planted::{Plant, Planted};
use crate::injector::clock::tsc;

/// An item of QEMU's fw_cfg device, whose driver reads it byte by byte from a
/// port, in one string instruction (drivers/firmware/qemu_fw_cfg.c).
const ITEM: &str = "/sys/firmware/qemu_fw_cfg/by_name/etc/acpi/tables/raw";
/// As much as KVM hands to the VMM at once of such an instruction
/// (arch/x86/kvm/emulate.c, `pio_in_emulated`).
const BLOCK: usize = 1024;
/// So many timers fall due at once; one after another they would let the guest
/// run in between (kernel/time/hrtimer.c, `hrtimer_interrupt`, which gives up
/// after three rounds).
const TIMERS: usize = 900;
/// Their handling takes longer than this; how long, the guest's gap tells.
const STORM_AT_LEAST: Duration = Duration::from_micros(200);
/// Between the arming of the timers and the first.
const BEFORE_STORM: Duration = Duration::from_millis(8);

/// Holds the CPU for each length in turn. The way out of the kernel and back into
/// it is the task's as well: by its CPU time, from one waking to the next.
pub fn tasks(lengths: &[Duration], count: usize, interval: Duration) -> Vec<Planted> {
    let mut all: Vec<Planted> = Vec::new();
    let mut used_before = clock(libc::CLOCK_THREAD_CPUTIME_ID);
    for length in lengths.iter().cycle().take(count) {
        sleep(interval);
        let start = tsc();
        let used = clock(libc::CLOCK_THREAD_CPUTIME_ID);
        if let Some(last) = all.last_mut() {
            // The emulated TSC counts nanoseconds.
            last.end = last.start + (used - used_before).as_nanos() as u64;
        }
        used_before = used;
        let began = std::time::Instant::now();
        while began.elapsed() < *length {}
        all.push(planted(Plant::Task, start));
    }
    all
}

/// Stops a process and lets it go on.
pub fn stops(
    process: libc::pid_t,
    length: Duration,
    count: usize,
    interval: Duration,
) -> Result<Vec<Planted>> {
    let signal = |signal| {
        // SAFETY: a signal to another process touches no memory of ours.
        let sent = unsafe { libc::kill(process, signal) };
        ensure!(sent == 0, "kill: {}", Error::last_os_error());
        Ok(())
    };
    (0..count)
        .map(|_| {
            sleep(interval);
            let start = tsc();
            signal(libc::SIGSTOP)?;
            sleep(length);
            signal(libc::SIGCONT)?;
            Ok(planted(Plant::Stop, start))
        })
        .collect()
}

/// Lets timers of the kernel fall due on this CPU while the vCPU runs on it. What
/// arming them takes is planted as well.
pub fn storms(count: usize, interval: Duration) -> Result<Vec<Planted>> {
    let timers = (0..TIMERS)
        .map(|_| {
            // SAFETY: the call takes no pointer; what it gives is used as
            // nothing but a number.
            let timer = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, 0) };
            ensure!(timer >= 0, "timerfd_create: {}", Error::last_os_error());
            Ok(timer)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut all = Vec::new();
    for _ in 0..count {
        sleep(interval);
        let arming = tsc();
        let (now, now_tsc) = (clock(libc::CLOCK_MONOTONIC), tsc());
        for timer in &timers {
            arm(*timer, now + BEFORE_STORM)?;
        }
        all.push(planted(Plant::Task, arming));
        // The emulated TSC counts nanoseconds.
        let start = now_tsc + BEFORE_STORM.as_nanos() as u64;
        all.push(Planted {
            what: Plant::Storm,
            start,
            end: start + STORM_AT_LEAST.as_nanos() as u64,
        });
        sleep(BEFORE_STORM * 2);
    }
    Ok(all)
}

fn clock(which: libc::clockid_t) -> Duration {
    // SAFETY: all zeroes are a valid timespec.
    let mut now: libc::timespec = unsafe { zeroed() };
    // SAFETY: the call fills one structure of ours.
    unsafe { libc::clock_gettime(which, &raw mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn arm(timer: libc::c_int, due: Duration) -> Result<()> {
    // SAFETY: all zeroes are a valid itimerspec.
    let mut setting: libc::itimerspec = unsafe { zeroed() };
    setting.it_value.tv_sec = due.as_secs() as libc::time_t;
    setting.it_value.tv_nsec = i64::from(due.subsec_nanos());
    // SAFETY: the call reads one structure that outlives it.
    let armed = unsafe {
        libc::timerfd_settime(
            timer,
            libc::TFD_TIMER_ABSTIME,
            &raw const setting,
            null_mut(),
        )
    };
    ensure!(armed == 0, "timerfd_settime: {}", Error::last_os_error());
    Ok(())
}

/// Sends a thread from a CPU to another and back. The first may find it there.
pub fn migrations(
    thread: libc::pid_t,
    cpus: [usize; 2],
    count: usize,
    interval: Duration,
) -> Result<Vec<Planted>> {
    let mut all = Vec::new();
    for cpu in cpus.iter().cycle().take(count) {
        sleep(interval);
        let before = cpu_of(thread)?;
        // SAFETY: all zeroes are an empty set of CPUs.
        let mut set: libc::cpu_set_t = unsafe { zeroed() };
        // SAFETY: the set is ours; the macro checks the number.
        unsafe { libc::CPU_SET(*cpu, &mut set) };
        let start = tsc();
        // SAFETY: the call reads one set that outlives it.
        let moved = unsafe {
            libc::sched_setaffinity(thread, size_of::<libc::cpu_set_t>(), &raw const set)
        };
        ensure!(moved == 0, "sched_setaffinity: {}", Error::last_os_error());
        let planted = planted(Plant::Migration, start);
        if before != *cpu {
            all.push(planted);
        }
    }
    Ok(all)
}

/// Where a thread is, or was when it ran last (proc_pid_stat(5), "processor").
fn cpu_of(thread: libc::pid_t) -> Result<usize> {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/stat"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let cpu = fields.split_whitespace().nth(36).context("stat")?;
    Ok(cpu.parse()?)
}

/// Reads a block from a device of QEMU's, in one instruction.
pub fn device_reads(count: usize, interval: Duration) -> Result<Vec<Planted>> {
    let item = File::open(ITEM).context(ITEM)?;
    let mut block = [0; BLOCK];
    (0..count)
        .map(|_| {
            sleep(interval);
            let start = tsc();
            item.read_exact_at(&mut block, 0).context(ITEM)?;
            Ok(planted(Plant::Device, start))
        })
        .collect()
}

/// Lets the guest exit as often as it can: CPUID always does (AMD's manual,
/// volume 2, "Instruction Intercepts").
pub fn cycles_an_exit(slice: Duration) -> f64 {
    let start = tsc();
    let began = std::time::Instant::now();
    let mut exits = 0_u32;
    while began.elapsed() < slice {
        for _ in 0..100 {
            std::hint::black_box(std::arch::x86_64::__cpuid(0));
        }
        exits += 100;
    }
    (tsc() - start) as f64 / f64::from(exits)
}

fn planted(what: Plant, start: u64) -> Planted {
    Planted {
        what,
        start,
        end: tsc(),
    }
}
