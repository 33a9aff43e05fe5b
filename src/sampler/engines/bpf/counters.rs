//! The part of the program that looks at the kernel's counters: of what arrives
//! although interrupts are off, and of SMIs.

use std::os::fd::BorrowedFd;

use crate::sys::bpf::Reg::{self, Frame, R0, R1, R2};
use crate::sys::bpf::Width::{Double, Word};
use crate::sys::bpf::{Asm, BtfId, Helper};

/// A counter of the kernel's for each CPU, 32 bits wide.
#[derive(Clone, Copy, Debug)]
pub(super) struct KernelCounter {
    /// The per-CPU variable.
    pub(super) variable: BtfId,
    /// Where in it the counter lies, in bytes.
    pub(super) offset: i16,
}

/// The counters of what arrives although interrupts are off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    /// `irq_stat.__nmi_count`, later `irq_stat.counts` (arch/x86/kernel/nmi.c).
    pub(super) nmis: KernelCounter,
    /// `mce_exception_count` (arch/x86/kernel/cpu/mce/core.c); `None` in a
    /// kernel that handles no machine checks.
    pub(super) machine_checks: Option<KernelCounter>,
}

/// What the program watches beside the clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched<'a> {
    /// What arrives although interrupts are off.
    pub(super) counters: Option<Counters>,
    /// An array with the perf event that counts this CPU's SMIs.
    pub(super) smis: Option<BorrowedFd<'a>>,
}

/// Addresses of the counters, and what they said after the delta in hand.
const NMIS_AT: i16 = -24;
const CHECKS_AT: i16 = -32;
/// Two counters of 32 bits.
const NMIS: i16 = -40;
const CHECKS: i16 = -36;
/// What was read of the count of SMIs.
pub(super) const SMIS: i16 = -48;

/// Keeps the addresses of this CPU's counters, which stay the same: the thread
/// is pinned.
pub(super) fn find_counters(a: &mut Asm, counters: Option<Counters>) {
    a.set(R0, 0);
    a.store(Frame, NMIS, R0, Word);
    a.store(Frame, CHECKS, R0, Word);
    a.store(Frame, SMIS, R0, Double);
    let Some(counters) = counters else { return };
    let pairs = [
        (Some(counters.nmis), NMIS_AT),
        (counters.machine_checks, CHECKS_AT),
    ];
    for (counter, place) in pairs {
        let Some(counter) = counter else { continue };
        a.kernel_variable(R1, counter.variable);
        a.call(Helper::ThisCpuPtr);
        a.store(Frame, place, R0, Double);
    }
}

/// Reads all that is watched to its places on the stack; uses R0 to R5.
pub(super) fn look_at_counters(a: &mut Asm, watched: Watched<'_>) {
    if let Some(counters) = watched.counters {
        let both = [
            (Some(counters.nmis), NMIS_AT, NMIS),
            (counters.machine_checks, CHECKS_AT, CHECKS),
        ];
        for (counter, address, place) in both {
            let Some(counter) = counter else { continue };
            a.load(R1, Frame, address, Double);
            a.load(R2, R1, counter.offset, Word);
            a.store(Frame, place, R2, Word);
        }
    }
    look_at_smis(a, watched.smis);
}

/// Reads the count of SMIs to its place on the stack; uses R0 to R5.
pub(super) fn look_at_smis(a: &mut Asm, smis: Option<BorrowedFd<'_>>) {
    let Some(array) = smis else { return };
    a.map(R1, array);
    a.set(R2, 0);
    a.call(Helper::PerfEventRead);
    a.store(Frame, SMIS, R0, Double);
}

/// Copies what was read last, NMIs, machine checks and SMIs, to three numbers
/// of the shared area; uses R2.
pub(super) fn copy_counters(a: &mut Asm, base: Reg, offsets: [i16; 3]) {
    let places = [(NMIS, Word), (CHECKS, Word), (SMIS, Double)];
    for ((place, width), offset) in places.into_iter().zip(offsets) {
        a.load(R2, Frame, place, width);
        a.store(base, offset, R2, Double);
    }
}
