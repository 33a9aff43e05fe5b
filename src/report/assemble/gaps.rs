//! The gaps of a slice, as a report shows them.

use crate::attribution::{Attribution, SmiEvidence, Telling, attribute, detail, shares};
use crate::evidence::kernel_trace::{Account, Names, Standing};
use crate::judgement::Case;
use crate::report::model::{Gap, KernelAccount, NamedTime, RecordStanding};
use crate::report::watched;
use crate::session::{JudgedGap, PackedGap};
use crate::units::{CpuId, Cycles, Nanos};

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
    collected.cpus[index].gaps.iter().map(move |gap| {
        let mut row = Gap {
            engine,
            ..view(case, &particulars, origin, cpu, gap)
        };
        watched::annotate(case, index, gap, &mut row);
        row
    })
}

fn view(
    case: &Case<'_>,
    particulars: &Particulars<'_>,
    origin: Cycles,
    cpu: CpuId,
    gap: &PackedGap,
) -> Gap {
    let JudgedGap {
        raw,
        account,
        cause,
        confidence,
    } = gap.unpack();
    let duration_ns = case.rate.hz.to_nanos(raw.length());
    let setting = particulars.setting;
    let decided = attribute(&raw.evidence, account.as_ref(), duration_ns, setting);
    let attribution = Attribution {
        cause,
        confidence,
        ..decided
    };
    let (os_ns, residual_ns) = shares(&attribution, &raw.evidence, account.as_ref(), duration_ns);
    let names = case.collected.kernel.names.as_ref();
    Gap {
        engine: None,
        cpu,
        start_cycles: raw.start.since(origin),
        end_cycles: raw.end.since(origin),
        start_utc: case.collected.timeline.utc(raw.start).rfc3339(),
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
            account: account.as_ref(),
            names,
            attribution: &attribution,
            length: duration_ns,
            setting,
            throttling: particulars.throttling,
        }),
        kernel: account
            .zip(names)
            .map(|(account, names)| kernel_account(&account, names)),
        raw: raw.evidence,
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
