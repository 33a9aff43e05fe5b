//! The program: a loop that reads the clock back to back with interrupts off.
//!
//! How the verifier (kernel/bpf/verifier.c) takes it:
//! - Interrupts: `bpf_local_irq_save` marks a stack slot; a program in which a
//!   way out of it lacks the matching `bpf_local_irq_restore` is refused
//!   (check_resource_leak). So no shot can end with interrupts off, however it
//!   ends.
//! - The loop: `may_goto` bounds it. All that the loop keeps in registers comes
//!   from memory or the clock, so that the verifier does not know the values,
//!   and the second round looks to it like the first. A counter that starts at
//!   a number it knows would give a new state each round, up to "the sequence
//!   of 8193 jumps is too complex". Counters that only the slow path needs stay
//!   in the shared area.
//! - Records: their number comes from memory and is compared with
//!   [`RECORDS`] before it is multiplied, which bounds the address.
//! - Clock: `bpf_ktime_get_ns` is CLOCK_MONOTONIC by the reading that is safe
//!   in NMIs (kernel/time/timekeeping.c, ktime_get_mono_fast_ns). When another
//!   CPU adjusts the clock's rate it can step back by some ns.

use std::os::fd::BorrowedFd;

use crate::sampler::engines::bpf::counters::{
    SMIS, Watched, copy_counters, find_counters, look_at_counters, look_at_smis,
};
use crate::sampler::engines::bpf::layout::{Field, RECORD_BYTES, RECORDS, RECORDS_AT, Slot};
use crate::sys::bpf::Condition::{Above, AtLeast, AtLeastSigned, AtMost, Below, Equal, LessSigned};
use crate::sys::bpf::Reg::{Frame, R0, R1, R2, R3, R6, R7, R8, R9};
use crate::sys::bpf::Width::Double;
use crate::sys::bpf::{Asm, AsmError, BtfId, Helper, Label};

/// The kernel functions that every form of the program calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Functions {
    /// `void bpf_local_irq_save(unsigned long *flags)`.
    pub(super) irq_save: BtfId,
    /// `void bpf_local_irq_restore(unsigned long *flags)`.
    pub(super) irq_restore: BtfId,
}

/// Places on the stack, below the frame; further ones are those of
/// [`crate::sampler::engines::bpf::counters`]. All together they must stay below 64 bytes, rounded up
/// to 16: from there on the kernel gives a program of this type a private stack
/// (kernel/bpf/verifier.c, BPF_PRIV_STACK_MIN_SIZE), but the bound on rounds
/// keeps its time by way of the ordinary frame
/// (arch/x86/net/bpf_timed_may_goto.S). On 6.18 and 7.3 each shot then ended
/// after 65,535 rounds, with a gap that nobody took.
const FLAGS: i16 = -8;
const TRIP: i16 = -16;

/// Assembles the program for the shared area `map`. What is watched is read
/// before the first reading, after each delta above the trip level, and after
/// the last reading.
pub(super) fn assemble(
    map: BorrowedFd<'_>,
    functions: Functions,
    watched: Watched<'_>,
) -> Result<Vec<u64>, AsmError> {
    let mut asm = Asm::default();
    let a = &mut asm;
    let (round, on, tripped, done) = (a.label(), a.label(), a.label(), a.label());
    let not_shorter = a.label();

    // R6 latest reading, R7 rounds left, R8 shortest delta, R9 end of the shot.
    a.address_in_map(R1, map, 0);
    a.load(R7, R1, Slot::Rounds.bytes(), Double);
    a.load(R8, R1, Slot::Shortest.bytes(), Double);
    a.load(R9, R1, Slot::Length.bytes(), Double);
    a.load(R2, R1, Slot::Trip.bytes(), Double);
    a.store(Frame, TRIP, R2, Double);
    find_counters(a, watched.counters);

    // Interrupts off from here on.
    a.copy(R1, Frame);
    a.add(R1, i32::from(FLAGS));
    a.call_kernel(functions.irq_save);
    first_look(a, map, watched);

    // The loop.
    a.place(round);
    a.may_jump(done); // The kernel's bound on rounds.
    a.jump_if_value(R7, Equal, 0, done); // Ours.
    a.add(R7, -1);
    a.call(Helper::KtimeGetNs);
    a.copy(R1, R0);
    a.sub_reg(R1, R6); // R1 is the delta.
    a.copy(R6, R0);
    a.jump_if(R1, AtLeast, R8, not_shorter);
    a.copy(R8, R1);
    a.place(not_shorter);
    a.load(R2, Frame, TRIP, Double);
    a.jump_if(R1, Above, R2, tripped);
    a.place(on);
    a.jump_if(R6, Below, R9, round);

    a.place(done);
    look_at_smis(a, watched.smis);
    if watched.smis.is_some() {
        a.call(Helper::KtimeGetNs);
        a.address_in_map(R1, map, 0);
        a.store(R1, Slot::Closed.bytes(), R0, Double);
    }

    // Interrupts on again: what waited is served before the next instruction.
    a.copy(R1, Frame);
    a.add(R1, i32::from(FLAGS));
    a.call_kernel(functions.irq_restore);
    a.address_in_map(R1, map, 0);
    a.store(R1, Slot::Rounds.bytes(), R7, Double);
    a.store(R1, Slot::Shortest.bytes(), R8, Double);
    a.store(R1, Slot::Last.bytes(), R6, Double);
    a.load(R2, Frame, SMIS, Double);
    a.store(R1, Slot::SmisAfter.bytes(), R2, Double);
    a.set(R0, 0);
    a.exit();

    a.place(tripped);
    on_trip(a, map, watched, on);
    asm.finish()
}

