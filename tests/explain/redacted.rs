//! Pairs and explanations without names, for a vendor.

use hwgap::explain::{Question, explain};
use hwgap::model::absence::{HostCause, HostReport, Isa};
use hwgap::model::explained::Explanation;
use hwgap::read::redact;
use hwgap::text::json;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pair::{Pair, part};
use crate::report_pages::content::paths_of_texts;

/// Names that nobody else has.
const NAMES: [&str; 4] = ["ada-host", "grace-guest", "acme-db", "lab.example"];

fn named() -> Pair {
    let mut pair = Pair::new(2);
    pair.usual(30);
    pair.host.host.hostname = Some("ada-host.lab.example".to_owned());
    pair.guest.host.hostname = Some("grace-guest".to_owned());
    pair.host.guests[0].name = "grace-guest".to_owned();
    pair.host.run.command_line = "hwgap host --guest grace-guest -o /home/ada/x".to_owned();
    let task = part(HostCause::HostTask, "acme-db (77, SCHED_FIFO 50)", 500_000);
    pair.stall(1, 5_000_000_000, &[task]);
    let rt = part(HostCause::HostTask, "rt (9)", 200_000);
    let worker = part(HostCause::HostTask, "kworker/1:2 (8)", 40_000);
    pair.stall(1, 6_000_000_000, &[rt, worker]);
    let reason = ("HLT", Isa::Vmx);
    let woken = "hlt, woken by acme-db (78)";
    pair.absence(
        0,
        7_000_000_000,
        reason,
        &[part(HostCause::VcpuHalted, woken, 9_000)],
    );
    pair
}

fn text(document: &impl serde::Serialize) -> String {
    let mut text = Vec::new();
    json::write(document, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn assert_without_names(text: &str) {
    for name in NAMES {
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[test]
fn a_host_has_aliases_in_place_of_names() {
    let mut host = named().host();
    host.findings = vec![hwgap::model::Finding {
        id: "vcpus-preempted".to_owned(),
        severity: hwgap::model::Severity::Warning,
        text: "Of Grace-Guest: acme-db (77, SCHED_FIFO 50) on ada-host; rt (9), others".to_owned(),
        remedy: None,
    }];
    let redacted = redact::host(host);
    let text = text(&redacted);
    assert_without_names(&text);
    assert!(text.contains("\"hlt, woken by task-1 (78)\""), "{text}");
    assert!(text.contains("Of guest-1: task-1 (77, SCHED_FIFO 50) on host-1; task-2 (9), others"));
    assert!(text.contains("kworker/1:2 (8)") && text.contains("CPU 0/KVM"));
    assert!(
        text.contains("hwgap host --guest guest-1 -o (left out)"),
        "{text}"
    );
    hwgap::read::host::parse(text.as_bytes()).unwrap();
}

#[test]
fn a_redacted_pair_is_explained_as_before() {
    let pair = named();
    let verdict = |hosts: &[HostReport]| {
        let told = explain(&pair.settled(), hosts, &Question::default()).unwrap();
        let told = redact::explained(told.explanation).0;
        let lengths = told
            .totals
            .iter()
            .map(|total| (total.cause, total.total_ns));
        (lengths.collect::<Vec<_>>(), told.verdict.text)
    };
    let host = pair.host();
    assert_eq!(verdict(&[redact::host(host.clone())]), verdict(&[host]));
}

#[test]
fn every_form_of_an_explanation_is_without_names() {
    let pair = named();
    for format in [
        "text",
        "json",
        "csv",
        "markdown",
        "html",
        "junit",
        "openmetrics",
    ] {
        let (_, text, errors) =
            super::outputs::ran(&pair, &["--verbose", "--redact", "--format", format]);
        assert_eq!(errors, "");
        assert_without_names(&text);
        assert!(
            text.contains("task-1") || format == "openmetrics",
            "{format}: {text}"
        );
    }
}

/// What of a document keeps a name that each of its texts is given in turn.
fn keeping<T: DeserializeOwned>(whole: &Value, redacted: impl Fn(T) -> String) -> Vec<String> {
    let telling = "on ada-host at 10.1.2.3 with 52:54:00:12:34:56";
    let mut kept = Vec::new();
    for path in paths_of_texts(whole, String::new()) {
        let mut told = whole.clone();
        *told.pointer_mut(&path).unwrap() = telling.into();
        // Words of the program itself cannot be anything else.
        if ["/schema", "/tsc/origin", "/host/hostname"].contains(&path.as_str()) {
            continue;
        }
        let Ok(document) = serde_json::from_value::<T>(told) else {
            continue;
        };
        let text = redacted(document);
        let secrets = ["ada-host", "10.1.2.3", "52:54"];
        if secrets.iter().any(|secret| text.contains(secret)) {
            kept.push(path);
        }
    }
    kept
}

#[test]
fn no_text_keeps_a_name() {
    let mut pair = named();
    pair.vcpu(0).absences.truncate(2);
    pair.vcpu(1).absences.truncate(2);
    pair.guest.gaps.drain(4..58);
    let whole = serde_json::to_value(pair.host()).unwrap();
    let kept = keeping(&whole, |host: HostReport| text(&redact::host(host)));
    assert!(kept.is_empty(), "{kept:#?}");
    let told = super::explained(&pair);
    let mut whole = serde_json::to_value(&told).unwrap();
    whole["hosts"][0]["host"]["hostname"] = "ada-host".into();
    let kept = keeping(&whole, |told: Explanation| text(&redact::explained(told).0));
    let kept: Vec<_> = (kept.iter())
        .filter(|path| *path != "/hosts/0/host/hostname")
        .collect();
    assert!(kept.is_empty(), "{kept:#?}");
}
