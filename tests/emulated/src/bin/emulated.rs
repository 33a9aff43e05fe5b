//! Runs hwgap on the emulated machine and judges it; started by `run`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use hwgap_emulated::drop_in;
use hwgap_emulated::judge::{Outcome, table};
use hwgap_emulated::nested;
use hwgap_emulated::scenario::{self, Scenario, Tag};
use hwgap_emulated::side_by_side;
use hwgap_emulated::suite::{self, Folders};

/// Runs hwgap on the emulated machine and judges its report
#[derive(Parser)]
#[command(name = "run")]
struct Options {
    /// Scenarios to run, or with --nested cases; all without any
    scenarios: Vec<String>,
    /// Lists the scenarios and runs nothing
    #[arg(long)]
    list: bool,
    /// Runs the scenarios of one suite
    #[arg(long)]
    tag: Option<Tag>,
    /// Judges the results of the last run again, without booting anything
    #[arg(long)]
    table: bool,
    /// Runs the kernel's tracers and hwlatdetect beside hwgap instead, and
    /// prints the table
    #[arg(long)]
    side_by_side: bool,
    /// Runs hwgap in the place of hwlatdetect and Debian's hwlatdetect beside
    /// it instead, and judges; with --table, judges the last results again
    #[arg(long)]
    drop_in: bool,
    /// Runs hwgap in a guest of KVM's in the emulated machine and on its host
    /// instead, and judges the explanation; with --table, judges the last
    /// results again
    #[arg(long)]
    nested: bool,
    #[arg(long, hide = true)]
    home: PathBuf,
    #[arg(long, hide = true)]
    cache: PathBuf,
    #[arg(long, hide = true)]
    programs: PathBuf,
}

/// The emulator or a package cannot be had.
const EXIT_NO_MACHINE: u8 = 4;

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let cases = match options.nested {
        true => Some(nested::select(&options.scenarios)?),
        false => None,
    };
    let scenarios = match cases {
        Some(_) => Vec::new(),
        None => selected(&options)?,
    };
    if options.list {
        for scenario in &scenarios {
            println!("{:32} {}", scenario.name, scenario.summary);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let folders = Folders {
        home: options.home,
        cache: options.cache,
        programs: options.programs,
    };
    if options.side_by_side {
        if !folders.ensure_packages(&[side_by_side::KERNEL, side_by_side::MASKING_KERNEL])? {
            return Ok(ExitCode::from(EXIT_NO_MACHINE));
        }
        let _alone = folders.lock()?;
        print!("{}", side_by_side::run(&folders)?);
        return Ok(ExitCode::SUCCESS);
    }
    if options.drop_in {
        return run_drop_in(&folders, options.table);
    }
    if let Some(cases) = cases {
        return run_nested(&folders, &cases, options.table);
    }
    let recorded_cost = recorded_cost(&folders)?;
    let outcomes = if options.table {
        scenarios
            .iter()
            .map(|scenario| {
                let results = folders
                    .cache
                    .join("runs")
                    .join(&scenario.name)
                    .join("results");
                suite::judge_results(scenario, &results, recorded_cost)
                    .unwrap_or_else(|error| Outcome::broken(&scenario.name, format!("{error:#}")))
            })
            .collect()
    } else {
        let mut kernels: Vec<&str> = scenarios
            .iter()
            .map(|scenario| scenario.machine.kernel.as_str())
            .collect();
        kernels.sort_unstable();
        kernels.dedup();
        if !folders.ensure_packages(&kernels)? {
            return Ok(ExitCode::from(EXIT_NO_MACHINE));
        }
        let _alone = folders.lock()?;
        suite::run(&folders, &scenarios, recorded_cost, |outcome| {
            eprintln!("{}", table::row(outcome));
        })
    };
    Ok(print(&outcomes))
}

fn run_drop_in(folders: &Folders, again: bool) -> Result<ExitCode> {
    if !again && !folders.ensure_packages(&[drop_in::KERNEL])? {
        return Ok(ExitCode::from(EXIT_NO_MACHINE));
    }
    let _alone = folders.lock()?;
    let findings = match again {
        true => drop_in::judge_again(folders)?,
        false => drop_in::run(folders)?,
    };
    Ok(print_findings(&findings.table, &findings.failures))
}

fn run_nested(folders: &Folders, cases: &[&nested::Case], again: bool) -> Result<ExitCode> {
    if !again && !folders.ensure_packages(&[nested::KERNEL])? {
        return Ok(ExitCode::from(EXIT_NO_MACHINE));
    }
    let _alone = folders.lock()?;
    let findings = match again {
        true => nested::judge_again(folders, cases),
        false => nested::run(folders, cases)?,
    };
    Ok(print_findings(&findings.table, &findings.failures))
}

fn print_findings(table: &str, failures: &[String]) -> ExitCode {
    print!("{table}");
    for failure in failures {
        println!("{failure}");
    }
    match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn selected(options: &Options) -> Result<Vec<Scenario>> {
    let all = scenario::load_all(&options.home.join("scenarios"))?;
    for name in &options.scenarios {
        if !all.iter().any(|scenario| &scenario.name == name) {
            bail!("there is no scenario {name}; --list shows them");
        }
    }
    Ok(all
        .into_iter()
        .filter(|scenario| {
            options.scenarios.is_empty() || options.scenarios.contains(&scenario.name)
        })
        .filter(|scenario| match options.tag {
            None | Some(Tag::Full) => true,
            Some(tag) => scenario.tags.contains(&tag),
        })
        .collect())
}

/// What an iteration of the sampling loop may cost, in cycles.
fn recorded_cost(folders: &Folders) -> Result<f64> {
    let path = folders.home.join("loop-cost");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines()
        .find(|line| !line.starts_with('#'))
        .context("loop-cost holds no number")?
        .trim()
        .parse()
        .context("loop-cost")
}

fn print(outcomes: &[Outcome]) -> ExitCode {
    println!("{}", table::header());
    for outcome in outcomes {
        println!("{}", table::row(outcome));
    }
    println!();
    for outcome in outcomes {
        if let Some(cycles) = outcome.cycles_per_iteration {
            println!("{}: {cycles:.2} cycles an iteration", outcome.scenario);
        }
        for line in outcome.figures.iter().chain(&outcome.failures) {
            println!("{}: {line}", outcome.scenario);
        }
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| !outcome.failures.is_empty())
        .count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
