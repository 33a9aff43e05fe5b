//! Scripted pairs of reports: what a host did, and the gaps that its guest saw of
//! it. No number of them was measured.

use hwgap::model::absence::*;
use hwgap::model::*;
use hwgap::units::{CpuId, Cycles, Nanos};

use crate::report_samples;

/// Both clocks make two cycles a nanosecond.
pub const CYCLES: u64 = 2;
pub const HOST_ORIGIN: u64 = 9_000_000_000_000;
/// The guest's TSC less the host's.
pub const OFFSET: i64 = -7_999_999_000_000;
/// The guest's run begins so long after the host's observation.
const GUEST_BEGIN: u64 = 50_000_000;
pub const LENGTH: u64 = 10_000_000_000;
/// What the way out of the guest takes before the host's record, and the way back
/// after it.
const WAY_OUT: u64 = 700;
const WAY_BACK: u64 = 500;

pub type Part<'a> = (HostCause, &'a str, u64);

#[derive(Clone)]
pub struct Pair {
    pub guest: Report,
    pub host: HostReport,
    random: u64,
}

pub fn part(cause: HostCause, what: &str, nanos: u64) -> Part<'_> {
    (cause, what, nanos)
}

impl Pair {
    /// A guest of so many CPUs, whose clock KVM tells.
    pub fn new(cpus: u32) -> Pair {
        Pair::seeded(cpus, 1)
    }

    /// The same with stalls at other moments.
    pub fn seeded(cpus: u32, random: u64) -> Pair {
        let mut guest = sample("guest-pass");
        let row = guest.cpus[0].clone();
        let numbered = |cpu| CpuReport {
            cpu: CpuId(cpu),
            smi: None,
            smi_reason: Some("a guest".to_owned()),
            ..row.clone()
        };
        guest.cpus = (0..cpus).map(numbered).collect();
        guest.gaps.clear();
        guest.host.hostname = Some("rt-guest".to_owned());
        guest.host.hypervisor = Some("KVM".to_owned());
        guest.run.hardlimit_ns = Nanos(10_000_000);
        guest.run.cpus_not_sampled = String::new();
        guest.tsc.hz = 2e9;
        guest.tsc.offsets.clear();
        let begin = HOST_ORIGIN + GUEST_BEGIN * CYCLES;
        guest.tsc.origin = begin.wrapping_add_signed(OFFSET).to_string();
        Pair {
            host: host(&guest, cpus),
            guest,
            random,
        }
    }

