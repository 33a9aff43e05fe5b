//! Work that the memory management does behind a program's back.
//!
//! Source: Documentation/admin-guide/sysctl/kernel.rst (numa_balancing),
//! sysctl/vm.rst (stat_interval), mm/transhuge.rst and mm/ksm.rst.

use crate::preflight::model::Effect;

use super::View;
use super::found::Found;
use super::look::{Switch, switch};

const NUMA: &str = "proc/sys/kernel/numa_balancing";
const STAT_INTERVAL: &str = "proc/sys/vm/stat_interval";
const HUGE_PAGES: &str = "sys/kernel/mm/transparent_hugepage/enabled";
const KHUGEPAGED: &str = "sys/kernel/mm/transparent_hugepage/khugepaged/defrag";
const KSM: &str = "sys/kernel/mm/ksm/run";
/// A longer interval than any run of note, in seconds.
const LONG_INTERVAL: u64 = 3_600;

pub(super) fn conditions(view: &View<'_>) -> Vec<Found> {
    vec![
        numa_balancing(view),
        huge_pages(view),
        same_pages(view),
        statistics(view),
    ]
}

fn numa_balancing(view: &View<'_>) -> Found {
    let id = "numa-balancing";
    let condition = |effect, text: &str| view.by(id, NUMA, effect, text);
    match switch(view.root, NUMA) {
        Ok(Switch::Off) => condition(Effect::None, "The kernel moves no pages between nodes."),
        Ok(Switch::On) => condition(
            Effect::Disturbs,
            "The kernel unmaps pages now and then to see which node uses them.",
        )
        .costs("Samplers may take page faults for it.")
        .remedy(format!("write 0 to /{NUMA}")),
        Err(error) => view.unread(
            id,
            NUMA,
            &error,
            "This kernel does not balance memory between nodes.",
        ),
    }
}

fn huge_pages(view: &View<'_>) -> Found {
    let id = "huge-pages";
    let text = match view.root.read_text(HUGE_PAGES) {
        Ok(text) => text,
        Err(error) => {
            let absent = "This kernel makes no huge pages by itself.";
            return view.unread(id, HUGE_PAGES, &error, absent);
        }
    };
    let seen = [view.look(HUGE_PAGES), view.look(KHUGEPAGED)];
    let condition = |effect, text: &str| Found::new(id, effect, text).seen(seen);
    match text.split_whitespace().find(|word| word.starts_with('[')) {
        // hwgap asks for none by madvise(2).
        Some("[never]" | "[madvise]") => condition(
            Effect::None,
            "Transparent huge pages are off, or on request only (madvise).",
        ),
        Some("[always]") => condition(
            Effect::Slight,
            "khugepaged may collapse the sampler's pages into huge ones.",
        )
        .costs("That stops it for a moment, and flushes its TLB by an interrupt.")
        .remedy(format!("write madvise to /{HUGE_PAGES}")),
        _ => condition(Effect::Unknown, "When huge pages are made cannot be read."),
    }
}

fn same_pages(view: &View<'_>) -> Found {
    let id = "ksm";
    let condition = |effect, text: &str| view.by(id, KSM, effect, text);
    match view.root.read_number::<u32>(KSM) {
        Ok(1) => condition(
            Effect::Slight,
            "A kernel thread merges equal pages, and scans memory for them.",
        )
        .remedy(format!("write 0 to /{KSM}")),
        Ok(_) => condition(Effect::None, "The kernel merges no equal pages."),
        Err(error) => view.unread(id, KSM, &error, "This kernel merges no equal pages."),
    }
}

fn statistics(view: &View<'_>) -> Found {
    let id = "vm-statistics";
    let condition = |effect, text: &str| view.by(id, STAT_INTERVAL, effect, text);
    match view.root.read_number::<u64>(STAT_INTERVAL) {
        Ok(seconds) if seconds >= LONG_INTERVAL => condition(
            Effect::None,
            &format!("Each CPU gathers its memory statistics every {seconds} s."),
        ),
        Ok(seconds) => condition(
            Effect::Slight,
            &format!(
                "A CPU with new memory statistics gathers them every {seconds} s, in a thread."
            ),
        )
        .remedy(format!(
            "write {LONG_INTERVAL} to /{STAT_INTERVAL} for the time of the run"
        )),
        Err(error) => view.unread(
            id,
            STAT_INTERVAL,
            &error,
            "This kernel gathers no such statistics.",
        ),
    }
}
