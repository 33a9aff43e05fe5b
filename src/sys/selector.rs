//! The null-selector footprint: a proof, without privilege or system call,
//! that this kernel ran or did not run between two moments.
//!
//! IRET to an outer privilege level zeroes a data segment register that holds
//! a null selector (Intel SDM vol. 2A, IRET, "RETURN-TO-OUTER-PRIVILEGE-LEVEL").
//! A null selector may carry a non-zero RPL, so the value 3 is a mark that
//! every interrupt, exception, NMI and preemption wipes out. RSM restores
//! segment registers from the SMRAM save state, and a VM entry from the VMCS
//! or VMCB, so neither an SMI nor a VM exit does.
//!
//! ES is the register to use: page faults touch DS and GS by other paths, and
//! 64-bit code has no use for ES.

use core::arch::asm;

/// A null selector (index 0, table GDT) with RPL 3.
const MARK: u32 = 3;

#[inline(always)]
pub fn arm() {
    // SAFETY: loading a null selector into ES never faults (SDM vol. 2B, MOV),
    // and no 64-bit code depends on the base or limit of ES.
    unsafe { asm!("mov es, {0:e}", in(reg) MARK, options(nostack, preserves_flags)) };
}

/// Whether the mark still stands.
#[inline(always)]
pub fn is_armed() -> bool {
    let value: u32;
    // SAFETY: reads a segment register into a general one. Not `pure` or
    // `nomem`: the value changes behind the compiler's back, and the read must
    // stay in order with the clock readings around it.
    unsafe { asm!("mov {0:e}, es", out(reg) value, options(nostack, preserves_flags)) };
    value & 0xffff == MARK
}
