//! A machine of 512 CPUs in two packages.

use hwgap::model::*;
use hwgap::units::{CpuId, Nanos};

use super::base::{add_gap, bare_metal_pass, cpu};
use super::settled;

const CPUS: u32 = 512;

/// Package 0 has the even CPUs. Its worst ones are 402 and 64, those of package 1
/// are 77 and 9; one stall held all CPUs, one package 1 as a whole, and some none.
pub fn two_packages() -> Report {
    let mut report = bare_metal_pass();
    report.cpus = (0..CPUS).map(placed).collect();
    report.run.cpus_not_sampled = String::new();
    let mut stall = |at_us, length, cpus: &mut dyn Iterator<Item = u32>| {
        for cpu in cpus {
            add_gap(&mut report, cpu, at_us, Nanos(length), Cause::Smi);
        }
    };
    stall(1_000_000, 40_000, &mut (0..CPUS));
    stall(2_000_000, 60_000, &mut (1..CPUS).step_by(2));
    for (number, cpu) in [402, 64, 77, 9].into_iter().enumerate() {
        let at = 3_000_000 + 1_000_000 * number as u64;
        stall(at, 90_000 - 1_000 * number as u64, &mut [cpu].into_iter());
    }
    report.verdict.result = Outcome::Fail;
    let mut report = settled(report);
    for stall in &mut report.stalls {
        stall.packages = Some(String::from(match stall.gaps {
            512 => "0,1",
            256 => "1",
            _ => "",
        }));
    }
    report
}

fn placed(number: u32) -> CpuReport {
    let place = CpuPlace {
        package: Some(number % 2),
        core: Some(number / 4),
        node: Some(number % 2),
        kind: None,
    };
    CpuReport {
        place: Some(place),
        ..cpu(number)
    }
}

/// A machine of one package with fast and frugal cores.
pub fn hybrid() -> Report {
    let mut report = bare_metal_pass();
    report.cpus = (0..12).map(cpu).collect();
    for cpu in &mut report.cpus {
        let kind = match cpu.cpu < CpuId(4) {
            true => CoreKind::Performance,
            false => CoreKind::Efficient,
        };
        cpu.place = Some(CpuPlace {
            package: Some(0),
            kind: Some(kind),
            ..CpuPlace::default()
        });
        if kind == CoreKind::Efficient {
            cpu.min_cycles = Some(hwgap::units::Cycles(44));
        }
    }
    settled(report)
}
