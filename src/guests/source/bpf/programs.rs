//! The programs: what they keep of each CPU and when they put it out.
//!
//! While a vCPU's thread has the CPU, what interrupts it is kept in a log. At the
//! entry into the guest the log is put out if the absence was longer than the
//! threshold, else forgotten. The log does not begin with kvm_exit: on SVM that is
//! recorded after the interrupt that was the exit's cause (svm_handle_exit in
//! arch/x86/kvm/svm/svm.c). A thread that is switched out puts out its log, and from
//! then on everything is put out until it enters the guest; also what happens on a
//! CPU that some vCPU's thread waits for.
//!
//! kvm_exit and what the scheduler does are programs of events, which have the
//! fields ready; none of them comes within another. Interrupts do, and so are those of
//! the tracepoints themselves (`evidence::kernel_trace::programs` has the reason).

use std::os::fd::BorrowedFd;

use super::layout::{
    ENTRY_BYTES, Kind, LOG_AT, LOG_ENTRIES, MOVE_BYTES, STATE_BYTES, SWITCH_BYTES, Slot,
    WAKING_BYTES,
};
use crate::sys::bpf::Condition::{Above, AtLeast, AtMost, Equal, LessSigned, NotEqual};
use crate::sys::bpf::Reg::{Frame, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9};
use crate::sys::bpf::Width::{Double, Word};
use crate::sys::bpf::{Asm, AsmError, Helper, Label, Reg};
use crate::units::Nanos;

/// BPF_F_CURRENT_CPU: the element of the CPU on which the program runs.
const THIS_CPU: u64 = 0xffff_ffff;
/// SVM's exit for an SMI. Its absence is told whatever its length: the time in
/// system management mode lies before any record of it.
const SVM_SMI: i32 = 0x62;
const SVM: i32 = 2;

/// Places on the stack: a record up to [`SWITCH_BYTES`], and a key and a value for
/// a table.
const RECORD: i16 = -(SWITCH_BYTES as i16);
const KEY: i16 = RECORD - 8;
const VALUE: i16 = KEY - 8;

/// What the programs work with.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    /// What is kept, [`STATE_BYTES`] a CPU.
    pub(super) state: BorrowedFd<'a>,
    /// How many CPUs there is room for.
    pub(super) cpus: i32,
    /// The threads of vCPUs; their value is the CPU that they wait for, from 1.
    pub(super) threads: BorrowedFd<'a>,
    /// The processes whose threads are wanted; `None` for all.
    pub(super) processes: Option<BorrowedFd<'a>>,
    /// A ring for each CPU.
    pub(super) rings: BorrowedFd<'a>,
    /// A counter of SMIs for each CPU.
    pub(super) smis: Option<BorrowedFd<'a>>,
    /// Counts records that no ring had room for, or that there was no ring for.
    pub(super) missing: BorrowedFd<'a>,
    pub(super) threshold: Nanos,
}

/// Offsets of the fields of kvm_exit.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExitFields {
    pub(super) code: i16,
    pub(super) isa: i16,
    pub(super) info1: i16,
    pub(super) info2: i16,
    /// Kernels before 5.10 or so do not tell.
    pub(super) vcpu: Option<i16>,
}

/// Offsets of the fields of sched_switch: of the task that leaves and of the one
/// that comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SwitchFields {
    pub(super) state: i16,
    pub(super) threads: [i16; 2],
    pub(super) priorities: [i16; 2],
    pub(super) names: [i16; 2],
}

/// Offsets of the fields of sched_waking or sched_migrate_task.
#[derive(Clone, Copy, Debug)]
pub(super) struct MoveFields {
    pub(super) thread: i16,
    pub(super) cpu: i16,
}

/// What a small record says of the CPU's course.
#[derive(Clone, Copy, Debug)]
pub(super) enum Course {
    Begins(Slot),
    Ends(Slot),
    Same,
}

