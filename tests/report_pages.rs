//! The web page and the Markdown of a report: compared with the files in
//! tests/golden, and read back by parsers of their own where the content is
//! hostile.
//!
//! After a wanted change write the golden files anew and read the difference:
//! `UPDATE_GOLDEN=1 cargo test --test report_pages && git diff tests/golden`.

use std::path::Path;

use html5ever::tendril::TendrilSink;
use hwgap::report::markdown::{self, Limit};
use hwgap::report::model::{Inventory, NamedText, Report};
use hwgap::report::redact::redact;
use hwgap::report::{Changes, Origin, html};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

mod report_samples;

const WHOLE: Limit = Limit(60_000);

fn origin() -> Origin {
    Origin {
        sha256: "00".repeat(32),
        changes: Changes::None,
    }
}

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    html::write(&report.without_gaps(), &report.gaps, &origin(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn ticket(report: &Report, limit: Limit) -> String {
    let mut out = Vec::new();
    markdown::write(
        &report.without_gaps(),
        &report.gaps,
        &origin(),
        limit,
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

fn sample(name: &str) -> Report {
    let all = report_samples::all();
    all.into_iter().find(|(own, _)| *own == name).unwrap().1
}

#[test]
fn pages_are_as_in_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in ["bare-metal-fail", "guest-fail", "inconclusive"] {
        let report = sample(name);
        for (ending, text) in [("md", ticket(&report, WHOLE)), ("html", page(&report))] {
            // One element a line, so that a difference can be read.
            let version = format!("hwgap {}.", env!("CARGO_PKG_VERSION"));
            let text = text
                .replace("><", ">\n<")
                .replace(&version, "hwgap VERSION.");
            let file = folder.join(format!("{name}.{ending}"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, &text).unwrap();
            }
            let golden = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                text == golden,
                "{name}.{ending} differs from its golden file:\n{text}"
            );
        }
    }
}

/// All that a page must not hold whatever its report says. Returns its text.
fn assert_inert_page(page: &str) -> String {
    let dom =
        html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(page);
    assert_eq!(dom.errors.borrow().len(), 0, "{:?}", dom.errors.borrow());
    let mut text = String::new();
    assert_inert(&dom.document, &mut text);
    text
}

/// Elements that the page is made of. `style` holds nothing of the report.
const ELEMENTS: [&str; 36] = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "main",
    "section",
    "h1",
    "h2",
    "p",
    "strong",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "pre",
    "code",
    "figure",
    "figcaption",
    "span",
    "i",
    "svg",
    "line",
    "path",
    "text",
    "g",
];
const ATTRIBUTES: [&str; 27] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "scope",
    "tabindex",
    "viewBox",
    "role",
    "aria-label",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "d",
    "text-anchor",
    "transform",
    "width",
    "height",
    "media",
    "type",
    "title",
    "dir",
    "hidden",
];

fn assert_inert(node: &Handle, text: &mut String) {
    match &node.data {
        NodeData::Element { name, attrs, .. } => {
            let name = &*name.local;
            assert!(ELEMENTS.contains(&name), "element {name}");
            for attribute in attrs.borrow().iter() {
                let (key, value) = (&*attribute.name.local, &*attribute.value);
                assert!(ATTRIBUTES.contains(&key), "attribute {key}");
                assert!(!value.contains('<'), "{key}={value}");
            }
            if name == "style" {
                return;
            }
        }
        NodeData::Text { contents } => {
            let contents = contents.borrow();
            assert!(!contents.chars().any(char::is_control), "{contents:?}");
            text.push_str(&contents);
        }
        NodeData::Comment { .. } | NodeData::ProcessingInstruction { .. } => panic!("no such node"),
        NodeData::Document | NodeData::Doctype { .. } => {}
    }
    for child in node.children.borrow().iter() {
        assert_inert(child, text);
    }
}

/// All that a ticket's text must not hold.
fn assert_inert_markdown(text: &str) {
    let controls = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(controls), "{text:?}");
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML: {html:?} in {text}"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                panic!("link to {dest_url:?} in {text}")
            }
            Event::Start(Tag::Heading { level, .. }) => {
                assert!(level as usize <= 2, "a heading of its own in {text}");
            }
            Event::Start(Tag::CodeBlock(_) | Tag::BlockQuote(_) | Tag::FootnoteDefinition(_))
            | Event::Rule
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => panic!("markup in {text}"),
            _ => {}
        }
    }
}

