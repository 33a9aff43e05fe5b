//! Several runs of a host, and hosts that are missing.

use serde_json::{Value, json};

use super::place::{self, Place, report, with_result};

/// A run of a host at an hour, with a longest stall in us.
fn run(name: &str, hour: usize, longest_us: u64, bios: &str) -> Vec<u8> {
    place::run(name, hour, &[longest_us], |value| {
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
    place::run(name, 1, &[], |value| {
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

/// A run of a machine of its own.
fn of_machine(name: &str, hour: usize, us: u64, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    place::run(name, hour, &[us], change)
}

fn names(answer: &Value) -> Vec<&str> {
    let hosts = answer["hosts"].as_array().unwrap().iter();
    hosts.map(|host| host["host"].as_str().unwrap()).collect()
}

#[test]
fn machines_that_nobody_named_are_told_apart() {
    let place = Place::new();
    for number in 0..6 {
        let longest = if number == 5 { 5 } else { 500 };
        let run = of_machine("localhost.localdomain", number, longest, |report| {
            report["host"]["system"]["product"] = json!(["R740", "R750"][number % 2]);
            report["host"]["bios"]["version"] = json!(format!("2.{number}"));
        });
        place.file(&format!("in/{number}.json"), run);
    }
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(status, 1, "{answer:#}");
    assert_eq!(answer["totals"]["hosts"], 6);
    assert_eq!(answer["totals"]["fail"], 5);
    assert_eq!(answer["shared_names"][0]["name"], "localhost.localdomain");
    assert!(names(&answer).contains(&"localhost.localdomain (R740, BIOS 2.0)"));
    let text = place.fleet(&["in", "--policy", "p.toml"]).text;
    assert!(text.contains("WARNING: 6 machines are named"), "{text}");
}

#[test]
fn one_name_on_two_machines_is_two_hosts() {
    let with_id =
        |id: &'static str| move |report: &mut Value| report["host"]["machine_id_hash"] = json!(id);
    let other_board = |report: &mut Value| report["host"]["system"]["board"] = json!("other");
    let other_model = |report: &mut Value| report["host"]["system"]["product"] = json!("other");
    type Change = Box<dyn FnOnce(&mut Value)>;
    let pairs: [(Change, Change, u64); 6] = [
        (Box::new(with_id("aa")), Box::new(with_id("bb")), 2),
        (Box::new(with_id("aa")), Box::new(with_id("aa")), 1),
        (Box::new(|_| ()), Box::new(other_board), 2),
        (Box::new(|_| ()), Box::new(other_model), 2),
        (Box::new(|_| ()), Box::new(|_| ()), 1),
        // A version that did not store it.
        (Box::new(with_id("aa")), Box::new(|_| ()), 1),
    ];
    for (at, (first, second, hosts)) in pairs.into_iter().enumerate() {
        let place = Place::new();
        place.file("in/1.json", of_machine("node", 1, 500, first));
        place.file("in/2.json", of_machine("node", 2, 5, second));
        let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
        assert_eq!(status, 1, "{at}: {answer:#}");
        assert_eq!(answer["totals"]["hosts"], hosts, "{at}: {answer:#}");
        let shared = answer["shared_names"].as_array().unwrap().len() as u64;
        assert_eq!(shared, hosts - 1, "{at}");
    }
}

#[test]
fn a_list_of_expected_hosts_names_labels_and_says_who_answered() {
    let place = Place::new();
    for id in ["aa", "bb"] {
        let hour = usize::from(id == "bb");
        let run = of_machine("node1.lab", hour, 5, |report| {
            report["host"]["machine_id_hash"] = json!(id);
        });
        place.file(&format!("in/{id}.json"), run);
    }
    place.file("hosts.txt", "\u{feff}NODE1\nghost\n");
    let (_, answer) = place.answer(&["in", "--policy", "p.toml", "--expect", "hosts.txt"]);
    assert_eq!(answer["missing"], json!(["ghost"]), "{answer:#}");
    assert_eq!(answer["matched"][0]["expected"], "NODE1");
    assert_eq!(answer["matched"][0]["hosts"].as_array().unwrap().len(), 2);
    assert_eq!(answer["unexpected"], json!([]));
}

#[test]
fn reports_of_one_run_that_differ_are_told() {
    let place = Place::new();
    let at = |us: u64| of_machine("a", 1, us, |_| ());
    place.file("in/1.json", at(5));
    place.file("in/2.json", at(7));
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(status, 3, "{answer:#}");
    assert_eq!(answer["totals"]["conflicts"], 1);
    assert_eq!(host(&answer, "a")["reasons"][0]["rule"], "run.conflict");
    // Whichever of them fails, by whatever name.
    for names in [["in/1.json", "in/2.json"], ["in/2.json", "in/1.json"]] {
        place.file(names[0], at(500));
        place.file(names[1], at(5));
        let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
        assert_eq!(status, 1, "{answer:#}");
    }
    // The same, written otherwise, is there twice and no more.
    let value: Value = serde_json::from_slice(&at(5)).unwrap();
    place.file("in/1.json", serde_json::to_string_pretty(&value).unwrap());
    place.file("in/2.json", at(5));
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!((status, &answer["totals"]["duplicates"]), (0, &json!(1)));
    // A checkpoint gives way to the end of its run.
    let checkpoint = of_machine("a", 1, 5, |report| {
        report["run"]["ended_by"] = json!("running");
        report["verdict"]["result"] = json!("inconclusive");
        report["verdict"]["incomplete"] = json!("cut");
    });
    place.file("in/0.json", &checkpoint);
    place.file("in/3.json", &checkpoint);
    let (status, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(
        (status, &answer["totals"]["duplicates"]),
        (0, &json!(3)),
        "{answer:#}"
    );
}

#[test]
fn each_report_has_the_hash_that_sha256sum_gives() {
    let place = Place::new();
    let file = place.file("in/1.json", run("a", 1, 5, "1.0"));
    let sum = std::process::Command::new("sha256sum")
        .arg(file)
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let (_, answer) = place.answer(&["in", "--policy", "p.toml"]);
    assert_eq!(host(&answer, "a")["sha256"], json!([&sum[..64]]));
    for format in ["csv", "html"] {
        let text = place
            .fleet(&["in", "--policy", "p.toml", "--format", format])
            .text;
        assert!(text.contains(&sum[..64]), "{format}");
    }
}

#[test]
fn a_run_that_was_cut_short_is_told_in_every_format() {
    let place = Place::new();
    let cut = |report: &mut Value| {
        report["run"]["ended_by"] = json!("running");
        report["run"]["planned_ns"] = json!(43_200_000_000_000_u64);
        report["verdict"]["result"] = json!("inconclusive");
        report["verdict"]["incomplete"] = json!("cut");
        report["verdict"]["reasons"] = json!(["cut"]);
    };
    place.file("in/a.json", of_machine("a", 1, 5, cut));
    place.file("enough.toml", "[measurement]\nduration = \"1h\"\n");
    let said = "checkpoint of an unfinished run";
    for format in ["text", "json", "csv", "html", "junit"] {
        let told = place.fleet(&["in", "--format", format]);
        assert_eq!(told.status, 3, "{format}: {}", told.text);
        assert!(told.text.contains(said), "{format}: {}", told.text);
        // A policy that says how much is enough passes it, and says so.
        let told = place.fleet(&["in", "--policy", "enough.toml", "--format", format]);
        assert_eq!(told.status, 0, "{format}: {}", told.text);
        assert!(told.text.contains(said), "{format}: {}", told.text);
    }
    let metrics = place.fleet(&["in", "--format", "openmetrics"]).text;
    for line in [
        "hwgap_fleet_runs_cut_short 1.0",
        "hwgap_fleet_host_complete{host=\"a\"} 0.0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let mut report = assert_cmd::Command::cargo_bin("hwgap").unwrap();
    report
        .current_dir(place.0.path())
        .args(["report", "in/a.json"]);
    let text = place::said(report.args(["--format", "openmetrics"])).text;
    assert!(text.contains("hwgap_run_complete 0.0"), "{text}");
    assert!(text.contains("hwgap_run_planned_seconds 43200"), "{text}");
}
