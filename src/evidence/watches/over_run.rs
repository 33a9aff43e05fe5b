//! What is read of each sampled CPU at the start and the end of a run, and at no
//! time in between.

use crate::host::root::{Known, Root};
use crate::units::CpuId;

/// Reads it, for these CPUs in their order.
type Read<T> = fn(&Root, &[CpuId]) -> Known<Vec<T>>;

/// The two readings.
#[derive(Clone, Debug)]
pub(super) struct OverRun<T> {
    root: Root,
    cpus: Vec<CpuId>,
    read: Read<T>,
    first: Known<Vec<T>>,
    last: Known<Vec<T>>,
}

impl<T: Copy> OverRun<T> {
    pub(super) fn begin(root: &Root, cpus: &[CpuId], read: Read<T>) -> OverRun<T> {
        let first = read(root, cpus);
        OverRun {
            root: root.clone(),
            cpus: cpus.to_vec(),
            read,
            last: first.clone(),
            first,
        }
    }

    pub(super) fn end(&mut self) {
        self.last = (self.read)(&self.root, &self.cpus);
    }

    /// Both readings of the CPU at this place.
    ///
    /// # Errors
    /// Where one of them failed.
    pub(super) fn of(&self, index: usize) -> Known<(T, T)> {
        let first = self.first.as_ref().map_err(Clone::clone)?[index];
        let last = self.last.as_ref().map_err(Clone::clone)?[index];
        Ok((first, last))
    }
}
