//! Installing the handler, and reading back what it logged.

use anyhow::{Result, ensure};

use super::handler::{self, *};
use super::ich9::Ich9;
use super::pattern::{Pattern, Timer};
use super::smram::OpenSmram;
use crate::smilog::{Smi, SmiLog};

/// Puts handler, table and an empty log into SMRAM, then starts the timer.
pub fn start(pattern: &Pattern) -> Result<()> {
    let timer = pattern.timer()?;
    let table = pattern.table()?;
    let code = handler::code();
    ensure!(
        ENTRY + (code.len() as u64) < ENTRY_LIMIT,
        "the handler reaches into the state save area"
    );
    let ich9 = Ich9::open()?;
    // No SMI may come while half a handler is in place.
    ich9.stop();
    {
        let smram = OpenSmram::open()?;
        smram.write_u32(STATE + OFFSET_MAGIC, MAGIC)?;
        smram.write_u32(STATE + OFFSET_TABLE_LENGTH, u32::try_from(table.len())?)?;
        smram.write_u32(STATE + OFFSET_TABLE_INDEX, 0)?;
        smram.write_u32(STATE + OFFSET_SMI_COUNT, 0)?;
        smram.write_u32(STATE + OFFSET_LOG_CAPACITY, LOG_CAPACITY)?;
        smram.write_u32(STATE + OFFSET_PMBASE, u32::from(ich9.pmbase()))?;
        let ours = match timer {
            Timer::Software(_) => TIMER_SOFTWARE,
            Timer::Periodic(_) | Timer::Port => TIMER_NOT_OURS,
        };
        smram.write_u32(STATE + OFFSET_TIMER, ours)?;
        let bytes: Vec<u8> = table
            .iter()
            .flat_map(|entry| [entry.cycles.to_le_bytes(), entry.flags.to_le_bytes()])
            .flatten()
            .collect();
        smram.write(TABLE, &bytes)?;
        smram.write(ENTRY, code)?;
        let mut written = vec![0; code.len()];
        smram.read(ENTRY, &mut written)?;
        ensure!(written == code, "SMRAM did not take the handler");
    }
    ich9.start(timer)
}

/// Stops the timers; an SMI that is already pending is still taken and logged.
pub fn stop() -> Result<()> {
    // The handler must not start the timer again behind our back.
    OpenSmram::open()?.write_u32(STATE + OFFSET_TIMER, TIMER_NOT_OURS)?;
    Ich9::open()?.stop();
    Ok(())
}

/// Reads the log.
pub fn dump() -> Result<SmiLog> {
    let smram = OpenSmram::open()?;
    ensure!(
        smram.read_u32(STATE + OFFSET_MAGIC)? == MAGIC,
        "no handler of ours is installed"
    );
    let count = smram.read_u32(STATE + OFFSET_SMI_COUNT)?;
    let logged = count.min(LOG_CAPACITY);
    let mut bytes = vec![0; logged as usize * 16];
    smram.read(LOG, &mut bytes)?;
    let smis = bytes
        .chunks_exact(16)
        .map(|chunk| {
            let (entry, exit) = chunk.split_at(8);
            Smi {
                entry: u64::from_le_bytes(entry.try_into().expect("half of 16 bytes")),
                exit: u64::from_le_bytes(exit.try_into().expect("half of 16 bytes")),
            }
        })
        .collect();
    Ok(SmiLog {
        count: u64::from(count),
        lost: u64::from(count - logged),
        smis,
    })
}
