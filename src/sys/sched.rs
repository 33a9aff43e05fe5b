//! Affinity and scheduling class of the calling thread and of others.
//!
//! Raw system calls: the C library's `cpu_set_t` stops at 1,024 CPUs, and
//! musl's `sched_setscheduler` always fails with ENOSYS.

use std::io;

use crate::units::CpuId;
use crate::units::cpulist::CpuList;

/// Bits of the largest mask tried: 65,536 CPUs.
const LARGEST_MASK_WORDS: usize = 1024;

/// The calling thread, where a call takes a thread's number.
const CALLER: u32 = 0;

/// The CPUs on which the calling thread may run.
pub fn affinity() -> io::Result<CpuList> {
    affinity_of(CALLER)
}

/// The CPUs on which a thread may run.
///
/// # Errors
/// ESRCH where there is no such thread.
pub fn affinity_of(thread: u32) -> io::Result<CpuList> {
    // The kernel refuses a mask that is too small for its CPUs with EINVAL.
    let mut words = 16;
    loop {
        let mut mask = vec![0u64; words];
        // SAFETY: the pointer and the length in bytes describe `mask`, which
        // outlives the call; any number is a valid question.
        let written = unsafe {
            libc::syscall(
                libc::SYS_sched_getaffinity,
                thread,
                words * 8,
                mask.as_mut_ptr(),
            )
        };
        if written >= 0 {
            return Ok(bits(&mask));
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINVAL) || words >= LARGEST_MASK_WORDS {
            return Err(error);
        }
        words *= 2;
    }
}

fn bits(mask: &[u64]) -> CpuList {
    mask.iter()
        .zip(0u32..)
        .flat_map(|(&word, index)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| CpuId(index * 64 + bit))
        })
        .collect()
}

/// Restricts the calling thread to `cpus`.
///
/// # Errors
/// EINVAL where none of the CPUs is online and in the thread's cpuset.
pub fn set_affinity(cpus: &CpuList) -> io::Result<()> {
    set_affinity_of(CALLER, cpus)
}

/// Restricts a thread to `cpus`.
///
/// # Errors
/// Those of [`set_affinity`]; ESRCH where there is no such thread, EPERM
/// without CAP_SYS_NICE where it is another user's.
pub fn set_affinity_of(thread: u32, cpus: &CpuList) -> io::Result<()> {
    let words = cpus
        .iter()
        .map(|cpu| cpu.0 as usize / 64 + 1)
        .max()
        .unwrap_or(1);
    let mut mask = vec![0u64; words];
    for cpu in cpus.iter() {
        mask[cpu.0 as usize / 64] |= 1 << (cpu.0 % 64);
    }
    // SAFETY: the pointer and the length in bytes describe `mask`, which
    // outlives the call and is only read.
    let result = unsafe {
        libc::syscall(
            libc::SYS_sched_setaffinity,
            thread,
            words * 8,
            mask.as_ptr(),
        )
    };
    check(result)
}

/// Puts the calling thread on SCHED_FIFO.
///
/// # Errors
/// EPERM without CAP_SYS_NICE or a sufficient RLIMIT_RTPRIO, and in a cgroup
/// (version 1) without real-time budget.
pub fn set_fifo(priority: u8) -> io::Result<()> {
    set_scheduler_of(CALLER, libc::SCHED_FIFO, i32::from(priority))
}

/// The policy (with the flags that it was set with) and the real-time priority
/// of a thread.
///
/// # Errors
/// ESRCH where there is no such thread.
pub fn scheduler_of(thread: u32) -> io::Result<(i32, i32)> {
    // SAFETY: no pointers; any number is a valid question.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, thread) };
    let mut parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: `parameter` is a valid place for a sched_param.
    let result = unsafe { libc::syscall(libc::SYS_sched_getparam, thread, &raw mut parameter) };
    check(result)?;
    match i32::try_from(policy) {
        Ok(policy) if policy >= 0 => Ok((policy, parameter.sched_priority)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Gives a thread a policy (with its flags) and a real-time priority.
///
/// # Errors
/// Those of [`set_fifo`]; ESRCH where there is no such thread.
pub fn set_scheduler_of(thread: u32, policy: i32, priority: i32) -> io::Result<()> {
    let parameter = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: `parameter` is a valid sched_param for the length of the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            thread,
            policy,
            &raw const parameter,
        )
    };
    check(result)
}

/// Puts the calling thread back to ordinary scheduling, as one that does not
/// displace others when it wakes (SCHED_BATCH, sched(7)), whatever the thread
/// that started it. Its share is that of any task: with less of it, a busy
/// machine would keep a checkpoint from ever being written.
///
/// # Errors
/// None known: every thread may give up what it has.
pub fn set_background() -> io::Result<()> {
    set_scheduler_of(CALLER, libc::SCHED_BATCH, 0)
}

/// Puts the calling thread back to ordinary scheduling (SCHED_OTHER).
///
/// # Errors
/// As of [`set_background`].
pub fn set_ordinary() -> io::Result<()> {
    set_scheduler_of(CALLER, libc::SCHED_OTHER, 0)
}

/// The calling thread's number (gettid(2)).
pub fn thread_id() -> u32 {
    nix::unistd::gettid().as_raw().unsigned_abs()
}

/// The CPU on which the calling thread runs at this moment.
pub fn current_cpu() -> Option<CpuId> {
    let mut cpu: u32 = 0;
    // SAFETY: getcpu writes one u32 to the first pointer and accepts null for
    // the other two.
    let result = unsafe {
        libc::syscall(
            libc::SYS_getcpu,
            &raw mut cpu,
            std::ptr::null_mut::<u32>(),
            std::ptr::null_mut::<u8>(),
        )
    };
    (result == 0).then_some(CpuId(cpu))
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_can_be_pinned_where_it_may_run() {
        let allowed = affinity().unwrap();
        let one: CpuList = allowed.first().into_iter().collect();
        std::thread::spawn(move || {
            set_affinity(&one).unwrap();
            assert_eq!(affinity().unwrap(), one);
            assert_eq!(current_cpu(), one.first());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_cpu_beyond_the_machine_is_refused() {
        let beyond: CpuList = [CpuId(65_000)].into_iter().collect();
        assert!(set_affinity(&beyond).is_err());
    }
}
