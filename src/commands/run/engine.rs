//! Which engine a run takes, and why.

use std::sync::Arc;

use crate::changes::SharedChanges;
use crate::evidence::{KernelReturn, MachineFacts, SmiSource};
use crate::host::Host;
use crate::host::root::Root;
use crate::judgement::Chosen;
use crate::model::EngineName;
use crate::plan::{EngineChoice, RunPlan};
use crate::sampler::{
    Ability, BpfEngine, Engine, FootprintTest, MachineKind, SamplingPlan, Script, Tracer,
    TracerAbility, TracerEngine, UserEngine, probe, probe_tracer, test_footprint,
};
use crate::units::{Cycles, Nanos};

use super::super::Failure;

/// What the user engine samples and discards before it counts. In it the CPU leaves
/// its idle states and low frequencies, and some 25 ticks at 250 Hz teach what
/// entries of the kernel take: until then a gap's parts are more often not known.
pub(super) const USER_WARM_UP: Nanos = Nanos(100_000_000);

/// An engine that can be started on this host, and why it is this one.
pub(super) struct Choice {
    pub(super) chosen: Chosen,
    kind: Kind,
}

enum Kind {
    User,
    Bpf(Ability),
    Traced(TracerAbility),
    Scripted(Box<Script>),
}

/// Chooses the engine, or those that take turns. What they need is tried
/// here, before anything else starts.
///
/// # Errors
/// Where the wished engine cannot run here: what is missing, and what helps.
pub(super) fn choose(
    plan: &RunPlan,
    scripts: Option<Vec<(EngineName, Script)>>,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Result<Vec<Choice>, Failure> {
    if let Some(scripts) = scripts {
        let scripted =
            |(engine, script)| Choice::new(engine, None, Kind::Scripted(Box::new(script)));
        return Ok(scripts.into_iter().map(scripted).collect());
    }
    let user = |why| Choice::new(EngineName::User, why, Kind::User);
    let bpf = |ability, why| Choice::new(EngineName::Bpf, why, Kind::Bpf(ability));
    let needed = || {
        probe(root, host).map_err(|missing| {
            Failure::NoVerdict(format!("the BPF engine cannot be used: {missing}"))
        })
    };
    let named = |&engine: &EngineName| -> Result<Choice, Failure> {
        Ok(match engine {
            EngineName::Bpf => bpf(needed()?, None),
            EngineName::Hwlat => traced(engine, Tracer::Hwlat, root, host)?,
            EngineName::Osnoise => traced(engine, Tracer::Osnoise, root, host)?,
            // A wish names single engines only.
            EngineName::User | EngineName::Both | EngineName::Several => user(None),
        })
    };
    Ok(match &plan.engine {
        EngineChoice::These(engines) => engines.iter().map(named).collect::<Result<_, _>>()?,
        EngineChoice::Auto => vec![match footprint_defect(machine.kernel_return) {
            // The footprint proves as much, leaves interrupts on, and covers
            // the time between shots as well.
            None => user(Some(String::from(
                "the footprint works here, so that interrupts need not be held off",
            ))),
            Some(defect) => match probe(root, host) {
                Ok(ability) => bpf(
                    ability,
                    Some(format!("the footprint does not work here ({defect})")),
                ),
                Err(missing) => user(Some(format!(
                    "the footprint does not work here ({defect}), but the BPF engine cannot be \
                     used either: {missing}"
                ))),
            },
        }],
    })
}

/// A tracer of the kernel's, if this one has it.
fn traced(engine: EngineName, tracer: Tracer, root: &Root, host: &Host) -> Result<Choice, Failure> {
    let ability = probe_tracer(tracer, root, host).map_err(|missing| {
        Failure::NoVerdict(format!("the {tracer} engine cannot be used: {missing}"))
    })?;
    Ok(Choice::new(engine, None, Kind::Traced(ability)))
}

impl Choice {
    fn new(engine: EngineName, why: Option<String>, kind: Kind) -> Choice {
        // The BPF engine discards its first shots by itself, a tracer samples
        // before its first window is begun, and a script needs none.
        let warm_up = match kind {
            Kind::User => USER_WARM_UP,
            Kind::Bpf(_) | Kind::Traced(_) | Kind::Scripted(_) => Nanos(0),
        };
        Choice {
            chosen: Chosen {
                engine,
                why,
                warm_up,
            },
            kind,
        }
    }

    pub(super) fn changes_host(&self) -> bool {
        matches!(self.kind, Kind::Traced(_))
    }

    /// The engine itself, not started. A scripted one begins at `begin`.
    pub(super) fn build(
        &self,
        plan: &RunPlan,
        sampling: SamplingPlan,
        machine: &MachineFacts,
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
        changes: Option<SharedChanges>,
        begin: Cycles,
    ) -> Box<dyn Engine> {
        match &self.kind {
            Kind::Bpf(ability) => {
                Box::new(BpfEngine::new(sampling, plan.pace, *ability, smi_sources))
            }
            Kind::Traced(ability) => Box::new(TracerEngine::new(
                sampling,
                ability.clone(),
                plan.pace.ledger,
                smi_sources,
                changes,
            )),
            Kind::User => Box::new(UserEngine::new(
                sampling,
                MachineKind::Live {
                    smi_sources,
                    kernel_return: machine.kernel_return,
                },
            )),
            Kind::Scripted(script) => {
                let script = Script {
                    begin,
                    ..Script::clone(script)
                };
                Box::new(UserEngine::new(
                    sampling,
                    MachineKind::Scripted(Arc::new(script)),
                ))
            }
        }
    }
}

/// Why the footprint does not serve on this machine; `None` where it does. The
/// CPUs of a machine are alike in this, so that one trial on any of them is
/// enough to choose by; each sampler tests its own once more.
fn footprint_defect(kernel_return: KernelReturn) -> Option<String> {
    match test_footprint(kernel_return) {
        FootprintTest::Passed => None,
        failed => Some(failed.reason()),
    }
}
