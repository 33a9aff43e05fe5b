//! Changes a few bytes of the running kernel's code, from SMM: it keeps its code
//! write-protected, and its own ways of changing it are not for other programs.
//!
//! This is what a machine needs that Debian has no kernel for. All its kernels
//! have 250 ticks a second, and a counter that stands still during an SMI is no
//! feature of the emulator's.
#![expect(
    unsafe_code,
    reason = "the handler is assembly, and its bytes are reached by address"
)]

use std::arch::global_asm;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::handler::{ENTRY, STATE};
use super::ich9::Ich9;
use super::kernel::Kernel;
use super::pattern::Timer;
use super::smram::OpenSmram;

/// A byte and its physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    address: u32,
    byte: u8,
}

/// The number of changes is the first word at [`STATE`]; then come pairs of
/// address and byte, a doubleword each.
const CHANGES: u64 = 8;

global_asm!(
    ".pushsection .rodata.hwgap_patch, \"a\"",
    ".code16",
    ".globl hwgap_patch_start",
    ".globl hwgap_patch_end",
    "hwgap_patch_start:",
    "    mov ebx, {state}",
    "    mov ecx, dword ptr [ebx]",
    "30:",
    "    test ecx, ecx",
    "    jz 31f",
    "    dec ecx",
    "    mov esi, dword ptr [ebx + ecx*8 + {changes}]",
    "    mov eax, dword ptr [ebx + ecx*8 + {changes} + 4]",
    "    mov byte ptr [esi], al",
    "    jmp 30b",
    "31:",
    // Done: none are left to make.
    "    mov dword ptr [ebx], 0",
    "    rsm",
    "hwgap_patch_end:",
    ".code64",
    ".popsection",
    state = const STATE,
    changes = const CHANGES,
);

unsafe extern "C" {
    static hwgap_patch_start: u8;
    static hwgap_patch_end: u8;
}

fn code() -> &'static [u8] {
    let start = &raw const hwgap_patch_start;
    let end = &raw const hwgap_patch_end;
    // SAFETY: both symbols bound one read-only section of this program, written
    // by the assembly above, and the end lies behind the start.
    unsafe { std::slice::from_raw_parts(start, end.offset_from_unsigned(start)) }
}

/// Lets the kernel's tick come at another rate than the 250 Hz it was built for.
/// One that an idle CPU went without comes back in the old one's step.
/// Its clock of jiffies stays at 250 a second: it counts by the time that has
/// passed, not by interrupts.
pub fn set_tick(kernel: &Kernel, period: Duration) -> Result<()> {
    let nanoseconds = u32::try_from(period.as_nanos())?;
    ensure!(nanoseconds >= 100_000, "{period:?} between two ticks");
    // hrtimer_forward(timer, now, TICK_NSEC): the third argument is in edx.
    let load = |nanoseconds: u32| {
        let [a, b, c, d] = nanoseconds.to_le_bytes();
        [0xBA, a, b, c, d]
    };
    // The second name is that of 6.9 and later.
    let place = kernel.find_code(&["tick_sched_timer", "tick_nohz_handler"], &load(4_000_000))?;
    apply(&changes(place, &load(nanoseconds)))?;
    let counted = f64::from(timer_interrupts()?);
    while_busy(OBSERVED);
    let counted = f64::from(timer_interrupts()?) - counted;
    let due = OBSERVED.as_secs_f64() / period.as_secs_f64();
    ensure!(
        (counted - due).abs() <= 2.0 + due / 10.0,
        "{counted} timer interrupts in {OBSERVED:?}, {due} were due"
    );
    Ok(())
}

/// How long the patched tick is watched.
const OBSERVED: Duration = Duration::from_millis(100);

fn timer_interrupts() -> Result<u32> {
    let text = fs::read_to_string("/proc/interrupts").context("/proc/interrupts")?;
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("LOC:"));
    let count = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(count.context("/proc/interrupts has no LOC")?.parse()?)
}

/// An idle CPU has no tick.
fn while_busy(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {}
}

/// Lets perf's msr PMU read 0 whatever the counter holds: it can be read, and
/// never rises.
pub fn stop_counter(kernel: &Kernel) -> Result<()> {
    // xor eax, eax; nop.
    const RETURN_ZERO: [u8; 5] = [0x31, 0xC0, 0x0F, 0x1F, 0x00];
    let mut all = Vec::new();
    for function in ["msr_event_start", "msr_event_update"] {
        let place = kernel.find_call(function, "native_read_msr")?;
        all.extend(changes(place, &RETURN_ZERO));
    }
    apply(&all)
}

fn changes(place: u32, bytes: &[u8]) -> Vec<Change> {
    let change = |(&byte, address)| Change { address, byte };
    bytes.iter().zip(place..).map(change).collect()
}

/// Installs the handler above, raises one SMI, and sees that it was taken.
fn apply(changes: &[Change]) -> Result<()> {
    let ich9 = Ich9::open()?;
    ich9.stop();
    {
        let smram = OpenSmram::open()?;
        smram.write_u32(STATE, u32::try_from(changes.len())?)?;
        for (change, place) in changes.iter().zip((STATE + CHANGES..).step_by(8)) {
            smram.write_u32(place, change.address)?;
            smram.write_u32(place + 4, u32::from(change.byte))?;
        }
        smram.write(ENTRY, code())?;
    }
    ich9.start(Timer::Port)?;
    ich9.raise();
    let left = OpenSmram::open()?.read_u32(STATE)?;
    ensure!(left == 0, "the SMI that changes the kernel did not come");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_goes_byte_by_byte() {
        let made = changes(0x100, &[1, 2]);
        let due = [(0x100, 1), (0x101, 2)].map(|(address, byte)| Change { address, byte });
        assert_eq!(made, due);
    }

    #[test]
    fn the_handler_ends_with_rsm() {
        assert_eq!(code()[code().len() - 2..], [0x0F, 0xAA]);
    }
}
