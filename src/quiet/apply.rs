//! Carries the intents out, and says what came of each.

use std::path::PathBuf;

use crate::changes::{Changed, Changes, LiveAccess, Settled};
use crate::host::root::Root;

use super::intent::{Act, Intent, Record, Result};
use super::{QuietPlan, partition};

/// Where samplers live while their CPUs are a partition: each writes itself
/// into this file before it is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupThreadsFile(pub PathBuf);

#[derive(Clone, Debug)]
pub struct Quieted {
    /// Each setting, in the order of the steps.
    pub records: Vec<Record>,
    /// Where the samplers live, if not where they are.
    pub threads_file: Option<CgroupThreadsFile>,
}

/// Carries the intents out. What is refused is noted, and the rest goes on.
pub fn apply(
    intents: Vec<Intent>,
    plan: &QuietPlan,
    changes: &mut Changes<LiveAccess>,
    root: &Root,
) -> Quieted {
    let mut quieted = Quieted {
        records: Vec::with_capacity(intents.len()),
        threads_file: None,
    };
    for intent in intents {
        let Some(planned) = intent.rehearsed() else {
            if let Act::Keep { place, format } = intent.act {
                changes.keep(place, format);
            }
            continue;
        };
        let result = match intent.act {
            Act::Set {
                place, format, new, ..
            } => match changes.set(place, format, &new) {
                Ok(Changed::Made { n, .. }) => made(n),
                Ok(Changed::Already(_)) => Result::Already,
                Err(refusal) => Result::Refused(refusal.reason),
            },
            Act::Raise {
                thread, name, new, ..
            } => match changes.set_priority(thread, &name, new) {
                Ok(n) => made(n),
                Err(error) => Result::Refused(error.to_string()),
            },
            Act::Partition { base } => {
                match partition::make(changes, &base, &plan.sampled, &plan.rest) {
                    Ok(partition) => {
                        quieted.threads_file =
                            Some(CgroupThreadsFile(root.path(&partition.threads.path)));
                        made(partition.n)
                    }
                    Err(reason) => Result::Refused(reason),
                }
            }
            Act::Keep { .. } | Act::Already { .. } | Act::Skip { .. } => planned.result.clone(),
        };
        quieted.records.push(Record { result, ..planned });
    }
    quieted
}

fn made(n: usize) -> Result {
    Result::Changed { n, put_back: None }
}

impl Quieted {
    /// Notes how each was put back.
    pub fn settle(&mut self, settled: &[Settled]) {
        for record in &mut self.records {
            if let Result::Changed { n, put_back } = &mut record.result {
                let found = settled.iter().find(|one| one.n == *n);
                *put_back = found.map(|one| one.put_back.clone());
            }
        }
    }
}
