//! What no page and no ticket may hold, whatever the report says: read back by
//! parsers of their own, html5ever and pulldown-cmark.

use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use pulldown_cmark::{Event, Options, Parser, Tag};

/// Texts that mean to be more than text.
pub const HOSTILE: [&str; 16] = [
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

/// All that a page must not hold whatever its report says. Returns its text.
pub fn assert_inert_page(page: &str) -> String {
    let dom =
        html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(page);
    assert_eq!(dom.errors.borrow().len(), 0, "{:?}", dom.errors.borrow());
    let mut text = String::new();
    assert_inert(&dom.document, &mut text);
    text
}

/// Elements that the page is made of. `style` holds nothing of the report.
const ELEMENTS: [&str; 40] = [
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
    "details",
    "summary",
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
    "desc",
    "rect",
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
pub fn assert_inert_markdown(text: &str) {
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
