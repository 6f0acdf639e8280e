//! The pack as one page for clinicians to read, print and sign. It needs no script and loads nothing.

mod rows;

use std::fmt::Write as _;

use super::diff::{urgency, Answered};
use super::tables::{Example, ModuleTable, Tables};
use super::words;
use crate::level::Urgency;
use crate::pack::{Condition, Pack, Rule};
use crate::session::COMPLAINT;
use crate::text::{Lang, Text};

/// Writes the page; `cases` are shown with the urgency they get.
#[must_use]
pub fn page(tables: &Tables, pack: &Pack, cases: &[Example], status: &str) -> String {
    let mut out = String::with_capacity(2 << 20);
    head(&mut out, tables, pack, cases, status);
    out.push_str("<main id=\"main\">\n");
    legend(&mut out);
    danger(&mut out, tables, pack);
    for table in &tables.modules {
        module(&mut out, table, pack);
        if table.module == "life" {
            complaints(&mut out, pack);
        }
    }
    lines(&mut out, pack);
    examples(&mut out, pack, cases);
    sources(&mut out, pack);
    sheet(&mut out, pack, status);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Adds text. A `String` takes all of it.
macro_rules! put {
    ($out:expr, $($words:tt)*) => { let _ = write!($out, $($words)*); };
}
use put;

/// Text that is safe between tags and in attributes.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// English and Spanish side by side.
fn pair(out: &mut String, en: &str, es: &str) {
    put!(
        out,
        "<div class=\"pair\"><p lang=\"en\">{}</p><p lang=\"es\">{}</p></div>\n",
        safe(en),
        safe(es)
    );
}

fn badge(urgency: Urgency, lang: Lang) -> String {
    let at = Urgency::ALL
        .iter()
        .position(|u| *u == urgency)
        .unwrap_or_default();
    format!(
        "<span class=\"level l{at}\">{}</span>",
        words::urgency(urgency, lang)
    )
}

fn title(module: &ModuleTable, pack: &Pack) -> Text {
    let gate = module
        .gate
        .as_ref()
        .and_then(|gate| pack.finding(gate))
        .and_then(|ix| pack.finding_def(ix));
    gate.map_or_else(
        || Text {
            en: format!("Module “{}”", module.module),
            es: format!("Módulo «{}»", module.module),
        },
        |def| def.text.clone(),
    )
}

fn head(out: &mut String, tables: &Tables, pack: &Pack, cases: &[Example], status: &str) {
    let file = pack.file();
    put!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Symptom checker, pack {}: for review</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the rules</a>\n<header>\n\
         <h1>Symptom checker: the clinical content, for review</h1>\n",
        safe(pack.version()),
        include_str!("style.css")
    );
    put!(out, "<p class=\"draft\">Status: {}. ", safe(status));
    out.push_str(match status.starts_with("approved") {
        true => "The signatures cover this pack and no other.</p>\n",
        false => "No licensed clinician has approved this content.</p>\n",
    });
    let unsigned = file.rules.iter().filter(|r| r.reviewer == "unsigned").count();
    put!(
        out,
        "<dl class=\"facts\"><dt>Version</dt><dd>{}</dd><dt>SHA-256 of the pack</dt><dd><code>{}</code></dd>\
         <dt>Rules</dt><dd>{}, of which {unsigned} have no reviewer</dd><dt>Questions</dt><dd>{}</dd>\
         <dt>Findings</dt><dd>{}</dd><dt>Sources</dt><dd>{}</dd><dt>Example cases</dt><dd>{}</dd></dl>\n</header>\n",
        safe(pack.version()),
        pack.hash(),
        file.rules.len(),
        file.questions.len(),
        file.findings.len(),
        file.sources.len(),
        cases.len()
    );
    out.push_str("<nav aria-label=\"Contents\">\n<h2>Contents</h2>\n<ul>\n");
    for (id, words) in [("legend", "How to read this page"), ("danger", "Danger words")] {
        put!(out, "<li><a href=\"#{id}\">{words}</a></li>\n");
    }
    for module in &tables.modules {
        let words = title(module, pack);
        put!(
            out,
            "<li><a href=\"#m-{}\">{}</a></li>\n",
            safe(&module.module),
            safe(&words.en)
        );
    }
    for (id, words) in [
        ("complaints", "Complaints"),
        ("lines", "Advice and safety net"),
        ("examples", "Examples"),
        ("sources", "Sources"),
        ("sheet", "Sheet to sign"),
    ] {
        put!(out, "<li><a href=\"#{id}\">{words}</a></li>\n");
    }
    out.push_str("</ul>\n</nav>\n");
}

