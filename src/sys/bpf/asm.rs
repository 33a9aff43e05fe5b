//! An assembler for the part of BPF that this project's program uses
//! (Documentation/bpf/standardization/instruction-set.rst;
//! include/uapi/linux/bpf.h).

use std::os::fd::{AsRawFd, BorrowedFd};

use super::btf::BtfId;

/// A register. R0 takes results, R1 to R5 arguments, which calls destroy; R6
/// to R9 survive calls; R10 is the frame, below which 512 bytes are usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reg {
    R0 = 0,
    /// First argument.
    R1 = 1,
    /// Second argument.
    R2 = 2,
    /// Third argument.
    R3 = 3,
    /// Fourth argument.
    R4 = 4,
    /// Fifth argument.
    R5 = 5,
    /// Survives calls.
    R6 = 6,
    /// Survives calls.
    R7 = 7,
    /// Survives calls.
    R8 = 8,
    /// Survives calls.
    R9 = 9,
    /// The frame; read-only.
    Frame = 10,
}

/// How much a load or store moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Width {
    /// 4 bytes; a load fills the upper half with zeroes.
    Word = 0x00,
    /// 8 bytes.
    Double = 0x18,
}

/// When a jump is taken: the left side is a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Condition {
    Equal = 0x10,
    /// Greater, unsigned.
    Above = 0x20,
    /// Greater or equal, unsigned.
    AtLeast = 0x30,
    NotEqual = 0x50,
    /// Greater or equal, signed.
    AtLeastSigned = 0x70,
    /// Less, unsigned.
    Below = 0xa0,
    /// Less or equal, unsigned.
    AtMost = 0xb0,
    LessSigned = 0xc0,
}

/// A helper function of the kernel, by its number in include/uapi/linux/bpf.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Helper {
    /// `bpf_map_lookup_elem`: the address of a value in a map, or 0.
    MapLookup = 1,
    /// `bpf_map_update_elem`: below zero where the map is full.
    MapUpdate = 2,
    /// `bpf_ktime_get_ns`: CLOCK_MONOTONIC in ns, safe in any context.
    KtimeGetNs = 5,
    /// `bpf_get_smp_processor_id`.
    CpuNumber = 8,
    /// `bpf_get_current_pid_tgid`: the process above the thread.
    CurrentThread = 14,
    /// `bpf_get_current_comm`: the name of the thread, up to 16 bytes.
    CurrentName = 16,
    /// `bpf_perf_event_read`: the count of an event in an array, or an error
    /// below zero. Without interrupts it reads this CPU's hardware.
    PerfEventRead = 22,
    /// `bpf_perf_event_output`: writes a record into the ring of an event in an
    /// array.
    PerfEventOutput = 25,
    /// `bpf_this_cpu_ptr`: this CPU's copy of a per-CPU variable.
    ThisCpuPtr = 154,
}

/// A place in the program that jumps can name before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// Why a program cannot be assembled; a defect of the program's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsmError {
    /// A jump names a place that was never set.
    #[error("a jump leads to a place that does not exist")]
    Unplaced,
    /// A jump is longer than 32,767 instructions.
    #[error("a jump is too long")]
    TooFar,
}

/// One instruction, in the order of struct bpf_insn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Insn {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

/// Classes and modes (BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_JMP, BPF_ALU64).
const LD_IMM64: u8 = 0x18;
const LDX_MEM: u8 = 0x61;
const STX_MEM: u8 = 0x63;
const STX_ATOMIC: u8 = 0xc3;
const JMP: u8 = 0x05;
const ALU32: u8 = 0x04;
const ALU64: u8 = 0x07;
/// Of an atomic operation: the register takes what was there before.
const FETCH: i32 = 0x01;
/// The right side is a register (BPF_X), not an immediate.
const BY_REGISTER: u8 = 0x08;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
/// BPF_JMP | BPF_JCOND: `may_goto`.
const MAY_GOTO: u8 = 0xe5;
/// Source register of a call of a kernel function (BPF_PSEUDO_KFUNC_CALL).
const KERNEL_FUNCTION: u8 = 2;
/// Source registers of a 64-bit load: a map, its value, a kernel variable.
const MAP: u8 = 1;
const MAP_VALUE: u8 = 2;
const KERNEL_VARIABLE: u8 = 3;

/// A program being assembled.
#[derive(Debug, Default)]
pub struct Asm {
    code: Vec<Insn>,
    places: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
}

