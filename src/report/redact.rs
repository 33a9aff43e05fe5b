//! A report without what names this one machine.
//!
//! Model names, versions and settings stay: a vendor needs them. Free texts
//! are searched for the host's name and for what looks like an address or a
//! unique number; what a user wrote into a label in other words is not known.

mod tokens;

use super::model::{Gap, Report};
use tokens::Names;

/// What stands in place of a name.
const PLACE_HOLDER: &str = "(left out)";

/// Takes names out.
pub fn redact(mut report: Report<Vec<Gap>>) -> Report<Vec<Gap>> {
    let names = names(&report);
    report.host.hostname = None;
    if let Some(inventory) = &mut report.inventory {
        inventory.serials = None;
    }
    if let Some(test) = &mut report.selftest {
        test.host.hostname = None;
    }
    each_text(&mut report, |text| *text = names.left_out_of(text));
    report
}

fn names(report: &Report<Vec<Gap>>) -> Names {
    let tested = report.selftest.as_ref();
    let hostnames = [
        report.host.hostname.clone(),
        tested.and_then(|test| test.host.hostname.clone()),
    ];
    let serials = report
        .inventory
        .iter()
        .flat_map(|inventory| &inventory.serials);
    Names::new(
        hostnames
            .into_iter()
            .flatten()
            .chain(serials.flatten().map(|serial| serial.text.clone())),
    )
}

/// Every text that is not one of the program's own words.
fn each_text(report: &mut Report<Vec<Gap>>, mut change: impl FnMut(&mut String)) {
    let run = &mut report.run;
    change(&mut run.command_line);
    run.label.iter_mut().for_each(&mut change);
    run.error.iter_mut().for_each(&mut change);
    // They name files.
    let checkpoints = run.checkpoints.as_mut();
    let failed = checkpoints.and_then(|checkpoints| checkpoints.last_error.as_mut());
    let events = run.events.as_mut().and_then(|events| events.error.as_mut());
    let rights = run.privileges.as_mut();
    let kept = rights.and_then(|privileges| privileges.reason.as_mut());
    for text in [failed, events, kept] {
        text.into_iter().for_each(&mut change);
    }
    let host = &mut report.host;
    for text in [
        &mut host.system.vendor,
        &mut host.system.product,
        &mut host.system.board,
        &mut host.bios.vendor,
        &mut host.bios.version,
        &mut host.bios.date,
        &mut host.cpu.model_name,
        &mut host.kernel.release,
        &mut host.kernel.command_line,
        &mut host.hypervisor,
    ] {
        text.iter_mut().for_each(&mut change);
    }
    for source in &mut report.evidence {
        change(&mut source.reason);
        source.costs.iter_mut().for_each(&mut change);
        source.remedy.iter_mut().for_each(&mut change);
    }
    for finding in &mut report.findings {
        change(&mut finding.text);
        finding.remedy.iter_mut().for_each(&mut change);
    }
    report.verdict.reasons.iter_mut().for_each(&mut change);
    for cpu in &mut report.cpus {
        change(&mut cpu.scheduling);
        cpu.smi_reason.iter_mut().for_each(&mut change);
        cpu.ended_early.iter_mut().for_each(&mut change);
        for source in cpu.os_sources.iter_mut().flatten() {
            change(&mut source.name);
        }
    }
    for gap in &mut report.gaps {
        change(&mut gap.detail);
        for part in gap.kernel.iter_mut().flat_map(|kernel| &mut kernel.by) {
            change(&mut part.name);
        }
    }
    for check in report.selftest.iter_mut().flat_map(|test| &mut test.checks) {
        check.note.iter_mut().for_each(&mut change);
    }
    if let Some(inventory) = &mut report.inventory {
        for text in [
            &mut inventory.product_version,
            &mut inventory.board_version,
            &mut inventory.bmc_firmware,
            &mut inventory.kernel_build,
        ] {
            text.iter_mut().for_each(&mut change);
        }
        inventory
            .unknown
            .iter_mut()
            .for_each(|entry| change(&mut entry.text));
    }
}
