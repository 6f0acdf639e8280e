//! Rules in plain words, for those who review them.

use crate::expr::Expr;
use crate::level::{Need, Urgency};
use crate::pack::{Pack, Rule};
use crate::text::Lang;

/// An urgency in words.
#[must_use]
pub fn urgency(urgency: Urgency, lang: Lang) -> &'static str {
    match (urgency, lang) {
        (Urgency::SelfCare, Lang::En) => "Home care",
        (Urgency::SelfCare, Lang::Es) => "Cuidado en casa",
        (Urgency::Days, Lang::En) => "A clinician within days",
        (Urgency::Days, Lang::Es) => "Consulta en unos días",
        (Urgency::Hours24, Lang::En) => "A clinician within 24 hours",
        (Urgency::Hours24, Lang::Es) => "Consulta en 24 horas",
        (Urgency::Today, Lang::En) => "A nurse or clinician today",
        (Urgency::Today, Lang::Es) => "Enfermera o médico hoy",
        (Urgency::EdNow, Lang::En) => "Emergency department now, do not drive yourself",
        (Urgency::EdNow, Lang::Es) => "A urgencias ahora, sin manejar",
        (Urgency::Call911, Lang::En) => "Call 911 now",
        (Urgency::Call911, Lang::Es) => "Llame al 911 ahora",
    }
}

/// What a place of care must offer, in words.
#[must_use]
pub fn need(need: Need, lang: Lang) -> &'static str {
    match (need, lang) {
        (Need::WoundCare, Lang::En) => "wound care",
        (Need::WoundCare, Lang::Es) => "curación de heridas",
        (Need::Xray, Lang::En) => "an X-ray",
        (Need::Xray, Lang::Es) => "rayos X",
        (Need::Vaccine, Lang::En) => "a vaccine",
        (Need::Vaccine, Lang::Es) => "una vacuna",
        (Need::Examination, Lang::En) => "an examination in person",
        (Need::Examination, Lang::Es) => "revisión en persona",
    }
}

/// A rule as a sentence: `Call 911 now if: “…” AND “…”`.
#[must_use]
pub fn rule(pack: &Pack, rule: &Rule, lang: Lang) -> String {
    let by = match lang {
        Lang::En => "if",
        Lang::Es => "si",
    };
    format!(
        "{} {by}: {}",
        urgency(rule.level, lang),
        condition(pack, &rule.when, lang)
    )
}

/// A condition in words, findings in quotation marks.
#[must_use]
pub fn condition(pack: &Pack, expr: &Expr<String>, lang: Lang) -> String {
    written(pack, expr, lang, false)
}

fn written(pack: &Pack, expr: &Expr<String>, lang: Lang, inside: bool) -> String {
    let (and, or) = match lang {
        Lang::En => (" AND ", " OR "),
        Lang::Es => (" Y ", " O "),
    };
    let many = |parts: &[Expr<String>], by: &str| {
        let all: Vec<String> = parts
            .iter()
            .map(|p| written(pack, p, lang, parts.len() > 1))
            .collect();
        match inside && all.len() > 1 {
            true => format!("({})", all.join(by)),
            false => all.join(by),
        }
    };
    match expr {
        Expr::Present(f) => quoted(pack, f, lang),
        Expr::NotRuledOut(f) => match lang {
            Lang::En => format!("{} is not ruled out", quoted(pack, f, lang)),
            Lang::Es => format!("{} no está descartado", quoted(pack, f, lang)),
        },
        Expr::All(parts) => many(parts, and),
        Expr::Any(parts) => many(parts, or),
        Expr::Score { at_least, of } => {
            let weighed = |(weight, part): &(u32, Expr<String>)| match weight {
                1 => written(pack, part, lang, true),
                _ => format!("{weight} × {}", written(pack, part, lang, true)),
            };
            let all: Vec<String> = of.iter().map(weighed).collect();
            match lang {
                Lang::En => format!("at least {at_least} of: {}", all.join("; ")),
                Lang::Es => format!("al menos {at_least} de: {}", all.join("; ")),
            }
        }
    }
}

fn quoted(pack: &Pack, finding: &str, lang: Lang) -> String {
    let def = pack.finding(finding).and_then(|ix| pack.finding_def(ix));
    let words = def.map_or(finding, |def| def.text.get(lang));
    match lang {
        Lang::En => format!("“{words}”"),
        Lang::Es => format!("«{words}»"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let pack = Pack::embedded();
        let say = |id: &str, lang| rule(pack, pack.file().rules.iter().find(|r| r.id == id).unwrap(), lang);
        assert_eq!(
            say("bite.eye_any", Lang::En),
            "Emergency department now, do not drive yourself if: “Eye or eyelid”"
        );
        let both = say("bite.face_deep", Lang::Es);
        assert!(both.contains("» Y («") && both.contains("» O «"), "{both}");
    }
}
