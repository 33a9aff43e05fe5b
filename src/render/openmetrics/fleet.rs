//! The figures of a fleet.

use std::io::{self, Write};

use crate::fleet::model::{FleetReport, HostRow};
use crate::model::Outcome;
use crate::render::openmetrics::{Gauges, Label, label, states};

pub fn write(report: &FleetReport, out: &mut dyn Write) -> io::Result<()> {
    let totals = &report.totals;
    // Answers by two policies are two series.
    let common = report.policy.iter().flat_map(|policy| {
        let name = policy.name.as_deref().unwrap_or(&policy.file);
        [
            label("policy", Some(name)),
            label("policy_file", Some(&policy.file)),
        ]
    });
    let mut gauges = Gauges {
        common: common.collect(),
        ..Gauges::default()
    };
    gauges.add(
        "hwgap_fleet_result",
        "1 for the verdict of the fleet",
        states(report.verdict.result, &[]),
    );
    gauges.add(
        "hwgap_fleet_hosts",
        "Hosts by verdict",
        [
            (Outcome::Pass.name(), totals.pass),
            (Outcome::Fail.name(), totals.fail),
            (Outcome::Inconclusive.name(), totals.inconclusive),
            ("missing", totals.missing),
        ]
        .map(|(state, count)| (vec![("result", state.to_owned())], count as f64)),
    );
    gauges.one(
        "hwgap_fleet_documents_set_aside",
        "Documents that could not be used",
        totals.set_aside as f64,
    );
    gauges.one(
        "hwgap_fleet_runs_cut_short",
        "Runs that are not the whole that was asked for",
        totals.cut_short as f64,
    );
    gauges.one(
        "hwgap_fleet_names_shared",
        "Names that several machines share",
        report.shared_names.len() as f64,
    );
    gauges.one(
        "hwgap_fleet_reports_in_conflict",
        "Reports that say other things of a run than another one does",
        totals.conflicts as f64,
    );
    hosts(report, &mut gauges);
    gauges.add(
        "hwgap_fleet_group_hosts",
        "Hosts of a group by verdict",
        report.groups.iter().flat_map(|group| {
            let labels = |state: &'static str| {
                vec![
                    ("dimension", group.dimension.name().to_lowercase()),
                    label("group", Some(&group.name)),
                    ("result", state.to_owned()),
                ]
            };
            [
                (labels(Outcome::Pass.name()), group.pass as f64),
                (labels(Outcome::Fail.name()), group.fail as f64),
                (
                    labels(Outcome::Inconclusive.name()),
                    group.inconclusive as f64,
                ),
            ]
        }),
    );
    gauges.add(
        "hwgap_fleet_outlier_chance",
        "How often a host like its group has as many events, corrected for all hosts",
        report.outliers.iter().map(|row| {
            let labels = vec![
                label("host", Some(&row.host)),
                ("quantity", row.quantity.name().to_lowercase()),
            ];
            (labels, row.p_corrected)
        }),
    );
    gauges.write(out)
}

fn hosts(report: &FleetReport, gauges: &mut Gauges) {
    let of_host = |host: &HostRow| -> Vec<Label> { vec![label("host", Some(&host.host))] };
    let hosts = || report.hosts.iter();
    gauges.add(
        "hwgap_fleet_host_result",
        "1 for the verdict of a host",
        hosts().flat_map(|host| states(host.result, &of_host(host))),
    );
    gauges.add(
        "hwgap_fleet_host_complete",
        "0 where a run of the host was cut short",
        hosts().map(|host| (of_host(host), f64::from(u8::from(host.cut_short.is_none())))),
    );
    gauges.add(
        "hwgap_fleet_host_longest_stall_seconds",
        "The longest that the platform took at a time",
        hosts().map(|host| (of_host(host), host.platform_max_ns.as_secs_f64())),
    );
    gauges.add(
        "hwgap_fleet_host_stalls_per_hour",
        "Stalls above the runs' own limits an hour of covered time",
        hosts().filter_map(|host| Some((of_host(host), host.platform_rate_per_hour?))),
    );
    gauges.add(
        "hwgap_fleet_host_smis_per_hour",
        "SMIs an hour",
        hosts().filter_map(|host| Some((of_host(host), host.smi_per_hour?))),
    );
}