/// Puts a text wherever a report has one.
fn poisoned(mut report: Report, text: &str) -> Report {
    let some = || Some(text.to_owned());
    let named = || {
        vec![NamedText {
            name: text.to_owned(),
            text: text.to_owned(),
        }]
    };
    let host = &mut report.host;
    for field in [
        &mut host.hostname,
        &mut host.system.vendor,
        &mut host.system.product,
        &mut host.system.board,
        &mut host.bios.vendor,
        &mut host.bios.version,
        &mut host.bios.date,
        &mut host.cpu.vendor,
        &mut host.cpu.model_name,
        &mut host.cpu.microcode,
        &mut host.kernel.release,
        &mut host.kernel.command_line,
        &mut report.run.label,
        &mut report.run.error,
        &mut report.tsc.clocksource_start,
    ] {
        *field = some();
    }
    report.inventory = Some(Inventory {
        bmc_firmware: some(),
        smt: some(),
        kernel_build: some(),
        governors: vec![text.to_owned(); 3],
        modules: named(),
        mitigations: named(),
        serials: Some(named()),
        unknown: named(),
        ..Inventory::default()
    });
    report.run.command_line = text.to_owned();
    report.run.started_utc = text.to_owned();
    report.run.cpus_not_sampled = text.to_owned();
    report.tool.name = text.to_owned();
    report.tsc.hz_source = text.to_owned();
    report.tsc.flags = vec![text.to_owned()];
    report.verdict.reasons = vec![text.to_owned(); 2];
    for source in &mut report.evidence {
        source.source = text.to_owned();
        source.reason = text.to_owned();
        source.costs = some();
    }
    for finding in &mut report.findings {
        finding.text = text.to_owned();
        finding.remedy = some();
    }
    for cpu in &mut report.cpus {
        cpu.smi_reason = some();
        cpu.scheduling = text.to_owned();
        cpu.ended_early = some();
    }
    for gap in &mut report.gaps {
        gap.start_utc = text.to_owned();
        gap.detail = text.to_owned();
    }
    report
}

const HOSTILE: [&str; 16] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title></style></svg><b onclick='x'>",
    "<!-- --><![CDATA[ ]]><?php ?>",
    "&lt;b&gt; &#60;i&#62; &amp;",
    "javascript:alert(1) http://example.org www.example.org",
    "[a](javascript:b) ![c](http://d.e) [f]: g",
    "<http://example.org> <a@b.c>",
    "```\n# heading\n---\n> quote",
    "| a | b |\n|---|---|",
    "\u{0}\u{1b}[2J\u{7f}\u{85}\u{202e}\u{2066}",
    "$x$ $$y$$ [^1] - [ ] *a* _b_ ~~c~~ `d`",
    "/close\n/assign @root #1 !2",
    "1. one\n2) two\n+ three\n- four\n=====",
    "\\",
    "\\`\\<b>\\",
];

#[test]
fn hostile_texts_show_as_they_are() {
    for text in HOSTILE {
        let report = poisoned(sample("bare-metal-fail"), text);
        let shown = assert_inert_page(&page(&report));
        let plain: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let words: String = shown
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        assert!(words.contains(&plain), "{text:?} is not in the page");
        assert_inert_markdown(&ticket(&report, WHOLE));
    }
}

#[test]
fn megabytes_of_text_give_a_small_page() {
    let report = poisoned(sample("many-cpus"), &"<x>&\u{1b}".repeat(400_000));
    let page = page(&report);
    assert_inert_page(&page);
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    let ticket = ticket(&report, WHOLE);
    assert!(ticket.chars().count() <= WHOLE.0);
    assert_inert_markdown(&ticket);
}

#[test]
fn a_short_ticket_keeps_verdict_and_worst_stall() {
    let report = sample("bare-metal-fail");
    let whole = ticket(&report, WHOLE);
    for limit in [1_500, 3_000, 4_500] {
        let text = ticket(&report, Limit(limit));
        assert!(text.chars().count() <= limit, "{}", text.len());
        assert!(text.len() < whole.len());
        assert!(text.contains("**FAIL:** 4 hardware stalls"), "{text}");
        assert!(text.contains("412 us"), "{text}");
    }
}

#[test]
fn nothing_is_called_hardware_in_a_guest() {
    for name in ["guest-pass", "guest-fail"] {
        let report = sample(name);
        for text in [assert_inert_page(&page(&report)), ticket(&report, WHOLE)] {
            let text = text.to_lowercase();
            let allowed = "the hardware is only a part";
            assert_eq!(
                text.matches("hardware").count(),
                text.matches(allowed).count(),
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn a_redacted_report_holds_no_name_of_the_machine() {
    let mut report = sample("bare-metal-fail");
    report.host.hostname = Some("RT-Bench-01.lab".to_owned());
    let telling = "on rt-bench-01 at 10.1.2.3, by /home/ada/x and 52:54:00:12:34:56";
    report.run.label = Some(telling.to_owned());
    report.run.command_line = telling.to_owned();
    report.host.kernel.command_line = Some(telling.to_owned());
    report.verdict.reasons = vec![telling.to_owned()];
    report.findings[0].text = telling.to_owned();
    report.evidence[0].reason = telling.to_owned();
    report.gaps[0].detail = telling.to_owned();
    report.inventory = Some(Inventory {
        serials: Some(vec![NamedText {
            name: "system serial number".to_owned(),
            text: "ABC1234".to_owned(),
        }]),
        kernel_build: Some("#1 built on rt-bench-01.lab for ABC1234".to_owned()),
        ..Inventory::default()
    });
    let redacted = redact(report);
    for text in [
        serde_json::to_string(&redacted).unwrap(),
        page(&redacted),
        ticket(&redacted, WHOLE),
    ] {
        let text = text.to_lowercase();
        for name in ["rt-bench", "10.1.2.3", "/home/", "52:54", "abc1234"] {
            assert!(!text.contains(name), "{name}: {text}");
        }
        assert!(text.contains("poweredge r740"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_gives_inert_pages(text in prop_oneof![
        any::<String>(),
        "[<>&\"'`*_\\[\\]()!#@/:.|~\\\\$\\-+= a1\\n]{0,80}",
    ]) {
        let report = poisoned(sample("guest-fail"), &text);
        assert_inert_page(&page(&report));
        assert_inert_markdown(&ticket(&report, WHOLE));
    }
}
