//! Which CPUs are sampled, and why the others are not.

use crate::host::Host;
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

use super::PlanError;

#[derive(Clone, Debug)]
pub struct Choice {
    pub cpus: CpuList,
    /// Those that this process may use and will not sample.
    pub housekeeping: CpuList,
    /// Those that are online and will not be sampled, with the reason.
    pub not_sampled: Vec<NotSampled>,
}

/// CPUs that are online and are not sampled, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSampled {
    pub cpus: CpuList,
    pub reason: String,
}

impl Choice {
    /// The CPUs that `--cpus` names, or the ones to sample by default; with those
    /// of `--housekeeping` left to others.
    ///
    /// # Errors
    /// As [`Choice::new`]; names the CPU that cannot be left to others, and why.
    pub fn leaving(
        kept: Option<&str>,
        asked: Option<&str>,
        host: &Host,
        usable: &CpuList,
    ) -> Result<Choice, PlanError> {
        let Some(kept) = kept else {
            return Choice::new(asked, host, usable);
        };
        let kept: CpuList = kept.trim().parse().map_err(PlanError::BadHousekeeping)?;
        if let Some(cpu) = kept.without(usable).first() {
            return Err(PlanError::HousekeepingClosed(cpu));
        }
        let open = usable.without(&kept);
        if kept.is_empty() || open.is_empty() {
            return Err(PlanError::NothingToSample);
        }
        let isolated = host.topology.sets.isolated.clone().unwrap_or_default();
        let by_default = match isolated.intersection(&open) {
            isolated if isolated.is_empty() => open,
            isolated => isolated,
        };
        let choice = match asked {
            Some(_) => Choice::new(asked, host, usable)?,
            None => Choice::new(Some(&by_default.to_string()), host, usable)?,
        };
        if let Some(cpu) = kept.intersection(&choice.cpus).first() {
            return Err(PlanError::HousekeepingSampled(cpu));
        }
        Ok(Choice {
            housekeeping: kept,
            ..choice
        })
    }

    /// The CPUs that `--cpus` names, or the ones to sample by default.
    ///
    /// # Errors
    /// Names the CPU that cannot be sampled, and why.
    pub fn new(asked: Option<&str>, host: &Host, usable: &CpuList) -> Result<Choice, PlanError> {
        let narrowed = host.confinement.narrowed(&host.topology.sets, usable);
        // Who named no CPU has named those of taskset, if that was used.
        let open = match (asked, &narrowed) {
            (None, Some(narrowed)) => narrowed,
            _ => usable,
        };
        let cpus = choose(asked, host, open)?;
        // The collector keeps to the user's CPUs, too, while one is left.
        let own = narrowed.as_ref().map(|narrowed| narrowed.without(&cpus));
        let housekeeping = match own {
            Some(own) if asked.is_none() || !own.is_empty() => own,
            _ => usable.without(&cpus),
        };
        let why_not = WhyNot {
            asked,
            host,
            open,
            is_isolated: host
                .topology
                .sets
                .isolated
                .as_ref()
                .is_ok_and(|isolated| !cpus.is_empty() && cpus.without(isolated).is_empty()),
        };
        let online = host.topology.sets.online.as_ref().unwrap_or(usable);
        Ok(Choice {
            not_sampled: why_not.each(&online.without(&cpus)),
            housekeeping,
            cpus,
        })
    }

    /// All that are online and will not be sampled.
    pub fn left_out(&self) -> CpuList {
        left_out(&self.not_sampled)
    }
}

pub fn left_out(not_sampled: &[NotSampled]) -> CpuList {
    (not_sampled.iter())
        .flat_map(|one| one.cpus.iter())
        .collect()
}

