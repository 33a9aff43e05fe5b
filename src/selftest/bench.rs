//! One CPU on which stalls are raised, and what the sampler made of them.

use std::sync::{Arc, Mutex};

use crate::evidence::MachineFacts;
use crate::evidence::watches::RegisterSources;
use crate::files::patient::tell;
use crate::host::Host;
use crate::host::fadt::SmiCommand;
use crate::host::root::Root;
use crate::judgement::circumstances::{setting, throttling};
use crate::model::selftest::Check;
use crate::model::{KeepGaps, Platform};
use crate::privileges::Keep;
use crate::sampler::{
    Exercise, ExerciseKind, MachineKind, RaisedSpan, Readings, SamplingPlan, UserEngine, Window,
};
use crate::selftest::{CompetingTask, Expected, Found, SignalStorm, judge};
use crate::session::{
    Budget, ClockWatch, Collected, Collector, Limits, Pace, PackedGap, Timeline, Unobserved,
};
use crate::sys::signals::RunSignals;
use crate::units::cpulist::CpuList;
use crate::units::{CpuId, Cycles, Hertz, Nanos};

/// Priority of the sampler; competing tasks have one more.
const PRIORITY: u8 = 49;
/// Page faults take about a microsecond.
const FAULT_THRESHOLD: Nanos = Nanos(400);
/// All other stalls take at least 20 us.
const THRESHOLD: Nanos = Nanos(5_000);
const FAULT_COUNT: usize = 200;
/// What a fault is made to wait, each other time.
const LATE: Nanos = Nanos(30_000);
const SMI_COUNT: usize = 10;
/// Two clocks of one CPU are read a few instructions apart.
const SLACK: Nanos = Nanos(500);

/// One CPU on which stalls are raised.
pub(crate) struct Bench<'a> {
    pub(crate) root: &'a Root,
    pub(crate) host: &'a Host,
    pub(crate) machine: &'a MachineFacts,
    pub(crate) signals: &'a RunSignals,
    pub(crate) cpu: CpuId,
    pub(crate) hz: Hertz,
}

