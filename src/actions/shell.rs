//! A command that a shell carries out: with a bound on its time and on what is
//! kept of its words.

use std::ffi::OsString;
use std::io::{self, PipeReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::model::ActionRun;
use crate::plan::Rights;
use crate::text::clean_lines;
use crate::units::Nanos;
use crate::units::cpulist::CpuList;
use crate::waits::Patience;

use super::Notice;
use super::process::{Process, Watch};

/// What is kept of its output, in bytes.
const KEPT: usize = 2 << 10;
/// What is read of it in a tick at most: who floods it is slowed down by a full
/// pipe.
const READ: usize = 64 << 10;
const TICK: Duration = Duration::from_millis(5);

pub struct Shell {
    program: [OsString; 3],
    timeout: Nanos,
    rights: Rights,
    cpus: CpuList,
    watch: Watch,
}

impl Shell {
    pub(super) fn new(
        command: &str,
        timeout: Nanos,
        rights: Rights,
        cpus: &CpuList,
    ) -> io::Result<Shell> {
        Ok(Shell {
            program: ["/bin/sh", "-c", command].map(OsString::from),
            timeout,
            rights,
            cpus: cpus.clone(),
            watch: Watch::start()?,
        })
    }

    pub(super) fn run(&mut self, notice: &Notice, run: &mut ActionRun) -> Result<(), String> {
        let mut words = Words::default();
        let ended = self.carry_out(notice, &mut words);
        run.output = words.kept();
        let (in_time, ended) = ended.map_err(|error| error.to_string())?;
        run.exit_status = ended.reaped.status.code();
        if !in_time {
            return Err(format!("killed after {}", self.timeout));
        }
        match run.exit_status {
            Some(0) if ended.left_others => Err(String::from(
                "it left processes in the background, which were killed",
            )),
            Some(0) => Ok(()),
            Some(status) => Err(format!("exit status {status}")),
            None => Err(String::from("ended by a signal")),
        }
    }

    fn carry_out(
        &mut self,
        notice: &Notice,
        words: &mut Words,
    ) -> io::Result<(bool, super::process::Ended)> {
        let (mut pipe, end) = io::pipe()?;
        fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
        let mut process = Process::start(
            &self.program,
            &self.cpus,
            self.rights,
            &mut self.watch,
            |command| {
                command
                    .stdin(Stdio::piped())
                    .stdout(end.try_clone()?)
                    .stderr(end);
                command.envs(environment(notice));
                Ok(())
            },
        )?;
        if let Some(mut stdin) = process.child().stdin.take() {
            // Shorter than a pipe's buffer, so that it never waits; a shell that
            // does not read it need not.
            let gap = serde_json::to_vec(&notice.gap).unwrap_or_default();
            let _ = stdin.write_all(&gap);
        }
        let patience = Patience::begin(self.timeout.as_duration());
        let in_time = loop {
            words.take(&mut pipe);
            match process.ends_within(TICK) {
                true => break true,
                false if patience.is_over() => break false,
                false => {}
            }
        };
        let ended = process.end(&mut self.watch);
        words.take(&mut pipe);
        Ok((in_time, ended?))
    }
}

/// The first of what a process has written.
#[derive(Default)]
struct Words(Vec<u8>);

impl Words {
    fn take(&mut self, pipe: &mut PipeReader) {
        let mut buffer = [0; 4096];
        for _ in 0..READ / buffer.len() {
            match pipe.read(&mut buffer) {
                Ok(read @ 1..) => {
                    let room = KEPT.saturating_sub(self.0.len());
                    self.0.extend(&buffer[..read.min(room)]);
                }
                Ok(_) | Err(_) => return,
            }
        }
    }

    fn kept(&self) -> Option<String> {
        let text = clean_lines(String::from_utf8_lossy(&self.0).replace('\t', " ").trim());
        (!text.is_empty()).then_some(text)
    }
}

fn environment(notice: &Notice) -> Vec<(&'static str, String)> {
    let mut all = vec![("HWGAP_GAPS", notice.gaps.to_string())];
    let Some(gap) = &notice.gap else {
        all.push(("HWGAP_EVENT", String::from("end")));
        return all;
    };
    let [start, end] = notice.span;
    all.extend([
        ("HWGAP_EVENT", String::from("gap")),
        ("HWGAP_CPU", gap.cpu.to_string()),
        ("HWGAP_START_UTC", gap.start_utc.clone()),
        ("HWGAP_START_TSC", start.0.to_string()),
        ("HWGAP_END_TSC", end.0.to_string()),
        ("HWGAP_DURATION_NS", gap.duration_ns.0.to_string()),
        ("HWGAP_PLATFORM_NS", gap.platform_ns.0.to_string()),
        ("HWGAP_CAUSE", gap.cause.name().to_owned()),
        ("HWGAP_CONFIDENCE", gap.confidence.name().to_owned()),
    ]);
    all
}