impl Asm {
    /// A new label, to be placed with [`Asm::place`].
    pub fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() - 1)
    }

    pub fn place(&mut self, label: Label) {
        self.places[label.0] = Some(self.code.len());
    }

    /// `to = value`.
    pub fn set(&mut self, to: Reg, value: i32) {
        self.emit(ALU64 | 0xb0, to as u8, 0, 0, value);
    }

    /// `to = from`.
    pub fn copy(&mut self, to: Reg, from: Reg) {
        self.emit(ALU64 | 0xb0 | BY_REGISTER, to as u8, from as u8, 0, 0);
    }

    /// `to = the lower half of from`.
    pub fn copy_low(&mut self, to: Reg, from: Reg) {
        self.emit(ALU32 | 0xb0 | BY_REGISTER, to as u8, from as u8, 0, 0);
    }

    /// `to &= bits`.
    pub fn keep_bits(&mut self, to: Reg, bits: i32) {
        self.emit(ALU64 | 0x50, to as u8, 0, 0, bits);
    }

    /// `to >>= bits`.
    pub fn shift_right(&mut self, to: Reg, bits: i32) {
        self.emit(ALU64 | 0x70, to as u8, 0, 0, bits);
    }

    /// `to += value`.
    pub fn add(&mut self, to: Reg, value: i32) {
        self.emit(ALU64, to as u8, 0, 0, value);
    }

    /// `to += from`.
    pub fn add_reg(&mut self, to: Reg, from: Reg) {
        self.emit(ALU64 | BY_REGISTER, to as u8, from as u8, 0, 0);
    }

    /// `to -= from`.
    pub fn sub_reg(&mut self, to: Reg, from: Reg) {
        self.emit(ALU64 | 0x10 | BY_REGISTER, to as u8, from as u8, 0, 0);
    }

    /// `to *= value`.
    pub fn multiply(&mut self, to: Reg, value: i32) {
        self.emit(ALU64 | 0x20, to as u8, 0, 0, value);
    }

    /// `to = *(base + offset)`.
    pub fn load(&mut self, to: Reg, base: Reg, offset: i16, width: Width) {
        self.emit(LDX_MEM | width as u8, to as u8, base as u8, offset, 0);
    }

    /// `*(base + offset) = from`.
    pub fn store(&mut self, base: Reg, offset: i16, from: Reg, width: Width) {
        self.emit(STX_MEM | width as u8, base as u8, from as u8, offset, 0);
    }

    /// `*(base + offset) += from`, atomically (BPF_ATOMIC, BPF_ADD).
    pub fn add_atomically(&mut self, base: Reg, offset: i16, from: Reg, width: Width) {
        self.emit(STX_ATOMIC | width as u8, base as u8, from as u8, offset, 0);
    }

    /// The same with 8 bytes, and `from` takes what was there (from Linux 5.12 on).
    pub fn fetch_add(&mut self, base: Reg, offset: i16, from: Reg) {
        let code = STX_ATOMIC | Width::Double as u8;
        self.emit(code, base as u8, from as u8, offset, FETCH);
    }

    /// `to = value`, of 64 bits.
    pub fn set_wide(&mut self, to: Reg, value: u64) {
        self.wide(to, 0, value as i32, (value >> 32) as i32);
    }

    /// `to = address of the map's only value + offset` (BPF_PSEUDO_MAP_VALUE).
    pub fn address_in_map(&mut self, to: Reg, map: BorrowedFd<'_>, offset: i32) {
        self.wide(to, MAP_VALUE, map.as_raw_fd(), offset);
    }

    /// `to = the map` (BPF_PSEUDO_MAP_FD).
    pub fn map(&mut self, to: Reg, map: BorrowedFd<'_>) {
        self.wide(to, MAP, map.as_raw_fd(), 0);
    }

    /// `to = the per-CPU variable of the kernel` (BPF_PSEUDO_BTF_ID).
    pub fn kernel_variable(&mut self, to: Reg, variable: BtfId) {
        self.wide(to, KERNEL_VARIABLE, variable.0 as i32, 0);
    }

    /// Goes on at `label`.
    pub fn jump(&mut self, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.emit(JMP, 0, 0, 0, 0);
    }

    /// Goes on at `label` if `left` is so to `right`.
    pub fn jump_if(&mut self, left: Reg, condition: Condition, right: Reg, label: Label) {
        self.jumps.push((self.code.len(), label));
        let code = JMP | condition as u8 | BY_REGISTER;
        self.emit(code, left as u8, right as u8, 0, 0);
    }

    /// Goes on at `label` if `left` is so to `right`, a number.
    pub fn jump_if_value(&mut self, left: Reg, condition: Condition, right: i32, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.emit(JMP | condition as u8, left as u8, 0, 0, right);
    }

    /// Goes on at `label` when the kernel's own bound on loops is used up:
    /// 8,388,608 rounds, or from 6.15 on 250 ms (kernel/bpf/verifier.c,
    /// BPF_MAX_LOOPS; kernel/bpf/core.c, bpf_check_timed_may_goto). It is what
    /// makes the verifier accept a loop without a bound that it can prove.
    pub fn may_jump(&mut self, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.emit(MAY_GOTO, 0, 0, 0, 0);
    }

    /// Calls a helper: R0 = helper(R1, …).
    pub fn call(&mut self, helper: Helper) {
        self.emit(CALL, 0, 0, 0, helper as i32);
    }

    /// Calls a kernel function: R0 = function(R1, …).
    pub fn call_kernel(&mut self, function: BtfId) {
        self.emit(CALL, 0, KERNEL_FUNCTION, 0, function.0 as i32);
    }

    pub fn exit(&mut self) {
        self.emit(EXIT, 0, 0, 0, 0);
    }

    /// The program in the kernel's form, 8 bytes an instruction.
    ///
    /// # Errors
    /// Where a jump cannot be encoded.
    pub fn finish(mut self) -> Result<Vec<u64>, AsmError> {
        for (at, label) in self.jumps {
            let place = self.places[label.0].ok_or(AsmError::Unplaced)?;
            let distance = place as i64 - at as i64 - 1;
            self.code[at].offset = i16::try_from(distance).map_err(|_| AsmError::TooFar)?;
        }
        Ok(self.code.into_iter().map(Insn::encode).collect())
    }

    fn wide(&mut self, to: Reg, kind: u8, first: i32, second: i32) {
        self.emit(LD_IMM64, to as u8, kind, 0, first);
        self.emit(0, 0, 0, 0, second);
    }

    fn emit(&mut self, code: u8, to: u8, from: u8, offset: i16, immediate: i32) {
        self.code.push(Insn {
            code,
            registers: to | from << 4,
            offset,
            immediate,
        });
    }
}

impl Insn {
    fn encode(self) -> u64 {
        u64::from(self.code)
            | u64::from(self.registers) << 8
            | u64::from(self.offset as u16) << 16
            | u64::from(self.immediate as u32) << 32
    }
}

#[cfg(test)]
#[path = "asm_tests.rs"]
mod tests;
