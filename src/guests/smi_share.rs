//! SMIs of the host in absences: where the count rose, and what KVM took is far
//! above what it takes of such exits otherwise.

use std::collections::{HashMap, HashSet};

use super::exit_reasons::Reason;
use super::kept::{Gone, Kept};
use super::pieces::Part;
use crate::model::absence::{HostCause, Isa, SmiRise, SmisUnread};
use crate::units::Cycles;

/// Absences after the same exit that make a usual length.
const ENOUGH: usize = 8;
/// An excess is this many times the usual length.
const FACTOR: u64 = 2;

/// A vCPU's absences, and its sums.
pub(super) type Listed<'a> = (Vec<Gone>, &'a mut Kept);

/// Gives the excess of as many absences as SMIs were counted to these.
pub(super) fn blame(vcpus: &mut [Listed<'_>], rises: &[SmiRise], least: Cycles) {
    let usual = usual(vcpus);
    let mut changed = HashSet::new();
    for rise in rises {
        let mut found: Vec<(Cycles, usize, usize, usize)> = Vec::new();
        for (vcpu, (absences, _)) in vcpus.iter().enumerate() {
            let first = absences.partition_point(|gone| gone.end < rise.after_cycles);
            let near = absences[first..].iter().enumerate();
            for (at, gone) in near.take_while(|(_, gone)| gone.start <= rise.by_cycles) {
                if gone.cpu == rise.cpu
                    && let Some((part, excess)) = excess(gone, &usual, least)
                {
                    found.push((excess, vcpu, first + at, part));
                }
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        for (excess, vcpu, absence, part) in found.into_iter().take(rise.count as usize) {
            let (absences, kept) = &mut vcpus[vcpu];
            let parts = &mut absences[absence].parts;
            let was = &mut parts[part];
            was.length = was.length.saturating_sub(excess);
            let key = (was.cause, was.what.clone());
            let at = was.at.saturating_add(was.length);
            parts.insert(
                part + 1,
                Part {
                    at,
                    length: excess,
                    cause: HostCause::HostSmi,
                    what: "".into(),
                    is_rest: false,
                },
            );
            kept.was_smi(&key, excess);
            changed.insert((vcpu, key));
        }
    }
    for (vcpu, key) in changed {
        let (absences, kept) = &mut vcpus[vcpu];
        kept.shorten(&key, absences);
    }
}

/// What KVM takes of an exit in the middle, by its kind.
fn usual(vcpus: &[Listed<'_>]) -> HashMap<(Isa, u32), Cycles> {
    let mut rests: HashMap<(Isa, u32), Vec<Cycles>> = HashMap::new();
    for gone in vcpus.iter().flat_map(|(absences, _)| absences) {
        if let Some(Reason { isa, code, .. }) = gone.reason {
            rests.entry((isa, code)).or_default().push(gone.rest());
        }
    }
    rests.retain(|_, rests| rests.len() >= ENOUGH);
    (rests.into_iter())
        .map(|(kind, mut rests)| {
            let middle = rests.len() / 2;
            (kind, *rests.select_nth_unstable(middle).1)
        })
        .collect()
}

/// The longest stretch of KVM's, and what of it is beyond the usual.
fn excess(
    gone: &Gone,
    usual: &HashMap<(Isa, u32), Cycles>,
    least: Cycles,
) -> Option<(usize, Cycles)> {
    let Reason { isa, code, .. } = gone.reason?;
    let usual = *usual.get(&(isa, code))?;
    let rests = gone.parts.iter().enumerate();
    let (at, longest) = rests
        .filter(|(_, part)| part.is_rest && part.cause != HostCause::VcpuHalted)
        .max_by_key(|(_, part)| part.length)?;
    let excess = longest.length.saturating_sub(usual);
    let above = excess > least && excess.0 > usual.0.saturating_mul(FACTOR);
    above.then_some((at, excess))
}

/// SMIs counted in an absence; `None` where it cannot be told.
pub(super) fn counted(gone: &Gone, rises: &[SmiRise], unread: &[SmisUnread]) -> Option<u32> {
    let is_unread = |one: &SmisUnread| one.cpu == gone.cpu && one.from_cycles < gone.end;
    if gone.cpu != gone.entered_on || unread.iter().any(is_unread) {
        return None;
    }
    let own = rises.iter().filter(|rise| rise.cpu == gone.cpu);
    let mut near = own.filter(|rise| rise.by_cycles > gone.start && rise.after_cycles < gone.end);
    near.try_fold(0_u32, |sum, rise| {
        let inside = gone.start <= rise.after_cycles && rise.by_cycles <= gone.end;
        inside.then(|| sum.saturating_add(rise.count))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::units::CpuId;

    fn gone(start: u64, length: u64) -> Gone {
        Gone {
            start: Cycles(start),
            end: Cycles(start + length),
            cpu: CpuId(1),
            entered_on: CpuId(1),
            reason: Some(Reason {
                isa: Isa::Vmx,
                code: 10,
                info1: 0,
                info2: 0,
            }),
            incomplete: false,
            parts: vec![Part {
                at: Cycles(0),
                length: Cycles(length),
                cause: HostCause::VmExit,
                what: "CPUID".into(),
                is_rest: true,
            }],
        }
    }

    fn rise(after: u64, by: u64) -> SmiRise {
        SmiRise {
            cpu: CpuId(1),
            after_cycles: Cycles(after),
            by_cycles: Cycles(by),
            count: 1,
        }
    }

    #[test]
    fn only_an_excess_where_the_count_rose_is_an_smis() {
        let mut kept = Kept::default();
        let mut absences: Vec<Gone> = (0..20)
            .map(|at| gone(at * 1_000_000, if at % 9 == 5 { 200_000 } else { 7_000 }))
            .collect();
        for gone in &absences {
            kept.take(gone.clone(), 1);
        }
        let mut vcpus = [(std::mem::take(&mut absences), &mut kept)];
        // Two are that long; the count rose about one of them, and where none is.
        blame(
            &mut vcpus,
            &[rise(4_900_000, 5_900_000), rise(8_000_000, 8_500_000)],
            Cycles(5_000),
        );
        let smis: Vec<(u64, u64, u64)> = (vcpus[0].0.iter())
            .flat_map(|gone| gone.parts.iter().map(move |part| (gone, part)))
            .filter(|(_, part)| part.cause == HostCause::HostSmi)
            .map(|(gone, part)| (gone.start.0, part.at.0, part.length.0))
            .collect();
        assert_eq!(smis, [(5_000_000, 7_000, 193_000)]);
        let total = |cause: HostCause, what: &str| {
            let key: (HostCause, Arc<str>) = (cause, what.into());
            kept.totals[&key].sum
        };
        assert_eq!(total(HostCause::HostSmi, ""), Cycles(193_000));
        assert_eq!(
            total(HostCause::VmExit, "CPUID"),
            Cycles(19 * 7_000 + 200_000)
        );
    }

    #[test]
    fn a_count_is_told_only_where_it_is_certain() {
        let of = |rises: &[SmiRise]| counted(&gone(1_000, 500), rises, &[]);
        assert_eq!(of(&[rise(0, 900), rise(1_600, 1_700)]), Some(0));
        assert_eq!(of(&[rise(1_000, 1_500)]), Some(1));
        assert_eq!(of(&[rise(0, 1_200)]), None);
        let unread = |cpu, from| SmisUnread {
            cpu: CpuId(cpu),
            from_cycles: Cycles(from),
            reason: "gone".to_owned(),
        };
        let without = |unread| counted(&gone(1_000, 500), &[], &[unread]);
        assert_eq!(without(unread(1, 1_400)), None);
        assert_eq!(without(unread(1, 1_600)), Some(0));
        assert_eq!(without(unread(2, 0)), Some(0));
    }
}
