//! A line in the kernel's trace, for an ftrace, trace-cmd or perf session that
//! is going on.

use std::fs::{File, OpenOptions};
use std::io::Write;

use crate::host::root::Root;
use crate::host::tracefs::Tracefs;

use super::Notice;

/// An open trace_marker (Documentation/trace/ftrace.rst).
pub struct Marker(File);

impl Marker {
    pub(super) fn open(root: &Root, instance: Option<&str>) -> Result<Marker, String> {
        let tracefs = Tracefs::open(root)?;
        let file = match instance {
            Some(name) => format!("instances/{name}/trace_marker"),
            None => String::from("trace_marker"),
        };
        Marker::at(&tracefs.root().path(&file)).map_err(|error| format!("tracefs {file}: {error}"))
    }

    pub(super) fn at(path: &std::path::Path) -> std::io::Result<Marker> {
        OpenOptions::new().write(true).open(path).map(Marker)
    }

    /// The kernel takes a line by one system call, or refuses it.
    pub(super) fn write(&mut self, notice: &Notice) -> Result<(), String> {
        let written = self.0.write_all(notice.line().as_bytes());
        written.map_err(|error| format!("trace_marker: {error}"))
    }
}
