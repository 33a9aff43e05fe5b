//! Every text of a report. `tests/report_pages` gives each string of the JSON a
//! name in turn, and fails for one that is forgotten here.

use crate::model::inventory::{Inventory, NamedText};
use crate::model::selftest::SelfTest;
use crate::model::{CpuReport, Gap, HostIdentity, PeriodicSeries, Report, Run, Tsc, Verdict};

/// Changes all of them, but the two that mark the format: the name of the
/// schema and the decimal origin of the TSC.
pub(super) fn each(report: &mut Report<Vec<Gap>>, change: &mut impl FnMut(&mut String)) {
    of_run(&mut report.run, change);
    of_left_out(&mut report.run, change);
    of_host(&mut report.host, change);
    of_clock(&mut report.tsc, change);
    let tool = &mut report.tool;
    [&mut tool.name, &mut tool.version]
        .into_iter()
        .for_each(&mut *change);
    for source in &mut report.evidence {
        change(&mut source.source);
        change(&mut source.reason);
        source.costs.iter_mut().for_each(&mut *change);
        source.remedy.iter_mut().for_each(&mut *change);
    }
    for finding in &mut report.findings {
        change(&mut finding.id);
        change(&mut finding.text);
        finding.remedy.iter_mut().for_each(&mut *change);
    }
    of_verdict(&mut report.verdict, change);
    report.cpus.iter_mut().for_each(|cpu| of_cpu(cpu, change));
    report.gaps.iter_mut().for_each(|gap| of_gap(gap, change));
    for stall in &mut report.stalls {
        change(&mut stall.start_utc);
        change(&mut stall.cpus);
    }
    for engine in &mut report.engines {
        of_verdict(&mut engine.verdict, change);
        engine.cpus.iter_mut().for_each(|cpu| of_cpu(cpu, change));
    }
    if let Some(agreement) = &mut report.agreement {
        agreement.differences.iter_mut().for_each(&mut *change);
    }
    report
        .selftest
        .iter_mut()
        .for_each(|test| of_selftest(test, change));
    report
        .inventory
        .iter_mut()
        .for_each(|all| of_inventory(all, change));
    let series = report.periodicity.iter_mut().flatten();
    series.for_each(|series| of_series(series, change));
}

fn of_run(run: &mut Run, change: &mut impl FnMut(&mut String)) {
    for text in [
        &mut run.command_line,
        &mut run.started_utc,
        &mut run.ended_utc,
        &mut run.cpus_not_sampled,
    ] {
        change(text);
    }
    run.label.iter_mut().for_each(&mut *change);
    run.error.iter_mut().for_each(&mut *change);
    for action in run.actions.iter_mut().flat_map(|all| &mut all.actions) {
        change(&mut action.action);
        for one in &mut action.runs {
            let texts = [&mut one.error, &mut one.output, &mut one.file];
            texts.into_iter().flatten().for_each(&mut *change);
        }
    }
    if let Some(load) = &mut run.command {
        load.arguments.iter_mut().for_each(&mut *change);
        change(&mut load.cpus);
        load.error.iter_mut().for_each(&mut *change);
    }
}

/// A list of CPUs names nobody, but the file may be anyone's.
fn of_left_out(run: &mut Run, change: &mut impl FnMut(&mut String)) {
    for one in &mut run.not_sampled {
        change(&mut one.cpus);
        change(&mut one.reason);
    }
}

pub(super) fn of_host(host: &mut HostIdentity, change: &mut impl FnMut(&mut String)) {
    for text in [
        &mut host.system.vendor,
        &mut host.system.product,
        &mut host.system.board,
        &mut host.bios.vendor,
        &mut host.bios.version,
        &mut host.bios.date,
        &mut host.cpu.vendor,
        &mut host.cpu.model_name,
        &mut host.cpu.microcode,
        &mut host.kernel.release,
        &mut host.kernel.command_line,
        &mut host.hypervisor,
    ] {
        text.iter_mut().for_each(&mut *change);
    }
}

