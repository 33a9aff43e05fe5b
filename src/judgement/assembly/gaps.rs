//! The gaps of a slice, as a report shows them.

use crate::attribution::{Parts, Telling, Throttling, detail};
use crate::evidence::kernel_trace::Names;
use crate::judgement::Case;
use crate::judgement::assembly::{ReportInput, watched};
use crate::model::{Gap, KernelAccount, Setting, SmiEvidence};
use crate::session::{JudgedGap, PackedGap};
use crate::units::{CpuId, Cycles, Hertz, Nanos, UtcNanos};

/// The gaps of a slice on the CPU with this index.
pub(super) fn gaps_of<'a>(
    case: &'a Case<'a>,
    input: ReportInput<'a>,
    origin: Cycles,
    index: usize,
) -> impl Iterator<Item = Gap> + 'a {
    let collected = case.collected;
    let cpu = collected.setups[index].cpu;
    let engine = (input.engine.takes_turns()).then_some(case.chosen.engine);
    let context = GapContext {
        hz: case.rate.hz,
        origin,
        names: collected.kernel.names.as_ref(),
        setting: input.setting,
        throttling: input.throttling,
    };
    collected.cpus[index].gaps.listed().map(move |gap| {
        let utc = collected.timeline.utc(gap.start());
        let mut row = Gap {
            engine,
            ..context.row(cpu, &gap, utc)
        };
        watched::annotate(case, index, &gap, &mut row);
        row
    })
}

#[derive(Clone, Copy, Debug)]
pub struct GapContext<'a> {
    /// The rate that lengths are converted with.
    pub hz: Hertz,
    /// The TSC value that the report's cycles count from.
    pub origin: Cycles,
    /// The names in accounts; `None` without records of the kernel.
    pub names: Option<&'a Names>,
    pub setting: Setting,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
}

impl GapContext<'_> {
    /// A gap of this CPU that began at `utc`.
    pub fn row(&self, cpu: CpuId, gap: &PackedGap, utc: UtcNanos) -> Gap {
        let JudgedGap {
            raw,
            kernel,
            account,
        } = gap.unpack();
        let duration_ns = self.hz.to_nanos(raw.length());
        let Parts {
            os,
            platform,
            unknown,
        } = account.parts.of_length(duration_ns);
        Gap {
            engine: None,
            cpu,
            start_cycles: raw.start.since(self.origin),
            end_cycles: raw.end.since(self.origin),
            start_utc: utc.rfc3339(),
            duration_ns,
            companions: (raw.companions > 0).then_some(raw.companions),
            cause: account.cause,
            confidence: account.confidence,
            smi_delta: match raw.evidence.smi {
                SmiEvidence::Own { delta } | SmiEvidence::Alone { delta } => Some(delta),
                _ => None,
            },
            kernel_ran: account.kernel_ran,
            os_ns: os,
            platform_ns: platform,
            platform_confidence: account.platform_confidence,
            platform_at_ns: match account.cause.is_mixed() {
                true => gap.platform_at(),
                false => Nanos(0),
            },
            unknown_ns: unknown,
            unknown_reason: account
                .unknown_reason
                .map(|reason| reason.text().to_owned()),
            residual_ns: duration_ns.saturating_sub(os),
            detail: detail(&Telling {
                evidence: &raw.evidence,
                kernel: kernel.as_ref(),
                names: self.names,
                account: &account,
                length: duration_ns,
                setting: self.setting,
                throttling: self.throttling,
            }),
            kernel: (kernel.as_ref())
                .zip(self.names)
                .map(|(kernel, names)| KernelAccount::of(kernel, names)),
            raw: raw.evidence,
        }
    }
}
