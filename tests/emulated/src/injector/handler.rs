//! The SMI handler: what the processor runs, in 16-bit code, on each SMI.
//!
//! On an SMI the processor saves its state at the top of the 32 KiB that start
//! at SMBASE+0x8000 and begins there, in a real mode whose segments have base 0
//! and a limit of 4 GiB (Intel SDM volume 3, "SMI Handler Execution
//! Environment"; only CS has SMBASE as its base). RSM brings every register
//! back, so the handler may use all of them and needs no stack.
//!
//! It takes the next entry of a table, spins for that entry's length, sets the
//! timer going again and leaves. The handler's own time is thus known to the
//! instruction: the log holds the TSC at its first instruction and at the
//! last but three. Beside the times it holds what the SMI interrupted: the
//! privilege level and instruction pointer out of the state that the processor
//! saved, and the kernel's current task, where its place is known.
//!
//! Limits: lengths are below 2^32 cycles (4.29 s at 1 GHz); one CPU only (two
//! would share the log); a log of [`LOG_CAPACITY`] SMIs, beyond which they are
//! only counted.
#![expect(
    unsafe_code,
    reason = "the handler is assembly, and its bytes are reached by address"
)]

use std::arch::global_asm;

/// Where SeaBIOS moves SMBASE to; the handler's entry is 0x8000 above.
pub const ENTRY: u64 = 0xA_8000;
/// The state save area starts here at the earliest, so the code ends below.
pub const ENTRY_LIMIT: u64 = 0xA_FC00;
/// The block of variables that the handler and the injector share.
pub const STATE: u64 = 0xB_0000;
/// The first table entry.
pub const TABLE: u64 = STATE + TABLE_OFFSET;
/// The first log entry: the TSC at entry in 64 bits, then in 32 bits each the
/// cycles until exit, the lower half of the interrupted instruction pointer, and
/// that of the address of the task that ran. Tasks are aligned, so that the
/// lowest two bits of the last hold the privilege level.
pub const LOG: u64 = STATE + LOG_OFFSET;
/// Bytes of a log entry.
pub const LOG_ENTRY: u64 = 20;
/// SMRAM's compatible segment ends here.
const SMRAM_END: u64 = 0xC_0000;
/// How many SMIs the log holds.
pub const LOG_CAPACITY: u32 = ((SMRAM_END - LOG) / LOG_ENTRY) as u32;
/// How many entries the table holds.
pub const TABLE_CAPACITY: usize = ((LOG_OFFSET - TABLE_OFFSET) / 8) as usize;

const _: () = assert!(LOG_CAPACITY >= 2_800, "a scenario raises thousands of SMIs");

/// Where the processor saves the interrupted code segment's selector and the
/// instruction pointer (QEMU, target/i386/tcg/sysemu/smm_helper.c: the layout of
/// AMD's 64-bit processors, for every model).
const SAVED_CS: u64 = ENTRY + 0x7E10;
const SAVED_RIP: u64 = ENTRY + 0x7F78;

const TABLE_OFFSET: u64 = 0x100;
const LOG_OFFSET: u64 = 0x2000;

/// Marks a state block as ours.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HwGp");
/// Offsets of the variables in the state block.
pub const OFFSET_MAGIC: u64 = 0x00;
pub const OFFSET_TABLE_LENGTH: u64 = 0x04;
pub const OFFSET_TABLE_INDEX: u64 = 0x08;
pub const OFFSET_SMI_COUNT: u64 = 0x0C;
pub const OFFSET_LOG_CAPACITY: u64 = 0x10;
pub const OFFSET_TIMER: u64 = 0x14;
pub const OFFSET_PMBASE: u64 = 0x18;
const OFFSET_ENTRY_FLAGS: u64 = 0x1C;
/// The physical address of the kernel's pointer to its current task, or 0.
pub const OFFSET_CURRENT: u64 = 0x20;

/// Table entry flags: the byte that selects the next period in GEN_PMCON_3.
pub const FLAG_RATE_MASK: u32 = 0xC0;
/// Table entry flag: raise the next SMI at once instead of waiting for the timer.
pub const FLAG_AGAIN: u32 = 0x100;

/// Values of the timer variable.
pub const TIMER_NOT_OURS: u32 = 0;
pub const TIMER_SOFTWARE: u32 = 1;

