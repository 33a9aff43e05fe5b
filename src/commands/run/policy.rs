//! `hwgap run --policy`: the run's result by a written policy.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::RunArgs;
use crate::commands::Failure;
use crate::files::patient::{Patient, tell};
use crate::model::{Outcome, Report};
use crate::plan::{Outputs, Printed, ProgressPlan, RunPlan};
use crate::policy::Policy;
use crate::render::policy::render;
use crate::render::style::Style;
use crate::text::look::Colours;
use crate::waits;

/// The policy that a run must meet.
pub(super) struct Acceptance(Policy);

impl Acceptance {
    /// Reads the policy before anything is measured, and says what of the run
    /// cannot meet it however the machine behaves.
    pub(super) fn load(args: &RunArgs, plan: &RunPlan) -> Result<Option<Acceptance>, Failure> {
        let Some(path) = &args.policy else {
            return Ok(None);
        };
        let policy = Policy::read(path).map_err(Failure::usage)?;
        let asked = &policy.measurement;
        // In units that the options take.
        let unmet = [
            (asked.duration.filter(|least| plan.duration < *least))
                .map(|least| format!("--duration {}s", least.as_secs_f64())),
            (asked.threshold.filter(|most| plan.threshold > *most))
                .map(|most| format!("--threshold {}us", most.as_secs_f64() * 1e6)),
        ];
        let unmet: Vec<String> = unmet.into_iter().flatten().collect();
        if !unmet.is_empty() && plan.outputs.progress != ProgressPlan::Nothing {
            tell(&format!(
                "hwgap: this run cannot pass: the policy asks for {}\n",
                unmet.join(" and ")
            ));
        }
        Ok(Some(Acceptance(policy)))
    }

    /// Judges the run and prints why. Where standard output is to hold the
    /// report, the judgement goes to standard error.
    pub(super) fn judge<G>(
        &self,
        report: &Report<G>,
        outputs: &Outputs,
    ) -> Result<Outcome, Failure> {
        let brief = report.in_brief().map_err(Failure::usage)?;
        let today = Timestamp::now().to_zoned_datetime(TimeZone::UTC).date();
        let judgement = self.0.judge(&brief, today);
        // A reader who has gone is no fault of the run.
        let _ = match outputs.stdout {
            Printed::Nothing => Ok(()),
            Printed::Text(look) => {
                let text = render(&judgement, &self.0, look.on_stdout());
                Patient::stdout(waits::STDOUT).and_then(|mut out| out.write_all(text.as_bytes()))
            }
            Printed::Json => {
                let style = Style::on(&io::stderr(), Colours::Auto);
                tell(&render(&judgement, &self.0, style));
                Ok(())
            }
        };
        Ok(judgement.outcome)
    }
}
