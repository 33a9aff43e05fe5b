//! The figures of a host and its guests.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::absence::{Guest, HostCause, HostReport, Vcpu};
use crate::model::cut_short;
use crate::render::openmetrics::{Gauges, Label, label, of_machine, seconds_since_1970};
use crate::units::{CpuId, Hertz, Nanos};

pub fn write(report: &HostReport, out: &mut dyn Write) -> io::Result<()> {
    let (run, host) = (&report.run, &report.host);
    let mut gauges = Gauges::default();
    let mut info = vec![
        label("version", Some(&report.tool.version)),
        label("source", Some(run.source.name())),
    ];
    info.extend(of_machine(host));
    gauges.add(
        "hwgap_host_info",
        "What was observed, and by what",
        [(info, 1.0)],
    );
    gauges.one(
        "hwgap_host_end_timestamp_seconds",
        "When the observation ended, seconds since 1970",
        seconds_since_1970(&run.ended_utc),
    );
    let is_whole = cut_short(run.ended_by, run.elapsed_ns, None).is_none();
    gauges.one(
        "hwgap_host_complete",
        "0 where the observation was cut short",
        f64::from(u8::from(is_whole)),
    );
    gauges.one(
        "hwgap_host_elapsed_seconds",
        "How long the observation lasted",
        run.elapsed_ns.as_secs_f64(),
    );
    gauges.one(
        "hwgap_host_threshold_seconds",
        "Absences above this were recorded",
        run.threshold_ns.as_secs_f64(),
    );
    gauges.one(
        "hwgap_host_lost_records",
        "Records that the kernel could not keep",
        run.lost_records as f64,
    );
    gauges.one(
        "hwgap_host_smis",
        "SMIs, by the CPU that counted most: all take part in each",
        (report.smi_rises.as_ref()).map(|rises| {
            let mut by_cpu: BTreeMap<CpuId, u64> = BTreeMap::new();
            for rise in rises {
                *by_cpu.entry(rise.cpu).or_default() += u64::from(rise.count);
            }
            by_cpu.into_values().max().unwrap_or(0) as f64
        }),
    );
    vcpus(report, &mut gauges);
    gauges.write(out)
}

fn vcpus(report: &HostReport, gauges: &mut Gauges) {
    let each = || {
        let guests = report.guests.iter();
        guests.flat_map(|guest| {
            guest
                .vcpus
                .iter()
                .map(move |vcpu| (of_vcpu(guest, vcpu), vcpu))
        })
    };
    gauges.add(
        "hwgap_vcpu_absences",
        "Absences of a vCPU above the threshold",
        each().map(|(labels, vcpu)| (labels, vcpu.absences_seen as f64)),
    );
    gauges.add(
        "hwgap_vcpu_longest_absence_seconds",
        "The longest of them, its halted time left aside",
        each().map(|(labels, vcpu)| (labels, vcpu.longest_ns.as_secs_f64())),
    );
    let hz = Hertz(report.tsc.hz);
    gauges.add(
        "hwgap_vcpu_unseen_seconds",
        "Time in which a vCPU was not seen",
        each().map(|(labels, vcpu)| (labels, hz.to_nanos(vcpu.unseen()).as_secs_f64())),
    );
    gauges.add(
        "hwgap_vcpu_steal_seconds",
        "Time in which a vCPU was ready and did not run, by the host's scheduler",
        each().filter_map(|(labels, vcpu)| Some((labels, vcpu.waited_ns?.as_secs_f64()))),
    );
    gauges.add(
        "hwgap_vcpu_cause_seconds",
        "Absent time of a vCPU by who took it",
        each().flat_map(|(labels, vcpu)| {
            HostCause::ALL.map(|cause| {
                let own = vcpu.totals.iter().filter(|total| total.cause == cause);
                let sum = own.fold(Nanos(0), |sum, total| sum.saturating_add(total.total_ns));
                let cause = ("cause", cause.name().to_owned());
                ([labels.clone(), vec![cause]].concat(), sum.as_secs_f64())
            })
        }),
    );
}

/// Guests may share a name, not a process.
fn of_vcpu(guest: &Guest, vcpu: &Vcpu) -> Vec<Label> {
    vec![
        label("guest", Some(&guest.name)),
        ("pid", guest.pid.to_string()),
        ("vcpu", vcpu.index.to_string()),
        ("thread", vcpu.tid.to_string()),
    ]
}
