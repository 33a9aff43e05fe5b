//! `hwgap preflight`: read the host, try what a run would do, answer.

use std::io::{self, Write};

use crate::cli::{FormatArg, PreflightArgs, RequireArg};
use crate::evidence::MachineFacts;
use crate::host::cpuid_facts::CpuidFacts;
use crate::host::{Host, cpuid};
use crate::judgement::assembly::host_identity;
use crate::judgement::circumstances::first_rate;
use crate::model::Tool;
use crate::preflight::model::{Outlook, PlannedRun, PreflightReport, SCHEMA, SCHEMA_VERSION};
use crate::preflight::{PreflightPlan, Trial, View, conditions, evidence, readiness, trial};
use crate::render::preflight;
use crate::session::preparation::prepare;
use crate::session::{Timeline, limits};
use crate::sys::signals::RunSignals;
use crate::text::json;

use super::{Exit, Failure, printed};

pub(super) fn preflight(args: &PreflightArgs) -> Result<Exit, Failure> {
    let root = &args.host_root;
    let report = match root.is_live() {
        false => {
            let cpuid = CpuidFacts::read(root).map_err(Failure::usage)?;
            // What a run here could do says nothing of that machine.
            look(args, cpuid, |_, _, _| Trial::NotMade)?
        }
        true => {
            // A CPU that is occupied is waited for, and signals end that.
            let _signals = RunSignals::listen();
            limits::raise();
            look(args, cpuid::facts(), |plan, host, machine| {
                let mut timeline = Timeline::live();
                let prepared = prepare(&plan.housekeeping, host, root);
                let hz = first_rate(machine, &mut timeline).hz;
                trial::try_out(plan, host, machine, root, prepared.facts.clone(), hz)
            })?
        }
    };
    printed(print(args, &report))?;
    Ok(match report.verdict.result {
        Outlook::Ready => Exit::Good,
        Outlook::WillBeDisturbed if args.require == RequireArg::Usable => Exit::Good,
        Outlook::WillBeDisturbed => Exit::Latency,
        Outlook::CannotMeasure => Exit::NoVerdict,
    })
}

fn look(
    args: &PreflightArgs,
    cpuid: CpuidFacts,
    try_out: impl FnOnce(&PreflightPlan, &Host, &MachineFacts) -> Trial,
) -> Result<PreflightReport, Failure> {
    let root = &args.host_root;
    let host = Host::read(root);
    let machine = MachineFacts::new(cpuid, &host);
    let plan = PreflightPlan::new(args, &host).map_err(Failure::usage)?;
    let trial = try_out(&plan, &host, &machine);
    let view = View::new(root, &host, &machine, &plan, &trial);
    let findings = conditions(&view);
    Ok(PreflightReport {
        schema: SCHEMA.to_owned(),
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: String::from("hwgap"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        taken_utc: Timeline::live().now().rfc3339(),
        host: host_identity(&host, &machine),
        plan: PlannedRun {
            cpus: plan.cpus.to_string(),
            cpus_not_sampled: plan.not_sampled.to_string(),
            priority: plan.priority,
            tried: !matches!(trial, Trial::NotMade),
        },
        verdict: readiness(&findings),
        evidence: evidence(&view),
        findings,
    })
}

fn print(args: &PreflightArgs, report: &PreflightReport) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match args.format {
        FormatArg::Json => json::write(report, &mut stdout)?,
        FormatArg::Text => {
            let look = args.look.look();
            let text = preflight::render(report, look.on_stdout(), look.extent);
            stdout.write_all(text.as_bytes())?;
        }
    }
    stdout.flush()
}
