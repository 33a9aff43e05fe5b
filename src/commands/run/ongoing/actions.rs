//! Actions at gaps and at the end: a thread for each, so that one that takes its
//! time keeps no other from its gap. The collector hands a gap to who is free,
//! and counts who is not.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

use caps::Capability;

use crate::actions::{Notice, Performer};
use crate::changes::SharedChanges;
use crate::host::root::Root;
use crate::judgement::assembly::GapContext;
use crate::model::{ActedOn, ActionReport, ActionWhen, ActionsReport};
use crate::plan::{ActionPlan, Deed, Rights, RunPlan};
use crate::privileges::Keep;
use crate::session::{JudgedNow, Limits};
use crate::sys::clock::monotonic;
use crate::sys::{sched, tsc};
use crate::units::{Cycles, Nanos};

use super::super::super::Failure;
use super::super::no_thread;
use super::helper;

/// Between two beginnings of an action that is no mark.
const BETWEEN: Nanos = Nanos::SECOND;

/// The actions of a run, open and not started.
pub(in super::super) struct Opened(Vec<(ActionWhen, ActionPlan, Performer)>);

/// The collector's end.
pub(in super::super) struct Actions<'scope> {
    limits: Limits,
    is_live: bool,
    origin: Option<Cycles>,
    early: Vec<Notice>,
    gaps: u64,
    workers: Vec<ActionWorker<'scope>>,
}

struct ActionWorker<'scope> {
    when: ActionWhen,
    inbox: SyncSender<Arc<Notice>>,
    between: Nanos,
    /// By CLOCK_MONOTONIC.
    next: Nanos,
    left: u64,
    busy: u64,
    beyond_limit: u64,
    report: Arc<Mutex<ActionReport>>,
    thread: ScopedJoinHandle<'scope, ()>,
}

impl Opened {
    /// Opens what the actions need; `None` where there is none.
    ///
    /// # Errors
    /// Names the action that cannot be carried out.
    pub(in super::super) fn open(
        plan: &RunPlan,
        root: &Root,
        changes: Option<&SharedChanges>,
    ) -> Result<Option<Opened>, Failure> {
        let on_gap = plan
            .actions
            .on_gap
            .iter()
            .map(|action| (ActionWhen::Gap, action));
        let on_end = plan
            .actions
            .on_end
            .iter()
            .map(|action| (ActionWhen::End, action));
        let open = |(when, action): (ActionWhen, &ActionPlan)| {
            let deed = &action.deed;
            let opened = Performer::open(deed, root, changes.cloned(), &plan.housekeeping);
            let opened = opened.map_err(|why| Failure::Usage(format!("action {deed}: {why}")))?;
            Ok::<_, Failure>((when, action.clone(), opened))
        };
        let all: Vec<_> = on_gap.chain(on_end).map(open).collect::<Result<_, _>>()?;
        Ok((!all.is_empty()).then_some(Opened(all)))
    }

    /// Starts their threads.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub(in super::super) fn start<'scope, 'env>(
        self,
        scope: &'scope Scope<'scope, 'env>,
        limits: Limits,
        is_live: bool,
        keep: &Keep,
    ) -> Result<Actions<'scope>, Failure> {
        let worker =
            |(when, plan, performer)| ActionWorker::start(scope, when, plan, performer, keep);
        let workers = self
            .0
            .into_iter()
            .map(worker)
            .collect::<std::io::Result<_>>();
        Ok(Actions {
            limits,
            is_live,
            origin: None,
            early: Vec::new(),
            gaps: 0,
            workers: workers.map_err(no_thread)?,
        })
    }
}

impl<'scope> Actions<'scope> {
    pub(super) fn gap(&mut self, now: &JudgedNow<'_>) {
        self.gaps += 1;
        let (is_live, gaps) = (self.is_live, self.gaps);
        match self.origin {
            Some(origin) => self.dispatch(|| notice(now, origin, is_live, gaps)),
            None if self.early.len() < ActionReport::WAITING => {
                self.early.push(notice(now, Cycles(0), is_live, gaps));
            }
            // Nothing is begun that often.
            None => self.at_gaps().for_each(|one| one.busy += 1),
        }
    }

    /// All samplers have begun, where there is an origin.
    pub(super) fn counts_from(&mut self, origin: Option<Cycles>) {
        let Some(origin) = origin.filter(|_| self.origin.is_none()) else {
            return;
        };
        self.origin = Some(origin);
        self.dispatch_early(origin);
    }

    /// Gaps that came in before it was known what their cycles count from.
    fn dispatch_early(&mut self, origin: Cycles) {
        for mut early in std::mem::take(&mut self.early) {
            if let Some(gap) = &mut early.gap {
                gap.start_cycles = gap.start_cycles.since(origin);
                gap.end_cycles = gap.end_cycles.since(origin);
            }
            self.dispatch(|| early);
        }
    }

    /// Hands a gap to who is free; where nobody is, it is not made.
    fn dispatch(&mut self, make: impl FnOnce() -> Notice) {
        let (mut make, mut made) = (Some(make), None);
        let mut notice = || -> Option<Arc<Notice>> {
            if let Some(make) = make.take() {
                made = Some(Arc::new(make()));
            }
            made.clone()
        };
        self.at_gaps().for_each(|worker| worker.offer(&mut notice));
    }

