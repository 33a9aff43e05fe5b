//! The emulator's control socket (QEMU documentation, "QEMU Machine Protocol").

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::machine::Life;

/// A connection that has passed the greeting.
pub struct Qmp {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

/// Connects to one of the emulator's sockets as soon as it is there.
pub fn connect(socket: &Path, life: &Life) -> Result<UnixStream> {
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) => life
                .pause()
                .with_context(|| format!("{}: {error}", socket.display()))?,
        }
    }
}

impl Qmp {
    /// Connects and passes the greeting.
    pub fn connect(socket: &Path, life: &Life) -> Result<Self> {
        let stream = connect(socket, life)?;
        let mut qmp = Self {
            reader: BufReader::new(stream.try_clone()?),
            writer: stream,
        };
        let mut greeting = String::new();
        qmp.reader.read_line(&mut greeting)?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Carries out a command and returns what it returned.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.writer, "{request}")?;
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                bail!("the emulator ended during {command}");
            }
            // Events come in between and have neither of the two.
            let mut answer: Value = serde_json::from_str(&line)?;
            if answer.get("error").is_some() {
                bail!("{command}: {answer}");
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }
}
