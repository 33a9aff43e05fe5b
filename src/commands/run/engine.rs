//! Which engine a run takes, and why.

use std::sync::Arc;

use crate::evidence::{MachineFacts, SmiSource};
use crate::host::Host;
use crate::host::root::Root;
use crate::judgement::Chosen;
use crate::plan::{EngineWish, RunPlan};
use crate::report::model::EngineName;
use crate::sampler::{
    Ability, BpfEngine, Engine, FootprintTest, KernelReturn, MachineKind, SamplingPlan, Script,
    UserEngine, probe, test_footprint,
};
use crate::units::Cycles;

use super::super::Failure;

/// An engine that can be started on this host, and why it is this one.
pub(super) struct Choice {
    /// What the report says of it.
    pub(super) chosen: Chosen,
    kind: Kind,
}

enum Kind {
    User,
    Bpf(Ability),
    Scripted(Box<Script>),
}

/// Clocks that stand for this machine's: the user engine's, and the BPF
/// engine's where two are to take turns.
pub(super) struct Scripts {
    pub(super) user: Script,
    pub(super) bpf: Option<Script>,
}

/// Chooses the engine, or the two that take turns. What they need is tried
/// here, before anything else starts.
///
/// # Errors
/// Where the wished engine cannot run here: what is missing, and what helps.
pub(super) fn choose(
    plan: &RunPlan,
    scripts: Option<Scripts>,
    root: &Root,
    host: &Host,
    machine: &MachineFacts,
) -> Result<Vec<Choice>, Failure> {
    if let Some(scripts) = scripts {
        let scripted = |engine, script| Choice::new(engine, None, Kind::Scripted(Box::new(script)));
        let second = scripts.bpf.map(|script| scripted(EngineName::Bpf, script));
        let mut all = vec![scripted(EngineName::User, scripts.user)];
        all.extend(second.filter(|_| plan.engine == EngineWish::Both));
        return Ok(all);
    }
    let user = |why| Choice::new(EngineName::User, why, Kind::User);
    let bpf = |ability, why| Choice::new(EngineName::Bpf, why, Kind::Bpf(ability));
    let needed = || {
        probe(root, host).map_err(|missing| {
            Failure::NoVerdict(format!("the BPF engine cannot be used: {missing}"))
        })
    };
    Ok(match plan.engine {
        EngineWish::User => vec![user(None)],
        EngineWish::Bpf => vec![bpf(needed()?, None)],
        EngineWish::Both => vec![user(None), bpf(needed()?, None)],
        EngineWish::Auto => vec![match footprint_defect(machine.kernel_return) {
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

impl Choice {
    fn new(engine: EngineName, why: Option<String>, kind: Kind) -> Choice {
        Choice {
            chosen: Chosen { engine, why },
            kind,
        }
    }

    /// The engine itself, not started. A scripted one begins at `begin`.
    pub(super) fn build(
        &self,
        plan: &RunPlan,
        sampling: SamplingPlan,
        machine: &MachineFacts,
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
        begin: Cycles,
    ) -> Box<dyn Engine> {
        match &self.kind {
            Kind::Bpf(ability) => {
                Box::new(BpfEngine::new(sampling, plan.pace, *ability, smi_sources))
            }
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
