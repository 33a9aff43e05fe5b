//! The page by which user space reads a perf counter without a system call:
//! `struct perf_event_mmap_page` of include/uapi/linux/perf_event.h, and the
//! reading that its comments prescribe.

use std::mem::offset_of;
use std::sync::atomic::{
    AtomicI64, AtomicU16, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed},
    fence,
};

use perf_event_open_sys::bindings::perf_event_mmap_page;

/// `cap_user_rdpmc`: the third of the capability bits.
const USER_RDPMC: u64 = 1 << 2;
/// The kernel holds the page for some instructions at a time. Each change of a
/// context makes one more attempt; a page that never settles is broken.
const ATTEMPTS: u32 = 1_000;

/// The fields of the page that a reading needs. The kernel changes them at any
/// moment, hence atomics.
#[derive(Debug, Default)]
#[repr(C)]
pub struct CounterPage {
    version: AtomicU32,
    compat_version: AtomicU32,
    lock: AtomicU32,
    index: AtomicU32,
    offset: AtomicI64,
    time_enabled: AtomicU64,
    time_running: AtomicU64,
    capabilities: AtomicU64,
    pmc_width: AtomicU16,
}

const _: () = {
    assert!(offset_of!(CounterPage, lock) == offset_of!(perf_event_mmap_page, lock));
    assert!(offset_of!(CounterPage, index) == offset_of!(perf_event_mmap_page, index));
    assert!(offset_of!(CounterPage, offset) == offset_of!(perf_event_mmap_page, offset));
    assert!(
        offset_of!(CounterPage, capabilities) == offset_of!(perf_event_mmap_page, __bindgen_anon_1)
    );
    assert!(offset_of!(CounterPage, pmc_width) == offset_of!(perf_event_mmap_page, pmc_width));
    assert!(size_of::<CounterPage>() <= size_of::<perf_event_mmap_page>());
};

/// Why a counter cannot be read from user space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageDefect {
    /// The kernel does not let user space execute RDPMC.
    #[error("the kernel forbids RDPMC in user space (the PMU's rdpmc file in /sys holds 0)")]
    Forbidden,
    /// The event has no counter of the PMU just now.
    #[error("the event has no counter of its own in the PMU: others hold them")]
    NotCounting,
    /// The page says something that no kernel says.
    #[error("the counter's page is not of the expected form")]
    Malformed,
}

impl CounterPage {
    /// The count, by `rdpmc`, which reads the hardware counter of that index
    /// on the CPU under the calling thread.
    ///
    /// # Errors
    /// Where there is nothing to read. `rdpmc` is called only where the page
    /// allows it.
    #[inline]
    pub fn count(&self, mut rdpmc: impl FnMut(u32) -> u64) -> Result<u64, PageDefect> {
        for _ in 0..ATTEMPTS {
            let lock = self.lock.load(Acquire);
            let index = self.index.load(Relaxed);
            let offset = self.offset.load(Relaxed);
            let width = u32::from(self.pmc_width.load(Relaxed));
            let allowed = self.capabilities.load(Relaxed) & USER_RDPMC != 0;
            let counter = match index.checked_sub(1) {
                Some(counter) if allowed && (1..=64).contains(&width) => {
                    Ok(sign_extended(rdpmc(counter), width))
                }
                _ if !allowed => Err(PageDefect::Forbidden),
                None => Err(PageDefect::NotCounting),
                Some(_) => Err(PageDefect::Malformed),
            };
            // The loads above must not move below the second look at the lock.
            fence(Acquire);
            // Unchanged, and even where it was not being written to: the kernel
            // adds one before it writes and one after.
            if self.lock.load(Relaxed) == lock && lock.is_multiple_of(2) {
                return counter.map(|counter| offset.wrapping_add(counter).cast_unsigned());
            }
        }
        Err(PageDefect::Malformed)
    }
}

/// Hardware counters have fewer than 64 bits, and the kernel starts them at
/// negative values.
fn sign_extended(value: u64, width: u32) -> i64 {
    let unused = 64 - width;
    (value << unused).cast_signed() >> unused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(index: u32, offset: i64, width: u16) -> CounterPage {
        CounterPage {
            lock: AtomicU32::new(8),
            index: AtomicU32::new(index),
            offset: AtomicI64::new(offset),
            capabilities: AtomicU64::new(USER_RDPMC),
            pmc_width: AtomicU16::new(width),
            ..CounterPage::default()
        }
    }

    fn no_rdpmc(_: u32) -> u64 {
        panic!("RDPMC where the page does not allow it")
    }

    #[test]
    fn the_count_is_the_offset_and_the_hardware_counter() {
        let count = page(3, 1_000, 48).count(|counter| {
            assert_eq!(counter, 2);
            234
        });
        assert_eq!(count, Ok(1_234));
        // Fixed counters have bit 30 in their number (Intel SDM, RDPMC).
        let fixed = 1 << 30;
        let count = page(fixed + 1, 0, 48).count(|counter| u64::from(counter == fixed));
        assert_eq!(count, Ok(1));
    }

    #[test]
    fn a_counter_that_was_started_below_zero_counts_on_through_it() {
        // The kernel starts at -2^47 and takes as much off the offset.
        let start = 1u64 << 47;
        let page = page(1, i64::try_from(start).unwrap(), 48);
        assert_eq!(page.count(|_| start), Ok(0));
        assert_eq!(page.count(|_| start + 7), Ok(7));
        assert_eq!(page.count(|_| (1 << 48) - 1), Ok(start - 1));
        assert_eq!(page.count(|_| 5), Ok(start + 5));
    }

    #[test]
    fn bits_above_the_width_are_not_part_of_the_count() {
        assert_eq!(page(1, 0, 40).count(|_| 0xff << 40 | 9), Ok(9));
        assert_eq!(page(1, 10, 64).count(|_| u64::MAX), Ok(9));
    }

    #[test]
    fn a_page_that_changes_meanwhile_is_read_again() {
        let page = page(1, 100, 48);
        let mut calls = 0;
        let count = page.count(|_| {
            calls += 1;
            if calls == 1 {
                // The kernel moved the event and brought the offset up to date.
                page.lock.store(10, Relaxed);
                page.offset.store(500, Relaxed);
            }
            1
        });
        assert_eq!((count, calls), (Ok(501), 2));
    }

    #[test]
    fn a_page_that_is_being_written_is_waited_for_and_not_for_ever() {
        let page = page(1, 0, 48);
        page.lock.store(9, Relaxed);
        assert_eq!(page.count(|_| 0), Err(PageDefect::Malformed));
        let mut calls = 0;
        let count = page.count(|_| {
            calls += 1;
            if calls == 3 {
                page.lock.store(10, Relaxed);
            }
            4
        });
        assert_eq!((count, calls), (Ok(4), 4));
    }

    #[test]
    fn without_leave_nothing_is_executed() {
        let forbidden = page(1, 0, 48);
        forbidden.capabilities.store(!USER_RDPMC, Relaxed);
        assert_eq!(forbidden.count(no_rdpmc), Err(PageDefect::Forbidden));
        assert_eq!(page(0, 7, 48).count(no_rdpmc), Err(PageDefect::NotCounting));
        for width in [0, 65, u16::MAX] {
            assert_eq!(
                page(1, 0, width).count(no_rdpmc),
                Err(PageDefect::Malformed)
            );
        }
    }
}
