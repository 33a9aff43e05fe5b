//! Installing the handler, and reading back what it logged.

use anyhow::{Result, ensure};

use super::handler::{self, *};
use super::ich9::Ich9;
use super::pattern::{Pattern, Timer};
use super::smram::OpenSmram;
use super::step;
use crate::smilog::{Hit, Smi, SmiLog};

/// Puts handler, table and an empty log into SMRAM, then starts the timer.
/// `current` is the physical address of the kernel's pointer to its current
/// task, if the log is to tell which task each SMI hit.
pub fn start(pattern: &Pattern, current: Option<u32>) -> Result<()> {
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
        smram.write_u32(STATE + OFFSET_CURRENT, current.unwrap_or(0))?;
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
    let enables = ich9.prepare(timer)?;
    if let Some(sweep) = pattern.sweep {
        step::await_start(pattern.period()?, sweep.from)?;
    }
    ich9.enable(enables);
    Ok(())
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
    let with_tasks = smram.read_u32(STATE + OFFSET_CURRENT)? != 0;
    let logged = count.min(LOG_CAPACITY);
    let mut bytes = vec![0; logged as usize * LOG_ENTRY as usize];
    smram.read(LOG, &mut bytes)?;
    let smis = bytes
        .chunks_exact(LOG_ENTRY as usize)
        .map(|entry| smi(entry, with_tasks))
        .collect();
    Ok(SmiLog {
        count: u64::from(count),
        lost: u64::from(count - logged),
        smis,
    })
}

/// Reads an entry of the log.
fn smi(bytes: &[u8], with_tasks: bool) -> Smi {
    let word = |index: usize| {
        let bytes = bytes[index * 4..][..4].try_into();
        u32::from_le_bytes(bytes.expect("a slice of 4 bytes"))
    };
    let entry = u64::from(word(0)) | u64::from(word(1)) << 32;
    Smi {
        entry,
        exit: entry + u64::from(word(2)),
        hit: Some(Hit {
            ring: (word(4) & 3) as u8,
            rip: word(3),
            task: with_tasks.then_some(word(4) & !3),
        }),
    }
}
