//! Work that the memory management does behind a program's back.
//!
//! Source: Documentation/admin-guide/sysctl/vm.rst (stat_interval),
//! mm/transhuge.rst and mm/ksm.rst.

use crate::changes::{Format, Place};

use super::View;
use super::intent::Intent;
use super::step::Step;

const STAT_INTERVAL: &str = "proc/sys/vm/stat_interval";
/// Longer than most runs, in seconds.
const LONG_INTERVAL: u64 = 3_600;
const HUGE_PAGES: &str = "sys/kernel/mm/transparent_hugepage";
const KSM: &str = "sys/kernel/mm/ksm/run";

pub(super) fn statistics(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::VmStat;
    let place = Place::root(STAT_INTERVAL);
    vec![match view.value(&place) {
        Err(reason) => Intent::skip(STEP, place, None, reason),
        Ok(old) => match old.parse::<u64>() {
            Ok(seconds) if seconds >= LONG_INTERVAL => Intent::already(STEP, &place, &old),
            _ => Intent::set(STEP, place, Format::Text, &old, &LONG_INTERVAL.to_string()),
        },
    }]
}

pub(super) fn huge_pages(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::HugePages;
    let folder = Place::root(HUGE_PAGES);
    let enabled = folder.join("enabled");
    let for_all = match view.value(&enabled) {
        Err(reason) => return vec![Intent::skip(STEP, enabled, None, reason)],
        Ok(old) => match Format::Choice.value(&old).as_str() {
            // Who asks for huge pages still gets them.
            "always" => Intent::set(STEP, enabled, Format::Choice, &old, "madvise"),
            other => Intent::already(STEP, &enabled, other),
        },
    };
    let defrag = folder.join("khugepaged/defrag");
    let in_background = match view.value(&defrag) {
        Ok(old) => Intent::set(STEP, defrag, Format::Text, &old, "0"),
        Err(reason) => Intent::skip(STEP, defrag, None, reason),
    };
    vec![for_all, in_background]
}

pub(super) fn same_pages(view: &View<'_>) -> Vec<Intent> {
    const STEP: Step = Step::Ksm;
    let place = Place::root(KSM);
    vec![match view.value(&place) {
        Err(reason) => Intent::skip(STEP, place, None, reason),
        // 2 undoes what was merged, once, and is not running either.
        Ok(old) if old != "1" => Intent::already(STEP, &place, &old),
        Ok(old) => Intent::set(STEP, place, Format::Text, &old, "0"),
    }]
}
