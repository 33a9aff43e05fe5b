//! Where a sampler's thread runs, and how it is scheduled.

use crate::quiet::CgroupThreadsFile;
use crate::sys::sched;
use crate::units::CpuId;
use crate::units::cpulist::CpuList;

use super::engine::{EngineError, SamplingPlan, Scheduling};

/// Pins the calling thread and puts it on SCHED_FIFO, or says why not.
pub(super) fn pin(cpu: CpuId, plan: &SamplingPlan) -> Result<Scheduling, EngineError> {
    if let Some(CgroupThreadsFile(threads)) = &plan.threads_file {
        // 0 stands for the thread that writes it.
        std::fs::write(threads, "0")
            .map_err(|cause| EngineError::CgroupThreadsFile { cpu, cause })?;
    }
    let priority = plan.priority;
    let only: CpuList = [cpu].into_iter().collect();
    sched::set_affinity(&only).map_err(|cause| EngineError::Pin { cpu, cause })?;
    Ok(match sched::set_fifo(priority) {
        Ok(()) => Scheduling::Fifo(priority),
        Err(error) => Scheduling::Ordinary(error.to_string()),
    })
}
