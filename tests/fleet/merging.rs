//! Several runs of a host, and hosts that are missing.

use serde_json::{Value, json};

use super::fleet::{self, Place, report, with_result};

/// A run of a host at an hour, with a longest stall in us.
fn run(name: &str, hour: usize, longest_us: u64, bios: &str) -> Vec<u8> {
    fleet::run(name, hour, &[longest_us], |value| {
        value["host"]["bios"]["version"] = json!(bios);
    })
}

fn host<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let hosts = answer["hosts"].as_array().unwrap();
    hosts.iter().find(|host| host["host"] == name).unwrap()
}

#[test]
fn the_latest_state_counts_and_any_failing_run_of_it() {
    let place = Place::new();
    for (name, content) in [
        // Failed with the old BIOS, passes with the new one.
        ("a1", run("a", 1, 500, "1.0")),
        ("a2", run("a", 2, 5, "1.1")),
        // Failed once, passed later in the same state.
        ("b1", run("b", 1, 500, "1.0")),
        ("b2", run("b", 2, 5, "1.0")),
        // There twice.
        ("c1", run("c", 1, 5, "1.0")),
        ("c2", run("c", 1, 5, "1.0")),
        // Failed after an update.
        ("d1", run("d", 1, 5, "1.0")),
        ("d2", run("d", 2, 500, "1.1")),
    ] {
        place.file(&format!("in/{name}.json"), content);
    }
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(status, 1);
    assert_eq!(with_result(&answer, "pass"), ["a", "c"]);
    assert_eq!(with_result(&answer, "fail"), ["b", "d"]);
    assert_eq!(host(&answer, "a")["superseded"], 1);
    assert_eq!(host(&answer, "c")["duplicates"], 1);
    assert_eq!(
        host(&answer, "b")["reports"],
        json!(["in/b1.json", "in/b2.json"])
    );
    assert_eq!(answer["totals"]["superseded"], 2);
}

/// A run of 36 s.
fn short(name: &str) -> Vec<u8> {
    fleet::run(name, 1, &[], |value| {
        let elapsed = 36_000_000_000_u64;
        let verdict = &mut value["verdict"];
        for rate in ["platform_rate_per_hour", "platform_rate_upper95_per_hour"] {
            verdict[rate] = json!(verdict[rate].as_f64().unwrap() * 100.0);
        }
        let run = &mut value["run"];
        run["ended_utc"] = json!("2026-01-01T01:00:36.000000000Z");
        (run["elapsed_ns"], run["planned_ns"]) = (json!(elapsed), json!(elapsed));
        for cpu in value["cpus"].as_array_mut().unwrap() {
            cpu["elapsed_ns"] = json!(elapsed);
            cpu["covered_ns"] = json!(elapsed / 1_000 * 998);
            cpu["os_ns"] = json!(elapsed / 1_000 * 2);
        }
    })
}

#[test]
fn a_passing_run_shows_what_an_inconclusive_one_does_not() {
    let place = Place::new();
    place.file(
        "p.toml",
        "[measurement]\nduration = \"30m\"\n[limits]\nworst = \"1ms\"\n",
    );
    let short = short("a");
    place.file("in/short.json", &short);
    assert_eq!(place.answer(&["in", "--policy", "p.toml"]).0, 3);
    place.file("in/long.json", report("a", |_| ()));
    assert_eq!(place.answer(&["in", "--policy", "p.toml"]).0, 0);
}

#[test]
fn reports_without_a_name_are_hosts_of_their_own() {
    let place = Place::new();
    for name in ["x", "y"] {
        let nameless = report("", |value| value["host"]["hostname"] = Value::Null);
        place.file(&format!("in/{name}.json"), nameless);
    }
    let (_, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(with_result(&answer, "pass"), ["in/x.json", "in/y.json"]);
}

#[test]
fn hosts_of_the_list_that_are_missing_keep_a_fleet_from_passing() {
    let place = Place::new();
    place.file("in/a.json", report("a.lab", |_| ()));
    place.file("in/b.json", report("b", |_| ()));
    place.file("hosts.txt", "# rack\nA\nghost\n");
    let arguments = ["in", "--policy", "p.toml", "--expect", "hosts.txt"];
    let (status, answer) = place.answer(&arguments);
    assert_eq!(status, 3);
    assert_eq!(answer["missing"], json!(["ghost"]));
    assert_eq!(answer["unexpected"], json!(["b"]));
    place.file("hosts.txt", "a.lab\nb\n");
    assert_eq!(place.answer(&arguments).0, 0);
}

#[test]
fn waivers_are_looked_at_for_the_day_that_is_asked_for() {
    let place = Place::new();
    place.file(
        "p.toml",
        "[limits]\nworst = \"1us\"\n[[waiver]]\nhost = \"*\"\nrule = \"limits.worst\"\n\
         reason = \"old BIOS\"\nuntil = \"2026-12-31\"\n",
    );
    place.file("in/a.json", report("a", |_| ()));
    let on = |day| {
        place
            .answer(&["in", "--policy", "p.toml", "--as-of", day])
            .0
    };
    assert_eq!(on("2026-12-31"), 0);
    assert_eq!(on("2027-01-01"), 1);
}