fn legend(out: &mut String) {
    out.push_str("<section id=\"legend\">\n<h2>How to read this page</h2>\n");
    pair(
        out,
        "Each rule says: this urgency, if these findings are present. The highest urgency among the rules that hold is \
         the result. No rule can lower another. A finding nobody knows counts where a rule says “is not ruled out”.",
        "Cada regla dice: esta urgencia, si hay estos hallazgos. Vale la urgencia más alta de las reglas que se cumplen. \
         Ninguna regla baja a otra. Lo que no se sabe cuenta donde la regla dice «no está descartado».",
    );
    out.push_str("<ul>\n");
    for urgency in Urgency::ALL.into_iter().rev() {
        put!(
            out,
            "<li>{} <span lang=\"es\">{}</span></li>\n",
            badge(urgency, Lang::En),
            words::urgency(urgency, Lang::Es)
        );
    }
    out.push_str("</ul>\n</section>\n");
}

fn danger(out: &mut String, tables: &Tables, pack: &Pack) {
    out.push_str("<section id=\"danger\">\n<h2>Danger words</h2>\n");
    pair(
        out,
        "These words raise the result as soon as they are typed. They never lower it.",
        "Estas palabras suben el resultado al escribirlas. Nunca lo bajan.",
    );
    for row in &tables.danger {
        if let Some(rule) = pack.file().rules.iter().find(|r| r.id == row.id) {
            rows::rule(out, pack, rule);
            put!(out, "<p class=\"meta\">{}</p>\n", safe(&row.phrases.join(" · ")));
        }
    }
    out.push_str("</section>\n");
}

fn module(out: &mut String, table: &ModuleTable, pack: &Pack) {
    let words = title(table, pack);
    put!(
        out,
        "<section id=\"m-{}\">\n<h2>{} <span lang=\"es\">/ {}</span></h2>\n",
        safe(&table.module),
        safe(&words.en),
        safe(&words.es)
    );
    if !table.questions.is_empty() {
        out.push_str("<h3>Questions</h3>\n");
    }
    for row in &table.questions {
        if let Some((_, q)) = pack.question(&row.id) {
            rows::question(out, pack, q, table.gate.as_deref());
        }
    }
    let own = table.findings.iter().map(|f| f.id.clone());
    let own = own.chain(table.rules.iter().map(|r| r.id.clone()));
    let own: Vec<String> = own
        .chain(table.questions.iter().map(|q| format!("floor.{}", q.id)))
        .collect();
    let mut rules: Vec<&Rule> = pack.file().rules.iter().filter(|r| own.contains(&r.id)).collect();
    rules.sort_by_key(|r| std::cmp::Reverse(r.level));
    if !rules.is_empty() {
        put!(out, "<h3>Rules, most urgent first ({})</h3>\n", rules.len());
    }
    rules.iter().for_each(|r| rows::rule(out, pack, r));
    let behind = pack.file().conditions.iter();
    let behind: Vec<&Condition> = behind.filter(|c| Some(&c.gate) == table.gate.as_ref()).collect();
    if !behind.is_empty() {
        out.push_str("<h3>What may lie behind it: shown to the clinician, sets no urgency</h3>\n");
    }
    behind.iter().for_each(|c| rows::condition(out, pack, c));
    out.push_str("</section>\n");
}

fn complaints(out: &mut String, pack: &Pack) {
    out.push_str("<section id=\"complaints\">\n<h2>Complaints, and the words for them</h2>\n");
    if let Some((_, q)) = pack.question(COMPLAINT) {
        rows::question(out, pack, q, None);
    }
    for c in &pack.file().complaints {
        put!(
            out,
            "<div class=\"case\"><span class=\"id\">{}</span>\n",
            safe(&c.code)
        );
        pair(out, &c.text.en, &c.text.es);
        put!(
            out,
            "<div class=\"pair why\"><p lang=\"en\">{}</p><p lang=\"es\">{}</p></div></div>\n",
            safe(&c.en.join("; ")),
            safe(&c.es.join("; "))
        );
    }
    out.push_str("</section>\n");
}

