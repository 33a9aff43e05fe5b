//! The result of a self-test for a terminal.

use std::fmt::Write;

use super::{Check, SelfTest};

/// The table, at most 80 columns wide.
pub fn render(test: &SelfTest) -> String {
    let mut text = String::new();
    let verdict = match (test.passed(), test.checks.iter().all(Check::passed)) {
        (true, _) => "PASS: every stall that was raised was found and rightly classed",
        (false, true) => "INCONCLUSIVE: no stall could be raised",
        (false, false) => "FAIL: not every stall was found and rightly classed",
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{verdict}\n\nSelf-test on CPU {}, {}",
        test.cpu, test.made_utc
    );
    let _ = writeln!(
        text,
        "  {:<22} {:>9} {:>7} {:>7} {:>7}  {:>13}",
        "stall", "length", "raised", "found", "right", "found longer"
    );
    for check in &test.checks {
        let length = check
            .length_ns
            .map_or(String::from("-"), |length| length.to_string());
        let Some(raised) = check.raised else {
            let note = check.note.as_deref().unwrap_or("not raised");
            let _ = writeln!(text, "  {:<22} {length:>9} {:>7}  {note}", check.kind, "-");
            continue;
        };
        let excess = check
            .median_excess_ns
            .map_or(String::from("-"), |excess| excess.to_string());
        let _ = writeln!(
            text,
            "  {:<22} {length:>9} {raised:>7} {:>7} {:>7}  {excess:>13}",
            check.kind, check.found, check.rightly_classed
        );
        if let Some(note) = &check.note {
            let _ = writeln!(text, "    {note}");
        }
    }
    let _ = writeln!(
        text,
        "\nSmallest stall that this host resolves: {}",
        test.resolution_ns
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::TestedHost;
    use crate::units::{CpuId, Nanos};

    fn check(found: u64) -> Check {
        Check {
            kind: String::from("competing task"),
            length_ns: Some(Nanos(100_000)),
            raised: Some(50),
            found,
            rightly_classed: found,
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
        }
    }

    #[test]
    fn a_missed_stall_fails_the_test_and_nothing_raised_passes_nothing() {
        assert!(render(&test(vec![check(50)])).starts_with("PASS"));
        assert!(render(&test(vec![check(50), check(49)])).starts_with("FAIL"));
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
