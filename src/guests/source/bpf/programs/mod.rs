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

mod blocks;
mod kvm;
mod scheduler;

use std::os::fd::BorrowedFd;

use super::layout::{ENTRY_BYTES, LOG_AT, LOG_ENTRIES, SWITCH_BYTES, Slot};
use crate::sys::bpf::Condition::{AtLeast, Equal, LessSigned};
use crate::sys::bpf::Reg::{R0, R1, R2, R7, R8};
use crate::sys::bpf::Width::{Double, Word};
use crate::sys::bpf::{Asm, AsmError, Helper};
use crate::units::Nanos;

use blocks::{clear, finish, value};

pub(super) use kvm::ExitFields;
pub(super) use scheduler::{MoveFields, SwitchFields};

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
        self.put_small(a, kind, end);
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
}
