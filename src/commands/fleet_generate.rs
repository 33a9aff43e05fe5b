//! The hidden `hwgap fleet-generate`: a synthetic fleet as files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::cli::{FaultArg, FleetGenerateArgs};
use crate::fleet::synthetic::{Fault, Recipe, hosts, write};

use super::{Exit, Failure};

/// Files in one folder: more make file systems slow.
const A_FOLDER: usize = 1_000;

pub(super) fn generate(args: &FleetGenerateArgs) -> Result<Exit, Failure> {
    let recipe = Recipe {
        hosts: args.hosts,
        seed: args.seed,
        faults: args.plant.iter().map(|fault| (*fault).into()).collect(),
    };
    let made = match args.folder.as_os_str() == "-" {
        true => lines(&recipe),
        false => files(&recipe, &args.folder),
    };
    made.map_err(|error| Failure::Usage(format!("{:?}: {error}", args.folder)))?;
    Ok(Exit::Good)
}

/// A report a line on standard output.
fn lines(recipe: &Recipe) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for host in hosts(recipe) {
        write(&host, &mut out)?;
    }
    out.flush()
}

/// A file a report, and a list of what was planted.
fn files(recipe: &Recipe, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut planted = BufWriter::new(File::create_new(folder.join("planted.csv"))?);
    writeln!(planted, "host,fault")?;
    for host in hosts(recipe) {
        let below = folder.join(format!("{:03}", host.number / A_FOLDER));
        if host.number % A_FOLDER == 0 {
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

impl From<FaultArg> for Fault {
    fn from(fault: FaultArg) -> Fault {
        match fault {
            FaultArg::BadBios => Fault::BadBios,
            FaultArg::HotHosts => Fault::HotHosts,
            FaultArg::Series => Fault::Series,
        }
    }
}
