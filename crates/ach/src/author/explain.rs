//! `ach triage explain`: a rule in words, or why an example gets its urgency.

use super::{files, say_json};
use crate::failure::Failure;
use crate::say::say;
use hms_triage::author::{self, words, Answered, Example};
use hms_triage::{Lang, Outcome, Pack, Rule};
use serde_json::{json, Value};
use std::path::Path;

pub fn explain(id: &str, content: &Path, as_json: bool) -> Result<(), Failure> {
    let pack = Pack::embedded();
    let rules: Vec<&Rule> = pack
        .file()
        .rules
        .iter()
        .filter(|r| r.id.starts_with(id))
        .collect();
    // The rules are in this program; the cases only where the tables are.
    let cases = match content.is_dir() {
        true => files::tables(content)?.cases,
        false => Vec::new(),
    };
    let cases: Vec<&Example> = cases.iter().filter(|c| c.id.starts_with(id)).collect();
    if rules.is_empty() && cases.is_empty() {
        return Err(Failure::Content(format!(
            "no rule and no example starts with {id:?}"
        )));
    }
    if as_json {
        let rules: Vec<Value> = rules.iter().map(|r| rule_json(pack, r)).collect();
        let cases: Vec<Value> = cases
            .iter()
            .map(|case| json!({"example": case.id, "case": case.case, "outcome": outcome(pack, case)}))
            .collect();
        return say_json(&json!({"rules": rules, "examples": cases}));
    }
    rules.iter().for_each(|rule| say_rule(pack, rule));
    cases.iter().for_each(|case| say_case(pack, case));
    Ok(())
}

fn rule_json(pack: &Pack, rule: &Rule) -> Value {
    json!({
        "rule": rule,
        "words": {"en": words::rule(pack, rule, Lang::En), "es": words::rule(pack, rule, Lang::Es)},
        "source": pack.file().sources.get(&rule.source),
    })
}

fn say_rule(pack: &Pack, rule: &Rule) {
    say!("{}", rule.id);
    say!("  {}", words::rule(pack, rule, Lang::En));
    say!("  {}", words::rule(pack, rule, Lang::Es));
    say!("  Why: {} / {}", rule.reason.en, rule.reason.es);
    if !rule.needs.is_empty() {
        let needs: Vec<&str> = rule.needs.iter().map(|n| words::need(*n, Lang::En)).collect();
        say!("  Needs: {}", needs.join(", "));
    }
    if let Some(source) = pack.file().sources.get(&rule.source) {
        say!(
            "  Source: {} <{}>, read: {}",
            source.title,
            source.url,
            source.read
        );
    }
    say!("  Written {}, reviewer: {}", rule.date, rule.reviewer);
}

fn outcome(pack: &Pack, case: &Example) -> Outcome {
    Outcome::of(pack, &author::answers(pack, case, Answered::No), Lang::En)
}

fn say_case(pack: &Pack, case: &Example) {
    let outcome = outcome(pack, case);
    say!("{}: {}", case.id, case.case);
    say!(
        "  {}, must be {} to {}",
        outcome.urgency.code(),
        case.at_least.code(),
        case.at_most.code()
    );
    for reason in &outcome.reasons {
        let because: Vec<&str> = reason.because.iter().map(|b| b.text.as_str()).collect();
        say!(
            "  {}: {} Because: {}. Source: {}",
            reason.rule,
            reason.text,
            because.join("; "),
            reason.source.title
        );
    }
}
