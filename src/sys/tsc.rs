//! The time stamp counter. Intel SDM vol. 2B, RDTSC and RDTSCP; vol. 3B,
//! 19.17.

use core::arch::x86_64::{__cpuid, __rdtscp, _rdtsc};

/// Reads the TSC, unfenced. A fence would double the floor of the loop and buy
/// nothing: an out-of-order read moves a gap's edge by a few cycles.
#[inline(always)]
pub fn read() -> u64 {
    // SAFETY: RDTSC exists on every x86-64 CPU. The kernel can make it fault
    // (prctl PR_SET_TSC), which this process never asks for.
    unsafe { _rdtsc() }
}

/// Proof that this CPU has RDTSCP.
#[derive(Clone, Copy, Debug)]
pub struct Rdtscp(());

impl Rdtscp {
    /// Asks CPUID 80000001h EDX\[27\].
    pub fn detect() -> Option<Rdtscp> {
        (__cpuid(0x8000_0001).edx & (1 << 27) != 0).then_some(Rdtscp(()))
    }

    /// The TSC_AUX register, in which Linux keeps the CPU and node number
    /// (arch/x86/include/asm/segment.h, `VDSO_CPUNODE_BITS`): two equal values
    /// are the same CPU.
    #[inline(always)]
    pub fn aux(self) -> u32 {
        let mut aux = 0;
        // SAFETY: `self` exists only where the instruction does; `aux` is a
        // valid place for the register's value.
        unsafe { __rdtscp(&mut aux) };
        aux
    }
}
