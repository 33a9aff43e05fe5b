//! Raises SMIs of known length inside the emulated machine and logs them.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use hwgap_emulated::injector::clock::tsc;
use hwgap_emulated::injector::ich9::Ich9;
use hwgap_emulated::injector::kernel::Kernel;
use hwgap_emulated::injector::patch;
use hwgap_emulated::injector::pattern::{Pattern, Sweep};
use hwgap_emulated::injector::ports::Ports;
use hwgap_emulated::injector::session;
use hwgap_emulated::realtime::{ABOVE_HWGAP, become_fifo};
use hwgap_emulated::smilog::{Smi, SmiLog};

/// Raises SMIs of known length inside the emulated machine and logs them.
#[derive(Parser)]
enum Command {
    /// Installs the handler and starts the timer
    Start {
        /// 1.5ms, 16ms, 32ms, 64ms, 8s, 16s, 32s, 64s or port
        #[arg(long)]
        timer: String,
        /// Lengths taken in turn, such as 5us,1ms
        #[arg(long, value_delimiter = ',')]
        lengths: Vec<String>,
        /// SMIs back to back each time
        #[arg(long, default_value_t = 1)]
        burst: u32,
        /// Mixes lengths and periods by a fixed sequence
        #[arg(long)]
        jitter_seed: Option<u64>,
        /// Logs which of the kernel's tasks each SMI hit
        #[arg(long)]
        tasks: bool,
        /// Lets the kernel's tick come at another rate first
        #[arg(long)]
        tick_hz: Option<u32>,
        /// Lets the tick keep step with the SMIs, which hit it from FROM to TO
        /// after it begins, by STEP: FROM,TO,STEP in nanoseconds
        #[arg(long, allow_hyphen_values = true)]
        sweep: Option<Sweep>,
        /// Lets perf read an SMI counter that never rises
        #[arg(long)]
        stop_counter: bool,
    },
    /// Stops the timer
    Stop,
    /// Raises SMIs through port 0xB2, whatever handler is installed, and prints
    /// the times around each write
    Raise {
        #[arg(long, default_value_t = 1)]
        count: u32,
        #[arg(long, default_value_t = 100)]
        interval_ms: u64,
    },
    /// Prints the log as JSON
    Dump,
    /// Spins until the host sends something to the second serial port
    AwaitHost,
}

/// Line status register of COM2, which no driver has opened (16550 datasheet).
const SECOND_LINE_STATUS: u16 = 0x2F8 + 5;
const DATA_READY: u8 = 1;

fn main() -> Result<()> {
    match Command::parse() {
        Command::Start {
            timer,
            lengths,
            burst,
            jitter_seed,
            tasks,
            tick_hz,
            sweep,
            stop_counter,
        } => {
            let pattern = Pattern {
                timer,
                lengths,
                burst,
                jitter_seed,
                tasks,
                sweep,
            };
            let tick = match sweep {
                Some(_) => Some(Duration::from_nanos(pattern.period()?)),
                None => tick_hz.map(|hz| Duration::from_secs(1) / hz),
            };
            let mut current = None;
            if tasks || stop_counter || tick.is_some() {
                let kernel = Kernel::open()?;
                if let Some(period) = tick {
                    patch::set_tick(&kernel, period)?;
                }
                if stop_counter {
                    patch::stop_counter(&kernel)?;
                }
                if tasks {
                    current = Some(kernel.current_task()?);
                }
            }
            session::start(&pattern, current)
        }
        Command::Stop => session::stop(),
        Command::Raise { count, interval_ms } => raise(count, interval_ms),
        Command::Dump => print(&session::dump()?),
        Command::AwaitHost => {
            let ports = Ports::acquire()?;
            while ports.read_u8(SECOND_LINE_STATUS) & DATA_READY == 0 {}
            Ok(())
        }
    }
}

fn raise(count: u32, interval_ms: u64) -> Result<()> {
    let ich9 = Ich9::open()?;
    become_fifo(ABOVE_HWGAP)?;
    let mut smis = Vec::new();
    for _ in 0..count {
        let entry = tsc();
        ich9.raise();
        let exit = tsc();
        smis.push(Smi {
            entry,
            exit,
            hit: None,
        });
        sleep(Duration::from_millis(interval_ms));
    }
    print(&SmiLog {
        count: u64::from(count),
        lost: 0,
        smis,
    })
}

fn print(log: &SmiLog) -> Result<()> {
    println!("{}", serde_json::to_string(log)?);
    Ok(())
}
