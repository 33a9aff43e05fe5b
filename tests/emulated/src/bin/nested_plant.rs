//! Keeps a vCPU out of its guest in one known way, and prints when.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use hwgap_emulated::injector::clock::tsc;
use hwgap_emulated::nested::plant;
use hwgap_emulated::realtime::{ABOVE_HWGAP, become_fifo};
use hwgap_emulated::units::nanoseconds;

/// Keeps a vCPU out of its guest in one known way, and prints when
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
    /// How often
    #[arg(long, global = true, default_value_t = 20)]
    count: usize,
    /// The time between two
    #[arg(long, global = true, value_parser = length, default_value = "7.3ms")]
    interval: Duration,
}

#[derive(clap::Subcommand)]
enum What {
    /// A task of real-time priority has this CPU for each length in turn
    Tasks {
        #[arg(value_parser = length, value_delimiter = ',')]
        lengths: Vec<Duration>,
    },
    /// Many timers fall due on this CPU at once
    Storms,
    /// A process is stopped by a signal
    Stops {
        process: i32,
        #[arg(value_parser = length)]
        length: Duration,
    },
    /// A thread has to go from CPU 0 to CPU 1 and back
    Migrations { thread: i32 },
    /// In the guest: reads blocks from a device that QEMU emulates
    DeviceReads,
    /// Prints the TSC
    Now,
    /// In the guest: prints what an exit takes, in cycles, over each slice of
    /// time
    Exits {
        #[arg(value_parser = length)]
        slice: Duration,
    },
}

fn length(text: &str) -> Result<Duration> {
    Ok(Duration::from_nanos(nanoseconds(text)?))
}

fn main() -> Result<()> {
    let Options {
        what,
        count,
        interval,
    } = Options::parse();
    become_fifo(ABOVE_HWGAP)?;
    let planted = match what {
        What::Tasks { lengths } => plant::tasks(&lengths, count, interval),
        What::Storms => plant::storms(count, interval)?,
        What::Stops { process, length } => plant::stops(process, length, count, interval)?,
        What::Migrations { thread } => plant::migrations(thread, [0, 1], count, interval)?,
        What::Exits { slice } => return exits(slice, count),
        What::Now => {
            println!("{}", tsc());
            return Ok(());
        }
        What::DeviceReads => plant::device_reads(count, interval)?,
    };
    // What this process does at its end is no part of the last one.
    sleep(interval);
    println!("{}", serde_json::to_string(&planted)?);
    Ok(())
}

/// A line a slice: its begin by the TSC, and cycles an exit.
fn exits(slice: Duration, count: usize) -> Result<()> {
    for _ in 0..count {
        let start = tsc();
        println!("{start} {:.1}", plant::cycles_an_exit(slice));
    }
    Ok(())
}
