//! What the PMU counts in the run, as entries of the evidence list.

use crate::model::{EvidenceSource, InSmm};
use crate::sampler::CpuSetup;
use crate::session::RingZeroAgreement;

use super::Case;
use super::inventory::{missing, unless, usable};

/// Instructions of ring 0, after a run.
pub(super) fn ring_zero_of_run(case: &Case<'_>) -> EvidenceSource {
    ring_zero(&case.collected.setups, || {
        let mut agreement = RingZeroAgreement::default();
        case.collected
            .cpus
            .iter()
            .for_each(|cpu| agreement.add(&cpu.ring_zero));
        let RingZeroAgreement {
            agreed,
            contradicted,
        } = agreement;
        format!(
            "; they agree with the footprint on {agreed} of {} gaps",
            agreed + contradicted
        )
    })
}

/// The same before one; `quality` follows the sentence on usable counts.
pub(super) fn ring_zero(setups: &[CpuSetup], quality: impl FnOnce() -> String) -> EvidenceSource {
    let source = "ring-zero-instructions";
    let refused = setups.iter().find_map(|setup| {
        let reason = setup.pmu.ring_zero.as_ref().err()?;
        Some(format!("CPU {}: {reason}", setup.cpu))
    });
    if let Some(reason) = refused {
        return missing(
            source,
            reason,
            "where the footprint fails, only the kernel's records tell whether it ran",
            Some("root or CAP_PERFMON, and a PMU: in a guest its hypervisor must offer one"),
        );
    }
    let frozen = setups
        .iter()
        .all(|setup| setup.pmu.ring_zero == Ok(InSmm::Stopped));
    let reach = match frozen {
        true => "they stand still in SMM",
        false => "SMM may add to them, so that they prove no kernel beside an SMI",
    };
    usable(
        source,
        format!(
            "by RDPMC before and after each gap, self-test passed; {reach}{}",
            quality()
        ),
    )
}

/// The time in SMM of single gaps.
pub(super) fn smm_time(setups: &[CpuSetup]) -> EvidenceSource {
    let refused = setups.iter().find_map(|setup| {
        let reason = setup.pmu.smm_time.as_ref().err()?;
        Some(format!("CPU {}: {reason}", setup.cpu))
    });
    unless(
        refused,
        "smm-time-of-gaps",
        "reference cycles, which stand still in SMM, against the TSC",
        "the SMI's share of a gap with kernel work is what the kernel's records leave",
        Some("--freeze-on-smi, as root, on an Intel CPU with a PMU"),
    )
}
