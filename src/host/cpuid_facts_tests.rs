//! Tests of [`super`].

use super::*;

const FULL: &str = "# made up\n\nvendor = GenuineIntel\nfamily = 6\nmodel = 143\nstepping = 8\n\
    hypervisor = \"KVMKVMKVM\"\ninvariant_tsc = yes\nfred = no\nleaf_15h = 2 168 25000000\n";

fn fault(from: &str, to: &str) -> String {
    assert!(FULL.contains(from), "{from}");
    CpuidFacts::parse(&FULL.replace(from, to))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_full_text_is_read() {
    let crystal = Crystal {
        denominator: 2,
        numerator: 168,
        hz: 25_000_000,
    };
    let facts = CpuidFacts {
        vendor: "GenuineIntel".into(),
        family: 6,
        model: 143,
        stepping: 8,
        hypervisor: Some(*b"KVMKVMKVM\0\0\0"),
        tsc_rate: TscRate::Invariant,
        fred: Fred::Unsupported,
        crystal: Some(crystal),
    };
    assert_eq!(facts.hypervisor(), Some(Hypervisor::Kvm));
    assert_eq!(CpuidFacts::parse(FULL), Ok(facts));
    assert_eq!(crystal.tsc_rate(), Some(Hertz(2.1e9)));
}

#[test]
fn signatures_keep_their_spaces() {
    let text = FULL.replace("\"KVMKVMKVM\"", "\"bhyve bhyve \"");
    assert_eq!(
        CpuidFacts::parse(&text).unwrap().hypervisor(),
        Some(Hypervisor::Bhyve)
    );
}

#[test]
fn no_hypervisor_and_no_leaf_are_none() {
    let text = FULL
        .replace("\"KVMKVMKVM\"", "none")
        .replace("leaf_15h", "#");
    let facts = CpuidFacts::parse(&text).unwrap();
    assert_eq!((facts.hypervisor(), facts.crystal), (None, None));
}

#[test]
fn an_incomplete_leaf_gives_no_rate() {
    for zero in 0..3 {
        let mut values = [2, 168, 25_000_000];
        values[zero] = 0;
        let [denominator, numerator, hz] = values;
        assert_eq!(
            Crystal {
                denominator,
                numerator,
                hz
            }
            .tsc_rate(),
            None
        );
    }
}

#[test]
fn faults_are_named() {
    assert_eq!(
        fault("fred = no", "fred"),
        "line 9: 'fred' is not 'key = value'"
    );
    assert_eq!(
        fault("fred", "fredd"),
        "line 9: key 'fredd' is unknown or stands twice"
    );
    assert_eq!(
        fault("fred", "family"),
        "line 9: key 'family' is unknown or stands twice"
    );
    assert_eq!(fault("fred = no", ""), "there is no line for fred");
    assert_eq!(
        fault("fred = no", "fred = maybe"),
        "fred is 'maybe', not yes or no"
    );
    assert_eq!(
        fault("= 143", "= -1"),
        "model is '-1', not a decimal number"
    );
    assert_eq!(fault(" GenuineIntel", ""), "vendor is '', not a text");
    assert!(fault("2 168 25000000", "2 168").contains("not three decimal numbers"));
    assert!(fault("\"KVMKVMKVM\"", "\"1234567890123\"").starts_with("hypervisor is"));
    assert!(fault("\"KVMKVMKVM\"", "\"").starts_with("hypervisor is"));
}
