//! Limits that end or cripple a run: looked at in one place, before it begins
//! and by `hwgap preflight`.
//!
//! Source: getrlimit(2), Documentation/admin-guide/cgroup-v2.rst and
//! cgroup-v1/{memory,pids}.rst, Documentation/scheduler/sched-bwc.rst.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use crate::host::Host;
use crate::host::group_limits::GroupLimits;
use crate::host::permissions::Capability;
use crate::host::root::Root;
use crate::units::Nanos;

/// Descriptors of the program, and of each sampled CPU: where programs record
/// what the kernel does, and where each tracepoint takes one of each CPU.
const FILES: (u64, u64) = (64, 6);
const FILES_OF_EVENTS: (u64, u64) = (64, 32);
/// Threads beside those that sample.
const OTHER_THREADS: u64 = 8;
/// Address space of the program, and of each sampled CPU, in bytes.
const SPACE: (u64, u64) = (64 << 20, 4 << 20);
/// Memory of the program, and of each sampled CPU, in bytes.
const MEMORY: (u64, u64) = (24 << 20, 768 << 10);
/// A report of some 100,000 gaps, in bytes.
const REPORT: u64 = 64 << 20;
/// Stack of the main thread, in bytes.
const STACK: u64 = 1 << 20;

/// What a run asks of its limits.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Sampled CPUs.
    pub cpus: u64,
    /// The longest that a sampler goes on without a pause.
    pub stretch: Nanos,
    /// How long the run lasts.
    pub duration: Nanos,
    /// How samplers are scheduled, as far as is known beforehand.
    pub priority: Priority,
    /// What records what the kernel does.
    pub records: Records,
}

/// What records what the kernel does, as far as is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// BPF programs for all CPUs.
    Programs,
    /// Events of each CPU.
    Events,
}

impl Records {
    /// By the rights of this process.
    pub fn allowed_to(host: &Host) -> Records {
        let held = host.permissions.capabilities.as_ref();
        let both = [Capability::Bpf, Capability::Perfmon];
        match held.is_ok_and(|held| both.iter().all(|&right| held.grants(right))) {
            true => Records::Programs,
            false => Records::Events,
        }
    }
}

/// Whether samplers get a real-time priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// They do.
    Realtime,
    /// They do not.
    Ordinary,
}

/// What a limit does to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The kernel would end it, or it cannot begin.
    Ends,
    /// It goes on with less.
    Cripples,
}

/// A limit that is too low.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// Its name, and how to set it.
    pub limit: &'static str,
    /// What it is, and what the run needs.
    pub text: String,
    /// What follows.
    pub consequence: &'static str,
    /// What it does.
    pub effect: Effect,
}

impl std::fmt::Display for Shortfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.limit, self.text, self.consequence)
    }
}

/// Raises what may be raised: soft limits to the hard ones, and that on the
/// time of real-time tasks beyond it, where this process may (CAP_SYS_RESOURCE).
/// The limits are this process's own, and end with it.
pub fn raise() {
    // systemd, PAM and desktop portals set it (RLIMIT_RTTIME, setrlimit(2)): its
    // hard limit is a SIGKILL.
    for resource in [Resource::RLIMIT_RTTIME, Resource::RLIMIT_CPU] {
        // Where it is refused, what is in force is looked at next.
        let _ = setrlimit(resource, RLIM_INFINITY, RLIM_INFINITY);
    }
    for resource in [
        Resource::RLIMIT_RTTIME,
        Resource::RLIMIT_CPU,
        Resource::RLIMIT_NOFILE,
        Resource::RLIMIT_NPROC,
        Resource::RLIMIT_MEMLOCK,
    ] {
        if let Ok((_, hard)) = getrlimit(resource) {
            let _ = setrlimit(resource, hard, hard);
        }
    }
}

/// Whether the main thread's stack is too small for the program: it runs on a
/// thread of its own then.
pub fn stack_is_small() -> bool {
    matches!(getrlimit(Resource::RLIMIT_STACK), Ok((soft, _)) if soft < STACK)
}

