//! Searches: SQL built from typed criteria; every value is bound, never written into the text.

use super::index::param_id;
use super::resource::stored;
use crate::auth::policy::{self, Action, Standing};
use crate::auth::relation::RelationKind;
use crate::auth::Actor;
use crate::db::{DbError, SqlResult, Stored};
use crate::fhir::query::{Criterion, Include, Prefix, SearchQuery, SortKey, Test, TokenValue};
use hms_fhir::SearchKind;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as Sql;
use rusqlite::{params_from_iter, Connection};

/// A condition with its bound values.
#[derive(Debug, Default)]
struct Condition {
    text: String,
    values: Vec<Sql>,
}

impl Condition {
    fn new(text: impl Into<String>, values: Vec<Sql>) -> Self {
        Self {
            text: text.into(),
            values,
        }
    }

    /// Any of these; none of them is never.
    fn any(parts: Vec<Self>) -> Self {
        if parts.is_empty() {
            return Self::new("0", Vec::new());
        }
        let mut whole = Self::default();
        for (i, part) in parts.into_iter().enumerate() {
            whole.text.push_str(if i == 0 { "((" } else { ") OR (" });
            whole.text.push_str(&part.text);
            whole.values.extend(part.values);
        }
        whole.text.push_str("))");
        whole
    }

    fn and(&mut self, other: Self) {
        self.text.push_str(" AND ");
        self.text.push_str(&other.text);
        self.values.extend(other.values);
    }
}

/// What of a type an actor may see: the standings that the policy grants.
#[derive(Debug, Clone)]
pub struct Visible<'a> {
    /// Who searches.
    pub actor: &'a Actor,
    /// The standings in which they may read this type.
    pub standings: Vec<Standing>,
}

/// A page of matches, at most one more than asked for, so that the caller knows whether there is another.
///
/// # Errors
/// A failed statement.
pub fn page(conn: &Connection, query: &SearchQuery, visible: &Visible<'_>) -> Result<Vec<Stored>, DbError> {
    let mut condition = matching(query, visible);
    let order = if query.sort.is_empty() {
        condition.and(Condition::new("r.key > ?", vec![Sql::Integer(query.page)]));
        "r.key".to_owned()
    } else {
        order_by(query, &mut condition)
    };
    let mut sql = format!(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM resource r JOIN version v ON v.seq = r.seq WHERE {} ORDER BY {order} LIMIT ?",
        condition.text
    );
    condition
        .values
        .push(Sql::Integer(i64::try_from(query.count + 1).unwrap_or(i64::MAX)));
    if !query.sort.is_empty() {
        sql.push_str(" OFFSET ?");
        condition.values.push(Sql::Integer(query.page));
    }
    conn.prepare_cached(&sql)
        .and_then(|mut s| s.query_map(params_from_iter(condition.values), stored)?.collect())
        .doing("search")
}

/// How many matches there are on all pages.
///
/// # Errors
/// A failed statement.
pub fn count(conn: &Connection, query: &SearchQuery, visible: &Visible<'_>) -> Result<u64, DbError> {
    let condition = matching(query, visible);
    let sql = format!("SELECT count(*) FROM resource r WHERE {}", condition.text);
    conn.prepare_cached(&sql)
        .and_then(|mut s| s.query_row(params_from_iter(condition.values), |r| r.get::<_, i64>(0)))
        .doing("count matches")
        .map(|n| u64::try_from(n).unwrap_or(0))
}

/// Type and id of what a resource refers to through a parameter.
///
/// # Errors
/// A failed statement.
pub fn targets(conn: &Connection, key: i64, include: &Include) -> Result<Vec<(String, String)>, DbError> {
    conn.prepare_cached("SELECT target_type, target_id FROM idx_reference WHERE key = ?1 AND param = ?2")
        .and_then(|mut s| {
            s.query_map([key, param_id(&include.source, include.param)], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })?
            .collect()
        })
        .doing("read references")
}

