//! How a run stands while it goes on: a table for a terminal, one line for a
//! log.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{Cause, Platform};
use crate::render::table::{Align, Table};
use crate::session::{CpuView, Sampling, View};
use crate::text::human;
use crate::units::{CpuId, Nanos};

/// The view of a run that is to last this long, if that is known.
#[derive(Clone, Debug)]
pub struct Standing {
    pub duration: Option<Nanos>,
    /// Whether "platform" means the hardware, or the hypervisor and below.
    pub platform: Platform,
    /// The package of each CPU of which it is known.
    pub packages: BTreeMap<CpuId, u32>,
}

impl Standing {
    /// A line for each CPU under a header. Where they are more than `most`, the
    /// worst CPUs first, and those left in a line for each package.
    pub fn table(&self, view: &View, most: usize) -> Vec<String> {
        let columns = [
            ("CPU", Align::Right),
            ("covered", Align::Right),
            (self.word("worst"), Align::Right),
            (self.word("gaps"), Align::Right),
            ("os", Align::Right),
            ("unknown", Align::Right),
            ("SMIs", Align::Right),
        ];
        let mut table = Table::new(&columns);
        let mut shown: Vec<&CpuView> = view.cpus.iter().collect();
        let mut rest = BTreeMap::new();
        if shown.len() > most {
            rest = self.by_package(&shown, most);
            let alone = most.saturating_sub(rest.len()).max(1);
            shown.sort_by_key(|cpu| (Reverse(weight(cpu)), cpu.cpu));
            rest = self.by_package(&shown.split_off(alone), most);
        }
        for cpu in shown {
            table.row(cells(cpu.cpu.to_string(), &[cpu]));
        }
        for (package, cpus) in rest {
            let name = match package {
                Some(package) => format!("{} in pkg {package}", cpus.len()),
                None => format!("{} more", cpus.len()),
            };
            table.row(cells(name, &cpus));
        }
        table.lines()
    }

    /// CPUs by package, or as one where that takes half of the lines.
    fn by_package<'a>(
        &self,
        cpus: &[&'a CpuView],
        most: usize,
    ) -> BTreeMap<Option<u32>, Vec<&'a CpuView>> {
        let mut packages: BTreeMap<_, Vec<&CpuView>> = BTreeMap::new();
        for cpu in cpus {
            let package = self.packages.get(&cpu.cpu).copied();
            packages.entry(package).or_default().push(*cpu);
        }
        match 1 < packages.len() && packages.len() <= most / 2 {
            true => packages,
            false => BTreeMap::from([(None, cpus.to_vec())]),
        }
    }

    pub fn head(&self, view: &View) -> String {
        let elapsed = clock(view.elapsed);
        let Some(duration) = self.duration else {
            return elapsed;
        };
        let left = duration.saturating_sub(view.elapsed);
        format!("{elapsed} of {}, {} left", clock(duration), clock(left))
    }

    /// All CPUs together, in one line.
    pub fn line(&self, view: &View) -> String {
        let sum = |part: fn(&CpuView) -> u64| -> u64 { view.cpus.iter().map(part).sum() };
        let least = view.cpus.iter().map(share).fold(f64::INFINITY, f64::min);
        let least = if least.is_finite() { least } else { 0.0 };
        let longest = view.cpus.iter().map(|cpu| cpu.max_platform).max();
        let smis: Option<u64> = view.cpus.iter().map(|cpu| cpu.smis).sum();
        let ended = view
            .cpus
            .iter()
            .filter(|cpu| cpu.sampling == Sampling::Ended);
        let ended = match ended.count() as u64 {
            0 => String::new(),
            count => format!("; {} ended early", human::counted(count, "CPU")),
        };
        format!(
            "{}; covered at least {}; {} {} (worst {}), os {}, unknown {}; SMIs {}{ended}",
            self.head(view),
            human::percent(least),
            self.word("gaps:"),
            human::grouped(sum(platform_gaps)),
            worst(longest.unwrap_or_default()),
            human::grouped(sum(|cpu| cpu.counts.count(Cause::Os))),
            human::grouped(sum(|cpu| cpu.counts.count(Cause::Unknown))),
            smis.map_or_else(|| "n/a".to_owned(), human::grouped),
        )
    }

    fn word(&self, what: &str) -> &'static str {
        match (self.platform, what) {
            (Platform::BareMetal, "worst") => "worst platform",
            (Platform::BareMetal, "gaps") => "platform gaps",
            (Platform::BareMetal, _) => "gaps: platform",
            (Platform::Guest, "worst") => "worst hypervisor",
            (Platform::Guest, "gaps") => "hypervisor gaps",
            (Platform::Guest, _) => "gaps: hypervisor or below",
        }
    }
}

/// What makes a CPU worth looking at.
fn weight(cpu: &CpuView) -> impl Ord + use<> {
    let (unknown, os) = (Cause::Unknown, Cause::Os);
    let ended = cpu.sampling == Sampling::Ended;
    let count = |cause| cpu.counts.count(cause);
    (cpu.max_platform, ended, count(unknown), count(os))
}

