//! The result of a self-test for a terminal.

use crate::model::selftest::SelfTest;
use crate::render::document::Document;
use crate::render::document::evidence::{selftest, tested};
use crate::render::style::Style;
use crate::render::terminal::whole;
use crate::text::look::Extent;

/// The answer and the trials, at most 80 columns wide.
pub fn render(test: &SelfTest) -> String {
    let (ink, word, text) = tested(test);
    let document = Document {
        title: String::from("Self-test"),
        ink,
        word,
        headline: text.to_owned(),
        sections: selftest(test).into_iter().collect(),
    };
    whole::render(&document, Style::Plain, Extent::Verbose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::selftest::{Check, TestedHost};
    use crate::units::{CpuId, Nanos};

    fn check(found: u64) -> Check {
        Check {
            kind: String::from("competing task"),
            length_ns: Some(Nanos(100_000)),
            raised: Some(50),
            found,
            rightly_classed: found,
            overlapped: 0,
            median_excess_ns: Some(Nanos(2_100)),
            smi_count: None,
            note: None,
        }
    }

    fn test(checks: Vec<Check>) -> SelfTest {
        SelfTest {
            schema: String::new(),
            schema_version: 1,
            tool_version: String::new(),
            made_utc: String::from("2026-11-20T17:52:48.123456789Z"),
            host: TestedHost {
                hostname: None,
                kernel: None,
                cpu: None,
                microcode: None,
            },
            cpu: CpuId(1),
            resolution_ns: Nanos(60),
            checks,
            load: None,
        }
    }

    #[test]
    fn a_missed_stall_fails_the_test_and_nothing_raised_passes_nothing() {
        assert!(render(&test(vec![check(50)])).starts_with("PASS"));
        assert!(render(&test(vec![check(50), check(40)])).starts_with("FAIL"));
        assert!(render(&test(vec![check(50), check(49)])).starts_with("INCONCLUSIVE: too much"));
        let skipped = Check::skipped("SMI", None, "not asked for (--raise-smi)");
        assert!(render(&test(vec![skipped.clone()])).starts_with("INCONCLUSIVE"));
        assert!(!test(vec![skipped]).passed());
    }

    #[test]
    fn an_smi_that_the_counter_missed_fails_the_test() {
        let counted = |count| Check {
            smi_count: Some(count),
            ..check(50)
        };
        assert!(render(&test(vec![counted(51)])).starts_with("PASS"));
        assert!(render(&test(vec![counted(49)])).starts_with("FAIL"));
    }

    #[test]
    fn lines_fit_a_terminal() {
        let skipped = Check::skipped("SMI by port 0xB2", None, "not asked for (--raise-smi)");
        for line in render(&test(vec![check(50), skipped])).lines() {
            assert!(line.len() <= 80, "{line}");
        }
    }
}