/// The limits of this process that are too low, the gravest first.
pub fn shortfalls(root: &Root, need: Need) -> Vec<Shortfall> {
    let limit = |resource| getrlimit(resource).map_or(RLIM_INFINITY, |(soft, _)| soft);
    let mut all = of_process(limit, need);
    all.extend(of_group(&GroupLimits::read(root), need));
    all.sort_by_key(|one| one.effect);
    all
}

fn of_process(limit: impl Fn(Resource) -> u64, need: Need) -> Vec<Shortfall> {
    let mut all = Vec::new();
    let mut check = |resource, least: u64, unit: &str, one: Shortfall| {
        let most = limit(resource);
        if most < least {
            let text = format!("is {most}{unit}, and the run needs {least}{unit}");
            all.push(Shortfall { text, ..one });
        }
    };
    let one = |limit, effect, consequence| Shortfall {
        limit,
        text: String::new(),
        consequence,
        effect,
    };
    let of_cpus = |(base, each): (u64, u64)| base.saturating_add(each.saturating_mul(need.cpus));
    if need.priority == Priority::Realtime {
        check(
            Resource::RLIMIT_RTTIME,
            need.stretch.0.div_ceil(1_000),
            " us",
            one(
                "RLIMIT_RTTIME (ulimit -R, LimitRTTIME= of systemd)",
                Effect::Ends,
                "the kernel would kill the run, as its samplers never pause for so long; raise \
                 it, or let them pause with --width and --window",
            ),
        );
    }
    check(
        Resource::RLIMIT_CPU,
        cpu_seconds(need),
        " s",
        one(
            "RLIMIT_CPU (ulimit -t, LimitCPU=)",
            Effect::Ends,
            "the kernel would kill the run; raise it, or measure for a shorter time",
        ),
    );
    check(
        Resource::RLIMIT_AS,
        of_cpus(SPACE),
        " bytes",
        one(
            "RLIMIT_AS (ulimit -v, LimitAS=)",
            Effect::Ends,
            "memory would run out in mid-run; raise it",
        ),
    );
    check(
        Resource::RLIMIT_NPROC,
        need.cpus.saturating_add(OTHER_THREADS),
        "",
        one(
            "RLIMIT_NPROC (ulimit -u, LimitNPROC=)",
            // The superuser is not bound by it, and others share it.
            Effect::Cripples,
            "threads may not start; raise it, or sample fewer CPUs",
        ),
    );
    check(
        Resource::RLIMIT_NOFILE,
        of_cpus(match need.records {
            Records::Programs => FILES,
            Records::Events => FILES_OF_EVENTS,
        }),
        "",
        one(
            "RLIMIT_NOFILE (the hard limit: ulimit -Hn, LimitNOFILE=)",
            Effect::Cripples,
            "evidence that takes descriptors is not there on all CPUs; raise it",
        ),
    );
    check(
        Resource::RLIMIT_FSIZE,
        REPORT,
        " bytes",
        one(
            "RLIMIT_FSIZE (ulimit -f, LimitFSIZE=)",
            Effect::Cripples,
            "a report beyond it cannot be saved; raise it",
        ),
    );
    check(
        Resource::RLIMIT_STACK,
        STACK,
        " bytes",
        one(
            "RLIMIT_STACK (ulimit -s, LimitSTACK=)",
            Effect::Cripples,
            "the program runs on a stack of its own instead",
        ),
    );
    all
}

/// What all threads take, in seconds: the samplers all of the time, the rest a
/// tenth of it and a little before and after.
fn cpu_seconds(need: Need) -> u64 {
    let sampled = need
        .duration
        .0
        .div_ceil(1_000_000_000)
        .saturating_mul(need.cpus);
    sampled.saturating_add(sampled / 10).saturating_add(2)
}

