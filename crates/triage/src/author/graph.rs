//! A module as a picture: its screens, what they find, the rules, and the urgency each demands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::tables::Tables;
use super::words;
use super::AuthorError;
use crate::level::Urgency;
use crate::pack::{Pack, Question, Rule};
use crate::text::Lang;

/// The language a picture is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Mermaid, which many viewers of Markdown draw.
    Mermaid,
    /// DOT, for Graphviz.
    Dot,
}

/// Draws one module.
///
/// # Errors
/// [`AuthorError::Row`] where no module has this name; it lists those there are.
pub fn graph(tables: &Tables, pack: &Pack, module: &str, drawing: Drawing) -> Result<String, AuthorError> {
    let Some(table) = tables.modules.iter().find(|m| m.module == module) else {
        let names: Vec<&str> = tables.modules.iter().map(|m| m.module.as_str()).collect();
        return Err(AuthorError::Row {
            row: module.to_owned(),
            what: format!("is not a module; there are {}", names.join(", ")),
        });
    };
    let questions: Vec<&Question> = table
        .questions
        .iter()
        .filter_map(|row| Some(pack.question(&row.id)?.1))
        .collect();
    let own = table
        .findings
        .iter()
        .filter(|f| f.level.is_some())
        .map(|f| f.id.clone());
    let floors = table.questions.iter().map(|q| format!("floor.{}", q.id));
    let own: BTreeSet<String> = own
        .chain(floors)
        .chain(table.rules.iter().map(|r| r.id.clone()))
        .collect();
    let rules: Vec<&Rule> = pack.file().rules.iter().filter(|r| own.contains(&r.id)).collect();

    let mut picture = Picture::new(drawing);
    let mut findings: BTreeSet<String> = BTreeSet::new();
    for q in &questions {
        let asked = if q.must_ask { " (must ask)" } else { "" };
        picture.node(
            &format!("q {}", q.id),
            &format!("{}{asked}", q.text.en),
            Shape::Screen,
        );
        if let Some(when) = &q.when {
            when.findings(&mut |f| {
                findings.insert(f.clone());
                picture.edge(&format!("f {f}"), &format!("q {}", q.id), "opens");
            });
        }
        for o in &q.options {
            for f in o.sets.iter().chain(&o.also) {
                findings.insert(f.clone());
                picture.edge(&format!("q {}", q.id), &format!("f {f}"), "");
            }
        }
        for t in q.number.iter().flat_map(|n| &n.thresholds) {
            findings.insert(t.finding.clone());
            picture.edge(
                &format!("q {}", q.id),
                &format!("f {}", t.finding),
                &t.value.to_string(),
            );
        }
    }
    for rule in &rules {
        picture.node(
            &format!("r {}", rule.id),
            &rule.reason.en,
            Shape::Rule(rule.level),
        );
        rule.when.findings(&mut |f| {
            findings.insert(f.clone());
            picture.edge(&format!("f {f}"), &format!("r {}", rule.id), "");
        });
        picture.edge(&format!("r {}", rule.id), &format!("u {}", rule.level.code()), "");
    }
    for id in &findings {
        let def = pack.finding(id).and_then(|ix| pack.finding_def(ix));
        picture.node(&format!("f {id}"), def.map_or(id, |d| &d.text.en), Shape::Finding);
    }
    for urgency in rules.iter().map(|r| r.level).collect::<BTreeSet<Urgency>>() {
        picture.node(
            &format!("u {}", urgency.code()),
            words::urgency(urgency, Lang::En),
            Shape::Rule(urgency),
        );
    }
    Ok(picture.finish())
}

#[derive(Clone, Copy)]
enum Shape {
    Screen,
    Finding,
    Rule(Urgency),
}

struct Picture {
    drawing: Drawing,
    names: BTreeMap<String, usize>,
    nodes: String,
    edges: BTreeSet<(usize, usize, String)>,
}

impl Picture {
    fn new(drawing: Drawing) -> Picture {
        Picture {
            drawing,
            names: BTreeMap::new(),
            nodes: String::new(),
            edges: BTreeSet::new(),
        }
    }

    fn name(&mut self, id: &str) -> usize {
        let next = self.names.len();
        *self.names.entry(id.to_owned()).or_insert(next)
    }

    fn node(&mut self, id: &str, words: &str, shape: Shape) {
        let n = self.name(id);
        // A quotation mark would end the label in both languages.
        let words = words.replace('"', "'").replace('\\', "/");
        let said = match (self.drawing, shape) {
            (Drawing::Mermaid, Shape::Screen) => writeln!(self.nodes, "  n{n}[\"{words}\"]:::screen"),
            (Drawing::Mermaid, Shape::Finding) => writeln!(self.nodes, "  n{n}([\"{words}\"])"),
            (Drawing::Mermaid, Shape::Rule(u)) => {
                writeln!(self.nodes, "  n{n}{{{{\"{words}\"}}}}:::{}", u.code())
            }
            (Drawing::Dot, Shape::Screen) => {
                writeln!(self.nodes, "  n{n} [label=\"{words}\", shape=box, style=bold];")
            }
            (Drawing::Dot, Shape::Finding) => {
                writeln!(self.nodes, "  n{n} [label=\"{words}\", shape=ellipse];")
            }
            (Drawing::Dot, Shape::Rule(u)) => writeln!(
                self.nodes,
                "  n{n} [label=\"{words}\", shape=hexagon, style=filled, fillcolor=\"{}\"];",
                colour(u)
            ),
        };
        debug_assert!(said.is_ok(), "a String takes all text");
    }

    fn edge(&mut self, from: &str, to: &str, words: &str) {
        let (from, to) = (self.name(from), self.name(to));
        self.edges.insert((from, to, words.to_owned()));
    }

    fn finish(self) -> String {
        let edge = |(from, to, words): &(usize, usize, String)| match (self.drawing, words.is_empty()) {
            (Drawing::Mermaid, true) => format!("  n{from} --> n{to}\n"),
            (Drawing::Mermaid, false) => format!("  n{from} -- {words} --> n{to}\n"),
            (Drawing::Dot, true) => format!("  n{from} -> n{to};\n"),
            (Drawing::Dot, false) => format!("  n{from} -> n{to} [label=\"{words}\"];\n"),
        };
        let edges: String = self.edges.iter().map(edge).collect();
        match self.drawing {
            Drawing::Dot => format!(
                "digraph module {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n{}{edges}}}\n",
                self.nodes
            ),
            Drawing::Mermaid => {
                let class = |u: Urgency| format!("  classDef {} fill:{},color:#111\n", u.code(), colour(u));
                let classes: String = Urgency::ALL.map(class).concat();
                format!(
                    "flowchart LR\n{}{edges}  classDef screen stroke-width:3px\n{classes}",
                    self.nodes
                )
            }
        }
    }
}

fn colour(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::SelfCare => "#d8f0d8",
        Urgency::Days => "#e6f0d0",
        Urgency::Hours24 => "#f6f0c0",
        Urgency::Today => "#fbe0b0",
        Urgency::EdNow => "#f8c0a8",
        Urgency::Call911 => "#f09c9c",
    }
}