impl Bench<'_> {
    pub(crate) fn page_faults(&self) -> Result<Check, String> {
        let (collected, spans) = self.sample(
            ExerciseKind::PageFault,
            FAULT_COUNT,
            20_000,
            FAULT_THRESHOLD,
            400,
        )?;
        let found = self.judge(&collected, &spans, Expected::Kernel, FAULT_THRESHOLD);
        Ok(check("page fault", None, found))
    }

    /// A stall and an entry of the kernel in one gap: the parts must be told
    /// apart.
    pub(crate) fn late_page_faults(&self) -> Result<Check, String> {
        let stall = self.hz.to_cycles(LATE);
        let (collected, spans) = self.sample(
            ExerciseKind::LateFault { stall },
            FAULT_COUNT,
            20_000,
            THRESHOLD,
            400,
        )?;
        let found = self.judge(&collected, &spans, Expected::Beside(LATE), THRESHOLD);
        Ok(check("stall and page fault", Some(LATE), found))
    }

    pub(crate) fn competing_task(&self, length: Nanos) -> Result<Check, String> {
        self.compete("competing task", length)
    }

    /// The signals' own interrupts fall into the task's time and beside it.
    pub(crate) fn task_in_a_storm(&self, length: Nanos) -> Result<Check, String> {
        let storm = SignalStorm::start(self.cpu).map_err(|error| error.to_string())?;
        let check = self.compete("task in a signal storm", length);
        let sent = storm.finish();
        check.map(|check| Check {
            note: check.note.or(Some(format!("{sent} signals sent"))),
            ..check
        })
    }

    fn compete(&self, kind: &str, length: Nanos) -> Result<Check, String> {
        let task = CompetingTask::start(self.cpu, PRIORITY + 1, self.hz.to_cycles(length))
            .map_err(|error| error.to_string())?;
        let (collected, _) = self.sample(ExerciseKind::Nothing, 0, 1, THRESHOLD, 700)?;
        let spans = match task.finish() {
            Ok(spans) => spans,
            Err(reason) => return Ok(Check::skipped(kind, Some(length), reason)),
        };
        let within: Vec<RaisedSpan> = spans
            .into_iter()
            .filter(|span| {
                let totals = &collected.totals[0];
                span.start > totals.first && span.end < totals.last
            })
            .collect();
        if within.is_empty() {
            let reason = "the task never had the CPU while it was sampled";
            return Ok(Check::skipped(kind, Some(length), reason));
        }
        let found = self.judge(&collected, &within, Expected::Kernel, THRESHOLD);
        Ok(check(kind, Some(length), found))
    }

    /// Blocked signals reach no sampler. What shows must be the kernel's, by
    /// the word of an independent indicator: its own records.
    pub(crate) fn signal_storm(&self) -> Result<Check, String> {
        let kind = "signal storm";
        let storm = SignalStorm::start(self.cpu).map_err(|error| error.to_string())?;
        let (collected, _) = self.sample(ExerciseKind::Nothing, 0, 1, THRESHOLD, 400)?;
        let sent = storm.finish();
        if collected.kernel.names.is_none() {
            let reason = format!("{sent} signals sent; needs the kernel's records to judge");
            return Ok(Check::skipped(kind, None, reason));
        }
        let agreement = collected.cpus[0].agreement;
        let recorded = agreement.both + agreement.records_only;
        Ok(Check {
            kind: kind.to_owned(),
            length_ns: None,
            raised: Some(recorded),
            found: recorded,
            rightly_classed: agreement.both,
            overlapped: 0,
            median_excess_ns: None,
            smi_count: None,
            note: Some(format!(
                "{sent} signals sent; {recorded} gaps in which the kernel recorded activity"
            )),
        })
    }

    pub(crate) fn smis(&self) -> Result<Check, String> {
        let kind = "SMI by the command port";
        if self.machine.platform() == Platform::Guest {
            return Ok(Check::skipped(
                kind,
                None,
                "a guest cannot raise the machine's SMIs",
            ));
        }
        let command = match SmiCommand::read(self.root) {
            Ok(command) => command,
            Err(error) => return Ok(Check::skipped(kind, None, error.to_string())),
        };
        let (Ok(port @ 1..), Some(value)) = (u16::try_from(command.port), command.idle_value())
        else {
            return Ok(Check::skipped(
                kind,
                None,
                "this machine has no SMI command port",
            ));
        };
        tell(&format!(
            "hwgap: raising {SMI_COUNT} SMIs by writing {value:#04x} to port {port:#x}, as asked\n"
        ));
        let exercise = ExerciseKind::Smi { port, value };
        let (collected, spans) =
            match self.sample(exercise, SMI_COUNT, 1_000_000, FAULT_THRESHOLD, 600) {
                Ok(sampled) => sampled,
                Err(reason) => return Ok(Check::skipped(kind, None, reason)),
            };
        let counted = collected.totals[0].smi.map(|smi| smi.count.delta);
        let expected = match counted {
            Some(_) => Expected::Smi,
            None => Expected::FirmwareOrCpu,
        };
        let found = self.judge(&collected, &spans, expected, FAULT_THRESHOLD);
        if found.raised == 0 && counted.is_none_or(|count| count == 0) {
            let reason = format!("{} writes raised none: firmware has it off", spans.len());
            return Ok(Check::skipped(kind, None, reason));
        }
        let note = match counted {
            Some(delta) => format!("the SMI counter rose by {delta}"),
            None => String::from("SMIs cannot be counted here: seen as firmware-or-cpu"),
        };
        Ok(Check {
            smi_count: counted,
            note: Some(note),
            ..check(kind, None, found)
        })
    }

    /// The trip level of the loop here.
    pub(crate) fn resolution(&self) -> Result<Nanos, String> {
        let (collected, _) = self.sample(ExerciseKind::Nothing, 0, 1, THRESHOLD, 20)?;
        Ok(self.hz.to_nanos(collected.setups[0].calibration.trip))
    }

    fn judge(
        &self,
        collected: &Collected,
        spans: &[RaisedSpan],
        expected: Expected,
        threshold: Nanos,
    ) -> Found {
        let cycles = |length| self.hz.to_cycles(length);
        let gaps: Vec<PackedGap> = collected.cpus[0].gaps.iter().collect();
        let found = judge(
            spans,
            &gaps,
            expected,
            cycles(threshold),
            cycles(SLACK),
            self.hz,
        );
        // Of a gap whose record was lost nobody can say what stall it was.
        let missed = (found.raised)
            .saturating_sub(found.found.max(found.rightly_classed) + found.overlapped);
        let lost = collected.totals[0].gaps_dropped.min(missed);
        Found {
            overlapped: found.overlapped + lost,
            ..found
        }
    }

    /// Samples the CPU for some milliseconds, with stalls of its own.
    fn sample(
        &self,
        kind: ExerciseKind,
        count: usize,
        every: u32,
        threshold: Nanos,
        milliseconds: u64,
    ) -> Result<(Collected, Vec<RaisedSpan>), String> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let only: CpuList = [self.cpu].into_iter().collect();
        let plan = SamplingPlan {
            cpus: vec![self.cpu],
            threshold: self.hz.to_cycles(threshold),
            limit: self.hz.to_cycles(threshold),
            warm_up: Cycles(0),
            duration: Cycles((self.hz.0 / 1e3) as u64 * milliseconds),
            window: Window::Continuous,
            priority: PRIORITY,
            threads_file: None,
            hz: self.hz,
            smi_readings: match self.machine.platform() {
                Platform::BareMetal => Readings::AfterGaps,
                Platform::Guest => Readings::StartAndEnd,
            },
            registers: RegisterSources::none("a self-test reads none"),
            keep: Keep::All("it is over soon"),
        };
        let machine = MachineKind::Exercised {
            smi_sources: self.machine.smi_sources(self.root, self.host, self.cpu),
            kernel_return: self.machine.kernel_return,
            exercise: Exercise {
                kind,
                count,
                every,
                log: Arc::clone(&log),
            },
        };
        let limits = Limits {
            hardlimit: plan.threshold,
            threshold: plan.threshold,
            hz: self.hz,
            stop: None,
            act: None,
            throttling: throttling(self.host, &only, self.root),
            setting: setting(self.machine, self.host),
            pace: Pace::OwnCpu,
            keep: Budget::of(KeepGaps::All, 1, Nanos(0)),
        };
        let clock = ClockWatch::begin(self.root.clone(), None);
        let mut engine = UserEngine::new(plan, machine);
        let mut timeline = Timeline::live();
        timeline.mark();
        let collected = Collector::new(
            limits,
            &[self.cpu],
            timeline,
            clock,
            self.signals,
            &mut Unobserved,
        )
        .run(&mut engine, self.root)
        .map_err(|error| error.to_string())?;
        let spans = log
            .lock()
            .map(|mut log| std::mem::take(&mut *log))
            .unwrap_or_default();
        Ok((collected, spans))
    }
}

fn check(kind: &str, length: Option<Nanos>, found: Found) -> Check {
    Check {
        kind: kind.to_owned(),
        length_ns: length,
        raised: Some(found.raised),
        found: found.found,
        rightly_classed: found.rightly_classed,
        overlapped: found.overlapped,
        median_excess_ns: found.median_excess,
        smi_count: None,
        note: None,
    }
}
