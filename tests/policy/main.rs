//! Policies: those that are included, what is wrong with others, and what they
//! say of runs.

mod judging;
mod reading;

use hwgap::policy::Policy;
use hwgap::report::brief::{Brief, from_large};
use hwgap::report::model::Outcome;
use jiff::civil::date;
use serde_json::{Value, json};

fn policy(text: &str) -> Policy {
    Policy::parse("p.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> String {
    Policy::parse("p.toml", text).unwrap_err().to_string()
}

/// A report of a synthetic host, changed.
fn run(change: impl FnOnce(&mut Value)) -> Brief<'static> {
    use hwgap::fleet::synthetic::{Recipe, hosts, write};
    let recipe = Recipe {
        hosts: 1,
        seed: 3,
        faults: Vec::new(),
    };
    let mut text = Vec::new();
    write(&hosts(&recipe).next().unwrap(), &mut text).unwrap();
    let mut report: Value = serde_json::from_slice(&text).unwrap();
    report["host"]["hostname"] = json!("node17");
    report["verdict"]["result"] = json!("pass");
    report["verdict"]["platform_max_ns"] = json!(9_000);
    report["verdict"]["platform_stalls"] = json!(0);
    report["stalls"] = json!([]);
    change(&mut report);
    from_large(serde_json::to_vec(&report).unwrap().as_slice()).unwrap()
}

/// The outcome, and the rules that speak against a pass.
fn judged(policy: &Policy, run: &Brief) -> (Outcome, Vec<&'static str>) {
    let judgement = policy.judge(run, date(2026, 11, 21));
    let against = judgement.reasons.iter().filter(|one| one.waived.is_none());
    (
        judgement.outcome,
        against.map(|one| one.rule.name()).collect(),
    )
}
