//! The result of a self-test for a terminal.

use std::fmt::Write;

use crate::model::selftest::{SelfTest, Standing};

/// The table, at most 80 columns wide.
pub fn render(test: &SelfTest) -> String {
    let mut text = String::new();
    let verdict = match test.standing() {
        Standing::Passed => "PASS: the stalls that were raised were found and rightly classed",
        Standing::NotRaised => "INCONCLUSIVE: no stall could be raised",
        Standing::Undecided => {
            "INCONCLUSIVE: too much else happened on the CPU; run it again when it is quieter"
        }
        Standing::Failed => "FAIL: stalls were not found, or not rightly classed",
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{verdict}\n\nSelf-test on CPU {}, {}, load {}",
        test.cpu,
        test.made_utc,
        test.load.as_deref().unwrap_or("not known")
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
        if check.overlapped > 0 {
            let met = check.overlapped;
            let _ = writeln!(
                text,
                "    {met} met by another event: no trials of the instrument"
            );
        }
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