fn of_group(group: &GroupLimits, need: Need) -> Vec<Shortfall> {
    let mut all = Vec::new();
    let memory = MEMORY.0.saturating_add(MEMORY.1.saturating_mul(need.cpus));
    if let Some(most) = group.memory.filter(|most| *most < memory) {
        all.push(Shortfall {
            limit: "the control group's memory limit (memory.max, MemoryMax=)",
            text: format!("is {most} bytes, and the run needs {memory} bytes"),
            consequence: "the kernel would kill the run; raise it",
            effect: Effect::Ends,
        });
    }
    let threads = need.cpus.saturating_add(OTHER_THREADS);
    if let Some(left) = group.tasks_left.filter(|left| *left < threads) {
        all.push(Shortfall {
            limit: "the control group's limit of tasks (pids.max, TasksMax=)",
            text: format!("leaves {left}, and the run needs {threads}"),
            consequence: "threads cannot start; raise it, or sample fewer CPUs",
            effect: Effect::Ends,
        });
    }
    if let Some(share) = group.cpu_percent {
        // Real-time tasks are not bound by it (sched-bwc.rst).
        let needed = match need.priority {
            Priority::Realtime => 50,
            Priority::Ordinary => need.cpus.saturating_mul(100).saturating_add(50),
        };
        if share < needed {
            all.push(Shortfall {
                limit: "the control group's share of CPU time (cpu.max, CPUQuota=)",
                text: format!("is {share} %, and the run takes up to {needed} %"),
                consequence: "the kernel stops its threads for a part of each period; raise it",
                effect: Effect::Cripples,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need {
        cpus: 2,
        stretch: Nanos(3_000_000_000),
        duration: Nanos(3_000_000_000),
        priority: Priority::Realtime,
        records: Records::Programs,
    };

    fn with(low: Resource, most: u64) -> Vec<Shortfall> {
        of_process(
            |resource| if resource == low { most } else { RLIM_INFINITY },
            NEED,
        )
    }

    #[test]
    fn each_limit_is_named_when_it_is_too_low_and_only_then() {
        for (resource, enough, name, effect) in [
            (Resource::RLIMIT_RTTIME, 3_000_000, "RTTIME", Effect::Ends),
            (Resource::RLIMIT_CPU, 8, "CPU", Effect::Ends),
            (Resource::RLIMIT_AS, 72 << 20, "AS", Effect::Ends),
            (Resource::RLIMIT_NPROC, 10, "NPROC", Effect::Cripples),
            (Resource::RLIMIT_NOFILE, 76, "NOFILE", Effect::Cripples),
            (Resource::RLIMIT_FSIZE, REPORT, "FSIZE", Effect::Cripples),
            (Resource::RLIMIT_STACK, STACK, "STACK", Effect::Cripples),
        ] {
            assert_eq!(with(resource, enough), [], "{name}");
            let found = with(resource, enough - 1);
            assert_eq!(found.len(), 1, "{name}");
            assert!(found[0].limit.contains(name), "{}", found[0]);
            assert_eq!(found[0].effect, effect, "{name}");
        }
    }

    #[test]
    fn ordinary_samplers_have_no_real_time_budget() {
        let need = Need {
            priority: Priority::Ordinary,
            ..NEED
        };
        assert_eq!(of_process(|_| 1 << 40, need), []);
        let found = of_process(
            |resource| match resource {
                Resource::RLIMIT_RTTIME => 1,
                _ => RLIM_INFINITY,
            },
            need,
        );
        assert_eq!(found, []);
    }

    #[test]
    fn groups_bind_as_well() {
        let group = GroupLimits {
            memory: Some(16 << 20),
            tasks_left: Some(3),
            cpu_percent: Some(20),
        };
        let found = of_group(&group, NEED);
        let effects: Vec<Effect> = found.iter().map(|one| one.effect).collect();
        assert_eq!(effects, [Effect::Ends, Effect::Ends, Effect::Cripples]);
        let ample = GroupLimits {
            memory: Some(64 << 20),
            tasks_left: Some(10),
            cpu_percent: Some(50),
        };
        assert_eq!(of_group(&ample, NEED), []);
    }
}