pub(super) fn of_clock(tsc: &mut Tsc, change: &mut impl FnMut(&mut String)) {
    change(&mut tsc.hz_source);
    tsc.flags.iter_mut().for_each(&mut *change);
    tsc.clocksource_start.iter_mut().for_each(&mut *change);
    tsc.clocksource_end.iter_mut().for_each(&mut *change);
    for moved in &mut tsc.clocksource_changes {
        for text in [&mut moved.seen_utc, &mut moved.from, &mut moved.to] {
            change(text);
        }
    }
    tsc.steps
        .iter_mut()
        .for_each(|step| change(&mut step.seen_utc));
    (tsc.utc_points.iter_mut()).for_each(|point| change(&mut point.utc));
    for step in &mut tsc.utc_steps {
        change(&mut step.before_utc);
        change(&mut step.after_utc);
    }
    for line in &mut tsc.log {
        line.seen_utc.iter_mut().for_each(&mut *change);
        change(&mut line.text);
    }
}

fn of_verdict(verdict: &mut Verdict, change: &mut impl FnMut(&mut String)) {
    let texts = verdict.incomplete.iter_mut().chain(&mut verdict.reasons);
    texts.for_each(change);
}

fn of_cpu(cpu: &mut CpuReport, change: &mut impl FnMut(&mut String)) {
    change(&mut cpu.scheduling);
    cpu.smi_reason.iter_mut().for_each(&mut *change);
    cpu.ended_early.iter_mut().for_each(&mut *change);
    for source in cpu.os_sources.iter_mut().flatten() {
        change(&mut source.name);
    }
    let watched = cpu.watched.iter_mut();
    let vectors = watched.flat_map(|watched| watched.vectors.iter_mut().flatten());
    vectors.for_each(|vector| change(&mut vector.name));
}

fn of_gap(gap: &mut Gap, change: &mut impl FnMut(&mut String)) {
    change(&mut gap.start_utc);
    change(&mut gap.detail);
    for part in gap.kernel.iter_mut().flat_map(|kernel| &mut kernel.by) {
        change(&mut part.name);
    }
}

fn of_selftest(test: &mut SelfTest, change: &mut impl FnMut(&mut String)) {
    for text in [&mut test.schema, &mut test.tool_version, &mut test.made_utc] {
        change(text);
    }
    let host = &mut test.host;
    for text in [&mut host.kernel, &mut host.cpu, &mut host.microcode] {
        text.iter_mut().for_each(&mut *change);
    }
    for check in &mut test.checks {
        change(&mut check.kind);
        check.note.iter_mut().for_each(&mut *change);
    }
}

fn of_inventory(inventory: &mut Inventory, change: &mut impl FnMut(&mut String)) {
    for text in [
        &mut inventory.product_version,
        &mut inventory.board_version,
        &mut inventory.bios_release,
        &mut inventory.bmc_firmware,
        &mut inventory.smt,
        &mut inventory.isolated_cpus,
        &mut inventory.nohz_full_cpus,
        &mut inventory.kernel_build,
        &mut inventory.preemption,
        &mut inventory.lockdown,
        &mut inventory.turbo,
        &mut inventory.idle_driver,
    ] {
        text.iter_mut().for_each(&mut *change);
    }
    inventory.governors.iter_mut().for_each(&mut *change);
    inventory
        .frequency_drivers
        .iter_mut()
        .for_each(&mut *change);
    let states = inventory.idle_states.iter_mut();
    states.for_each(|state| change(&mut state.name));
    let named = [
        &mut inventory.mitigations,
        &mut inventory.modules,
        &mut inventory.unknown,
    ];
    for NamedText { name, text } in named.into_iter().flatten() {
        change(name);
        change(text);
    }
}

fn of_series(series: &mut PeriodicSeries, change: &mut impl FnMut(&mut String)) {
    for one in &mut series.candidates {
        for text in [&mut one.name, &mut one.standing, &mut one.remedy] {
            change(text);
        }
    }
}