    fn at_gaps(&mut self) -> impl Iterator<Item = &mut ActionWorker<'scope>> {
        (self.workers.iter_mut()).filter(|one| one.when == ActionWhen::Gap)
    }

    pub(super) fn so_far(&self) -> ActionsReport {
        let reports = self.workers.iter().map(ActionWorker::so_far);
        ActionsReport {
            above_ns: self
                .limits
                .act
                .map(|act| self.limits.hz.to_nanos(act.above)),
            of: self.limits.act.map_or(ActedOn::Platform, |act| act.of),
            gaps: self.gaps,
            actions: reports.collect(),
        }
    }

    /// Waits for what is still at work, then for what is done at the end.
    pub(super) fn end(mut self) -> ActionsReport {
        self.dispatch_early(self.origin.unwrap_or_default());
        let now = Cycles(tsc::read());
        let notice = Arc::new(Notice {
            gap: None,
            span: [now, now],
            hz: self.limits.hz,
            gaps: self.gaps,
            is_live: self.is_live,
        });
        let workers = std::mem::take(&mut self.workers);
        let (on_gap, on_end): (Vec<_>, Vec<_>) =
            (workers.into_iter()).partition(|one| one.when == ActionWhen::Gap);
        let mut report = self.so_far();
        report
            .actions
            .extend(on_gap.into_iter().map(ActionWorker::end));
        for worker in on_end {
            // Its thread waits for nothing else.
            let _ = worker.inbox.send(notice.clone());
            report.actions.push(worker.end());
        }
        report
    }
}

/// What an action is told of a gap.
fn notice(now: &JudgedNow<'_>, origin: Cycles, is_live: bool, gaps: u64) -> Notice {
    let start = now.gap.start();
    let context = GapContext {
        hz: now.limits.hz,
        origin,
        names: now.names,
        setting: now.limits.setting,
        throttling: now.limits.throttling,
    };
    Notice {
        gap: Some(context.row(now.cpu, &now.gap, now.timeline.utc(start))),
        span: [start, start.saturating_add(now.gap.length())],
        hz: now.limits.hz,
        gaps,
        is_live,
    }
}

impl<'scope> ActionWorker<'scope> {
    fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        when: ActionWhen,
        plan: ActionPlan,
        performer: Performer,
        keep: &Keep,
    ) -> std::io::Result<ActionWorker<'scope>> {
        let report = Arc::new(Mutex::new(ActionReport {
            action: plan.deed.to_string(),
            when,
            done: 0,
            failed: 0,
            busy: 0,
            beyond_limit: 0,
            latency_max_ns: None,
            latency_mean_ns: None,
            runs: Vec::new(),
        }));
        let (room, between) = match plan.deed {
            Deed::Mark(_) => (ActionReport::WAITING, Nanos(0)),
            _ => (0, BETWEEN),
        };
        let (inbox, outbox) = sync_channel(room);
        let (keep, noted) = (keep.and(rights(&plan.deed)), report.clone());
        let thread = helper(scope, "action", keep, move || {
            serve(&outbox, performer, &noted)
        })?;
        Ok(ActionWorker {
            when,
            inbox,
            between,
            next: Nanos(0),
            left: plan.most,
            busy: 0,
            beyond_limit: 0,
            report,
            thread,
        })
    }

    fn offer(&mut self, notice: &mut impl FnMut() -> Option<Arc<Notice>>) {
        if self.left == 0 {
            self.beyond_limit += 1;
            return;
        }
        let now = monotonic();
        let is_taken =
            now >= self.next && notice().is_some_and(|notice| self.inbox.try_send(notice).is_ok());
        if !is_taken {
            self.busy += 1;
            return;
        }
        self.left -= 1;
        self.next = now.saturating_add(self.between);
    }

    fn so_far(&self) -> ActionReport {
        account(&self.report, self.busy, self.beyond_limit)
    }

    fn end(self) -> ActionReport {
        let ActionWorker {
            inbox,
            busy,
            beyond_limit,
            report,
            thread,
            ..
        } = self;
        drop(inbox);
        // One that panicked has told so, and its account stands.
        let _ = thread.join();
        account(&report, busy, beyond_limit)
    }
}

fn account(noted: &Mutex<ActionReport>, busy: u64, beyond_limit: u64) -> ActionReport {
    let noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    ActionReport {
        busy,
        beyond_limit,
        ..noted.clone()
    }
}

/// What a deed takes beyond the rights of the run.
fn rights(deed: &Deed) -> &'static [Capability] {
    match deed {
        // Those of other users.
        Deed::Signal { .. } => &[Capability::CAP_KILL],
        // To become whoever called sudo, and to end what he has become.
        Deed::Shell {
            rights: Rights::Dropped,
            ..
        } => &[
            Capability::CAP_SETUID,
            Capability::CAP_SETGID,
            Capability::CAP_KILL,
        ],
        Deed::Shell { .. } | Deed::Mark(_) | Deed::Trace(_) => &[],
    }
}

fn serve(inbox: &Receiver<Arc<Notice>>, mut performer: Performer, report: &Mutex<ActionReport>) {
    // It is waited for, so that it goes before what can wait.
    let _ = sched::set_ordinary();
    let mut sum = 0u128;
    while let Ok(notice) = inbox.recv() {
        let run = performer.perform(&notice);
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        match run.error {
            None => report.done += 1,
            Some(_) => report.failed += 1,
        }
        if let Some(latency) = run.latency_ns {
            sum += u128::from(latency.0);
            let mean = sum / u128::from(report.done + report.failed);
            report.latency_mean_ns = Some(Nanos(mean as u64));
            report.latency_max_ns = report.latency_max_ns.max(Some(latency));
        }
        if report.runs.len() < ActionReport::TOLD {
            report.runs.push(run);
        }
    }
}
