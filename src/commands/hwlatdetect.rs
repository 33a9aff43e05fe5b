//! `hwgap hwlatdetect`, and the program called as hwlatdetect.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::HwlatdetectArgs;
use crate::files::OutputError;
use crate::files::identity::{Named, distinct};
use crate::files::output::PendingFile;
use crate::files::patient::{Patient, tell};
use crate::host::Host;
use crate::hwlatdetect::{
    Account, Listing, Parameters, Sampled, Shown, Voice, Watch, closing, doubt, notes, opening,
};
use crate::model::{Gap, LazyGaps, Outcome, Report, Verdict};
use crate::plan::RunPlan;
use crate::session::{Progress, Silent};
use crate::units::cpulist::CpuList;
use crate::waits;

use super::run::{Presenter, Sinks, Start, measure, shown};
use super::{Exit, Failure, printed};

pub(super) fn hwlatdetect(args: &HwlatdetectArgs) -> Result<Exit, Failure> {
    let parameters = Parameters::new(args);
    let run_args = parameters.run_args(args);
    let plan = |host: &Host| {
        // The original samples those of its list that are online.
        let offline = offline(run_args.cpus.as_deref(), host);
        let mut run_args = run_args.clone();
        if let Some((online, offline)) = &offline {
            run_args.cpus = Some(online.to_string());
            tell(&format!(
                "hwlatdetect: not sampled, as they are offline: CPUs {offline}\n"
            ));
        }
        match RunPlan::new(&run_args, host) {
            Ok(plan) => Ok(parameters.fit(plan)),
            // The plan speaks of the options of `run`.
            Err(error) => Err(Failure::Usage(
                error.to_string().replace("--cpus", "--cpu-list"),
            )),
        }
    };
    measure(&run_args, plan, Printer::new(&parameters))
}

/// A list without those of its CPUs that are offline, and these; `None` where
/// there is nothing to leave out, or nothing would be left.
fn offline(asked: Option<&str>, host: &Host) -> Option<(CpuList, CpuList)> {
    let asked: CpuList = asked?.parse().ok()?;
    let sets = &host.topology.sets;
    let (online, present) = (sets.online.as_ref().ok()?, sets.present.as_ref().ok()?);
    let offline = asked.without(online).intersection(present);
    let left = asked.without(&offline);
    (!offline.is_empty() && !left.is_empty()).then_some((left, offline))
}

struct Printer<'a> {
    parameters: &'a Parameters,
    report: Option<PendingFile>,
    sinks: Option<Sinks>,
    shown: Shown,
}

impl<'a> Printer<'a> {
    fn new(parameters: &'a Parameters) -> Printer<'a> {
        Printer {
            parameters,
            report: None,
            sinks: None,
            shown: Shown::default(),
        }
    }
}

impl Presenter for Printer<'_> {
    fn open(&mut self, plan: &RunPlan) -> Result<(), Failure> {
        let report = self.parameters.report.as_deref();
        let outputs = report.map(|path| Named {
            option: "--report",
            path,
        });
        let all: Vec<Named<'_>> = outputs.into_iter().chain(plan.outputs.named()).collect();
        distinct(&[], &all).map_err(Failure::usage)?;
        let report = report.map(PendingFile::create);
        self.report = report.transpose().map_err(Failure::usage)?;
        self.sinks = Some(Sinks::open(&plan.outputs).map_err(Failure::usage)?);
        Ok(())
    }

    fn begin(&mut self, start: &Start<'_>) -> Result<Box<dyn Progress>, Failure> {
        let names = start.engines.iter().map(|chosen| chosen.engine.name());
        let engines: Vec<&str> = names.collect();
        let sampled = Sampled {
            plan: start.plan,
            engines: &engines,
        };
        print(&opening(self.parameters, &sampled))?;
        Ok(match (self.parameters.listing, self.parameters.voice) {
            (Listing::Live, _) => Box::new(Watch::new(
                Stdout,
                self.parameters.threshold,
                self.parameters.format,
                self.shown.clone(),
            )),
            (Listing::AtTheEnd, Voice::Quiet) => Box::new(Silent),
            (Listing::AtTheEnd, Voice::Normal | Voice::Debug) => shown(start, None),
        })
    }

    /// As the original has it, a test that was interrupted says what it saw.
    fn outcome(&self, verdict: &Verdict) -> Outcome {
        let only_cut_short = verdict.incomplete.is_some()
            && (verdict.reasons.iter()).all(|reason| verdict.incomplete.as_ref() == Some(reason));
        match verdict.result {
            Outcome::Inconclusive if only_cut_short => Outcome::Pass,
            result => result,
        }
    }

    fn end<F, I>(self, report: &Report<LazyGaps<F>>) -> Result<(), Failure>
    where
        F: Fn() -> I,
        I: Iterator<Item = Gap>,
        Report<LazyGaps<F>>: Serialize,
    {
        let account = Account::of(report, report.gaps.iter());
        // What went wrong with the file does not keep the result from the user.
        let saved = self
            .report
            .map(|file| save(file, self.parameters, &account));
        let file = match saved {
            Some(Ok(())) => self.parameters.report.as_deref(),
            Some(Err(_)) | None => None,
        };
        let printed = print(&closing(self.parameters, &account, file));
        if self.parameters.voice != Voice::Quiet {
            let shown = match self.parameters.listing {
                Listing::Live => Some(self.shown.get()),
                Listing::AtTheEnd => None,
            };
            for note in notes(&account, shown, self.parameters.share()) {
                tell(&format!("hwlatdetect: {note}\n"));
            }
        }
        if let Some(doubt) = doubt(&account) {
            tell(&format!("hwlatdetect: {doubt}\n"));
        }
        if let Some(sinks) = self.sinks {
            sinks.write(report).map_err(Failure::usage)?;
        }
        saved.unwrap_or(Ok(())).map_err(Failure::usage)?;
        printed
    }
}

/// Writes the report file: the samples, a line each.
fn save(file: PendingFile, parameters: &Parameters, account: &Account) -> Result<(), OutputError> {
    file.save(|out| {
        let mut out = io::BufWriter::new(out);
        for sample in &account.samples {
            writeln!(out, "{}", sample.line(parameters.format))?;
        }
        out.flush()
    })
}

/// Standard output, which must not make the test wait.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Patient::stdout(waits::STDOUT)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn print(text: &str) -> Result<(), Failure> {
    printed(Stdout.write_all(text.as_bytes()))
}
