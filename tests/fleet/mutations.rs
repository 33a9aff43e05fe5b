//! Any single field of a valid report changed: the fleet's answer stays, or the
//! report is set aside.

use std::ops::Range;

use fastrand::Rng;
use hwgap::model::Outcome;
use hwgap::policy::Policy;
use hwgap::read::brief::from_slice;
use jiff::civil::date;
use serde_json::Value;

use super::place::{Place, run};
use super::scripted;

const MUTATIONS: usize = 20_000;
const SEED: u64 = 20_261_128;

/// A report as text, with the place of each value in it.
struct Text {
    text: String,
    places: Vec<(Range<usize>, Value)>,
}

impl Text {
    fn new(report: &Value) -> Text {
        let mut text = Text {
            text: String::new(),
            places: Vec::new(),
        };
        text.write(report);
        text
    }

    fn write(&mut self, value: &Value) {
        let start = self.text.len();
        match value {
            Value::Array(entries) => {
                self.text.push('[');
                for (at, entry) in entries.iter().enumerate() {
                    if at > 0 {
                        self.text.push(',');
                    }
                    self.write(entry);
                }
                self.text.push(']');
            }
            Value::Object(fields) => {
                self.text.push('{');
                for (at, (name, field)) in fields.iter().enumerate() {
                    if at > 0 {
                        self.text.push(',');
                    }
                    self.text.push_str(&format!("{name:?}:"));
                    self.write(field);
                }
                self.text.push('}');
            }
            leaf => self.text.push_str(&leaf.to_string()),
        }
        self.places.push((start..self.text.len(), value.clone()));
    }

    /// The text with one value in the place of another.
    fn with(&self, place: &Range<usize>, value: &str) -> String {
        let (before, after) = (&self.text[..place.start], &self.text[place.end..]);
        [before, value, after].concat()
    }
}

/// Words that mean something somewhere in a report.
const WORDS: [&str; 20] = [
    "pass",
    "fail",
    "inconclusive",
    "duration",
    "signal",
    "gap",
    "error",
    "running",
    "smi",
    "smi+os",
    "cpu",
    "os",
    "unknown",
    "none",
    "user",
    "bpf",
    "",
    "zzzz",
    "0",
    "9999-12-31T23:59:59.000000000Z",
];

/// Another value of some kind.
fn other(value: &Value, random: &mut Rng) -> String {
    let number = |random: &mut Rng, number: f64| match random.u8(0..9) {
        0 => "0".to_owned(),
        1 => "1".to_owned(),
        2 => format!("{}", (number + 1.0) as u64),
        3 => format!("{}", (number / 2.0) as u64),
        4 => format!("{}", (number * 2.0) as u64),
        5 => format!("{}", (number * 1_000.0) as u64),
        6 => "18446744073709551615".to_owned(),
        7 => format!("{}", random.u64(..)),
        _ => format!("{}", random.u64(0..1_000_000)),
    };
    match (value, random.u8(0..10)) {
        (_, 0) => "null".to_owned(),
        (Value::Bool(value), _) => (!value).to_string(),
        (Value::Number(old), _) => number(random, old.as_f64().unwrap()),
        (Value::String(_), _) => format!("{:?}", WORDS[random.usize(..WORDS.len())]),
        (Value::Array(_), 1..=5) => "[]".to_owned(),
        (Value::Array(entries), _) if !entries.is_empty() => {
            let mut entries = entries.clone();
            let at = random.usize(..entries.len());
            match random.bool() {
                true => drop(entries.remove(at)),
                false => entries.push(entries[at].clone()),
            }
            Value::Array(entries).to_string()
        }
        (Value::Object(fields), _) if !fields.is_empty() => {
            let mut fields = fields.clone();
            let names: Vec<String> = fields.keys().cloned().collect();
            fields.remove(&names[random.usize(..names.len())]);
            Value::Object(fields).to_string()
        }
        (_, 1..=5) => number(random, 1_000.0),
        _ => format!("{:?}", WORDS[random.usize(..WORDS.len())]),
    }
}

/// The answer by each policy; `None` where the report is set aside.
fn answers(text: &str, policies: &[Policy]) -> Option<Vec<Outcome>> {
    let brief = from_slice(text.as_bytes()).ok()?;
    let judge = |policy: &Policy| policy.judge(&brief, date(2026, 11, 28)).outcome;
    Some(policies.iter().map(judge).collect())
}

#[test]
fn one_changed_field_never_makes_a_fail_a_pass() {
    let place = Place::new();
    let mut reports: Vec<Value> = [&[][..], &[5], &[500, 200, 90, 40, 12], &[11]]
        .into_iter()
        .map(|lengths| serde_json::from_slice(&run("a", 0, lengths, |_| ())).unwrap())
        .collect();
    for script in ["smi", "stall", "backwards"] {
        let text = scripted::report(&place, script, &["--duration", "1s"]);
        reports.push(serde_json::from_slice(&text).unwrap());
    }
    // What describes the machine beside its names decides nothing.
    for report in &mut reports {
        report["inventory"] = Value::Null;
    }
    let texts: Vec<Text> = reports.iter().map(Text::new).collect();
    let policies = ["", "[limits]\nworst = \"100us\"\n"];
    let policies = policies.map(|text| Policy::parse("p.toml", text).unwrap());
    let before: Vec<Vec<Outcome>> = (texts.iter())
        .map(|text| answers(&text.text, &policies).unwrap())
        .collect();
    let mut random = Rng::with_seed(SEED);
    let (mut set_aside, mut stays) = (0, 0);
    for _ in 0..MUTATIONS {
        let of = random.usize(..texts.len());
        let text = &texts[of];
        let (range, old) = &text.places[random.usize(..text.places.len())];
        let new = other(old, &mut random);
        let Some(after) = answers(&text.with(range, &new), &policies) else {
            set_aside += 1;
            continue;
        };
        stays += 1;
        for (before, after) in before[of].iter().zip(after) {
            // What casts doubt on a pass sets aside no less than it would.
            let doubted = (*before, after) == (Outcome::Pass, Outcome::Inconclusive);
            let around = &text.text[range.start.saturating_sub(60)..range.start];
            assert!(
                after == *before || doubted,
                "{before:?} -> {after:?}: ...{around} {old:.200} -> {new:.200}"
            );
        }
    }
    // Most fields decide; the property would hold of a reader that takes nothing.
    assert!(
        set_aside > MUTATIONS / 4 && stays > MUTATIONS / 4,
        "{set_aside} {stays}"
    );
}