/// A row of one CPU, or of several: the least coverage, the longest gap, the sums,
/// and the largest SMI count, as all CPUs count the same ones.
fn cells(name: String, cpus: &[&CpuView]) -> Vec<String> {
    let cpus = || cpus.iter().copied();
    let sum = |part: fn(&CpuView) -> u64| human::count(cpus().map(part).sum());
    let least = cpus().map(share).fold(f64::INFINITY, f64::min);
    let have_ended = cpus().all(|cpu| cpu.sampling == Sampling::Ended);
    let have_begun = cpus().all(|cpu| cpu.elapsed > Nanos(0));
    let smis: Option<Vec<u64>> = cpus().map(|cpu| cpu.smis).collect();
    vec![
        name,
        match (have_ended, have_begun) {
            (true, _) => "ended".to_owned(),
            (false, true) => human::percent(least),
            (false, false) => "-".to_owned(),
        },
        worst(cpus().map(|cpu| cpu.max_platform).max().unwrap_or_default()),
        sum(platform_gaps),
        sum(|cpu| cpu.counts.count(Cause::Os)),
        sum(|cpu| cpu.counts.count(Cause::Unknown)),
        smis.and_then(|smis| smis.into_iter().max())
            .map_or_else(|| "n/a".to_owned(), human::count),
    ]
}

fn platform_gaps(cpu: &CpuView) -> u64 {
    cpu.counts.platform()
}

fn share(cpu: &CpuView) -> f64 {
    human::share(cpu.elapsed.saturating_sub(cpu.uncovered), cpu.elapsed)
}

fn worst(length: Nanos) -> String {
    match length {
        Nanos(0) => "none".to_owned(),
        length => human::length(length),
    }
}

/// "1:02:03", or "3.2 s" below a minute.
fn clock(length: Nanos) -> String {
    let seconds = length.0 / Nanos::SECOND.0;
    match seconds {
        0..60 => format!("{:.1} s", length.0 as f64 / 1e9),
        60..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!(
            "{}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CauseCounts;

    /// The even CPUs in package 0, the odd ones in package 1.
    fn standing() -> Standing {
        Standing {
            duration: Some(Nanos(7_200_000_000_000)),
            platform: Platform::BareMetal,
            packages: (0..512).map(|cpu| (CpuId(cpu), cpu % 2)).collect(),
        }
    }

    fn view(cpus: u32) -> View {
        let cpu = |number: u32| CpuView {
            cpu: CpuId(number),
            elapsed: Nanos(1_000_000),
            uncovered: Nanos(1_000),
            max_platform: Nanos(u64::from(number) * 1_000),
            counts: CauseCounts {
                smi: 2,
                os: 1_500,
                ..CauseCounts::default()
            },
            above_limit: 0,
            unknown: Nanos(0),
            smis: Some(4),
            sampling: Sampling::GoesOn,
        };
        View {
            elapsed: Nanos(3_723_400_000_000),
            cpus: (0..cpus).map(cpu).collect(),
        }
    }

    #[test]
    fn a_line_names_all_that_moves() {
        assert_eq!(
            standing().line(&view(2)),
            "1:02:03 of 2:00:00, 57:56 left; covered at least 99.90 %; gaps: platform 4 (worst \
             1.00 us), os 3,000, unknown 0; SMIs 8"
        );
    }

    #[test]
    fn the_worst_cpus_come_first_and_the_rest_by_package() {
        assert_eq!(
            standing().table(&view(512), 5),
            [
                "         CPU  covered  worst platform  platform gaps       os  unknown  SMIs",
                "         511  99.90 %          511 us              2    1,500        0     4",
                "         510  99.90 %          510 us              2    1,500        0     4",
                "         509  99.90 %          509 us              2    1,500        0     4",
                "255 in pkg 0  99.90 %          508 us            510  382,500        0     4",
                "254 in pkg 1  99.90 %          507 us            508  381,000        0     4",
            ]
        );
    }

    #[test]
    fn a_view_fits_the_lines_that_there_are() {
        let unknown = Standing {
            packages: BTreeMap::new(),
            ..standing()
        };
        for standing in [standing(), unknown.clone()] {
            for most in 2..40 {
                for cpus in [1, 2, 3, 8, 40, 512] {
                    let lines = standing.table(&view(cpus), most);
                    assert_eq!(lines.len(), 1 + most.min(cpus as usize), "{lines:?}");
                    assert!(lines.iter().all(|line| line.len() <= 80), "{lines:?}");
                }
            }
        }
        // Where all fit, none changes its place.
        assert!(
            standing().table(&view(3), 3)[1]
                .trim_start()
                .starts_with("0 ")
        );
        assert!(unknown.table(&view(512), 2)[2].starts_with("511 more"));
    }

    #[test]
    fn a_cpu_that_has_ended_is_worth_a_line() {
        let mut view = view(9);
        for cpu in &mut view.cpus {
            cpu.max_platform = Nanos(0);
        }
        view.cpus[4].sampling = Sampling::Ended;
        let lines = standing().table(&view, 4);
        assert!(lines[1].trim_start().starts_with("4    ended"), "{lines:?}");
    }
}
