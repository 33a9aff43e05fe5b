//! The gaps of a slice, as a report shows them.

use crate::attribution::{
    Attribution, Setting, SmiEvidence, Telling, Throttling, attribute, detail, shares,
};
use crate::evidence::kernel_trace::{Account, Names, Standing};
use crate::judgement::Case;
use crate::report::model::{Gap, KernelAccount, NamedTime, RecordStanding};
use crate::report::watched;
use crate::session::{JudgedGap, PackedGap};
use crate::units::{CpuId, Cycles, Hertz, Nanos, UtcNanos};

use super::Particulars;

/// The gaps of a slice on the CPU with this index.
pub(super) fn gaps_of<'a>(
    case: &'a Case<'a>,
    particulars: Particulars<'a>,
    origin: Cycles,
    index: usize,
) -> impl Iterator<Item = Gap> + 'a {
    let collected = case.collected;
    let cpu = collected.setups[index].cpu;
    let engine = (particulars.engine.takes_turns()).then_some(case.chosen.engine);
    let lens = Lens {
        hz: case.rate.hz,
        origin,
        names: collected.kernel.names.as_ref(),
        setting: particulars.setting,
        throttling: particulars.throttling,
    };
    collected.cpus[index].gaps.iter().map(move |gap| {
        let utc = collected.timeline.utc(gap.start());
        let mut row = Gap {
            engine,
            ..lens.row(cpu, &gap, utc)
        };
        watched::annotate(case, index, &gap, &mut row);
        row
    })
}

/// What it takes to show a gap.
#[derive(Clone, Copy, Debug)]
pub struct Lens<'a> {
    /// The rate that lengths are converted with.
    pub hz: Hertz,
    /// The TSC value that the report's cycles count from.
    pub origin: Cycles,
    /// The names in accounts; `None` without records of the kernel.
    pub names: Option<&'a Names>,
    /// The circumstances in which the gap was judged.
    pub setting: Setting,
    /// The scheduler's bound on real-time tasks.
    pub throttling: Option<Throttling>,
}

impl Lens<'_> {
    /// A gap of this CPU that began at `utc`.
    pub fn row(&self, cpu: CpuId, gap: &PackedGap, utc: UtcNanos) -> Gap {
        let JudgedGap {
            raw,
            account,
            cause,
            confidence,
        } = gap.unpack();
        let duration_ns = self.hz.to_nanos(raw.length());
        let (account, setting) = (account.as_ref(), self.setting);
        let decided = attribute(&raw.evidence, account, duration_ns, setting);
        let attribution = Attribution {
            cause,
            confidence,
            ..decided
        };
        let (os_ns, residual_ns) = shares(&attribution, &raw.evidence, account, duration_ns);
        Gap {
            engine: None,
            cpu,
            start_cycles: raw.start.since(self.origin),
            end_cycles: raw.end.since(self.origin),
            start_utc: utc.rfc3339(),
            duration_ns,
            companions: (raw.companions > 0).then_some(raw.companions),
            cause,
            confidence,
            smi_delta: match raw.evidence.smi {
                SmiEvidence::Own { delta } | SmiEvidence::Alone { delta } => Some(delta),
                _ => None,
            },
            kernel_ran: attribution.kernel_ran,
            os_ns,
            residual_ns,
            detail: detail(&Telling {
                evidence: &raw.evidence,
                account,
                names: self.names,
                attribution: &attribution,
                length: duration_ns,
                setting,
                throttling: self.throttling,
            }),
            kernel: account
                .zip(self.names)
                .map(|(account, names)| kernel_account(account, names)),
            raw: raw.evidence,
        }
    }
}

fn kernel_account(account: &Account, names: &Names) -> KernelAccount {
    KernelAccount {
        standing: match account.standing {
            Standing::Nothing => RecordStanding::Nothing,
            Standing::Interrupts => RecordStanding::Interrupts,
            Standing::Tasks => RecordStanding::Tasks,
            Standing::Fault => RecordStanding::Fault,
            Standing::Lost => RecordStanding::Lost,
        },
        accounted_ns: account.accounted,
        usual_ns: account.usual,
        by: account
            .shares
            .iter()
            .flatten()
            .map(|share| NamedTime {
                name: names.name(share.id).to_owned(),
                ns: Nanos(u64::from(share.nanos)),
            })
            .collect(),
    }
}
