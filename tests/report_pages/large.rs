//! Pages of machines with many CPUs.

use super::inert_pages::assert_inert_page;
use super::{WHOLE, page, report_samples, ticket};

#[test]
fn a_page_of_512_cpus_stays_below_a_megabyte() {
    let report = report_samples::two_packages();
    let page = page(&report);
    assert!(page.len() < 1_000_000, "{}", page.len());
    let ticket = ticket(&report, WHOLE);
    let words = "1 held package 1 alone, 4 held other sets of CPUs.";
    assert!(assert_inert_page(&page).contains(words));
    assert!(ticket.contains(words), "{ticket}");
    assert!(ticket.contains("| 1 | 256 | 99.80 % | 20 | 88.0 us | 8.41 us | 3 | 77,9 |"));
}