/// The resources of a type that refer to one through a parameter.
///
/// # Errors
/// A failed statement.
pub fn referrers(conn: &Connection, kind: &str, id: &str, include: &Include) -> Result<Vec<Stored>, DbError> {
    conn.prepare_cached(
        "SELECT r.key, r.type, r.id, r.version, r.seq, r.last_updated, r.deleted, r.patient, v.body
           FROM idx_reference i JOIN resource r ON r.key = i.key JOIN version v ON v.seq = r.seq
          WHERE i.param = ?1 AND i.target_id = ?2 AND i.target_type = ?3 ORDER BY r.key LIMIT 1000",
    )
    .and_then(|mut s| {
        s.query_map((param_id(&include.source, include.param), id, kind), stored)?
            .collect()
    })
    .doing("read referring resources")
}

/// Narrows any list of resources `r` to what an actor may see of a type, as SQL; for feeds and histories.
///
/// # Errors
/// A failed statement.
pub fn is_visible(conn: &Connection, key: i64, kind: &str, visible: &Visible<'_>) -> Result<bool, DbError> {
    let mut condition = access(kind, visible);
    condition.and(Condition::new("r.key = ?", vec![Sql::Integer(key)]));
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM resource r WHERE {})",
        condition.text
    );
    conn.prepare_cached(&sql)
        .and_then(|mut s| s.query_row(params_from_iter(condition.values), |r| r.get(0)))
        .doing("check access")
}

fn matching(query: &SearchQuery, visible: &Visible<'_>) -> Condition {
    let mut whole = Condition::new("r.type = ? AND r.deleted = 0", vec![text(&query.kind)]);
    whole.and(access(&query.kind, visible));
    for criterion in &query.criteria {
        whole.and(holds(criterion, "r", visible.actor));
    }
    whole
}

/// What an actor may see of a type that a chain or `_has` leads to: a search must not tell about what a read would
/// not give.
fn reachable(kind: &str, actor: &Actor) -> Condition {
    let standings = policy::granted(actor, Action::Read, kind);
    let mut condition = access(kind, &Visible { actor, standings });
    // The conditions name the row of a search `r`; here it is the one at the end of a reference.
    condition.text = condition.text.replace("r.", "c.");
    condition
}

/// The access policy as a condition: any of the granted standings.
fn access(kind: &str, visible: &Visible<'_>) -> Condition {
    if visible.standings.contains(&Standing::Unrelated) {
        return Condition::new("1", Vec::new());
    }
    Condition::any(
        visible
            .standings
            .iter()
            .filter_map(|s| standing(kind, *s, visible.actor))
            .collect(),
    )
}