/// Looks at all that is watched and takes the first reading: R6, and R9
/// becomes the end of the shot.
///
/// An SMI between the look and the reading would be laid to the first delta of
/// the shot. So the clock is read before the look too, and if the two are far
/// apart, all is done once more.
fn first_look(a: &mut Asm, map: BorrowedFd<'_>, watched: Watched<'_>) {
    let (again, begun) = (a.label(), a.label());
    a.place(again);
    a.call(Helper::KtimeGetNs);
    a.copy(R6, R0);
    look_at_counters(a, watched);
    a.call(Helper::KtimeGetNs);
    a.copy(R1, R0);
    a.sub_reg(R1, R6);
    a.copy(R6, R0);
    a.address_in_map(R3, map, 0);
    a.store(R3, Slot::Look.bytes(), R1, Double);
    a.load(R2, R3, Slot::LookLimit.bytes(), Double);
    a.may_jump(begun);
    a.jump_if(R1, Above, R2, again);
    a.place(begun);
    a.address_in_map(R3, map, 0);
    copy_counters(
        a,
        R3,
        [Slot::Nmis, Slot::MachineChecks, Slot::Smis].map(Slot::bytes),
    );
    a.store(R3, Slot::First.bytes(), R6, Double);
    a.add_reg(R9, R6);
}

/// A delta R1 above the trip level that ends at R6; goes on at `on`.
fn on_trip(a: &mut Asm, map: BorrowedFd<'_>, watched: Watched<'_>, on: Label) {
    let (forward, look, write, not_longer, no_gap) =
        (a.label(), a.label(), a.label(), a.label(), a.label());

    // A step back is a huge number without sign.
    a.address_in_map(R3, map, 0);
    a.jump_if_value(R1, AtLeastSigned, 0, forward);
    increment(a, Slot::Backward);
    a.jump(on);

    a.place(forward);
    a.copy(R2, R6);
    a.sub_reg(R2, R1);
    a.store(R3, Slot::Start.bytes(), R2, Double);

    // An NMI or SMI after the delta and before the look at its counter would be
    // laid to this delta, and its own time, in the next one, to nobody. So the clock
    // is read once more after the look: if that is far from the delta's end,
    // the delta grows and the counters are looked at again.
    a.place(look);
    look_at_counters(a, watched);
    a.call(Helper::KtimeGetNs);
    a.copy(R1, R0);
    a.sub_reg(R1, R6);
    a.address_in_map(R3, map, 0);
    a.load(R2, R3, Slot::LookLimit.bytes(), Double);
    a.jump_if(R1, AtMost, R2, write);
    a.jump_if_value(R1, LessSigned, 0, write);
    a.copy(R6, R0);
    a.may_jump(write);
    a.jump_if(R6, Below, R9, look); // Nor does this outlast the shot.

    // From the start to R6; R0 is the reading from which the loop goes on.
    a.place(write);
    a.address_in_map(R3, map, 0);
    a.load(R2, R3, Slot::Start.bytes(), Double);
    a.copy(R1, R6);
    a.sub_reg(R1, R2); // R1 is the delta again.
    a.load(R2, R3, Slot::Longest.bytes(), Double);
    a.jump_if(R1, AtMost, R2, not_longer);
    a.store(R3, Slot::Longest.bytes(), R1, Double);
    a.place(not_longer);
    a.load(R2, R3, Slot::Threshold.bytes(), Double);
    a.jump_if(R1, AtMost, R2, no_gap);
    increment(a, Slot::Gaps);
    a.place(no_gap);
    a.copy(R1, R6); // The delta's end.
    a.copy(R6, R0);
    increment(a, Slot::Trips); // R2 is their number before this one.
    a.jump_if_value(R2, AtLeast, RECORDS as i32, on);
    a.multiply(R2, RECORD_BYTES);
    a.address_in_map(R3, map, RECORDS_AT);
    a.add_reg(R3, R2);
    a.store(R3, Field::End.bytes(), R1, Double);
    a.address_in_map(R2, map, 0);
    a.load(R2, R2, Slot::Start.bytes(), Double);
    a.store(R3, Field::Start.bytes(), R2, Double);
    copy_counters(
        a,
        R3,
        [Field::Nmis, Field::MachineChecks, Field::Smis].map(Field::bytes),
    );
    a.jump(on);
}

/// Adds 1 to a number of the header at R3; R2 is what it was before.
fn increment(a: &mut Asm, slot: Slot) {
    a.load(R2, R3, slot.bytes(), Double);
    a.add(R2, 1);
    a.store(R3, slot.bytes(), R2, Double);
    a.add(R2, -1);
}
