//! A guest's run explained by its host's: what the host did in each gap of the
//! guest.
//!
//! `line` and `clocks` bring both clocks together and hold them against the data,
//! `recover` finds the offset where nobody tells it, `join` lays absences over
//! gaps (`over` says what they have of one), `beyond` asks for SMIs where none
//! lies, `observed` which part of the run was seen at all. Where the clocks do not
//! fit or nobody observed, nothing is explained.

mod beyond;
mod choose;
mod clocks;
mod findings;
mod fit;
mod guest_side;
mod host_side;
mod input;
mod join;
mod line;
mod observed;
mod over;
mod pictured;
mod recover;
mod smis;
mod told;
mod totals;
mod verdict;

use crate::model::absence::HostReport;
use crate::model::explained::{
    EXPLAIN_SCHEMA, EXPLAIN_SCHEMA_VERSION, ExplainedCpu, ExplainedHost, Explanation,
};
use crate::model::{Report, Tool};
use crate::units::Hertz;

use beyond::Beyond;
use clocks::Clocks;
use guest_side::{Below, GuestSide};
use host_side::{HostSide, unsigned};
use join::Joined;

pub use input::{InputError, guest, host};
pub use pictured::{Band, Kind, Mark, Pair, Pictured};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The guest's name or process; else the one that fits.
    pub guest: Option<String>,
    /// Guest TSC less host TSC at the begin of the guest's run.
    pub offset: Option<u64>,
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The host saw none.
    #[error("the report of {host} holds no guest: hwgap host --guest NAME observes one")]
    NoGuests {
        /// The host.
        host: String,
    },
    /// None of that name.
    #[error("{host} has no guest {wanted:?}; it has {known}")]
    NoSuchGuest {
        /// The host.
        host: String,
        /// What was asked for.
        wanted: String,
        /// Those that it has.
        known: String,
    },
    /// Nothing tells which one is meant.
    #[error(
        "{host} has several guests, and the data do not tell which of them this is: name it by --guest, of two alike by the process ({known})"
    )]
    Unclear {
        /// The host.
        host: String,
        /// Those that it has.
        known: String,
    },
    /// An offset holds for one host.
    #[error("--offset is that of one host; with several it cannot be given")]
    OffsetOfSeveral,
}

/// An explanation, and what a page draws of it.
pub struct Explained {
    /// What programs read.
    pub explanation: Explanation,
    /// Both time lines.
    pub pictured: Pictured,
}

/// A host with the guest's clock on it.
struct Side<'a> {
    host: HostSide<'a>,
    clocks: Clocks,
}

