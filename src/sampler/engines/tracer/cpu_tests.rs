//! One CPU by made-up records of the osnoise tracer.

use super::*;
use crate::model::SmiCount;
use crate::sampler::engines::tracer::osnoise::Interrupts;
use crate::sampler::gap::Ledger;
use crate::units::Hertz;

const TO: &str = "sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> \
                  next_comm=osnoise/0 next_pid=9 next_prio=120";
const FROM: &str = "sched_switch: prev_comm=osnoise/0 prev_pid=9 prev_prio=120 prev_state=S ==> \
                    next_comm=swapper/0 next_pid=0 next_prio=120";
const GAP: &str = "sample_threshold: start 0.0 duration 20000 ns interference 0";
const SUMMARY: &str = "1000   23   97.70000   20   1   0   1   1   0";

fn cpu(counting: Counting) -> TracedCpu {
    let hz = Hertz(1e9);
    let track = OsnoiseTrack::new(CpuId(0), Interrupts::Off, hz);
    let scale = Scale {
        threshold: Cycles(10_000),
        limit: Cycles(10_000),
        hz,
    };
    let track = Track::Osnoise(track);
    TracedCpu::new(CpuId(0), track, counting, scale, Ledger::Ends)
}

/// A run of 1 ms from 5 us after `start`, with a gap that ends at `gap`.
fn run(cpu: &mut TracedCpu, start: u64, gap: u64) {
    let lines = [
        (start, TO),
        (gap, GAP),
        (start + 1_010_000, SUMMARY),
        (start + 1_011_000, FROM),
    ];
    for (at, text) in lines {
        cpu.take(Cycles(at), text, &WallClock::default());
    }
}

fn told(cpu: &mut TracedCpu) -> (CpuTotals, Sampled) {
    cpu.end();
    cpu.settle();
    let mut attended = CpuTotals::begin(CpuId(0), Cycles(0), Cycles(0));
    attended.smi = Some(SmiTotals::default());
    cpu.tell(attended)
}

#[test]
fn only_what_lies_between_the_beginning_and_the_end_counts() {
    let mut cpu = cpu(Counting::None);
    run(&mut cpu, 0, 500_000);
    cpu.begin(Cycles(1_500_000));
    run(&mut cpu, 2_000_000, 2_500_000);
    // Time is up in the middle of a run, which is waited for.
    cpu.take(Cycles(4_000_000), TO, &WallClock::default());
    cpu.close(Cycles(4_300_000));
    assert!(cpu.is_open());
    run(&mut cpu, 4_000_000, 4_500_000);
    assert!(!cpu.is_open());
    run(&mut cpu, 6_000_000, 6_500_000);
    let (totals, sampled) = told(&mut cpu);
    let ends: Vec<u64> = cpu.ready().map(|gap| gap.end.0).collect();
    assert_eq!(ends, [2_500_000, 4_500_000]);
    assert_eq!((totals.gaps_seen, sampled.windows), (2, 2));
    // From the first sample to the last, whenever it was begun and closed.
    assert_eq!(totals.first, Cycles(2_010_000));
    assert_eq!(totals.last, Cycles(5_000_000));
    assert_eq!(sampled.time, Cycles(2 * 990_000));
}

#[test]
fn the_count_of_smis_has_the_span_of_the_samples() {
    let mut cpu = cpu(Counting::Beside);
    assert!(!cpu.is_counted());
    let readings = [(0, 3), (1_900_000, 7), (3_100_000, 8), (9_000_000, 20)];
    for (at, count) in readings {
        cpu.read(Reading {
            at: Cycles(at),
            count,
        });
    }
    assert!(cpu.is_counted());
    cpu.begin(Cycles(1_000_000));
    run(&mut cpu, 2_000_000, 2_500_000);
    let (totals, _) = told(&mut cpu);
    let expected = SmiCount {
        before: 7,
        after: 8,
        delta: 1,
    };
    assert_eq!(totals.smi.unwrap().count, expected);
}

#[test]
fn lost_records_are_counted_and_the_run_is_not_called_sampled() {
    let mut cpu = cpu(Counting::None);
    cpu.begin(Cycles(1_000));
    cpu.take(Cycles(2_000_000), TO, &WallClock::default());
    cpu.lose(Some(3));
    cpu.lose(None);
    cpu.take(Cycles(3_010_000), SUMMARY, &WallClock::default());
    let (_, sampled) = told(&mut cpu);
    assert_eq!((sampled.lost, sampled.windows), (4, 0));
}
