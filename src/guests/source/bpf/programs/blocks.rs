//! What the programs share.

use super::{KEY, Parts, RECORD, VALUE};
use crate::guests::source::bpf::layout::{
    ENTRY_BYTES, Kind, LOG_AT, LOG_ENTRIES, STATE_BYTES, Slot,
};
use crate::sys::bpf::Condition::{AtLeast, AtMost, Equal, LessSigned, NotEqual};
use crate::sys::bpf::Reg::{Frame, R0, R1, R2, R3, R4, R5, R6, R7, R8};
use crate::sys::bpf::Width::{Double, Word};
use crate::sys::bpf::{Asm, AsmError, Helper, Label, Reg};

/// BPF_F_CURRENT_CPU: the element of the CPU on which the program runs.
const THIS_CPU: u64 = 0xffff_ffff;

impl Parts<'_> {
    /// R6 is the context and R7 what is kept of this CPU.
    pub(super) fn begin(&self, a: &mut Asm, end: Label) {
        a.copy(R6, R1);
        a.call(Helper::CpuNumber);
        a.jump_if_value(R0, AtLeast, self.cpus, end);
        self.state_of(a, R0, R7);
    }

    /// `to` is what is kept of the CPU that is below the number of all.
    pub(super) fn state_of(&self, a: &mut Asm, cpu: Reg, to: Reg) {
        a.multiply(cpu, STATE_BYTES);
        a.address_in_map(to, self.state, 0);
        a.add_reg(to, cpu);
    }

    /// Adds to the number of those that wait for a CPU, which is given from 1, and
    /// 0 for none. R1 to R3 are used.
    pub(super) fn wait(&self, a: &mut Asm, cpu: Reg, change: i32) {
        let none = a.label();
        a.copy(R1, cpu);
        a.jump_if_value(R1, Equal, 0, none);
        a.add(R1, -1);
        a.jump_if_value(R1, AtLeast, self.cpus, none);
        self.state_of(a, R1, R2);
        a.set(R1, change);
        a.add_atomically(R2, Slot::Waiting.bytes(), R1, Double);
        a.place(none);
    }

    /// R0 is the value of the thread R1 in the table of threads, or 0.
    pub(super) fn look_up(&self, a: &mut Asm) {
        a.store(Frame, KEY, R1, Word);
        a.map(R1, self.threads);
        a.copy(R2, Frame);
        a.add(R2, i32::from(KEY));
        a.call(Helper::MapLookup);
    }

    /// R8 is the current thread with its process. Goes on at `known` where it is the
    /// one that has the CPU, else adopts it.
    pub(super) fn follow(&self, a: &mut Asm, known: Label, end: Label) {
        a.call(Helper::CurrentThread);
        a.copy(R8, R0);
        a.copy_low(R2, R8);
        a.load(R1, R7, Slot::Thread.bytes(), Double);
        a.jump_if(R1, Equal, R2, known);
        self.adopt(a, end);
    }

    /// The current thread R8 becomes the one that has the CPU, unless it is of a
    /// process that is not wanted.
    fn adopt(&self, a: &mut Asm, end: Label) {
        let known = a.label();
        a.copy_low(R1, R8);
        self.look_up(a);
        a.jump_if_value(R0, NotEqual, 0, known);
        if let Some(processes) = self.processes {
            a.copy(R1, R8);
            a.shift_right(R1, 32);
            a.store(Frame, KEY, R1, Word);
            a.map(R1, processes);
            a.copy(R2, Frame);
            a.add(R2, i32::from(KEY));
            a.call(Helper::MapLookup);
            a.jump_if_value(R0, Equal, 0, end);
        }
        a.store(Frame, KEY, R8, Word);
        a.set(R1, 0);
        a.store(Frame, VALUE, R1, Double);
        a.map(R1, self.threads);
        a.copy(R2, Frame);
        a.add(R2, i32::from(KEY));
        a.copy(R3, Frame);
        a.add(R3, i32::from(VALUE));
        a.set(R4, 0);
        a.call(Helper::MapUpdate);
        a.jump_if_value(R0, Equal, 0, known);
        self.miss(a);
        a.jump(end);
        a.place(known);
        clear(a, [Slot::Exit, Slot::Entry, Slot::Logged, Slot::Streams]);
        a.copy_low(R1, R8);
        a.store(R7, Slot::Thread.bytes(), R1, Double);
    }

    /// Puts out what is kept of this CPU and streams from then on.
    pub(super) fn put_state(&self, a: &mut Asm) {
        let within = a.label();
        a.set(R1, 1);
        a.store(R7, Slot::Streams.bytes(), R1, Double);
        a.set(R1, Kind::Absence as i32);
        a.store(R7, Slot::Kind.bytes(), R1, Double);
        a.load(R5, R7, Slot::Logged.bytes(), Double);
        a.jump_if_value(R5, AtMost, LOG_ENTRIES, within);
        a.set(R5, LOG_ENTRIES);
        a.place(within);
        a.multiply(R5, ENTRY_BYTES);
        a.add(R5, i32::from(LOG_AT));
        a.copy(R4, R7);
        let done = a.label();
        self.put(a, done);
        a.place(done);
        clear(a, [Slot::Exit, Slot::Logged]);
    }

    /// Puts out a small record, of this moment: its value is in R8.
    pub(super) fn put_small(&self, a: &mut Asm, kind: i32, end: Label) {
        a.call(Helper::KtimeGetNs);
        a.set(R1, kind);
        a.store(Frame, RECORD, R1, Word);
        a.store(Frame, RECORD + 4, R8, Word);
        a.store(Frame, RECORD + 8, R0, Double);
        self.put_stack(a, ENTRY_BYTES, end);
    }

    /// Puts out the record on the stack.
    pub(super) fn put_stack(&self, a: &mut Asm, bytes: i32, end: Label) {
        a.copy(R4, Frame);
        a.add(R4, i32::from(RECORD));
        a.set(R5, bytes);
        self.put(a, end);
    }

    /// Puts out R5 bytes at R4, counts it where that cannot be, and goes on at
    /// `end`.
    pub(super) fn put(&self, a: &mut Asm, end: Label) {
        a.copy(R1, R6);
        a.map(R2, self.rings);
        a.set_wide(R3, THIS_CPU);
        a.call(Helper::PerfEventOutput);
        // A full ring tells of itself.
        for expected in [0, -libc::ENOSPC] {
            a.jump_if_value(R0, Equal, expected, end);
        }
        self.miss(a);
    }

    pub(super) fn miss(&self, a: &mut Asm) {
        a.set(R1, 1);
        a.address_in_map(R2, self.missing, 0);
        a.add_atomically(R2, 0, R1, Double);
    }

    /// Reads the count of SMIs, where it can be read here.
    pub(super) fn put_smis(&self, a: &mut Asm, end: Label) {
        let Some(smis) = self.smis else { return };
        let done = a.label();
        a.map(R1, smis);
        a.set_wide(R2, THIS_CPU);
        a.call(Helper::PerfEventRead);
        a.jump_if_value(R0, LessSigned, 0, done);
        a.copy(R8, R0);
        self.put_small(a, Kind::Smis as i32, end);
        a.place(done);
    }
}

/// R8 is the argument of the tracepoint, or 0.
pub(super) fn value(a: &mut Asm, argument: Option<i16>) {
    match argument {
        Some(argument) => a.load(R8, R6, 8 * argument, Double),
        None => a.set(R8, 0),
    }
}

pub(super) fn clear<const N: usize>(a: &mut Asm, slots: [Slot; N]) {
    a.set(R1, 0);
    for slot in slots {
        a.store(R7, slot.bytes(), R1, Double);
    }
}

pub(super) fn finish(mut asm: Asm, end: Label) -> Result<Vec<u64>, AsmError> {
    asm.place(end);
    // With 0, a program of an event would hide the hit from every other user of the
    // tracepoint (kernel/trace/bpf_trace.c, `trace_call_bpf`).
    asm.set(R0, 1);
    asm.exit();
    asm.finish()
}
