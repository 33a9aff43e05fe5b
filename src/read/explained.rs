//! Reads what `hwgap explain --format json` wrote. As reports of runs it may be
//! anyone's.

use crate::files::packing::without_mark;
use crate::model::explained::{EXPLAIN_SCHEMA, Explanation};
use crate::read::saved::{Problem, check_schema, from_json};
use crate::units::Nanos;

/// Reads it from a text.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(text: &[u8]) -> Result<Explanation, Problem> {
    let text = without_mark(text);
    check_schema(text, EXPLAIN_SCHEMA, |found| Problem::OtherSchema { found })?;
    let told: Explanation = from_json(text)?;
    let contradiction = |what: String| Err(Problem::Contradiction(what));
    for (index, gap) in told.gaps.iter().enumerate() {
        let parts = gap.parts.iter().map(|part| part.length_ns);
        let sum = parts.fold(gap.unexplained_ns, Nanos::saturating_add);
        if sum != gap.below_ns {
            return contradiction(format!(
                "the parts of gaps[{index}] do not add up to its below_ns"
            ));
        }
        if gap
            .host
            .is_some_and(|host| host as usize >= told.hosts.len())
        {
            return contradiction(format!("gaps[{index}].host is none of hosts"));
        }
    }
    let (below, gaps) = (told.gaps.iter(), told.cpus.iter());
    let below = below.filter(|gap| gap.below_ns > Nanos(0)).count() as u64;
    let explained = gaps.fold(0, |sum: u64, cpu| sum.saturating_add(cpu.explained));
    match explained > below {
        true => contradiction(format!(
            "cpus[].explained are {explained} of {below} gaps with a part below the kernel"
        )),
        false => Ok(told),
    }
}
