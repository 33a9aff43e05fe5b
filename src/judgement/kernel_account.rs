//! The kernel's records of a gap: from what a run holds to what a report says,
//! and back, to be judged again.

use crate::evidence::kernel_trace::{KernelTime, Names, Scope, Standing};
use crate::model::{Compared, KernelAccount, NamedTime, RecordStanding};
use crate::units::Nanos;

impl KernelAccount {
    pub(crate) fn of(time: &KernelTime, names: &Names) -> KernelAccount {
        KernelAccount {
            standing: match time.standing {
                Standing::Nothing => RecordStanding::Nothing,
                Standing::Interrupts => RecordStanding::Interrupts,
                Standing::Tasks => RecordStanding::Tasks,
                Standing::Fault => RecordStanding::Fault,
                Standing::Lost => RecordStanding::Lost,
            },
            accounted_ns: time.accounted,
            compared: Some(Compared {
                interrupts_recorded: time.scope == Scope::Tracepoints,
                beyond_ways_ns: time.beyond_ways,
                ways_beyond: time.ways_beyond,
                only_ways_in: time.only_ways_in,
                beyond_handlers_ns: time.beyond_handlers,
                handlers_beyond: time.handlers_beyond,
                far_beyond: time.far_beyond,
                most_excess_ns: time.most_excess,
                all_excess_ns: time.all_excess,
                excess_at_ns: time.excess_at,
                tasks_ns: time.tasks,
                unlearnt_ns: time.unlearnt,
            }),
            by: time
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

    /// The records as they can be judged; the names are not needed for that.
    /// `None` where the report does not say how they compare.
    pub(crate) fn time(&self) -> Option<KernelTime> {
        let standing = match self.standing {
            RecordStanding::Nothing => Standing::Nothing,
            RecordStanding::Interrupts => Standing::Interrupts,
            RecordStanding::Tasks => Standing::Tasks,
            RecordStanding::Fault => Standing::Fault,
            RecordStanding::Lost => Standing::Lost,
        };
        let compared = self.compared?;
        Some(KernelTime {
            scope: match compared.interrupts_recorded {
                true => Scope::Tracepoints,
                false => Scope::Switches,
            },
            beyond_ways: compared.beyond_ways_ns,
            ways_beyond: compared.ways_beyond,
            only_ways_in: compared.only_ways_in,
            beyond_handlers: compared.beyond_handlers_ns,
            handlers_beyond: compared.handlers_beyond,
            far_beyond: compared.far_beyond,
            most_excess: compared.most_excess_ns,
            all_excess: compared.all_excess_ns,
            excess_at: compared.excess_at_ns,
            tasks: compared.tasks_ns,
            unlearnt: compared.unlearnt_ns,
            ..KernelTime::explained(standing, self.accounted_ns)
        })
    }
}
