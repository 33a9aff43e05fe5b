//! Samplers that are kept from their CPUs in mid-run: told, so that nobody
//! wonders about a run without an end or a result.

use crate::host::occupants::occupant;
use crate::host::root::Root;
use crate::sampler::{CpuSetup, Engine, Scheduling};
use crate::sys::clock::monotonic;
use crate::units::{CpuId, Cycles, Nanos};
use crate::waits;

/// When samplers that should have ended are freed from where they wait.
pub(super) struct Rescue {
    due: Nanos,
    tried: u32,
}

/// Rescues after which the samplers are left to themselves.
const MOST_RESCUES: u32 = 3;

impl Rescue {
    /// For samplers that are to end at this moment. A scripted clock has no
    /// CPU to wait for, and takes as long as it takes.
    pub(super) fn after(end: Nanos, setups: &[CpuSetup]) -> Rescue {
        let is_live = setups.iter().any(|setup| setup.thread.is_some());
        Rescue {
            due: match is_live {
                true => end.saturating_add(Nanos::of(waits::SAMPLER_END)),
                false => Nanos(u64::MAX),
            },
            tried: 0,
        }
    }

    /// Whether they are late, again and again until they have ended.
    pub(super) fn is_due(&mut self) -> bool {
        let now = monotonic();
        let is_due = now >= self.due;
        if is_due {
            self.tried += 1;
            self.due = now.saturating_add(Nanos::of(waits::SAMPLER_END));
        }
        is_due
    }

    /// There is nobody to free.
    pub(super) fn give_up(&mut self) {
        self.due = Nanos(u64::MAX);
    }

    /// Whether it was tried in vain.
    pub(super) fn is_hopeless(&self) -> bool {
        self.tried > MOST_RESCUES
    }
}

/// Looks at whether each sampler gets on.
pub(super) struct Starvation {
    samplers: Vec<Sampler>,
    looked: Nanos,
}

struct Sampler {
    cpu: CpuId,
    thread: Option<u32>,
    priority: u8,
    /// Where it stood at the last look.
    stood: Option<Cycles>,
    ran: Option<String>,
    since: Option<Nanos>,
    is_told: bool,
}

impl Starvation {
    pub(super) fn begin(setups: &[CpuSetup]) -> Starvation {
        let sampler = |setup: &CpuSetup| Sampler {
            cpu: setup.cpu,
            thread: setup.thread,
            priority: match setup.scheduling {
                Scheduling::Fifo(priority) => priority,
                Scheduling::Ordinary(_) | Scheduling::Scripted => 0,
            },
            stood: None,
            ran: None,
            since: None,
            is_told: false,
        };
        Starvation {
            samplers: setups.iter().map(sampler).collect(),
            looked: monotonic(),
        }
    }

    /// What is to be told now, if anything. Looks only now and then.
    pub(super) fn look(&mut self, engine: &dyn Engine, root: &Root) -> Vec<String> {
        let now = monotonic();
        if now.saturating_sub(self.looked) < Nanos::of(waits::SILENCE / 3) {
            return Vec::new();
        }
        self.looked = now;
        let status = engine.status();
        let mut told = Vec::new();
        for (sampler, status) in self.samplers.iter_mut().zip(&status) {
            // Cheap, and enough where all is well.
            let moved = sampler.stood.replace(status.elapsed) != Some(status.elapsed);
            if moved || status.ended || !sampler.waits_for_cpu() {
                sampler.since = None;
                sampler.is_told = false;
                continue;
            }
            let since = *sampler.since.get_or_insert(now);
            let waited = now.saturating_sub(since).as_duration();
            if !sampler.is_told && waited >= waits::SILENCE / 2 {
                sampler.is_told = true;
                told.push(sampler.words(root));
            }
        }
        told
    }
}

impl Sampler {
    /// Whether it is ready to run, and has not run since the last look.
    fn waits_for_cpu(&mut self) -> bool {
        let Some(thread) = self.thread else {
            return false;
        };
        // Those of this process, which the root of a made-up tree has not.
        let root = Root::live();
        let stat = root.read_text(&format!("proc/self/task/{thread}/stat"));
        let state = stat.ok().and_then(|stat| {
            let (_, tail) = stat.rsplit_once(')')?;
            tail.trim_start().chars().next()
        });
        let ran = root.read_text(&format!("proc/self/task/{thread}/schedstat"));
        let ran = ran
            .ok()
            .and_then(|text| Some(text.split(' ').next()?.to_owned()));
        let stands = ran.is_some() && self.ran == ran;
        self.ran = ran;
        state == Some('R') && stands
    }

    fn words(&self, root: &Root) -> String {
        let cpu = self.cpu;
        let by = match occupant(root, cpu, self.priority, std::process::id()) {
            Some(task) => format!("is occupied by {task}"),
            None => String::from("gives it no turn"),
        };
        format!(
            "hwgap: the sampler of CPU {cpu} has not run for {:.1} s: its CPU {by}\n",
            waits::SILENCE.as_secs_f64()
        )
    }
}
