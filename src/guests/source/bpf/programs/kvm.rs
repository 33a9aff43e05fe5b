//! The programs of a guest's exits and entries.

use super::Parts;
use super::blocks::{clear, finish};
use crate::guests::source::bpf::layout::{Kind, LOG_AT, Slot};
use crate::sys::bpf::Condition::{Above, AtLeast, Equal, NotEqual};
use crate::sys::bpf::Reg::{R0, R1, R2, R3, R6, R7, R8, R9};
use crate::sys::bpf::Width::{Double, Word};
use crate::sys::bpf::{Asm, AsmError, Helper};

/// SVM's exit for an SMI. Its absence is told whatever its length: the time in
/// system management mode lies before any record of it.
const SVM_SMI: i32 = 0x62;
const SVM: i32 = 2;

/// Offsets of the fields of kvm_exit.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct ExitFields {
    pub(in super::super) code: i16,
    pub(in super::super) isa: i16,
    pub(in super::super) info1: i16,
    pub(in super::super) info2: i16,
    /// Kernels before 5.10 or so do not tell.
    pub(in super::super) vcpu: Option<i16>,
}

impl Parts<'_> {
    /// For kvm_exit.
    pub(in super::super) fn exit(&self, fields: ExitFields) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let (end, known) = (a.label(), a.label());
        self.begin(a, end);
        self.follow(a, known, end);
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
    pub(in super::super) fn entry(&self) -> Result<Vec<u64>, AsmError> {
        let mut asm = Asm::default();
        let a = &mut asm;
        let [end, known, streamed, has_exit, timed, long, forget] =
            std::array::from_fn(|_| a.label());
        self.begin(a, end);
        self.follow(a, known, end);
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
        self.put_small(a, Kind::Entry as i32, forget);
        self.put_smis(a, forget);
        a.place(forget);
        clear(a, [Slot::Exit, Slot::Entry, Slot::Logged, Slot::Streams]);
        finish(asm, end)
    }
}
