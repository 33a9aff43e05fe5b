//! Reads all reports and judges each as it comes.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::policy::Policy;
use crate::read::brief::Brief;

use super::names::Names;
use super::read::{self, Input, Lot, SetAside};
use super::run::Run;

/// What was set aside is listed up to here; all is counted.
const LISTED: usize = 10_000;

#[derive(Debug, Default)]
pub struct Gathered {
    /// The runs, in the order in which they were named: files of a folder by
    /// their names. Hosts are then found nearly in order.
    pub runs: Vec<Run>,
    /// What could not be used, in order of place.
    pub set_aside: Vec<SetAside>,
    /// How much could not be used.
    pub set_aside_count: u64,
    /// Files in folders whose names are not those of reports.
    pub passed_over: u64,
}

/// Reads and judges. `tick` is called once a document.
pub fn gather(paths: &[PathBuf], policy: &Policy, today: Date, mut tick: impl FnMut()) -> Gathered {
    let mut gathered = Gathered::default();
    let digester = || {
        // Each thread has its own: a lock for each report would cost more than
        // the few names that are then there twice.
        let mut names = Names::default();
        move |source, brief: &Brief<'_>, sha256| {
            let judgement = policy.judge(brief, today);
            Run::new(source, sha256, brief, judgement, &mut names)
        }
    };
    let mut lots: Vec<(u64, Vec<Run>)> = Vec::new();
    read::read(paths, digester, |Lot { number, inputs }| {
        let mut runs = Vec::new();
        for input in inputs {
            tick();
            match input {
                Input::Report(run) => runs.push(run),
                Input::SetAside(aside) => {
                    gathered.set_aside_count += 1;
                    if gathered.set_aside.len() < LISTED {
                        gathered.set_aside.push(aside);
                    }
                }
                Input::PassedOver => gathered.passed_over += 1,
            }
        }
        // A file may have millions of lines that are no reports.
        if !runs.is_empty() {
            lots.push((number, runs));
        }
    });
    lots.sort_by_key(|(number, _)| *number);
    gathered.runs = lots.into_iter().flat_map(|(_, runs)| runs).collect();
    gathered.set_aside.sort_by(|a, b| a.source.cmp(&b.source));
    gathered
}