impl Parts<'_> {
    /// For an interrupt's begin or end, and for the way to the VMM: its number and
    /// an argument of the tracepoint.
    pub(super) fn small(
        &self,
        kind: i32,
        argument: Option<i16>,
        course: Course,
    ) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let [log, direct, overflow, nobody, end] = std::array::from_fn(|_| a.label());
        self.begin(a, end);
        match course {
            Course::Begins(slot) => {
                value(a, argument);
                a.store(R7, slot.bytes(), R8, Word);
                a.set(R1, kind + 1);
                a.store(R7, slot.bytes() + 4, R1, Word);
            }
            Course::Ends(slot) => clear(a, [slot]),
            Course::Same => {}
        }
        a.load(R1, R7, Slot::Thread.bytes(), Double);
        a.jump_if_value(R1, Equal, 0, nobody);
        a.load(R1, R7, Slot::Streams.bytes(), Double);
        a.jump_if_value(R1, Equal, 0, log);
        a.jump(direct);
        a.place(nobody);
        a.load(R1, R7, Slot::Waiting.bytes(), Double);
        a.jump_if_value(R1, LessSigned, 1, end);
        a.place(direct);
        value(a, argument);
        a.call(Helper::KtimeGetNs);
        a.set(R1, kind);
        a.store(Frame, RECORD, R1, Word);
        a.store(Frame, RECORD + 4, R8, Word);
        a.store(Frame, RECORD + 8, R0, Double);
        self.put_stack(a, ENTRY_BYTES, end);
        a.jump(end);

        a.place(log);
        value(a, argument);
        a.call(Helper::KtimeGetNs);
        a.set(R1, 1);
        a.fetch_add(R7, Slot::Logged.bytes(), R1);
        a.jump_if_value(R1, AtLeast, LOG_ENTRIES, overflow);
        a.multiply(R1, ENTRY_BYTES);
        a.copy(R2, R7);
        a.add_reg(R2, R1);
        a.set(R1, kind);
        a.store(R2, LOG_AT, R1, Word);
        a.store(R2, LOG_AT + 4, R8, Word);
        a.store(R2, LOG_AT + 8, R0, Double);
        a.jump(end);
        a.place(overflow);
        self.put_state(a);
        a.jump(direct);
        finish(asm, end)
    }

    /// For kvm_exit.
    pub(super) fn exit(&self, fields: ExitFields) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let (end, known) = (a.label(), a.label());
        self.begin(a, end);
        a.call(Helper::CurrentThread);
        a.copy(R8, R0);
        a.copy_low(R2, R8);
        a.load(R1, R7, Slot::Thread.bytes(), Double);
        a.jump_if(R1, Equal, R2, known);
        self.adopt(a, end);
        a.place(known);
        a.call(Helper::KtimeGetNs);
        a.store(R7, Slot::Exit.bytes(), R0, Double);
        a.store(R7, Slot::Who.bytes(), R8, Double);
        let vcpu = fields.vcpu.map(|at| (at, Slot::Vcpu));
        let words = [(fields.code, Slot::Code), (fields.isa, Slot::Isa)];
        for (at, slot) in words.into_iter().chain(vcpu) {
            a.load(R1, R6, at, Word);
            a.store(R7, slot.bytes(), R1, Word);
        }
        for (at, slot) in [(fields.info1, Slot::Info1), (fields.info2, Slot::Info2)] {
            a.load(R1, R6, at, Double);
            a.store(R7, slot.bytes(), R1, Double);
        }
        // Out already, by a switch before this.
        a.load(R1, R7, Slot::Streams.bytes(), Double);
        a.jump_if_value(R1, Equal, 0, end);
        self.put_state(a);
        finish(asm, end)
    }

    /// For kvm_entry.
    pub(super) fn entry(&self) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let [end, known, streamed, has_exit, timed, long, forget] =
            std::array::from_fn(|_| a.label());
        self.begin(a, end);
        a.call(Helper::CurrentThread);
        a.copy(R8, R0);
        a.copy_low(R2, R8);
        a.load(R1, R7, Slot::Thread.bytes(), Double);
        a.jump_if(R1, Equal, R2, known);
        self.adopt(a, end);
        a.jump(streamed);
        a.place(known);
        a.call(Helper::KtimeGetNs);
        a.copy(R9, R0);
        a.load(R1, R7, Slot::Streams.bytes(), Double);
        a.jump_if_value(R1, NotEqual, 0, streamed);
        // The absence begins at the exit, or at an interrupt before it.
        a.load(R1, R7, Slot::Exit.bytes(), Double);
        a.load(R2, R7, Slot::Logged.bytes(), Double);
        a.jump_if_value(R2, Equal, 0, has_exit);
        a.load(R3, R7, LOG_AT + 8, Double);
        a.jump_if_value(R1, Equal, 0, timed);
        a.jump_if(R3, AtLeast, R1, has_exit);
        a.place(timed);
        a.copy(R1, R3);
        a.place(has_exit);
        // Nothing since the last entry.
        a.jump_if_value(R1, Equal, 0, forget);
        a.copy(R2, R9);
        a.sub_reg(R2, R1);
        a.set_wide(R3, self.threshold.0);
        a.jump_if(R2, Above, R3, long);
        a.load(R1, R7, Slot::Exit.bytes(), Double);
        a.jump_if_value(R1, Equal, 0, forget);
        a.load(R1, R7, Slot::Isa.bytes(), Word);
        a.jump_if_value(R1, NotEqual, SVM, forget);
        a.load(R1, R7, Slot::Code.bytes(), Word);
        a.jump_if_value(R1, NotEqual, SVM_SMI, forget);
        a.place(long);
        a.store(R7, Slot::Entry.bytes(), R9, Double);
        self.put_state(a);
        self.put_smis(a, forget);
        a.jump(forget);

        a.place(streamed);
        a.call(Helper::KtimeGetNs);
        a.set(R1, Kind::Entry as i32);
        a.store(Frame, RECORD, R1, Word);
        a.store(Frame, RECORD + 4, R8, Word);
        a.store(Frame, RECORD + 8, R0, Double);
        self.put_stack(a, ENTRY_BYTES, forget);
        self.put_smis(a, forget);
        a.place(forget);
        clear(a, [Slot::Exit, Slot::Entry, Slot::Logged, Slot::Streams]);
        finish(asm, end)
    }

    /// For sched_switch.
    pub(super) fn switch(&self, fields: SwitchFields) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let [end, come, put, asleep, leave, others] = std::array::from_fn(|_| a.label());
        self.begin(a, end);
        a.set(R8, 0);
        // R9 is this CPU's number, from 1.
        a.call(Helper::CpuNumber);
        a.copy(R9, R0);
        a.add(R9, 1);

        // The thread that leaves.
        a.load(R1, R6, fields.threads[0], Word);
        self.look_up(a);
        a.jump_if_value(R0, Equal, 0, come);
        a.set(R8, 1);
        runnable_or(a, fields.state, asleep);
        a.load(R1, R0, 0, Double);
        a.jump_if_value(R1, NotEqual, 0, asleep);
        a.store(R0, 0, R9, Double);
        a.set(R1, 1);
        a.add_atomically(R7, Slot::Waiting.bytes(), R1, Double);
        a.place(asleep);
        a.load(R1, R7, Slot::Streams.bytes(), Double);
        a.jump_if_value(R1, NotEqual, 0, leave);
        a.load(R1, R7, Slot::Exit.bytes(), Double);
        a.load(R2, R7, Slot::Logged.bytes(), Double);
        a.add_reg(R1, R2);
        a.jump_if_value(R1, Equal, 0, leave);
        self.put_state(a);
        a.place(leave);
        clear(a, [Slot::Thread, Slot::Exit, Slot::Logged, Slot::Streams]);

        // The thread that comes.
        a.place(come);
        a.load(R1, R6, fields.threads[1], Word);
        self.look_up(a);
        a.jump_if_value(R0, Equal, 0, others);
        a.load(R9, R0, 0, Double);
        a.set(R1, 0);
        a.store(R0, 0, R1, Double);
        self.wait(a, R9, -1);
        clear(a, [Slot::Exit, Slot::Entry, Slot::Logged]);
        a.set(R1, 1);
        a.store(R7, Slot::Streams.bytes(), R1, Double);
        a.load(R1, R6, fields.threads[1], Word);
        a.store(R7, Slot::Thread.bytes(), R1, Double);
        a.jump(put);
        a.place(others);
        a.jump_if_value(R8, NotEqual, 0, put);
        a.load(R1, R7, Slot::Waiting.bytes(), Double);
        a.jump_if_value(R1, LessSigned, 1, end);

        a.place(put);
        a.call(Helper::KtimeGetNs);
        a.set(R1, Kind::Switch as i32);
        a.store(Frame, RECORD, R1, Word);
        a.load(R1, R6, fields.state, Double);
        a.store(Frame, RECORD + 4, R1, Word);
        a.store(Frame, RECORD + 8, R0, Double);
        for (who, place) in [(0, RECORD + 16), (1, RECORD + 40)] {
            a.load(R1, R6, fields.threads[who], Word);
            a.store(Frame, place, R1, Word);
            a.load(R1, R6, fields.priorities[who], Word);
            a.store(Frame, place + 4, R1, Word);
            for part in [0, 4, 8, 12] {
                a.load(R1, R6, fields.names[who] + part, Word);
                a.store(Frame, place + 8 + part, R1, Word);
            }
        }
        self.put_stack(a, SWITCH_BYTES, end);
        finish(asm, end)
    }

    /// For sched_waking and sched_migrate_task.
    pub(super) fn moved(&self, kind: Kind, fields: MoveFields) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let (end, put) = (a.label(), a.label());
        a.copy(R6, R1);
        a.load(R1, R6, fields.thread, Word);
        self.look_up(a);
        a.jump_if_value(R0, Equal, 0, end);
        a.copy(R7, R0);
        a.load(R9, R6, fields.cpu, Word);
        a.add(R9, 1);
        a.load(R8, R7, 0, Double);
        match kind {
            // Woken while it still runs, or twice.
            Kind::Waking => a.jump_if_value(R8, NotEqual, 0, put),
            // It waits for no CPU.
            _ => a.jump_if_value(R8, Equal, 0, put),
        }
        self.wait(a, R8, -1);
        a.store(R7, 0, R9, Double);
        self.wait(a, R9, 1);
        a.place(put);
        a.call(Helper::KtimeGetNs);
        a.set(R1, kind as i32);
        a.store(Frame, RECORD, R1, Word);
        a.load(R1, R6, fields.thread, Word);
        a.store(Frame, RECORD + 4, R1, Word);
        a.store(Frame, RECORD + 8, R0, Double);
        a.load(R1, R6, fields.cpu, Word);
        a.store(Frame, RECORD + 16, R1, Double);
        if kind == Kind::Waking {
            self.waker(a);
            self.put_stack(a, WAKING_BYTES, end);
        } else {
            self.put_stack(a, MOVE_BYTES, end);
        }
        finish(asm, end)
    }

    /// Adds to a record who wakes: what this CPU is in the course of, an interrupt
    /// before a softirq, and its thread.
    fn waker(&self, a: &mut Asm) {
        let told = a.label();
        a.call(Helper::CpuNumber);
        a.set(R8, 0);
        a.jump_if_value(R0, AtLeast, self.cpus, told);
        self.state_of(a, R0, R7);
        a.load(R8, R7, Slot::Interrupt.bytes(), Double);
        a.jump_if_value(R8, NotEqual, 0, told);
        a.load(R8, R7, Slot::Softirq.bytes(), Double);
        a.place(told);
        a.store(Frame, RECORD + 24, R8, Double);
        a.copy(R1, Frame);
        a.add(R1, i32::from(RECORD) + 32);
        a.set(R2, 16);
        a.call(Helper::CurrentName);
    }

    /// R6 is the context and R7 what is kept of this CPU.
    fn begin(&self, a: &mut Asm, end: Label) {
        a.copy(R6, R1);
        a.call(Helper::CpuNumber);
        a.jump_if_value(R0, AtLeast, self.cpus, end);
        self.state_of(a, R0, R7);
    }

    /// `to` is what is kept of the CPU that is below the number of all.
    fn state_of(&self, a: &mut Asm, cpu: Reg, to: Reg) {
        a.multiply(cpu, STATE_BYTES);
        a.address_in_map(to, self.state, 0);
        a.add_reg(to, cpu);
    }

    /// Adds to the number of those that wait for a CPU, which is given from 1, and
    /// 0 for none. R1 to R3 are used.
    fn wait(&self, a: &mut Asm, cpu: Reg, change: i32) {
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
    fn look_up(&self, a: &mut Asm) {
        a.store(Frame, KEY, R1, Word);
        a.map(R1, self.threads);
        a.copy(R2, Frame);
        a.add(R2, i32::from(KEY));
        a.call(Helper::MapLookup);
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
    fn put_state(&self, a: &mut Asm) {
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

    /// Puts out the record on the stack.
    fn put_stack(&self, a: &mut Asm, bytes: i32, end: Label) {
        a.copy(R4, Frame);
        a.add(R4, i32::from(RECORD));
        a.set(R5, bytes);
        self.put(a, end);
    }

    /// Puts out R5 bytes at R4, counts it where that cannot be, and goes on at
    /// `end`.
    fn put(&self, a: &mut Asm, end: Label) {
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

    fn miss(&self, a: &mut Asm) {
        a.set(R1, 1);
        a.address_in_map(R2, self.missing, 0);
        a.add_atomically(R2, 0, R1, Double);
    }

    /// Reads the count of SMIs, where it can be read here.
    fn put_smis(&self, a: &mut Asm, end: Label) {
        let Some(smis) = self.smis else { return };
        let done = a.label();
        a.map(R1, smis);
        a.set_wide(R2, THIS_CPU);
        a.call(Helper::PerfEventRead);
        a.jump_if_value(R0, LessSigned, 0, done);
        a.copy(R8, R0);
        a.call(Helper::KtimeGetNs);
        a.set(R1, Kind::Smis as i32);
        a.store(Frame, RECORD, R1, Word);
        a.store(Frame, RECORD + 4, R8, Word);
        a.store(Frame, RECORD + 8, R0, Double);
        self.put_stack(a, ENTRY_BYTES, end);
        a.place(done);
    }
}

/// R8 is the argument of the tracepoint, or 0.
fn value(a: &mut Asm, argument: Option<i16>) {
    match argument {
        Some(argument) => a.load(R8, R6, 8 * argument, Double),
        None => a.set(R8, 0),
    }
}

/// Goes on at `label` unless the task that leaves is ready to run: the bits that
/// tell why it is not are the lowest eight (TASK_REPORT in include/linux/sched.h).
fn runnable_or(a: &mut Asm, state: i16, label: Label) {
    a.load(R1, R6, state, Double);
    a.keep_bits(R1, 0xff);
    a.jump_if_value(R1, NotEqual, 0, label);
}

fn clear<const N: usize>(a: &mut Asm, slots: [Slot; N]) {
    a.set(R1, 0);
    for slot in slots {
        a.store(R7, slot.bytes(), R1, Double);
    }
}

fn finish(mut asm: Asm, end: Label) -> Result<Vec<u64>, AsmError> {
    asm.place(end);
    // With 0, a program of an event would hide the hit from every other user of the
    // tracepoint (kernel/trace/bpf_trace.c, `trace_call_bpf`).
    asm.set(R0, 1);
    asm.exit();
    asm.finish()
}