fn standing(kind: &str, standing: Standing, actor: &Actor) -> Option<Condition> {
    let objects = |kind: RelationKind, subject: String| {
        Condition::new(
            "r.patient IN (SELECT object FROM relation WHERE kind = ? AND subject = ?)",
            vec![text(kind.as_str()), text(&subject)],
        )
    };
    Some(match standing {
        Standing::Own => {
            let own = text(actor.patient()?.as_str());
            if kind == "Composition" {
                Condition::new(
                    "r.patient = ? AND EXISTS (SELECT 1 FROM idx_token t WHERE t.param = ? AND t.code = 'final' AND t.key = r.key)",
                    vec![own, Sql::Integer(param_id("Composition", "status"))],
                )
            } else if kind == "Binary" {
                // The bytes of a photo belong to whom its DocumentReference of the same id belongs to.
                Condition::new(
                    "(r.patient = ? OR EXISTS (SELECT 1 FROM resource d WHERE d.type = 'DocumentReference' AND d.id = r.id AND d.patient = ?))",
                    vec![own.clone(), own],
                )
            } else {
                Condition::new("r.patient = ?", vec![own])
            }
        }
        Standing::Treating => objects(
            RelationKind::Treats,
            format!("Practitioner/{}", actor.practitioner()?),
        ),
        Standing::Queue => objects(RelationKind::Queue, String::new()),
        Standing::Unclaimed => Condition::new(
            "(r.patient IS NULL AND (r.key IN (SELECT key FROM relation WHERE kind = ?)
              OR (r.type = 'QuestionnaireResponse' AND r.id IN (SELECT object FROM relation WHERE kind = ?))
              OR EXISTS (SELECT 1 FROM relation o WHERE o.kind = ? AND o.object = r.type || '/' || r.id
                 AND o.subject IN (SELECT object FROM relation WHERE kind = ?))))",
            vec![
                text(RelationKind::QueueFocus.as_str()),
                text(RelationKind::QueueFocus.as_str()),
                text(RelationKind::OfReport.as_str()),
                text(RelationKind::QueueFocus.as_str()),
            ],
        ),
        Standing::District => {
            let district = format!("Organization/{}", actor.district.as_deref()?);
            Condition::new(
                "r.patient IN (SELECT s.object FROM relation s WHERE s.kind = ? AND (s.subject = ? OR s.subject IN (
                     SELECT 'Organization/' || p.object FROM relation p WHERE p.kind = ? AND p.subject = ?)))",
                vec![
                    text(RelationKind::Site.as_str()),
                    text(&district),
                    text(RelationKind::PartOf.as_str()),
                    text(&district),
                ],
            )
        }
        Standing::SiteNotice => {
            let site = format!("Organization/{}", actor.site.as_deref()?);
            let mut condition = objects(RelationKind::Site, site.clone());
            condition.and(Condition::new(
                "r.type = 'Task' AND EXISTS (SELECT 1 FROM idx_token t WHERE t.param = ? AND t.key = r.key
                   AND t.system = ? AND t.code IN ('supervisor-notice', 'duty-decision'))",
                vec![
                    Sql::Integer(param_id("Task", "code")),
                    text(&hms_model::map::system::codes("task")),
                ],
            ));
            let about_nobody = Condition::new(
                "r.type = 'Task' AND r.patient IS NULL AND r.id IN (SELECT object FROM relation WHERE kind = ? AND subject = ?)",
                vec![text(RelationKind::SiteNotice.as_str()), text(&site)],
            );
            Condition::any(vec![condition, about_nobody])
        }
        Standing::General => Condition::new("r.patient IS NULL", Vec::new()),
        // Nobody is given drafts about themselves, or what they wrote about others.
        Standing::OwnDraft | Standing::Author => return None,
        Standing::Unrelated => Condition::new("1", Vec::new()),
    })
}

