//! Real-time priority for the guest's helpers: below hwgap's they would never
//! get a CPU that it samples without pause.
#![expect(unsafe_code, reason = "std cannot choose a scheduling class")]

use anyhow::{Result, ensure};

/// One above the highest that hwgap takes by default.
pub const ABOVE_HWGAP: i32 = 99;

/// Puts this thread, and processes it starts, into SCHED_FIFO.
pub fn become_fifo(priority: i32) -> Result<()> {
    let parameter = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: the call reads one structure that outlives it.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameter) };
    ensure!(
        result == 0,
        "sched_setscheduler: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}