/// Explains a run by the hosts that it ran on.
///
/// # Errors
/// Where nothing tells which guest of a host this is.
pub fn explain(
    report: &Report,
    hosts: &[HostReport],
    question: &Question,
) -> Result<Explained, ExplainError> {
    if hosts.len() > 1 && question.offset.is_some() {
        return Err(ExplainError::OffsetOfSeveral);
    }
    let guest = GuestSide::new(report);
    let sides = hosts
        .iter()
        .map(|host| choose::guest(&guest, host, question));
    let sides: Vec<Side<'_>> = sides.collect::<Result<_, _>>()?;
    let joined: Vec<Vec<Joined>> = (sides.iter())
        .map(|side| join::join(&guest, &side.host, &side.clocks))
        .collect();
    let chosen: Vec<Option<usize>> = (0..guest.gaps.len())
        .map(|at| host_of(&sides, &joined, &guest.gaps[at], at))
        .collect();
    let beyond: Vec<Beyond<'_, '_>> = (sides.iter().enumerate())
        .map(|(index, side)| {
            // One of which nobody knows the host may have been here, too.
            let is_own = |at: &usize| chosen[*at].is_none_or(|host| host == index);
            let own = (0..guest.gaps.len()).filter(is_own);
            let own = own.map(|at| (&guest.gaps[at], &joined[index][at]));
            Beyond::new(&guest, &side.host, &side.clocks, own)
        })
        .collect();
    let gaps: Vec<_> = (guest.gaps.iter().enumerate())
        .map(|(at, gap)| match chosen[at] {
            Some(host) => {
                let joined = &joined[host][at];
                told::gap(gap, Some(host), joined, beyond[host].part(gap, joined))
            }
            None => {
                let why = match sides.len() {
                    0 => "no host observed it",
                    _ => "no host, or several, had this vCPU then",
                };
                let nobody = Joined::not_observed(gap.length, why);
                told::gap(gap, None, &nobody, told::not_observed(&nobody))
            }
        })
        .collect();
    let (gaps, places): (Vec<_>, Vec<_>) = (gaps.into_iter().zip(&guest.gaps))
        .filter(|(one, _)| one.is_worth_telling())
        .unzip();
    let cpus = cpus(&sides, &gaps);
    let told: Vec<_> = gaps.iter().map(|one| &one.gap).cloned().collect();
    let totals = totals::totals(&told, Hertz(report.tsc.hz), report.verdict.coverage);
    let observed = observed::share(&guest, &sides);
    let doubt = observed::doubt(&guest, &sides, observed);
    let verdict = verdict::verdict(report, &gaps, doubt, observed);
    let findings = findings::findings(&guest, &sides, &gaps, &totals, &verdict.worst_parts);
    let pictured = pictured::pictured(&places, &sides, &gaps);
    let explanation = Explanation {
        schema: EXPLAIN_SCHEMA.to_owned(),
        schema_version: EXPLAIN_SCHEMA_VERSION,
        tool: Tool {
            name: "hwgap".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        guest: report.host.clone(),
        hosts: sides.iter().map(|side| side.told(&guest)).collect(),
        cpus,
        totals,
        verdict,
        findings,
        gaps: told,
    };
    Ok(Explained {
        explanation,
        pictured,
    })
}

impl Side<'_> {
    fn told(&self, guest: &GuestSide<'_>) -> ExplainedHost {
        ExplainedHost {
            host: self.host.report.host.clone(),
            guest_name: self.host.guest.name.clone(),
            guest_pid: self.host.guest.pid,
            clocks: self.clocks.join(guest, &self.host),
        }
    }
}

/// The host that is asked about a gap: of several that which had the vCPU then, by
/// its records before and after.
fn host_of(
    sides: &[Side<'_>],
    joined: &[Vec<Joined>],
    gap: &Below<'_>,
    at: usize,
) -> Option<usize> {
    if sides.len() == 1 {
        return Some(0);
    }
    let had_it = |index: &usize| {
        let (side, span) = (&sides[*index], joined[*index][at].span);
        let clock = side.clocks.of(gap.cpu());
        let vcpu = clock.map(|clock| &side.host.vcpus[clock.vcpu]);
        let about = fit::tolerance(side.clocks.error);
        (vcpu.zip(span)).is_some_and(|(vcpu, span)| vcpu.was_seen(span, about))
    };
    let mut having = (0..sides.len()).filter(had_it);
    let first = having.next();
    first.filter(|_| having.next().is_none())
}

fn cpus(sides: &[Side<'_>], gaps: &[told::Told]) -> Vec<ExplainedCpu> {
    let each = sides.iter().enumerate().flat_map(|(index, side)| {
        let host = index as u32;
        side.clocks.cpus.iter().map(move |clock| {
            let vcpu = side.host.vcpus[clock.vcpu].vcpu;
            let own = || {
                let all = gaps.iter().filter(move |one| {
                    one.gap.host == Some(host) && one.gap.below_ns > unsigned(0)
                });
                all.filter(move |one| one.gap.cpu == clock.cpu)
            };
            let left = own().map(|one| one.gap.unexplained_ns);
            ExplainedCpu {
                cpu: clock.cpu,
                host,
                vcpu: vcpu.index,
                tid: vcpu.tid,
                tried: clock.fit.tried,
                fitting: clock.fit.fitting,
                gaps: own().count() as u64,
                explained: own().filter(|one| one.is_explained()).count() as u64,
                unexplained_max_ns: left.max().unwrap_or(unsigned(0)),
            }
        })
    });
    each.collect()
}