global_asm!(
    ".pushsection .rodata.hwgap_smm, \"a\"",
    ".code16",
    ".globl hwgap_smm_start",
    ".globl hwgap_smm_end",
    "hwgap_smm_start:",
    // The entry time goes first and stays in edi:esi.
    "    rdtsc",
    "    mov esi, eax",
    "    mov edi, edx",
    // ebx points to the state block from here on.
    "    mov ebx, {state}",
    // The software SMI timer is stopped while we spin: a stall longer than its
    // period must not raise a second SMI. SWSMI_TMR_EN is bit 6 of SMI_EN,
    // PMBASE+30h (ICH9 datasheet, 13.8.3.6).
    "    cmp dword ptr [ebx + {timer}], {timer_software}",
    "    jne 20f",
    "    mov edx, dword ptr [ebx + {pmbase}]",
    "    add edx, 0x30",
    "    in eax, dx",
    "    and eax, 0xFFFFFFBF",
    "    out dx, eax",
    "20:",
    // Take the next table entry: its length to ebp, its flags aside.
    "    mov ecx, dword ptr [ebx + {index}]",
    "    mov ebp, dword ptr [ebx + ecx*8 + {table}]",
    "    mov eax, dword ptr [ebx + ecx*8 + {table} + 4]",
    "    mov dword ptr [ebx + {flags}], eax",
    // Advance, and begin again after the last entry.
    "    inc ecx",
    "    cmp ecx, dword ptr [ebx + {length}]",
    "    jb 21f",
    "    xor ecx, ecx",
    "21:",
    "    mov dword ptr [ebx + {index}], ecx",
    // Spin until that many cycles have passed since entry; 32-bit differences
    // are right whatever the upper half did.
    "22:",
    "    rdtsc",
    "    sub eax, esi",
    "    cmp eax, ebp",
    "    jb 22b",
    // Acknowledge: SMI_STS, PMBASE+34h, clears by writing ones: APM_STS (5),
    // SWSMI_TMR_STS (6), PERIODIC_STS (14).
    "    mov edx, dword ptr [ebx + {pmbase}]",
    "    add edx, 0x34",
    "    mov eax, 0x4060",
    "    out dx, eax",
    // A burst entry raises the next SMI by the APM control port. The processor
    // holds it until RSM, and takes it before any instruction outside.
    "    test dword ptr [ebx + {flags}], {again}",
    "    jz 23f",
    "    mov al, 0x5A",
    "    out 0xB2, al",
    "    jmp 24f",
    "23:",
    "    cmp dword ptr [ebx + {timer}], {timer_software}",
    "    jne 24f",
    // Choose the next period: SWSMI_RATE_SEL, bits 7:6 of GEN_PMCON_3 (offset
    // A4h of 00:1f.0). The kernel may be between its own two accesses to the
    // configuration ports, so the address port is put back as it was.
    "    mov dx, 0xCF8",
    "    in eax, dx",
    "    mov ebp, eax",
    "    mov eax, 0x8000F8A4",
    "    out dx, eax",
    "    mov dx, 0xCFC",
    "    in al, dx",
    "    and al, 0x3F",
    "    or al, byte ptr [ebx + {flags}]",
    "    out dx, al",
    "    mov dx, 0xCF8",
    "    mov eax, ebp",
    "    out dx, eax",
    // Start the timer: the bit was clear since entry.
    "    mov edx, dword ptr [ebx + {pmbase}]",
    "    add edx, 0x30",
    "    in eax, dx",
    "    or eax, 0x40",
    "    out dx, eax",
    "24:",
    // Count this SMI, and log it while there is room.
    "    mov ecx, dword ptr [ebx + {count}]",
    "    inc dword ptr [ebx + {count}]",
    "    cmp ecx, dword ptr [ebx + {capacity}]",
    "    jae 25f",
    "    imul ecx, ecx, {log_entry}",
    "    mov dword ptr [ebx + ecx + {log}], esi",
    "    mov dword ptr [ebx + ecx + {log} + 4], edi",
    "    mov ebp, {saved_rip}",
    "    mov eax, dword ptr [ebp]",
    "    mov dword ptr [ebx + ecx + {log} + 12], eax",
    "    mov edx, dword ptr [ebx + {current}]",
    "    test edx, edx",
    "    jz 26f",
    "    mov edx, dword ptr [edx]",
    "26:",
    "    mov ebp, {saved_cs}",
    "    mov eax, dword ptr [ebp]",
    "    and eax, 3",
    "    or edx, eax",
    "    mov dword ptr [ebx + ecx + {log} + 16], edx",
    "    rdtsc",
    "    sub eax, esi",
    "    mov dword ptr [ebx + ecx + {log} + 8], eax",
    "25:",
    "    rsm",
    "hwgap_smm_end:",
    ".code64",
    ".popsection",
    state = const STATE,
    timer = const OFFSET_TIMER,
    timer_software = const TIMER_SOFTWARE,
    pmbase = const OFFSET_PMBASE,
    index = const OFFSET_TABLE_INDEX,
    table = const TABLE_OFFSET,
    flags = const OFFSET_ENTRY_FLAGS,
    length = const OFFSET_TABLE_LENGTH,
    again = const FLAG_AGAIN,
    count = const OFFSET_SMI_COUNT,
    capacity = const OFFSET_LOG_CAPACITY,
    current = const OFFSET_CURRENT,
    saved_cs = const SAVED_CS,
    saved_rip = const SAVED_RIP,
    log_entry = const LOG_ENTRY,
    log = const LOG_OFFSET,
);

unsafe extern "C" {
    static hwgap_smm_start: u8;
    static hwgap_smm_end: u8;
}

/// The handler's machine code.
pub fn code() -> &'static [u8] {
    let start = &raw const hwgap_smm_start;
    let end = &raw const hwgap_smm_end;
    // SAFETY: both symbols bound one read-only section of this program, written
    // by the assembly above, and the end lies behind the start.
    unsafe { std::slice::from_raw_parts(start, end.offset_from_unsigned(start)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_begins_with_rdtsc_and_ends_with_rsm() {
        let code = code();
        assert_eq!(code[..2], [0x0F, 0x31]);
        assert_eq!(code[code.len() - 2..], [0x0F, 0xAA]);
    }

    #[test]
    fn the_code_fits_below_the_state_save_area() {
        assert!(ENTRY + (code().len() as u64) < ENTRY_LIMIT);
    }
}
