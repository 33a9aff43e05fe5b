//! What a round of the BPF engine's loop costs, with interrupts off.
//!
//! The same program in C, by clang 14 (`-O2 -target bpf -mcpu=v3`), was loaded
//! beside this one once and run in turns with it, 2,500 shots of 1 ms each, on
//! a KVM guest with Linux 6.18: medians of five turns were 34.9 to 35.2 ns
//! here and 35.2 to 35.5 ns there, a ratio of 0.989 to 0.996. Almost all of it
//! is the kernel's reading of the clock.

mod figures;

use hwgap::host::Host;
use hwgap::host::root::Root;
use hwgap::sampler::{BpfTrial, probe};
use hwgap::sys::sched;
use hwgap::units::cpulist::CpuList;

use figures::{is_quick, median, row};

fn main() {
    if let Err(reason) = measure() {
        println!("BPF loop: not measured: {reason}");
    }
}

fn measure() -> Result<(), String> {
    let root = Root::live();
    let ability = probe(&root, &Host::read(&root)).map_err(|missing| missing.to_string())?;
    let allowed = sched::affinity().map_err(|error| error.to_string())?;
    // The first CPU tends to serve the devices.
    let last: CpuList = allowed.iter().last().into_iter().collect();
    sched::set_affinity(&last).map_err(|error| error.to_string())?;
    let mut trial = BpfTrial::begin(ability)?;
    let turns = if is_quick() { 50 } else { 1_000 };
    let rounds: Vec<f64> = (0..turns)
        .map(|_| trial.round())
        .collect::<Result<_, _>>()?;
    let quickest = rounds.iter().copied().fold(f64::MAX, f64::min);
    row("BPF loop, an iteration, median", median(rounds), "ns", None);
    row("BPF loop, an iteration, quickest", quickest, "ns", None);
    Ok(())
}