fn lines(out: &mut String, pack: &Pack) {
    let file = pack.file();
    out.push_str("<section id=\"lines\">\n<h2>Advice and safety net</h2>\n");
    for (name, lines) in [
        ("Advice, in the order it is shown", &file.advice),
        ("Safety net", &file.safety_net),
    ] {
        put!(out, "<h3>{name}</h3>\n");
        lines.iter().for_each(|l| rows::line(out, pack, l));
    }
    out.push_str("<h3>When the course over time raises a result</h3>\n");
    for line in &file.trend {
        out.push_str("<div class=\"case\">\n");
        pair(out, &line.reason.en, &line.reason.es);
        rows::source(out, pack, &line.source);
        out.push_str("</div>\n");
    }
    out.push_str("<h3>Nobody drives with</h3>\n");
    for f in &file.no_driving {
        if let Some(def) = pack.finding(f).and_then(|ix| pack.finding_def(ix)) {
            pair(out, &def.text.en, &def.text.es);
        }
    }
    out.push_str("</section>\n");
}

fn examples(out: &mut String, pack: &Pack, cases: &[Example]) {
    out.push_str(
        "<section id=\"examples\">\n<h2>Examples</h2>\n<p>What each case must get, and what it gets: with “no” to all \
         that it leaves out, and with “not sure”.</p>\n",
    );
    for case in cases {
        let (no, unsure) = (
            urgency(pack, case, Answered::No),
            urgency(pack, case, Answered::NotSure),
        );
        let wrong = no < case.at_least || no > case.at_most || unsure < case.at_least;
        put!(
            out,
            "<div class=\"case{}\"><span class=\"id\">{}</span> {}<p>With “no”: {} With “not sure”: {}</p>\
             <p class=\"meta\">Must get: {}{}{}</p></div>\n",
            if wrong { " wrong" } else { "" },
            safe(&case.id),
            safe(&case.case),
            badge(no, Lang::En),
            badge(unsure, Lang::En),
            words::urgency(case.at_least, Lang::En),
            match case.at_least == case.at_most {
                true => String::new(),
                false => format!(" to {}", words::urgency(case.at_most, Lang::En)),
            },
            if wrong {
                ". <strong>It does not.</strong>"
            } else {
                ""
            }
        );
    }
    out.push_str("</section>\n");
}

fn sources(out: &mut String, pack: &Pack) {
    out.push_str("<section id=\"sources\">\n<h2>Sources</h2>\n");
    for key in pack.file().sources.keys() {
        put!(
            out,
            "<div class=\"case\"><span class=\"id\">{}</span>\n",
            safe(key)
        );
        rows::source(out, pack, key);
        out.push_str("</div>\n");
    }
    out.push_str("</section>\n");
}

fn sheet(out: &mut String, pack: &Pack, status: &str) {
    put!(
        out,
        "<section id=\"sheet\" class=\"sheet\">\n<h2>Sheet to sign</h2>\n\
         <p>I have read the rules, questions, advice and examples of the symptom checker in the pack named here. \
         I find them fit for a pilot under clinical oversight, apart from what I list below.</p>\n\
         <dl class=\"facts\"><dt>Version</dt><dd>{}</dd><dt>SHA-256 of the pack</dt><dd><code>{}</code></dd>\
         <dt>Status</dt><dd>{}</dd></dl>\n",
        safe(pack.version()),
        pack.hash(),
        safe(status)
    );
    for n in 1..=2 {
        put!(
            out,
            "<h3>Clinician {n}</h3>\n<dl><dt>Name</dt><dd></dd><dt>Licence and state</dt><dd></dd>\
             <dt>Rules not approved (ids)</dt><dd></dd><dt>Date</dt><dd></dd><dt>Signature</dt><dd></dd></dl>\n"
        );
    }
    out.push_str(
        "<p>A signature on paper is kept; the pack is approved by a signature with a key: \
         <code>ach triage sign --key FILE --name NAME --date DATE</code>.</p>\n</section>\n",
    );
}
