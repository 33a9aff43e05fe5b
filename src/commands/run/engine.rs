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
    Scripted(Arc<Script>),
}

impl Choice {
    /// Chooses. What the wished engine needs is tried here, before anything
    /// else starts.
    ///
    /// # Errors
    /// Where the wished engine cannot run here: what is missing, and what
    /// helps.
    pub(super) fn make(
        plan: &RunPlan,
        script: Option<Script>,
        root: &Root,
        host: &Host,
        machine: &MachineFacts,
    ) -> Result<Choice, Failure> {
        let user = |why: Option<String>| Choice {
            chosen: Chosen {
                engine: EngineName::User,
                why,
            },
            kind: Kind::User,
        };
        let bpf = |ability, why| Choice {
            chosen: Chosen {
                engine: EngineName::Bpf,
                why,
            },
            kind: Kind::Bpf(ability),
        };
        if let Some(script) = script {
            return Ok(Choice {
                kind: Kind::Scripted(Arc::new(script)),
                ..user(None)
            });
        }
        match plan.engine {
            EngineWish::User => Ok(user(None)),
            EngineWish::Bpf => {
                probe(root, host)
                    .map(|ability| bpf(ability, None))
                    .map_err(|missing| {
                        Failure::NoVerdict(format!("the BPF engine cannot be used: {missing}"))
                    })
            }
            EngineWish::Auto => {
                let Some(defect) = footprint_defect(machine.kernel_return) else {
                    // The footprint proves as much, leaves interrupts on, and
                    // covers the time between shots as well.
                    return Ok(user(Some(String::from(
                        "the footprint works here, so that interrupts need not be held off",
                    ))));
                };
                Ok(match probe(root, host) {
                    Ok(ability) => bpf(
                        ability,
                        Some(format!("the footprint does not work here ({defect})")),
                    ),
                    Err(missing) => user(Some(format!(
                        "the footprint does not work here ({defect}), but the BPF engine cannot be \
                         used either: {missing}"
                    ))),
                })
            }
        }
    }

    /// The engine itself, not started.
    pub(super) fn build(
        self,
        plan: &RunPlan,
        sampling: SamplingPlan,
        machine: &MachineFacts,
        smi_sources: Vec<Result<Vec<SmiSource>, String>>,
    ) -> Box<dyn Engine> {
        match self.kind {
            Kind::Bpf(ability) => {
                Box::new(BpfEngine::new(sampling, plan.pace, ability, smi_sources))
            }
            Kind::User => Box::new(UserEngine::new(
                sampling,
                MachineKind::Live {
                    smi_sources,
                    kernel_return: machine.kernel_return,
                },
            )),
            Kind::Scripted(script) => {
                Box::new(UserEngine::new(sampling, MachineKind::Scripted(script)))
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
