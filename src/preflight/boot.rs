//! Boot options that keep CPUs to themselves, as the kernel takes them: what is
//! set, and what to set in its place. An option that is given a second time does
//! not add to the first: the kernel refuses it, or forgets the first. So every
//! remedy names the whole option.
//!
//! Source: kernel/sched/isolation.c (isolcpus=, nohz_full=),
//! kernel/rcu/tree_nocb.h (rcu_nocbs=) and
//! Documentation/admin-guide/kernel-parameters.txt.

use crate::host::command_line::CommandLine;
use crate::units::cpulist::CpuList;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Isolcpus {
    /// Away from the scheduler's domains. It is what a list without a flag
    /// means, and is not meant where there is a flag.
    pub domain: bool,
    /// Managed interrupts of devices elsewhere, as far as their masks allow.
    pub managed_irq: bool,
    /// The tick stopped; its list must be that of `nohz_full=`.
    pub nohz: bool,
    pub cpus: CpuList,
}

impl Isolcpus {
    /// The option of a command line: the first, as the kernel refuses another
    /// one with the same flags. `None` where there is none that can be read.
    pub(super) fn of(line: &CommandLine) -> Option<Isolcpus> {
        line.values("isolcpus").flatten().find_map(Isolcpus::parse)
    }

    fn parse(value: &str) -> Option<Isolcpus> {
        let mut found = Isolcpus::default();
        let mut rest = value;
        while rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (flag, after) = rest.split_once(',')?;
            match flag {
                "domain" => found.domain = true,
                "managed_irq" => found.managed_irq = true,
                "nohz" => found.nohz = true,
                // The kernel skips what it does not know.
                _ => {}
            }
            rest = after;
        }
        if !(found.domain || found.managed_irq || found.nohz) {
            found.domain = true;
        }
        found.cpus = rest.parse().ok()?;
        Some(found)
    }

    /// The whole option that isolates these CPUs too, and takes nothing back.
    /// `None` where no CPU would be left: the kernel refuses that.
    pub(super) fn widened(
        line: Option<&CommandLine>,
        cpus: &CpuList,
        all: &CpuList,
    ) -> Option<String> {
        let now = line.and_then(Isolcpus::of).unwrap_or_default();
        let list = union(&now.cpus, cpus);
        if all.without(&list).is_empty() {
            return None;
        }
        // A list without its CPUs' tick stopped is longer than nohz_full= may be.
        let nohz = match now.nohz {
            true => "nohz,",
            false => "",
        };
        let also = match now.nohz && list != now.cpus {
            true => format!(" and nohz_full={list}"),
            false => String::new(),
        };
        Some(format!("isolcpus={nohz}managed_irq,domain,{list}{also}"))
    }
}

/// The whole `nohz_full=` that stops the tick of these CPUs too. `None` where no
/// CPU would be left to keep time.
pub(super) fn nohz_full(
    line: Option<&CommandLine>,
    now: &CpuList,
    cpus: &CpuList,
    all: &CpuList,
) -> Option<String> {
    let list = union(now, cpus);
    if all.without(&list).is_empty() {
        return None;
    }
    let isolated = line.and_then(Isolcpus::of).filter(|option| option.nohz);
    let also = match isolated {
        // The two lists must be the same one.
        Some(Isolcpus {
            managed_irq,
            domain,
            ..
        }) => {
            let flag = |set: bool, name: &str| {
                if set {
                    format!("{name},")
                } else {
                    String::new()
                }
            };
            let flags = flag(managed_irq, "managed_irq") + &flag(domain, "domain");
            format!(" and isolcpus=nohz,{flags}{list}")
        }
        None => String::new(),
    };
    Some(format!("nohz_full={list}{also}"))
}

/// The whole `rcu_nocbs=` that takes the callbacks of these CPUs too: of several
/// the kernel takes the last.
pub(super) fn rcu_nocbs(line: &CommandLine, cpus: &CpuList) -> String {
    let now = line.values("rcu_nocbs").flatten().last();
    let now: CpuList = now.and_then(|list| list.parse().ok()).unwrap_or_default();
    format!("rcu_nocbs={}", union(&now, cpus))
}