fn choose(asked: Option<&str>, host: &Host, open: &CpuList) -> Result<CpuList, PlanError> {
    let sets = &host.topology.sets;
    let all_isolated = sets.isolated.clone().unwrap_or_default();
    let isolated = all_isolated.intersection(open);
    let first = open.first().ok_or(PlanError::NoCpus)?;
    let list = match asked.map(str::trim) {
        None if !isolated.is_empty() => isolated,
        None if open.len() == 1 => open.clone(),
        // The first CPU serves the interrupts that nobody moved.
        None => open.without(&[first].into_iter().collect()),
        Some("all") => open.clone(),
        Some("isolated") if all_isolated.is_empty() => return Err(PlanError::NoneIsolated),
        Some("isolated") if isolated.is_empty() => {
            let why = all_isolated
                .first()
                .and_then(|cpu| host.confinement.why_not(sets, cpu));
            return Err(PlanError::IsolatedClosed {
                isolated: all_isolated,
                why: why.map_or_else(String::new, |why| format!(": {why}")),
            });
        }
        Some("isolated") => isolated,
        Some(text) => text.parse()?,
    };
    if list.is_empty() {
        return Err(PlanError::EmptyList);
    }
    let unusable = list
        .iter()
        .find_map(|cpu| host.confinement.why_not(sets, cpu));
    unusable.map_or(Ok(list), |cause| Err(cause.into()))
}

/// What keeps CPUs from being sampled.
struct WhyNot<'a> {
    asked: Option<&'a str>,
    host: &'a Host,
    open: &'a CpuList,
    is_isolated: bool,
}

