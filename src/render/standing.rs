//! How a run stands while it goes on: a table for a terminal, one line for a
//! log.

use crate::model::{Cause, Platform};
use crate::render::table::{Align, Table};
use crate::session::{CpuView, Sampling, View};
use crate::text::human;
use crate::units::Nanos;

/// The view of a run that is to last this long.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Its length as planned.
    pub duration: Nanos,
    /// Whether "platform" means the hardware, or the hypervisor and below.
    pub platform: Platform,
}

impl Standing {
    /// A line for each CPU under a header: those with the longest platform
    /// gaps, where there are more than `most`.
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
        let left_out = shown.len().saturating_sub(most.max(1));
        if left_out > 0 {
            shown.sort_by_key(|cpu| std::cmp::Reverse(cpu.max_platform));
            shown.truncate(most.max(1));
            shown.sort_by_key(|cpu| cpu.cpu);
        }
        for cpu in shown {
            table.row(vec![
                cpu.cpu.to_string(),
                match cpu.sampling {
                    Sampling::GoesOn => covered(cpu),
                    Sampling::Ended => "ended".to_owned(),
                },
                worst(cpu.max_platform),
                human::grouped(platform_gaps(cpu)),
                human::grouped(cpu.counts.count(Cause::Os)),
                human::grouped(cpu.counts.count(Cause::Unknown)),
                cpu.smis.map_or_else(|| "n/a".to_owned(), human::grouped),
            ]);
        }
        let mut lines = table.lines();
        if left_out > 0 {
            let more = human::plural(left_out as u64, "more CPU");
            lines.push(format!("and {more}, with shorter gaps"));
        }
        lines
    }

    /// How far the run is.
    pub fn head(&self, view: &View) -> String {
        let left = self.duration.saturating_sub(view.elapsed);
        format!(
            "{} of {}, {} left",
            clock(view.elapsed),
            clock(self.duration),
            clock(left)
        )
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
            count => format!("; {} ended early", human::plural(count, "CPU")),
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

fn platform_gaps(cpu: &CpuView) -> u64 {
    cpu.counts.platform()
}

fn share(cpu: &CpuView) -> f64 {
    human::share(cpu.elapsed.saturating_sub(cpu.uncovered), cpu.elapsed)
}

fn covered(cpu: &CpuView) -> String {
    match cpu.elapsed {
        Nanos(0) => "-".to_owned(),
        _ => human::percent(share(cpu)),
    }
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
    use crate::units::CpuId;

    const STANDING: Standing = Standing {
        duration: Nanos(7_200_000_000_000),
        platform: Platform::BareMetal,
    };

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
            STANDING.line(&view(2)),
            "1:02:03 of 2:00:00, 57:56 left; covered at least 99.90 %; gaps: platform 4 (worst \
             1.00 us), os 3,000, unknown 0; SMIs 8"
        );
    }

    #[test]
    fn of_many_cpus_the_worst_are_shown() {
        let lines = STANDING.table(&view(9), 3);
        let cpus: Vec<&str> = lines[1..4].iter().map(|line| line.trim_start()).collect();
        assert!(
            cpus[0].starts_with('6') && cpus[2].starts_with('8'),
            "{lines:?}"
        );
        assert_eq!(lines[4], "and 6 more CPUs, with shorter gaps");
        assert_eq!(STANDING.table(&view(3), 3).len(), 4);
    }
}
