//! Packages and kinds of cores in a table, the same in all forms.

use crate::judgement::packages::{Group, Packages, whole_packages};
use crate::model::{CoreKind, CpuReport, StallReport, Subject};
use crate::render::document::cpus::longest;
use crate::text::human;

const NAMED: usize = 8;

/// The table and what to say below it; nothing where there is one package with
/// one kind of core.
pub(in crate::render) struct ByPackage {
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Which of the stalls were a package's, and which the machine's.
    pub reach: Option<String>,
}

impl ByPackage {
    pub(in crate::render) fn new(
        cpus: &[CpuReport],
        stalls: &[StallReport],
        subject: Subject,
    ) -> Option<ByPackage> {
        let packages = Packages::of(cpus, stalls, subject)?;
        let are_hybrid = packages.groups.iter().any(|group| group.kind.is_some());
        let mut header = vec!["package"];
        header.extend(are_hybrid.then_some("cores"));
        header.extend([
            "CPUs",
            "covered",
            "floor",
            "max platf.",
            "max OS",
            "SMIs",
            "worst",
        ]);
        let row = |group: &Group<'_>| {
            let unknown = || String::from("n/a");
            let mut cells = vec![group.package.map_or_else(unknown, |id| id.to_string())];
            cells.extend(are_hybrid.then(|| kind(group.kind)));
            let worst: Vec<String> = group.worst().iter().map(ToString::to_string).collect();
            cells.extend([
                group.cpus.len().to_string(),
                human::percent(group.coverage()),
                (group.floor()).map_or_else(unknown, |floor| human::count(floor.0)),
                longest(group.longest(|cpu| cpu.max_platform_ns)),
                longest(group.longest(|cpu| cpu.max_os_ns)),
                group.smis().map_or_else(unknown, human::count),
                match worst.is_empty() {
                    true => String::from("-"),
                    false => worst.join(","),
                },
            ]);
            cells
        };
        Some(ByPackage {
            header,
            rows: packages.groups.iter().map(row).collect(),
            reach: reach(&packages, stalls.len()),
        })
    }
}

/// What the columns mean, for those who see them first.
pub(in crate::render) const KEY: &str = "Of each group the least coverage, the shortest loop in \
     cycles, the longest stalls, the largest SMI count, and the worst CPUs by name.";

fn kind(kind: Option<CoreKind>) -> String {
    String::from(match kind {
        Some(CoreKind::Performance) => "P",
        Some(CoreKind::Efficient) => "E",
        None => "n/a",
    })
}

/// The CPUs of a stall: whole packages, or a list.
pub(in crate::render) fn held(stall: &StallReport, cpus: &[CpuReport]) -> String {
    match whole_packages(stall, cpus) {
        Some(packages) if stall.all_sampled_cpus != Some(true) => format!("package {packages}"),
        _ => stall.cpus.clone(),
    }
}

fn reach(packages: &Packages<'_>, listed: usize) -> Option<String> {
    let reach = &packages.reach;
    let by_package = reach.packages.iter().take(NAMED);
    let by_package = by_package.map(|(list, count)| match list.contains(',') {
        true => (*count, format!("packages {list} alone")),
        false => (*count, format!("package {list} alone")),
    });
    let further = reach.packages.values().skip(NAMED);
    let further: u64 = further.sum();
    let parts: Vec<String> = [(reach.all, String::from("all sampled CPUs"))]
        .into_iter()
        .chain(by_package)
        .chain([
            (further, String::from("other packages alone")),
            (reach.others, String::from("other sets of CPUs")),
        ])
        .filter(|(count, _)| *count > 0)
        .map(|(count, of)| format!("{} held {of}", human::grouped(count)))
        .collect();
    (listed > 0).then(|| {
        let stalls = human::counted(listed as u64, "listed stall");
        format!("Of {stalls} below the kernel, {}.", parts.join(", "))
    })
}
