//! Policies: those that are included, what is wrong with others, and what they
//! say of runs.

mod judging;
mod reading;

use hwgap::model::Outcome;
use hwgap::policy::Policy;
use hwgap::read::brief::{Brief, from_large};
use jiff::civil::date;
use serde_json::{Value, json};

fn policy(text: &str) -> Policy {
    Policy::parse("p.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn error(text: &str) -> String {
    Policy::parse("p.toml", text).unwrap_err().to_string()
}

/// A report of a synthetic host without a stall, changed.
fn run(change: impl FnOnce(&mut Value)) -> Brief<'static> {
    run_with(&[9], change)
}

/// A report of a synthetic host with stalls of these lengths, changed.
fn run_with(lengths_us: &[u64], change: impl FnOnce(&mut Value)) -> Brief<'static> {
    use crate::synthetic::{Recipe, hosts, write};
    let recipe = Recipe {
        hosts: 1,
        seed: 3,
        faults: Vec::new(),
    };
    let mut host = hosts(&recipe).next().unwrap();
    host.smis = (lengths_us.iter().enumerate())
        .map(|(at, length)| (1.0 + at as f64, *length as f64))
        .collect();
    let mut text = Vec::new();
    write(&host, &mut text).unwrap();
    let mut report: Value = serde_json::from_slice(&text).unwrap();
    report["host"]["hostname"] = json!("node17");
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
