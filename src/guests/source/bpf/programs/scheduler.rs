//! The programs of the scheduler's tracepoints.

use super::blocks::{clear, finish};
use super::{Parts, RECORD};
use crate::guests::source::bpf::layout::{Kind, MOVE_BYTES, SWITCH_BYTES, Slot, WAKING_BYTES};
use crate::sys::bpf::Condition::{AtLeast, Equal, LessSigned, NotEqual};
use crate::sys::bpf::Reg::{Frame, R0, R1, R2, R6, R7, R8, R9};
use crate::sys::bpf::Width::{Double, Word};
use crate::sys::bpf::{Asm, AsmError, Helper, Label};

/// Offsets of the fields of sched_switch: of the task that leaves and of the one
/// that comes.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct SwitchFields {
    pub(in super::super) state: i16,
    pub(in super::super) threads: [i16; 2],
    pub(in super::super) priorities: [i16; 2],
    pub(in super::super) names: [i16; 2],
}

/// Offsets of the fields of sched_waking or sched_migrate_task.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct MoveFields {
    pub(in super::super) thread: i16,
    pub(in super::super) cpu: i16,
}

impl Parts<'_> {
    /// For sched_switch.
    pub(in super::super) fn switch(&self, fields: SwitchFields) -> Result<Vec<u64>, AsmError> {
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
    pub(in super::super) fn moved(
        &self,
        kind: Kind,
        fields: MoveFields,
    ) -> Result<Vec<u64>, AsmError> {
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
}

/// Goes on at `label` unless the task that leaves is ready to run: the bits that
/// tell why it is not are the lowest eight (TASK_REPORT in include/linux/sched.h).
fn runnable_or(a: &mut Asm, state: i16, label: Label) {
    a.load(R1, R6, state, Double);
    a.keep_bits(R1, 0xff);
    a.jump_if_value(R1, NotEqual, 0, label);
}