fn union(a: &CpuList, b: &CpuList) -> CpuList {
    a.iter().chain(b.iter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::command_line::CommandLine;

    fn list(text: &str) -> CpuList {
        text.parse().unwrap()
    }

    /// What a command line comes to, by the kernel's rules.
    #[derive(Debug, PartialEq, Eq)]
    struct Comes {
        domain: CpuList,
        managed_irq: CpuList,
        tick: CpuList,
        rcu: CpuList,
    }

    fn comes_to(text: &str) -> Comes {
        let line = CommandLine::parse(text);
        let isolated = Isolcpus::of(&line).unwrap_or_default();
        let only = |set: bool| {
            if set {
                isolated.cpus.clone()
            } else {
                CpuList::default()
            }
        };
        let nohz: CpuList = (line.values("nohz_full").flatten().next())
            .map_or(CpuList::default(), |list| list.parse().unwrap());
        // Of two lists for the tick that differ the kernel refuses the second.
        if isolated.nohz && !nohz.is_empty() {
            assert_eq!(isolated.cpus, nohz, "{text}");
        }
        let tick = union(&only(isolated.nohz), &nohz);
        let rcu = line.values("rcu_nocbs").flatten().last();
        let rcu: CpuList = rcu.map_or(CpuList::default(), |list| list.parse().unwrap());
        Comes {
            domain: only(isolated.domain),
            managed_irq: only(isolated.managed_irq),
            rcu: union(&rcu, &tick),
            tick,
        }
    }

    /// The command line with the options of a remedy in the place of their own.
    fn followed(line: &str, remedy: &str) -> String {
        let options: Vec<&str> = remedy.split(" and ").collect();
        let name = |option: &str| option.split('=').next().unwrap().to_owned();
        let kept = line
            .split_whitespace()
            .filter(|word| !options.iter().any(|option| name(option) == name(word)));
        kept.chain(options.iter().copied())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Each remedy mends what it is for and makes nothing else worse.
    #[test]
    fn no_remedy_takes_back_what_is_set() {
        let all = list("0-7");
        for line in [
            "ro quiet",
            "isolcpus=2-3",
            "isolcpus=managed_irq,2-3",
            "isolcpus=domain,2-3 nohz_full=2-3",
            "isolcpus=managed_irq,domain,2-3 rcu_nocbs=2-3",
            "isolcpus=nohz,domain,2-3",
            "isolcpus=nohz,domain,managed_irq,2-5 nohz_full=2-5",
            "nohz_full=4-5 rcu_nocbs=6",
            "rcu_nocbs=1 rcu_nocbs=2",
            "isolcpus=new_flag,domain,2",
        ] {
            let parsed = CommandLine::parse(line);
            let before = comes_to(line);
            for sampled in ["1-3", "5", "2-7", "1-7"] {
                let sampled = list(sampled);
                let now = comes_to(line).tick;
                let remedies = [
                    Isolcpus::widened(Some(&parsed), &sampled, &all).unwrap(),
                    nohz_full(Some(&parsed), &now, &sampled, &all).unwrap(),
                    rcu_nocbs(&parsed, &sampled),
                ];
                for (at, remedy) in remedies.iter().enumerate() {
                    let after = comes_to(&followed(line, remedy));
                    let say = format!("{line}: {remedy}: {after:?}");
                    let wanted = match at {
                        0 => &after.domain,
                        1 => &after.tick,
                        _ => &after.rcu,
                    };
                    assert!(sampled.without(wanted).is_empty(), "{say}");
                    for (had, has) in [
                        (&before.domain, &after.domain),
                        (&before.managed_irq, &after.managed_irq),
                        (&before.tick, &after.tick),
                        (&before.rcu, &after.rcu),
                    ] {
                        assert!(had.without(has).is_empty(), "{say}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_list_without_a_flag_means_the_domain_and_one_with_a_flag_does_not() {
        let of = |text: &str| Isolcpus::of(&CommandLine::parse(text)).unwrap();
        assert!(of("isolcpus=1").domain);
        assert!(!of("isolcpus=managed_irq,1").domain);
        assert!(of("isolcpus=new_flag,1").domain);
        assert_eq!(of("isolcpus=1 isolcpus=2").cpus, list("1"));
        assert!(Isolcpus::of(&CommandLine::parse("isolcpus=domain")).is_none());
    }

    #[test]
    fn a_cpu_is_left_to_the_kernel() {
        let all = list("0-3");
        assert_eq!(Isolcpus::widened(None, &all, &all), None);
        assert_eq!(nohz_full(None, &list("0-1"), &list("2-3"), &all), None);
        assert_eq!(
            Isolcpus::widened(None, &list("1"), &all).as_deref(),
            Some("isolcpus=managed_irq,domain,1")
        );
    }
}
