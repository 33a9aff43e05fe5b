//! `hwgap selftest`: raises known stalls and shows that they are found.

use std::path::PathBuf;

use crate::cli::{FormatArg, SelftestArgs};
use crate::evidence::MachineFacts;
use crate::files::output::PendingFile;
use crate::files::patient::tell;
use crate::host::root::Root;
use crate::host::{Host, cpuid};
use crate::judgement::circumstances::first_rate;
use crate::model::selftest::{Check, SCHEMA, SelfTest, Standing};
use crate::plan::Choice;
use crate::render::selftest as text;
use crate::selftest::bench::Bench;
use crate::selftest::store;
use crate::session::Timeline;
use crate::sys::sched;
use crate::sys::signals::RunSignals;
use crate::units::Nanos;

use super::{Exit, Failure, print};

/// Rounds of one kind of stall, at most.
const ROUNDS: u32 = 5;
const TASKS: [Nanos; 3] = [Nanos(20_000), Nanos(100_000), Nanos(1_000_000)];
/// And one among signals.
const IN_A_STORM: Nanos = Nanos(100_000);

pub(super) fn selftest(args: &SelftestArgs) -> Result<Exit, Failure> {
    let root = Root::live();
    let host = Host::read(&root);
    let asked = args.cpu.map(|cpu| cpu.to_string());
    let usable = host
        .confinement
        .usable(&host.topology.sets)
        .map_err(Failure::usage)?;
    let choice = Choice::new(asked.as_deref(), &host, &usable).map_err(Failure::usage)?;
    let cpu = choice
        .cpus
        .first()
        .ok_or_else(|| Failure::Usage(String::from("no CPU to test")))?;
    let machine = MachineFacts::new(cpuid::facts(), &host);
    let signals = RunSignals::listen().map_err(|error| Failure::NoVerdict(error.to_string()))?;
    let housekeeping = usable.without(&[cpu].into_iter().collect());
    if !housekeeping.is_empty() {
        // Not fatal: the collector is then one more task on the sampled CPU.
        let _ = sched::set_affinity(&housekeeping);
    }
    let mut timeline = Timeline::live();
    let hz = first_rate(&machine, &mut timeline).hz;
    let bench = Bench {
        root: &root,
        host: &host,
        machine: &machine,
        signals: &signals,
        cpu,
        hz,
    };

    let load = root.read_text("proc/loadavg").ok();
    let load = load.and_then(|text| text.split_whitespace().next().map(str::to_owned));
    let mut checks = vec![
        until_decided(|| bench.page_faults())?,
        until_decided(|| bench.late_page_faults())?,
    ];
    for length in TASKS {
        checks.push(until_decided(|| bench.competing_task(length))?);
    }
    checks.push(until_decided(|| bench.signal_storm())?);
    checks.push(until_decided(|| bench.task_in_a_storm(IN_A_STORM))?);
    checks.push(if args.raise_smi {
        until_decided(|| bench.smis())?
    } else {
        Check::skipped("SMI", None, "not asked for (--raise-smi)")
    });
    let test = SelfTest {
        schema: SCHEMA.to_owned(),
        schema_version: 1,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        made_utc: timeline.now().rfc3339(),
        host: store::tested_host(&host),
        cpu,
        resolution_ns: bench.resolution().map_err(Failure::NoVerdict)?,
        checks,
        load,
    };
    show(&test, args.format)?;
    match test.standing() {
        Standing::Passed | Standing::Failed => keep(&test, args.state.clone())?,
        Standing::Undecided | Standing::NotRaised => {
            tell("hwgap: not stored: it decides nothing, and an earlier result stays\n");
        }
    }
    Ok(if test.passed() {
        Exit::Good
    } else {
        Exit::NoVerdict
    })
}

/// Raises one kind of stall again and again until enough trials were clean, or
/// [`ROUNDS`] are over.
fn until_decided(mut round: impl FnMut() -> Result<Check, String>) -> Result<Check, Failure> {
    let mut round = || round().map_err(Failure::NoVerdict);
    let mut check = round()?;
    for _ in 1..ROUNDS {
        if check.standing() != Standing::Undecided {
            break;
        }
        check = check.and(round()?);
    }
    Ok(check)
}

fn show(test: &SelfTest, format: FormatArg) -> Result<(), Failure> {
    let text = match format {
        FormatArg::Text => text::render(test),
        FormatArg::Json => serde_json::to_string_pretty(test).map_err(Failure::usage)? + "\n",
    };
    print(text.as_bytes()).map(drop)
}

fn keep(test: &SelfTest, asked: Option<PathBuf>) -> Result<(), Failure> {
    if let Some(path) = asked {
        let text = serde_json::to_string_pretty(test).map_err(Failure::usage)? + "\n";
        let saved = PendingFile::create(&path)
            .and_then(|file| file.save(|out| out.write_all(text.as_bytes())));
        return saved.map_err(Failure::usage);
    }
    let Some(path) = store::default_path() else {
        return Ok(());
    };
    tell(&match store::save(test, &path) {
        Ok(()) => format!("hwgap: stored in {path:?}; reports will carry it\n"),
        Err(error) => format!(
            "hwgap: not stored, reports will not carry it: {error} (--state names another file)\n"
        ),
    });
    Ok(())
}