    /// A moment of the run that keeps no pace with others, by its number of so
    /// many.
    pub fn moment(&mut self, number: u64, of: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005) + 1;
        let room = (LENGTH - 200_000_000) / of;
        let within = (self.random >> 33) % (room * 3 / 4);
        100_000_000 + number * room + within
    }

    pub fn vcpu(&mut self, cpu: u32) -> &mut Vcpu {
        &mut self.host.guests[0].vcpus[cpu as usize]
    }

    /// An absence that the host records; its guest's gap is apart.
    pub fn absence(&mut self, cpu: u32, at: u64, reason: (&str, Isa), parts: &[Part<'_>]) -> u64 {
        let length = parts.iter().map(|(.., nanos)| nanos).sum();
        let mut reached = 0;
        let parts = parts.iter().map(|(cause, what, nanos)| {
            let at_ns = Nanos(reached);
            reached += nanos;
            HostPart {
                at_ns,
                length_ns: Nanos(*nanos),
                cause: *cause,
                what: (*what).to_owned(),
            }
        });
        let absence = Absence {
            start_cycles: Cycles(at * CYCLES),
            end_cycles: Cycles((at + length) * CYCLES),
            duration_ns: Nanos(length),
            cpu: CpuId(cpu + 2),
            entered_on: None,
            exit: Some(VmExit {
                reason: reason.0.to_owned(),
                isa: reason.1,
                code: 1,
                about: None,
            }),
            smi_delta: Some(0),
            incomplete: false,
            parts: parts.collect(),
        };
        let vcpu = self.vcpu(cpu);
        vcpu.absences.push(absence);
        vcpu.absences.sort_by_key(|absence| absence.start_cycles);
        vcpu.absences_seen += 1;
        length
    }

    /// A gap of the guest, from and to by the host's clock, none of it its own
    /// kernel's.
    pub fn gap(&mut self, cpu: u32, from: u64, to: u64) -> &mut Gap {
        let template = sample("guest-fail").gaps[0].clone();
        let cycles = |at: u64| Cycles((at - GUEST_BEGIN) * CYCLES);
        let length = Nanos(to - from);
        let at = from - GUEST_BEGIN;
        self.guest.gaps.push(Gap {
            cpu: CpuId(cpu),
            start_cycles: cycles(from),
            end_cycles: cycles(to),
            start_utc: format!(
                "2026-11-20T17:52:{:02}.{:09}Z",
                40 + at / 1_000_000_000,
                at % 1_000_000_000
            ),
            duration_ns: length,
            cause: Cause::Hypervisor,
            os_ns: Nanos(0),
            platform_ns: length,
            residual_ns: length,
            ..template
        });
        self.guest.gaps.last_mut().unwrap()
    }

    /// An absence with the gap that the guest saw of it.
    pub fn stall(&mut self, cpu: u32, at: u64, parts: &[Part<'_>]) {
        let reason = ("EXTERNAL_INTERRUPT", Isa::Vmx);
        let length = self.absence(cpu, at, reason, parts);
        self.gap(cpu, at - WAY_OUT, at + length + WAY_BACK);
    }

    /// Enough stalls of the usual kind, at no even pace, for the clocks to be
    /// verified.
    pub fn usual(&mut self, count: u64) {
        for cpu in 0..self.guest.cpus.len() as u32 {
            for number in 0..count {
                let at = self.moment(number, count);
                let tick = 20_000 + 1_000 * (number % 7);
                let parts = [
                    part(HostCause::HostInterrupt, "local_timer", tick),
                    part(HostCause::VmExit, "EXTERNAL_INTERRUPT", 3_000),
                ];
                self.stall(cpu, at, &parts);
            }
        }
    }

    /// The host counts an SMI of a CPU between two readings.
    pub fn smi(&mut self, cpu: u32, from: u64, to: u64, count: u32) {
        self.host.smi_rises.get_or_insert_default().push(SmiRise {
            cpu: CpuId(cpu + 2),
            after_cycles: Cycles(from * CYCLES),
            by_cycles: Cycles(to * CYCLES),
            count,
        });
    }

    /// What KVM tells from a moment on.
    pub fn told(&mut self, cpu: u32, from: u64, offset: i64) {
        let line = GuestTsc {
            seen_cycles: Cycles(from * CYCLES),
            offset: offset.to_string(),
            ratio: "1".to_owned(),
            ratio_bits: 0,
        };
        let lines = self.vcpu(cpu).guest_tsc.get_or_insert_default();
        lines.retain(|one| one.seen_cycles != line.seen_cycles);
        lines.push(line);
    }

    /// The host's report as `hwgap host` would have written it.
    pub fn host(&self) -> HostReport {
        let mut host = self.host.clone();
        for vcpu in host.guests.iter_mut().flat_map(|guest| &mut guest.vcpus) {
            vcpu.absences_seen = vcpu.absences.len() as u64;
            vcpu.absent_ns = Nanos(vcpu.absences.iter().map(|one| one.duration_ns.0).sum());
            vcpu.longest_ns = Nanos(
                vcpu.absences
                    .iter()
                    .map(|one| one.unhalted().0)
                    .max()
                    .unwrap_or(0),
            );
            vcpu.totals.clear();
            for absence in &vcpu.absences {
                for part in &absence.parts {
                    let same = |total: &&mut HostTotal| {
                        total.cause == part.cause && total.what == part.what
                    };
                    // No part comes twice in an absence here.
                    match vcpu.totals.iter_mut().find(same) {
                        Some(total) => {
                            total.absences += 1;
                            total.total_ns.0 += part.length_ns.0;
                            total.longest_ns = total.longest_ns.max(part.length_ns);
                        }
                        None => vcpu.totals.push(HostTotal {
                            cause: part.cause,
                            what: part.what.clone(),
                            absences: 1,
                            total_ns: part.length_ns,
                            longest_ns: part.length_ns,
                        }),
                    }
                }
            }
        }
        host
    }

    /// The guest's report as a run would have written it.
    pub fn settled(&self) -> Report {
        let mut guest = self.guest.clone();
        guest.gaps.sort_by_key(|gap| (gap.cpu, gap.start_cycles));
        report_samples::settled(guest)
    }
}

fn sample(name: &str) -> Report {
    let mut samples = report_samples::all().into_iter();
    samples.find(|(of, _)| *of == name).unwrap().1
}

fn host(guest: &Report, cpus: u32) -> HostReport {
    let vcpu = |index: u32| Vcpu {
        index,
        tid: 4_200 + index,
        thread: Some(format!("CPU {index}/KVM")),
        affinity: Some((index + 2).to_string()),
        scheduling: Some("SCHED_OTHER".to_owned()),
        guest_tsc: Some(vec![GuestTsc {
            seen_cycles: Cycles(0),
            offset: OFFSET.to_string(),
            ratio: "1".to_owned(),
            ratio_bits: 0,
        }]),
        guest_tsc_reason: None,
        entries: None,
        waited_ns: None,
        absences_seen: 0,
        absent_ns: Nanos(0),
        longest_ns: Nanos(0),
        totals: Vec::new(),
        absences: Vec::new(),
        listed_above_ns: None,
        lost: Vec::new(),
    };
    HostReport {
        schema: HOST_SCHEMA.to_owned(),
        schema_version: 1,
        tool: guest.tool.clone(),
        run: HostRun {
            command_line: "hwgap host --guest all".to_owned(),
            started_utc: guest.run.started_utc.clone(),
            ended_utc: guest.run.ended_utc.clone(),
            start_cycles: Cycles(0),
            end_cycles: Cycles((LENGTH + 2 * GUEST_BEGIN) * CYCLES),
            elapsed_ns: Nanos(LENGTH + 2 * GUEST_BEGIN),
            ended_by: EndedBy::Duration,
            error: None,
            threshold_ns: Nanos(5_000),
            source: HostSource::Bpf,
            source_reason: None,
            lost_records: 0,
            clock_error_ns: Nanos(200),
            used_ns: Nanos(1_000_000),
            hooks_ns: None,
        },
        host: HostIdentity {
            hostname: Some("rt-host".to_owned()),
            hypervisor: None,
            ..guest.host.clone()
        },
        tsc: Tsc {
            origin: HOST_ORIGIN.to_string(),
            ..guest.tsc.clone()
        },
        guests: vec![Guest {
            pid: 4_100,
            name: "rt-guest".to_owned(),
            vmm: Some("qemu-system-x86_64".to_owned()),
            found_by: GuestFoundBy::OpenFiles,
            vcpus: (0..cpus).map(vcpu).collect(),
        }],
        smi_rises: Some(Vec::new()),
        smis_unread: Vec::new(),
        findings: Vec::new(),
    }
}
