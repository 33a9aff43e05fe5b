//! CPUs by package and kind of core: what a reader can take in of a machine with
//! hundreds, and whether stalls were a package's or the whole machine's.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{CoreKind, CpuReport, StallReport, Subject};
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Cycles, Nanos};

/// CPUs of a group that are named.
const NAMED: usize = 2;

/// The sampled CPUs in groups, and what stalls reached of them.
pub(crate) struct Packages<'a> {
    pub groups: Vec<Group<'a>>,
    pub reach: Reach,
}

/// The sampled CPUs of one package that have one kind of core.
pub(crate) struct Group<'a> {
    pub package: Option<u32>,
    pub kind: Option<CoreKind>,
    /// The worst first.
    pub cpus: Vec<&'a CpuReport>,
    subject: Subject,
}

/// How many of the listed stalls held what.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// All sampled CPUs.
    pub all: u64,
    /// Whole packages and nothing else, by their list.
    pub packages: BTreeMap<String, u64>,
    /// Other CPUs, as far as is known.
    pub others: u64,
}

impl<'a> Packages<'a> {
    /// `None` where all sampled CPUs are of one package and kind, as far as is
    /// known: they need no groups.
    pub(crate) fn of(
        cpus: &'a [CpuReport],
        stalls: &[StallReport],
        subject: Subject,
    ) -> Option<Packages<'a>> {
        let mut groups: BTreeMap<_, Vec<&CpuReport>> = BTreeMap::new();
        for cpu in cpus {
            let place = cpu.place.unwrap_or_default();
            let group = groups.entry((place.package, place.kind)).or_default();
            group.push(cpu);
        }
        let groups: Vec<Group<'_>> = (groups.into_iter())
            .map(|((package, kind), mut cpus)| {
                cpus.sort_by_key(|cpu| worst_first(cpu));
                Group {
                    package,
                    kind,
                    cpus,
                    subject,
                }
            })
            .collect();
        (groups.len() > 1).then(|| Packages {
            groups,
            reach: Reach::of(stalls, cpus),
        })
    }
}

pub(crate) fn worst_first(cpu: &CpuReport) -> impl Ord + use<> {
    let early = cpu.ended_early.is_some();
    let unknown = cpu.gaps_by_cause.unknown;
    let lengths = (cpu.max_platform_ns, early, unknown, cpu.max_os_ns);
    (Reverse(lengths), cpu.cpu)
}

impl Group<'_> {
    /// The share of time that was covered on the CPU with the least.
    pub(crate) fn coverage(&self) -> f64 {
        let cpus = self.cpus.iter().filter(|cpu| cpu.elapsed_ns > Nanos(0));
        cpus.map(|cpu| cpu.covered_ns.0 as f64 / cpu.elapsed_ns.0 as f64)
            .fold(1.0, f64::min)
    }

    /// The shortest loop; `None` where a tracer of the kernel's sampled.
    pub(crate) fn floor(&self) -> Option<Cycles> {
        self.cpus.iter().filter_map(|cpu| cpu.min_cycles).min()
    }

    pub(crate) fn longest(&self, part: fn(&CpuReport) -> Nanos) -> Nanos {
        let parts = self.cpus.iter().map(|cpu| part(cpu));
        parts.max().unwrap_or_default()
    }

    /// The SMIs of the CPU that counted most, as each CPU counts the same ones;
    /// `None` where one of the CPUs has no count that means something: a
    /// hypervisor's counter that stays at 0 says nothing of the SMIs below.
    pub(crate) fn smis(&self) -> Option<u64> {
        let counts = self.cpus.iter().map(|cpu| {
            let delta = cpu.smi?.delta;
            (delta > 0 || self.subject == Subject::Hardware).then_some(delta)
        });
        let counts: Option<Vec<u64>> = counts.collect();
        counts?.into_iter().max()
    }

    pub(crate) fn worst(&self) -> Vec<CpuId> {
        let saw = |cpu: &&&CpuReport| cpu.gaps_seen > 0 || cpu.max_platform_ns > Nanos(0);
        let worst = self.cpus.iter().take(NAMED).filter(saw);
        worst.map(|cpu| cpu.cpu).collect()
    }
}

impl Reach {
    fn of(stalls: &[StallReport], cpus: &[CpuReport]) -> Reach {
        let mut reach = Reach::default();
        for stall in stalls {
            match (stall.all_sampled_cpus, whole_packages(stall, cpus)) {
                (Some(true), _) => reach.all += 1,
                (_, Some(packages)) => {
                    *reach.packages.entry(packages.to_owned()).or_default() += 1;
                }
                (_, None) => reach.others += 1,
            }
        }
        reach
    }
}

/// The packages that a stall held as a whole, as a list, where it held no CPU of
/// another one.
pub(crate) fn whole_packages<'a>(stall: &'a StallReport, cpus: &[CpuReport]) -> Option<&'a str> {
    let list = stall.packages.as_deref()?;
    let numbers = list.split(',').map(str::parse::<u32>);
    let numbers: Vec<u32> = numbers.collect::<Result<_, _>>().ok()?;
    let is_of_them = |cpu: &&CpuReport| {
        let package = cpu.place.and_then(|place| place.package);
        package.is_some_and(|package| numbers.contains(&package))
    };
    let held: CpuList = stall.cpus.parse().ok()?;
    (held.len() == cpus.iter().filter(is_of_them).count()).then_some(list)
}
