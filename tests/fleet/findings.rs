//! Planted faults are found. `benches/fleet` does the same with 200 fleets.

use serde_json::{Value, json};

use super::place::{Place, reports};
use crate::synthetic::{Fault, Recipe, hosts};

fn answer(hosts: usize, seed: u64, faults: &[Fault]) -> Value {
    let place = Place::new();
    let lines: Vec<u8> = reports(hosts, seed, faults).concat();
    place.file("in.jsonl", lines);
    place.answer(&["in.jsonl", "--policy", "p.toml"]).1
}

#[test]
fn a_bad_bios_is_named_and_what_follows_from_it() {
    let answer = answer(400, 11, &[Fault::BadBios]);
    let separators = answer["separators"].as_array().unwrap();
    assert_eq!(separators[0]["dimension"], "bios", "{separators:#?}");
    assert_eq!(separators[0]["name"], "SR-630, BIOS AFE120E");
    assert!(separators[0]["risk_ratio_low"].as_f64().unwrap() > 10.0);
    for other in &separators[1..] {
        // Other groups hold the same hosts, or fail less for want of them.
        assert!(!other["follows_from"].is_null(), "{other:#}");
    }
    assert_eq!(separators[0]["follows_from"], Value::Null);
}

#[test]
fn the_cause_is_listed_and_what_follows_from_it_beside_it() {
    let place = Place::new();
    place.file("in.jsonl", reports(400, 11, &[Fault::BadBios]).concat());
    let said = place.fleet(&["in.jsonl", "--policy", "p.toml"]);
    let (_, common) = said
        .text
        .split_once("What failing hosts have in common")
        .unwrap();
    let (common, _) = common.split_once("Fisher's exact test").unwrap();
    assert_eq!(common.matches("\n  - ").count(), 1, "{common}");
    assert!(
        common.starts_with("\n  - BIOS SR-630, BIOS AFE120E: "),
        "{common}"
    );
    let words = common.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("It explains why more fail of model SR-630"),
        "{words}"
    );
}

#[test]
fn hot_hosts_are_named_though_they_pass() {
    let answer = answer(2_000, 5, &[Fault::HotHosts]);
    let planted: Vec<String> = {
        let recipe = Recipe {
            hosts: 2_000,
            seed: 5,
            faults: vec![Fault::HotHosts],
        };
        hosts(&recipe)
            .filter(|host| !host.faults.is_empty())
            .map(|host| host.name())
            .collect()
    };
    let named: Vec<&str> = (answer["outliers"].as_array().unwrap().iter())
        .map(|row| row["host"].as_str().unwrap())
        .collect();
    assert!(
        named
            .iter()
            .all(|name| planted.iter().any(|hot| hot == name)),
        "{named:?} {planted:?}"
    );
    for row in answer["outliers"].as_array().unwrap() {
        assert!(row["p_corrected"].as_f64().unwrap() <= 0.01, "{row:#}");
    }
    assert_eq!(answer["outlier_search"]["false_alarm"], 0.01);
    assert!(
        !named.is_empty() && named.len() * 2 >= planted.len(),
        "{named:?} {planted:?}"
    );
}

#[test]
fn a_series_of_one_model_is_named_with_its_share() {
    let answer = answer(200, 8, &[Fault::Series]);
    let series = answer["series"].as_array().unwrap();
    assert_eq!(series.len(), 1, "{series:#?}");
    assert_eq!(series[0]["group"]["dimension"], "model");
    assert_eq!(series[0]["group"]["name"], "Blade 9");
    assert_eq!(
        series[0]["group"]["hosts"],
        series[0]["group"]["with_series"]
    );
    assert_eq!(series[0]["period_ns"].as_u64().unwrap() / 1_000_000_000, 64);
    let candidates = series[0]["candidates"].to_string();
    assert!(candidates.contains("periodic SMI timer"), "{candidates}");
}

#[test]
fn a_series_that_three_hosts_may_share_by_chance_is_none_of_the_fleet() {
    let place = Place::new();
    let mut fleet: Vec<Value> = (reports(300, 31, &[]).iter())
        .map(|text| serde_json::from_slice(text).unwrap())
        .collect();
    let planted = reports(300, 31, &[Fault::Series]);
    let planted = planted
        .iter()
        .map(|text| serde_json::from_slice(text).unwrap());
    let series = planted.map(|host: Value| host["periodicity"].clone());
    let series = series
        .max_by_key(|list| list.as_array().unwrap().len())
        .unwrap();
    assert_eq!(series.as_array().unwrap().len(), 1);
    // One run of 1,000 shows a series that is none: a host of each vendor.
    for vendor in ["Example Computers", "Sample Systems", "Specimen"] {
        let of_vendor = |host: &&mut Value| host["host"]["system"]["vendor"] == vendor;
        let host = fleet.iter_mut().find(of_vendor).unwrap();
        host["periodicity"] = series.clone();
    }
    let line = |host: &Value| [serde_json::to_vec(host).unwrap(), b"\n".to_vec()].concat();
    place.file("in.jsonl", fleet.iter().flat_map(line).collect::<Vec<u8>>());
    let (_, answer) = place.answer(&["in.jsonl", "--policy", "p.toml"]);
    assert_eq!(answer["totals"]["hosts"], 300, "{}", answer["set_aside"]);
    assert_eq!(answer["series"], json!([]));
}

#[test]
fn a_sound_fleet_has_nothing_named() {
    let answer = answer(400, 21, &[]);
    for list in ["separators", "outliers", "series"] {
        assert_eq!(
            answer[list].as_array().unwrap().len(),
            0,
            "{:#}",
            answer[list]
        );
    }
}
