//! Writes the reports of a fleet that nobody owns: for tests, and to try
//! `hwgap fleet` out.
//!
//!     cargo run --release --features synthetic --example synthetic-fleet -- reports --hosts 300

#[path = "../../tests/synthetic/mod.rs"]
mod synthetic;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Parser;

use synthetic::{Fault, Recipe, hosts, into_folder, write};

#[derive(Parser)]
struct Args {
    /// Where to write the reports; - writes a report a line
    folder: PathBuf,
    /// How many hosts
    #[arg(long, default_value_t = 1_000)]
    hosts: usize,
    /// The same seed gives the same fleet
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What is wrong with it
    #[arg(long, value_enum, value_delimiter = ',')]
    plant: Vec<Fault>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let recipe = Recipe {
        hosts: args.hosts,
        seed: args.seed,
        faults: args.plant,
    };
    if args.folder.as_os_str() != "-" {
        return into_folder(&recipe, &args.folder);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    for host in hosts(&recipe) {
        write(&host, &mut out)?;
    }
    out.flush()
}