fn holds(criterion: &Criterion, row: &str, actor: &Actor) -> Condition {
    let param = Sql::Integer(param_id(&criterion.kind, criterion.param));
    let within = |table: &str, test: Condition| {
        let mut values = vec![param.clone()];
        values.extend(test.values);
        Condition::new(
            format!(
                "{row}.key IN (SELECT key FROM {table} WHERE param = ? AND {})",
                test.text
            ),
            values,
        )
    };
    match &criterion.test {
        Test::Id(ids) => list(&format!("{row}.id"), ids),
        Test::LastUpdated(dates) => Condition::any(
            dates
                .iter()
                .map(|(prefix, start, end)| {
                    let column = format!("{row}.last_updated");
                    range(*prefix, &column, &column, Sql::Integer(*start), Sql::Integer(*end), "<=")
                })
                .collect(),
        ),
        Test::Missing(missing) => {
            let tables = tables(criterion.param_kind);
            let found = tables.iter().map(|table| {
                Condition::new(
                    format!("EXISTS (SELECT 1 FROM {table} m WHERE m.key = {row}.key AND m.param = ?)"),
                    vec![param.clone()],
                )
            });
            let mut any = Condition::any(found.collect());
            if *missing {
                any.text = format!("NOT {}", any.text);
            }
            any
        }
        Test::Token(tokens) => within("idx_token", any_token(tokens)),
        Test::NotToken(tokens) => {
            let mut inside = within("idx_token", any_token(tokens));
            inside.text = format!("NOT ({})", inside.text);
            inside
        }
        Test::Reference(references) => within(
            "idx_reference",
            Condition::any(
                references
                    .iter()
                    .map(|(kind, id)| match kind {
                        Some(kind) => Condition::new("target_id = ? AND target_type = ?", vec![text(id), text(kind)]),
                        None => Condition::new("target_id = ?", vec![text(id)]),
                    })
                    .collect(),
            ),
        ),
        Test::Address(uris) | Test::Uri(uris) => within("idx_uri", list("value", uris)),
        Test::Date(dates) => within(
            "idx_date",
            Condition::any(
                dates
                    .iter()
                    .map(|(p, start, end)| range(*p, "start_ms", "end_ms", Sql::Integer(*start), Sql::Integer(*end), "<="))
                    .collect(),
            ),
        ),
        Test::Number(numbers) => within(
            "idx_number",
            Condition::any(numbers.iter().map(|(p, low, high)| number(*p, *low, *high)).collect()),
        ),
        Test::Quantity(quantities) => within(
            "idx_quantity",
            Condition::any(
                quantities
                    .iter()
                    .map(|q| {
                        let mut condition = number(q.prefix, q.low, q.high);
                        for (column, wanted) in [("system", &q.system), ("code", &q.code)] {
                            if let Some(wanted) = wanted {
                                condition.and(Condition::new(format!("{column} = ?"), vec![text(wanted)]));
                            }
                        }
                        condition
                    })
                    .collect(),
            ),
        ),
        Test::Starts(texts) => within(
            "idx_text",
            Condition::any(
                texts
                    .iter()
                    // A range, so that the index is used. U+10FFFF sorts after every character.
                    .map(|t| Condition::new("folded >= ? AND folded < ?", vec![text(t), text(&format!("{t}\u{10ffff}"))]))
                    .collect(),
            ),
        ),
        Test::Contains(texts) => within(
            "idx_text",
            Condition::any(texts.iter().map(|t| Condition::new("instr(folded, ?) > 0", vec![text(t)])).collect()),
        ),
        Test::Exact(texts) => Condition::any(
            texts
                .iter()
                .map(|t| {
                    // The folded index finds the few that are looked at as they are written.
                    let mut near = within("idx_text", Condition::new("folded = ?", vec![text(&hms_fhir::fold(t))]));
                    near.and(Condition::new(
                        format!("EXISTS (SELECT 1 FROM version e WHERE e.seq = {row}.seq AND has_exact_text(e.body, ?, ?))"),
                        vec![text(criterion.param), text(t)],
                    ));
                    near
                })
                .collect(),
        ),
        Test::Has(source, through, inner) => {
            let mut inner_holds = holds(inner, "c", actor);
            inner_holds.and(reachable(source, actor));
            let mut values = vec![
                Sql::Integer(param_id(source, through)),
                text(&criterion.kind),
                text(source),
            ];
            values.extend(inner_holds.values);
            Condition::new(
                format!(
                    "{row}.id IN (SELECT h.target_id FROM idx_reference h JOIN resource c ON c.key = h.key
                      WHERE h.param = ? AND h.target_type = ? AND c.type = ? AND c.deleted = 0 AND {})",
                    inner_holds.text
                ),
                values,
            )
        }
        Test::Chain(arms) => within(
            "idx_reference",
            Condition::any(
                arms.iter()
                    .map(|(target, inner)| {
                        let mut values = vec![text(target), text(target)];
                        let mut inner = holds(inner, "c", actor);
                        inner.and(reachable(target, actor));
                        values.extend(inner.values);
                        Condition::new(
                            format!(
                                "target_type = ? AND target_id IN (SELECT c.id FROM resource c WHERE c.type = ? AND c.deleted = 0 AND {})",
                                inner.text
                            ),
                            values,
                        )
                    })
                    .collect(),
            ),
        ),
    }
}

fn any_token(tokens: &[TokenValue]) -> Condition {
    Condition::any(
        tokens
            .iter()
            .map(|token| match (&token.system, &token.code) {
                (None, Some(code)) => Condition::new("code = ?", vec![text(code)]),
                (Some(system), Some(code)) => {
                    Condition::new("code = ? AND system = ?", vec![text(code), text(system)])
                }
                (Some(system), None) => Condition::new("system = ?", vec![text(system)]),
                (None, None) => Condition::new("0", Vec::new()),
            })
            .collect(),
    )
}

