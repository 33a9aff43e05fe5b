//! Fleets that nobody owns: for tests and demonstrations
//! (`examples/synthetic-fleet`). Every file says that no machine made it
//! (`synthetic`, `run.scripted` and the label).
//!
//! A seed gives the same fleet each time. Faults can be planted, and each host
//! says which it has.

mod chance;
mod host;
mod report;
mod world;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use clap::ValueEnum;

pub use host::hosts;
pub use report::write;

/// Files in one folder: more make file systems slow.
const FILES_PER_FOLDER: usize = 1_000;

/// Which fleet to make.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub hosts: usize,
    pub seed: u64,
    pub faults: Vec<Fault>,
}

/// What can be wrong with a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// One BIOS of the twenty takes 180 us and more at a time.
    BadBios,
    /// One host of 100 has three times as many SMIs as its like.
    HotHosts,
    /// One model has an SMI every 64 s.
    Series,
}

impl Fault {
    /// The name in the list of what was planted.
    fn name(self) -> &'static str {
        match self {
            Fault::BadBios => "bad-bios",
            Fault::HotHosts => "hot-host",
            Fault::Series => "series-64s",
        }
    }
}

/// A file a report, and a list of what was planted.
pub fn into_folder(recipe: &Recipe, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut planted = BufWriter::new(File::create_new(folder.join("planted.csv"))?);
    writeln!(planted, "host,fault")?;
    for host in hosts(recipe) {
        let below = folder.join(format!("{:03}", host.number / FILES_PER_FOLDER));
        if host.number % FILES_PER_FOLDER == 0 {
            fs::create_dir_all(&below)?;
        }
        let file = File::create_new(below.join(format!("{}.json", host.name())))?;
        let mut file = BufWriter::with_capacity(64 << 10, file);
        write(&host, &mut file)?;
        file.flush()?;
        for fault in &host.faults {
            writeln!(planted, "{},{}", host.name(), fault.name())?;
        }
    }
    planted.flush()
}