impl WhyNot<'_> {
    fn each(&self, left_out: &CpuList) -> Vec<NotSampled> {
        let mut all: Vec<NotSampled> = Vec::new();
        for cpu in left_out.iter() {
            let reason = self.of(cpu);
            let alike = all.iter_mut().find(|known| known.reason == reason);
            match alike {
                Some(known) => {
                    known.cpus = known.cpus.iter().chain([cpu]).collect();
                }
                None => all.push(NotSampled {
                    cpus: [cpu].into_iter().collect(),
                    reason,
                }),
            }
        }
        all
    }

    fn of(&self, cpu: CpuId) -> String {
        let why = (self.host.confinement).why_not(&self.host.topology.sets, cpu);
        if let Some(why) = why {
            return why.shortly();
        }
        let text = match self.asked.map(str::trim) {
            None if !self.open.contains(cpu) => {
                "outside the CPUs that hwgap was started on (taskset)"
            }
            Some("isolated") | None if self.is_isolated => "not isolated",
            Some("all") | None => "left to other tasks",
            Some(_) => "not named by --cpus",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::root::Root;

    struct Sets {
        online: &'static str,
        isolated: &'static str,
        partitions: &'static str,
        cpuset: &'static str,
        mask: &'static str,
    }

    const EIGHT: Sets = Sets {
        online: "0-7",
        isolated: "",
        partitions: "",
        cpuset: "0-7",
        mask: "0-7",
    };

    fn machine(sets: &Sets) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("sys/devices/system/cpu/possible", "0-7"),
            ("sys/devices/system/cpu/present", "0-7"),
            ("sys/devices/system/cpu/online", sets.online),
            ("sys/devices/system/cpu/isolated", sets.isolated),
            ("sys/fs/cgroup/cpuset.cpus.isolated", sets.partitions),
            ("sys/fs/cgroup/own/cpuset.cpus.effective", sets.cpuset),
            ("proc/self/cgroup", "0::/own"),
            (
                "proc/self/status",
                &format!("Cpus_allowed_list:\t{}", sets.mask),
            ),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{content}\n")).unwrap();
        }
        folder
    }

    fn choice(sets: &Sets, asked: Option<&str>) -> Result<Choice, String> {
        let folder = machine(sets);
        let host = Host::read(&Root::at(folder.path()));
        let usable = host.confinement.usable(&host.topology.sets).unwrap();
        Choice::new(asked, &host, &usable).map_err(|error| error.to_string())
    }

    /// The sampled ones, those left to the collector, and the others with their
    /// reasons.
    fn told(sets: &Sets, asked: Option<&str>) -> (String, String, String) {
        let choice = choice(sets, asked).unwrap();
        let reasons = choice.not_sampled.iter();
        let reasons = reasons.map(|one| format!("{}: {}", one.cpus, one.reason));
        (
            choice.cpus.to_string(),
            choice.housekeeping.to_string(),
            reasons.collect::<Vec<_>>().join("; "),
        )
    }

    fn is(told: (String, String, String), cpus: &str, housekeeping: &str, reasons: &str) {
        assert_eq!(
            told,
            (cpus.to_owned(), housekeeping.to_owned(), reasons.to_owned())
        );
    }

    #[test]
    fn all_is_what_may_be_used_and_the_others_are_told() {
        is(told(&EIGHT, Some("all")), "0-7", "", "");
        let confined = Sets {
            online: "0-1",
            cpuset: "1",
            ..EIGHT
        };
        let outside = "0: outside this process's cpuset (1)";
        is(told(&confined, Some("all")), "1", "", outside);
        is(told(&confined, None), "1", "", outside);
        let offline = Sets {
            online: "0-2,4-7",
            ..EIGHT
        };
        is(told(&offline, Some("all")), "0-2,4-7", "", "");
    }

    #[test]
    fn housekeeping_is_left_to_others_and_nothing_else_is_sampled_there() {
        let leaving = |kept, asked| {
            let folder = machine(&EIGHT);
            let host = Host::read(&Root::at(folder.path()));
            let usable = host.confinement.usable(&host.topology.sets).unwrap();
            Choice::leaving(Some(kept), asked, &host, &usable)
                .map(|choice| (choice.cpus.to_string(), choice.housekeeping.to_string()))
                .map_err(|error| error.to_string())
        };
        let chosen = |cpus: &str, kept: &str| Ok((cpus.to_owned(), kept.to_owned()));
        assert_eq!(leaving("3", None), chosen("0-2,4-7", "3"));
        assert_eq!(leaving("0,4", Some("1-3")), chosen("1-3", "0,4"));
        let refused = |kept, asked| leaving(kept, asked).unwrap_err();
        assert!(refused("2", Some("1-3")).contains("CPU 2 is to be sampled"));
        assert!(refused("9", None).contains("CPU 9 is not among"));
        assert!(refused("0-7", None).contains("leave some to sample"));
        assert!(refused("x", None).starts_with("--housekeeping: "));
    }

    #[test]
    fn who_narrowed_the_mask_is_heard() {
        let narrowed = Sets {
            mask: "2-3",
            ..EIGHT
        };
        let outside = "outside the CPUs that hwgap was started on (taskset)";
        is(
            told(&narrowed, None),
            "3",
            "2",
            &format!("0,1,4-7: {outside}; 2: left to other tasks"),
        );
        let one = Sets { mask: "5", ..EIGHT };
        is(told(&one, None), "5", "", &format!("0-4,6,7: {outside}"));
        // Who names CPUs says it better; the collector keeps to the mask.
        is(
            told(&narrowed, Some("5")),
            "5",
            "2,3",
            "0-4,6,7: not named by --cpus",
        );
        is(
            told(&narrowed, Some("2-3")),
            "2,3",
            "0,1,4-7",
            "0,1,4-7: not named by --cpus",
        );
        // A mask that isolcpus= made is nobody's narrowing.
        let isolated = Sets {
            isolated: "4-7",
            mask: "0-3",
            ..EIGHT
        };
        is(told(&isolated, None), "4-7", "0-3", "0-3: not isolated");
    }

    #[test]
    fn isolated_is_one_set_wherever_it_was_made() {
        for sets in [
            Sets {
                isolated: "4,5",
                ..EIGHT
            },
            Sets {
                partitions: "4,5",
                ..EIGHT
            },
            Sets {
                isolated: "4",
                partitions: "5",
                ..EIGHT
            },
        ] {
            is(
                told(&sets, Some("isolated")),
                "4,5",
                "0-3,6,7",
                "0-3,6,7: not isolated",
            );
        }
        // Some of them outside the cpuset.
        let part = Sets {
            isolated: "2-5",
            cpuset: "0-3",
            ..EIGHT
        };
        is(
            told(&part, Some("isolated")),
            "2,3",
            "0,1",
            "0,1: not isolated; 4-7: outside this process's cpuset (0-3)",
        );
        let none = Sets {
            isolated: "6-7",
            cpuset: "0-3",
            ..EIGHT
        };
        let refused = choice(&none, Some("isolated")).unwrap_err();
        assert!(refused.contains("CPUs 6,7 are isolated"), "{refused}");
        assert!(
            refused.contains("outside this process's cpuset"),
            "{refused}"
        );
        let refused = choice(&EIGHT, Some("isolated")).unwrap_err();
        assert!(refused.contains("no CPU is isolated here"), "{refused}");
    }
}