/// Compares a stored range with the one asked for, by the rules of FHIR's prefixes. `upper` says whether the
/// end of the asked range belongs to it.
fn range(prefix: Prefix, low: &str, high: &str, start: Sql, end: Sql, upper: &str) -> Condition {
    match prefix {
        Prefix::Eq => Condition::new(format!("{low} >= ? AND {high} {upper} ?"), vec![start, end]),
        Prefix::Ne => Condition::new(format!("NOT ({low} >= ? AND {high} {upper} ?)"), vec![start, end]),
        Prefix::Gt => Condition::new(format!("{high} > ?"), vec![end]),
        Prefix::Lt => Condition::new(format!("{low} < ?"), vec![start]),
        Prefix::Ge => Condition::new(format!("{high} >= ?"), vec![start]),
        Prefix::Le => Condition::new(format!("{low} <= ?"), vec![end]),
        Prefix::Sa => Condition::new(format!("{low} > ?"), vec![end]),
        Prefix::Eb => Condition::new(format!("{high} < ?"), vec![start]),
        Prefix::Ap => Condition::new(format!("{low} <= ? AND {high} >= ?"), vec![end, start]),
    }
}

fn number(prefix: Prefix, low: f64, high: f64) -> Condition {
    range(prefix, "low", "high", Sql::Real(low), Sql::Real(high), "<")
}

fn list(column: &str, values: &[String]) -> Condition {
    let marks = vec!["?"; values.len()].join(", ");
    Condition::new(
        format!("{column} IN ({marks})"),
        values.iter().map(|v| text(v)).collect(),
    )
}

/// Missing values come last in both directions; equal ones keep the order of creation.
fn order_by(query: &SearchQuery, condition: &mut Condition) -> String {
    let mut parts = Vec::new();
    for key in &query.sort {
        let direction = if key.descending { "DESC" } else { "ASC" };
        let expression = match key.param {
            "_id" => "r.id".to_owned(),
            "_lastUpdated" => "r.last_updated".to_owned(),
            _ => {
                condition
                    .values
                    .push(Sql::Integer(param_id(&query.kind, key.param)));
                sort_expression(key)
            }
        };
        parts.push(format!("{expression} {direction} NULLS LAST"));
    }
    parts.push("r.key".to_owned());
    parts.join(", ")
}

fn sort_expression(key: &SortKey) -> String {
    let (table, low, high) = match key.kind {
        SearchKind::Token => ("idx_token", "code", "code"),
        SearchKind::Reference => ("idx_reference", "target_id", "target_id"),
        SearchKind::Date => ("idx_date", "start_ms", "end_ms"),
        SearchKind::String => ("idx_text", "folded", "folded"),
        SearchKind::Number => ("idx_number", "low", "high"),
        SearchKind::Quantity => ("idx_quantity", "low", "high"),
        SearchKind::Uri => ("idx_uri", "value", "value"),
    };
    let value = if key.descending {
        format!("max({high})")
    } else {
        format!("min({low})")
    };
    format!("(SELECT {value} FROM {table} o WHERE o.key = r.key AND o.param = ?)")
}

/// Where values of a kind are; a reference to another server is kept as an address.
fn tables(kind: SearchKind) -> &'static [&'static str] {
    match kind {
        SearchKind::Token => &["idx_token"],
        SearchKind::Reference => &["idx_reference", "idx_uri"],
        SearchKind::Date => &["idx_date"],
        SearchKind::String => &["idx_text"],
        SearchKind::Number => &["idx_number"],
        SearchKind::Quantity => &["idx_quantity"],
        SearchKind::Uri => &["idx_uri"],
    }
}

/// Gives a connection the function that `:exact` needs.
///
/// # Errors
/// A failed registration.
pub fn register(conn: &Connection) -> Result<(), DbError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("has_exact_text", 3, flags, |context| {
        let body: String = context.get(0)?;
        let (param, wanted): (String, String) = (context.get(1)?, context.get(2)?);
        // A damaged body matches nothing here; reading it says that it is damaged.
        Ok(serde_json::from_str(&body)
            .is_ok_and(|resource| hms_fhir::has_exact_text(&resource, &param, &wanted)))
    })
    .doing("register a function")
}

fn text(value: &str) -> Sql {
    Sql::Text(value.to_owned())
}
