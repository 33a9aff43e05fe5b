//! The pages of files: hwgap-report(5), from the schema, and hwgap-policy(5),
//! from the help of `hwgap fleet`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io;

use serde_json::{Map, Value};

use crate::schema::Document;

use super::command::PREAMBLE;
use super::help::{Level, Line, Section};
use super::{sections, title};

pub(super) const NAMES: [&str; 2] = ["hwgap-report(5)", "hwgap-policy(5)"];

const REPORT: &str = "\
A report is what hwgap-run(1) saves with --output: one JSON document in UTF-8. The names \
stay; later versions add fields, and values where a field takes one of a list, so readers \
pass over what they do not know. Lengths are whole nanoseconds, moments are cycles of the \
TSC since tsc.origin. What is not known is null, with a reason beside it, never 0.";

const MORE: &str = "hwgap schema report prints the same as JSON Schema, for a validator. \
schema_version changes where a field is renamed, goes away or changes its meaning.";

const POLICY: &str = "\
A policy is a TOML file by which hwgap-fleet(1), and hwgap-run(1) with --policy, judge \
runs. All fields are optional; what it does not name is not asked.";

/// A page of section 5.
fn page(name: &str, about: &str, sections: &[Section], pages: &[String]) -> String {
    let own = format!("{name}(5)");
    let mut text = format!("{PREAMBLE}{}", title(name, 5));
    text += &Section::of_text("Name", &format!("{name} - {about}")).to_roff();
    for section in sections {
        text += &section.to_roff();
    }
    text += &sections::see_also(&own, pages).to_roff();
    let first = text.find(PREAMBLE).map_or(0, |at| at + PREAMBLE.len());
    let rest = text.split_off(first).replace(PREAMBLE, "");
    text + &rest
}

pub(super) fn policy(fleet: &[Section], pages: &[String]) -> String {
    let fields = fleet.iter().find(|s| s.heading.starts_with("Policy"));
    let mut description = Section::of_text("Description", POLICY);
    let mut terms = Section::of_text("Fields", "");
    terms.lines.clear();
    for line in fields.into_iter().flat_map(|section| &section.lines) {
        match line {
            Line::Paragraph(_) => description.lines.push(line.clone()),
            _ => terms.lines.push(line.clone()),
        }
    }
    let example = include_str!("../../../examples/policies/delivery.toml");
    let example = Section {
        level: Level::Section,
        heading: "Example".into(),
        lines: vec![Line::Verbatim(example.to_owned())],
    };
    let sections = [description, terms, example];
    page(
        "hwgap-policy",
        "rules that machines are judged by",
        &sections,
        pages,
    )
}

pub(super) fn report(pages: &[String]) -> io::Result<String> {
    let schema: Value = serde_json::from_str(Document::Report.schema())?;
    let mut description = Section::of_text("Description", REPORT);
    description.lines.push(Line::Paragraph(MORE.to_owned()));
    let mut sections = vec![description];
    let mut told: HashMap<String, String> = HashMap::new();
    let mut waiting: VecDeque<(String, &Value)> = VecDeque::from([(String::new(), &schema)]);
    while let Some((place, object)) = waiting.pop_front() {
        let (level, heading) = match place.as_str() {
            "" => (Level::Section, "Fields"),
            place => (Level::Part, place),
        };
        let mut section = Section {
            level,
            heading: heading.to_owned(),
            lines: Vec::new(),
        };
        for (name, property) in properties(object) {
            let (kind, inner) = kind(&schema, property);
            section.lines.push(Line::Term(format!("{name} ({kind})")));
            let text = property["description"].as_str().unwrap_or_default();
            let list = if kind.starts_with("list") { "[]" } else { "" };
            let dot = if place.is_empty() { "" } else { "." };
            let inner_place = format!("{place}{dot}{name}{list}");
            let elsewhere = inner.and_then(|(definition, inner)| match told.entry(definition) {
                Entry::Occupied(told) => Some(format!(" Its fields are those of {}.", told.get())),
                Entry::Vacant(place) => {
                    waiting.push_back((place.insert(inner_place).clone(), inner));
                    None
                }
            });
            let text = format!("{text}{}", elsewhere.unwrap_or_default());
            section.lines.push(Line::Text(text));
        }
        sections.push(section);
    }
    Ok(page("hwgap-report", "what a run saves", &sections, pages))
}

/// The fields of an object, in the order in which they are written: those that
/// are always there come first.
fn properties(object: &Value) -> Vec<(&String, &Value)> {
    let own = object["properties"].as_object();
    let mut fields: Vec<_> = own.into_iter().flat_map(Map::iter).collect();
    let required = object["required"].as_array();
    let required = required.map(Vec::as_slice).unwrap_or_default();
    fields.sort_by_key(|(name, _)| {
        let place = required.iter().position(|other| other == name.as_str());
        place.unwrap_or(required.len())
    });
    fields
}

/// What the values of a field are, and the object that they hold.
fn kind<'a>(schema: &'a Value, property: &'a Value) -> (String, Option<(String, &'a Value)>) {
    if let Some(name) = property["$ref"].as_str() {
        let name = name.trim_start_matches("#/$defs/");
        let definition = &schema["$defs"][name];
        let (kind, inner) = kind(schema, definition);
        let inner = match definition.get("properties") {
            Some(_) => Some((name.to_owned(), definition)),
            None => inner,
        };
        return (kind, inner);
    }
    if let Some(fixed) = property.get("const") {
        return (format!("always {fixed}"), None);
    }
    if let Some(choices) = property.get("oneOf").or(property.get("anyOf")) {
        let choices = choices.as_array().map(Vec::as_slice).unwrap_or_default();
        let all: Vec<_> = choices.iter().map(|choice| kind(schema, choice)).collect();
        let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        names.dedup();
        let names: Vec<String> = names
            .into_iter()
            .map(|name| name.trim_start_matches("always ").to_owned())
            .collect();
        let inner = all.iter().find_map(|(_, inner)| inner.clone());
        return (names.join(", ").replace(", null", " or null"), inner);
    }
    if let Some(values) = property["enum"].as_array() {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        return (values.join(", "), None);
    }
    let name = match &property["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    if name.starts_with("array") {
        let (of, inner) = kind(schema, &property["items"]);
        return (name.replace("array", &format!("list of {of}")), inner);
    }
    (name, None)
}
