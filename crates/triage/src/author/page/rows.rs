//! One rule, question or line as a piece of the page.

use super::{badge, pair, put, safe};
use crate::author::words;
use crate::differential::Band;
use crate::expr::Expr;
use crate::pack::{Condition, Line, Pack, Question, Rule};
use crate::text::Lang;
use std::fmt::Write as _;

pub(super) fn rule(out: &mut String, pack: &Pack, rule: &Rule) {
    put!(
        out,
        "<article id=\"r-{0}\">\n<h4>{1} <span class=\"id\">{0}</span></h4>\n",
        safe(&rule.id),
        badge(rule.level, Lang::En)
    );
    pair(
        out,
        &words::rule(pack, rule, Lang::En),
        &words::rule(pack, rule, Lang::Es),
    );
    put!(
        out,
        "<div class=\"pair why\"><p lang=\"en\">{}</p><p lang=\"es\">{}</p></div>\n",
        safe(&rule.reason.en),
        safe(&rule.reason.es)
    );
    if !rule.needs.is_empty() {
        let list = |lang| {
            let all: Vec<&str> = rule.needs.iter().map(|n| words::need(*n, lang)).collect();
            all.join(", ")
        };
        let (en, es) = (
            format!("Needs: {}", list(Lang::En)),
            format!("Necesita: {}", list(Lang::Es)),
        );
        pair(out, &en, &es);
    }
    source(out, pack, &rule.source);
    put!(
        out,
        "<p class=\"meta\">Written {}. Reviewer: {}.</p>\n</article>\n",
        safe(&rule.date),
        safe(&rule.reviewer)
    );
}

/// The source of a row: its title as a link, and how it was read.
pub(super) fn source(out: &mut String, pack: &Pack, key: &str) {
    let Some(source) = pack.file().sources.get(key) else {
        put!(out, "<p class=\"meta source\">Source: {}</p>\n", safe(key));
        return;
    };
    // A document of the project itself has no address on the web.
    let title = match source.url.starts_with("https://") || source.url.starts_with("http://") {
        true => format!("<a href=\"{}\">{}</a>", safe(&source.url), safe(&source.title)),
        false => format!("{} ({})", safe(&source.title), safe(&source.url)),
    };
    put!(
        out,
        "<p class=\"meta source\">Source: {title}. Read: {}.</p>\n",
        safe(&source.read)
    );
}

/// A question; that it is asked in its own module alone goes without saying.
pub(super) fn question(out: &mut String, pack: &Pack, q: &Question, gate: Option<&str>) {
    let must = match (q.must_ask, q.hidden) {
        (_, true) => ", never asked, taken from the record",
        (true, false) => ", must be asked",
        (false, false) => "",
    };
    put!(
        out,
        "<div class=\"case\" id=\"q-{0}\">\n<h4><span class=\"id\">{0}{must}</span></h4>\n",
        safe(&q.id)
    );
    pair(out, &q.text.en, &q.text.es);
    put!(
        out,
        "<div class=\"pair why\"><p lang=\"en\">Why: {}</p><p lang=\"es\">Por qué: {}</p></div>\n",
        safe(&q.why.en),
        safe(&q.why.es)
    );
    let own = |when: &&Expr<String>| !matches!(when, Expr::Present(f) if Some(f.as_str()) == gate);
    if let Some(when) = q.when.as_ref().filter(own) {
        let (en, es) = (
            format!("Asked only if: {}", words::condition(pack, when, Lang::En)),
            format!("Solo se pregunta si: {}", words::condition(pack, when, Lang::Es)),
        );
        pair(out, &en, &es);
    }
    if q.options.len() > 1 || q.options.iter().any(|o| o.text != q.text) {
        out.push_str("<ul class=\"options\">\n");
        for o in &q.options {
            put!(
                out,
                "<li>{} <span lang=\"es\">/ {}</span>",
                safe(&o.text.en),
                safe(&o.text.es)
            );
            // Rules name findings; where an option is worded otherwise, the page says which it means.
            let named = o
                .sets
                .iter()
                .chain(&o.also)
                .filter_map(|f| pack.finding_def(pack.finding(f)?));
            let meant: Vec<String> = named
                .filter(|d| d.text != o.text)
                .map(|d| format!("“{}”", safe(&d.text.en)))
                .collect();
            if !meant.is_empty() {
                put!(out, " <span class=\"meta\">means {}</span>", meant.join(", "));
            }
            out.push_str("</li>\n");
        }
        out.push_str("</ul>\n");
    }
    if let Some(n) = &q.number {
        put!(
            out,
            "<p>{} to {} {} <span lang=\"es\">/ {}</span></p>\n",
            n.min,
            n.max,
            safe(&n.unit.en),
            safe(&n.unit.es)
        );
        for t in &n.thresholds {
            let side = match t.side {
                crate::pack::Side::AtLeast => "at least",
                crate::pack::Side::AtMost => "at most",
            };
            let def = pack.finding(&t.finding).and_then(|ix| pack.finding_def(ix));
            let words = def.map_or(t.finding.as_str(), |d| &d.text.en);
            put!(out, "<p class=\"meta\">{side} {}: {}</p>\n", t.value, safe(words));
        }
    }
    out.push_str("</div>\n");
}

pub(super) fn line(out: &mut String, pack: &Pack, line: &Line) {
    put!(
        out,
        "<div class=\"case\"><span class=\"id\">{}</span>\n",
        safe(&line.id)
    );
    pair(out, &line.text.en, &line.text.es);
    let range = match line.from == line.to {
        true => words::urgency(line.from, Lang::En).to_owned(),
        false => format!(
            "{} to {}",
            words::urgency(line.from, Lang::En),
            words::urgency(line.to, Lang::En)
        ),
    };
    put!(out, "<p class=\"meta\">Shown at: {range}.</p>\n");
    if let Some(when) = &line.when {
        let (en, es) = (
            format!("Only if: {}", words::condition(pack, when, Lang::En)),
            format!("Solo si: {}", words::condition(pack, when, Lang::Es)),
        );
        pair(out, &en, &es);
    }
    source(out, pack, &line.source);
    out.push_str("</div>\n");
}

/// A condition of the differential and its signs, band by band.
pub(super) fn condition(out: &mut String, pack: &Pack, condition: &Condition) {
    put!(
        out,
        "<div class=\"case\"><span class=\"id\">{}</span>\n",
        safe(&condition.id)
    );
    pair(out, &condition.text.en, &condition.text.es);
    put!(
        out,
        "<p class=\"meta\">Among those who come with this: {}.</p>\n",
        band(condition.before)
    );
    for of in Band::ALL.into_iter().rev() {
        let signs = condition.signs.iter().filter(|s| s.band == of);
        let signs = signs.filter_map(|s| pack.finding_def(pack.finding(&s.finding)?));
        let signs: Vec<String> = signs.map(|d| format!("“{}”", safe(&d.text.en))).collect();
        if !signs.is_empty() {
            put!(
                out,
                "<p class=\"meta\">Sign, {}: {}.</p>\n",
                band(of),
                signs.join(", ")
            );
        }
    }
    source(out, pack, &condition.source);
    out.push_str("</div>\n");
}

fn band(band: Band) -> &'static str {
    match band {
        Band::Rare => "rare",
        Band::Uncommon => "uncommon",
        Band::Common => "common",
        Band::Typical => "typical",
    }
}
