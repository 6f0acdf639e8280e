//! The page for clinicians holds everything that they sign, in both languages, and nothing that runs or loads.

use hms_triage::author;
use hms_triage::{Lang, Pack, PackFile};

use crate::tables::{changed, tables};

fn page() -> String {
    let tables = tables();
    author::page(&tables, Pack::embedded(), &tables.examples, "draft, unsigned")
}

fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[test]
fn all_that_is_signed_is_on_the_page_in_both_languages() {
    let (page, tables, pack) = (page(), tables(), Pack::embedded());
    let file: &PackFile = pack.file();
    let mut missing = Vec::new();
    // Most texts stand alone between two tags, and are found there fast.
    let alone: std::collections::BTreeSet<&str> = page.split(['<', '>']).collect();
    let mut must = |what: &str, text: &str| {
        let text = escaped(text);
        if !alone.contains(text.as_str()) && !page.contains(&text) {
            missing.push(format!("{what}: {text}"));
        }
    };
    for rule in &file.rules {
        must("rule", &format!("r-{}", rule.id));
        for lang in [Lang::En, Lang::Es] {
            must("rule", &author::words::rule(pack, rule, lang));
            must("reason", rule.reason.get(lang));
        }
    }
    for q in &file.questions {
        for lang in [Lang::En, Lang::Es] {
            must("question", q.text.get(lang));
            must("why", q.why.get(lang));
        }
    }
    for line in file.advice.iter().chain(&file.safety_net) {
        must("line", &line.text.en);
        must("line", &line.text.es);
    }
    for condition in &file.conditions {
        must("condition", &condition.text.en);
        must("condition", &condition.text.es);
    }
    for source in file.sources.values() {
        must("source", &source.title);
        must("source", &source.url);
        must("read", &source.read);
    }
    for case in &tables.examples {
        must("example", &case.case);
    }
    must("hash", pack.hash());
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(page.matches("<article id=").count(), file.rules.len());
    assert_eq!(page.matches("Reviewer: unsigned").count(), file.rules.len());
}

#[test]
fn nothing_on_the_page_runs_or_loads() {
    let page = page();
    for bad in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "src=",
        "url(",
        "@import",
        " onclick",
        "javascript:",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn words_of_the_tables_stay_words() {
    let evil = changed(|name, text| match name {
        "complaints.yaml" => text.replace(
            "Bite by a dog, other animal or person",
            "<script>alert(1)</script> & co",
        ),
        _ => text,
    });
    let bytes = author::build(&evil, "test").unwrap();
    let pack = Pack::from_bytes(&bytes).unwrap();

    let page = author::page(&evil, &pack, &[], "draft, unsigned");

    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; co"));
    assert!(!page.contains("<script"));
}

#[test]
fn the_page_says_who_approved() {
    let tables = tables();
    let page = author::page(&tables, Pack::embedded(), &[], "approved by Ada Ruiz, MD");
    assert!(page.contains("Status: approved by Ada Ruiz, MD."));
    assert!(!page.contains("No licensed clinician has approved"));
}

#[test]
fn each_module_is_drawn_with_its_rules() {
    let (tables, pack) = (tables(), Pack::embedded());
    let mermaid = author::graph(&tables, pack, "bite", author::Drawing::Mermaid).unwrap();
    let dot = author::graph(&tables, pack, "bite", author::Drawing::Dot).unwrap();
    let rules = pack.file().rules.iter();
    for rule in rules.filter(|r| r.id.starts_with("bite.") || r.id.starts_with("floor.bite")) {
        let words = rule.reason.en.replace('"', "'");
        assert!(mermaid.contains(&words) && dot.contains(&words), "{}", rule.id);
    }
    assert!(mermaid.starts_with("flowchart LR\n") && dot.starts_with("digraph"));
    let refused = author::graph(&tables, pack, "nope", author::Drawing::Dot).unwrap_err();
    assert!(refused.to_string().contains("bite"), "{refused}");
}
