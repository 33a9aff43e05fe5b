//! The JSON Schema of each document that programs read, derived from its types:
//! their comments describe the fields.
//!
//! `schemas/` holds them as they are printed; a test compares both, and checks
//! saved documents against them.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::compare::model::Comparison;
use crate::fleet::model::FleetReport;
use crate::model::absence::{HOST_SCHEMA, HostReport};
use crate::model::explained::{EXPLAIN_SCHEMA, Explanation};
use crate::model::{LIVE_SCHEMA, LiveStanding, Report};
use crate::preflight::model::PreflightReport;

/// A document of hwgap's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// What `hwgap run` saves.
    Report,
    /// What `hwgap compare --format json` writes.
    Compare,
    /// What `hwgap fleet --format json` writes.
    Fleet,
    /// What `hwgap preflight --format json` writes.
    Preflight,
    /// A line of `hwgap run --live-json`.
    Live,
    /// What `hwgap host` saves.
    Host,
    /// What `hwgap explain --format json` writes.
    Explain,
}

impl Document {
    /// All of them.
    pub const ALL: [Document; 7] = [
        Document::Report,
        Document::Compare,
        Document::Fleet,
        Document::Preflight,
        Document::Live,
        Document::Host,
        Document::Explain,
    ];

    /// The name that it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Document::Report => "report",
            Document::Compare => "compare",
            Document::Fleet => "fleet",
            Document::Preflight => "preflight",
            Document::Live => "live",
            Document::Host => "host",
            Document::Explain => "explain",
        }
    }

    /// Its schema, as text.
    pub fn schema(self) -> &'static str {
        match self {
            Document::Report => include_str!("../schemas/report.json"),
            Document::Compare => include_str!("../schemas/compare.json"),
            Document::Fleet => include_str!("../schemas/fleet.json"),
            Document::Preflight => include_str!("../schemas/preflight.json"),
            Document::Live => include_str!("../schemas/live.json"),
            Document::Host => include_str!("../schemas/host.json"),
            Document::Explain => include_str!("../schemas/explain.json"),
        }
    }

    /// The same, derived anew. Only tests need it: the program does not hold
    /// the code that derives.
    pub fn derive(self) -> String {
        match self {
            Document::Report => derived::<Report>("hwgap.report"),
            Document::Compare => derived::<Comparison>("hwgap.compare"),
            Document::Fleet => derived::<FleetReport>("hwgap.fleet"),
            Document::Preflight => derived::<PreflightReport>("hwgap.preflight"),
            Document::Live => derived::<LiveStanding>(LIVE_SCHEMA),
            Document::Host => derived::<HostReport>(HOST_SCHEMA),
            Document::Explain => derived::<Explanation>(EXPLAIN_SCHEMA),
        }
    }
}

fn derived<T: JsonSchema>(title: &str) -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    RecursiveTransform(tidy).transform(&mut schema);
    format!("{:#}\n", schema.as_value())
}

/// Comments as running text: without line breaks and without the brackets of
/// links in code.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs = text.split("\n\n").map(|lines| lines.replace('\n', " "));
        let joined: Vec<String> = paragraphs.collect();
        *text = joined
            .join("\n\n")
            .replace("[`", "`")
            .replace("`]", "`")
            .replace("\\[", "[")
            .replace("\\]", "]");
    }
}
