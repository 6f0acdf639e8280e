//! A search as typed values. Strict: what is not known or not supported is refused, never ignored.

use super::Problem;
use hms_fhir::{
    fold, has_element, number_range, parse_date_range, search_param, SearchKind, SearchParam, Subset,
};

/// Results on a page unless asked otherwise.
const DEFAULT_COUNT: usize = 50;
/// Results on a page at most.
const MAX_COUNT: usize = 1000;
/// Criteria of a search at most; a longer one is a mistake or an attack.
const MAX_CRITERIA: usize = 50;
/// Alternatives of one criterion at most.
const MAX_VALUES: usize = 500;
/// `_include` and `_revinclude` together, at most.
const MAX_INCLUDES: usize = 20;
/// Keys of `_sort` at most.
const MAX_SORT: usize = 5;

/// How a value compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// The resource's value lies within the one asked for.
    Eq,
    /// Not [`Prefix::Eq`].
    Ne,
    /// Greater.
    Gt,
    /// Less.
    Lt,
    /// Greater or equal.
    Ge,
    /// Less or equal.
    Le,
    /// Starts after.
    Sa,
    /// Ends before.
    Eb,
    /// About: overlaps, with a tenth of leeway for numbers.
    Ap,
}

/// A token asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenValue {
    /// `None`: any system; empty: no system.
    pub system: Option<String>,
    /// `None`: any code of the system.
    pub code: Option<String>,
}

/// A quantity asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityValue {
    /// How it compares.
    pub prefix: Prefix,
    /// Smallest number meant.
    pub low: f64,
    /// Largest number meant.
    pub high: f64,
    /// System of the unit, if it matters.
    pub system: Option<String>,
    /// Unit, if it matters.
    pub code: Option<String>,
}

/// What one criterion asks; several values are alternatives.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `_id`.
    Id(Vec<String>),
    /// `_lastUpdated`.
    LastUpdated(Vec<(Prefix, i64, i64)>),
    /// `:missing`.
    Missing(bool),
    /// Token.
    Token(Vec<TokenValue>),
    /// Token with `:not`.
    NotToken(Vec<TokenValue>),
    /// Reference: (type if given, id).
    Reference(Vec<(Option<String>, String)>),
    /// Reference or canonical that is a whole address.
    Address(Vec<String>),
    /// Date.
    Date(Vec<(Prefix, i64, i64)>),
    /// Number.
    Number(Vec<(Prefix, f64, f64)>),
    /// Quantity.
    Quantity(Vec<QuantityValue>),
    /// String by its beginning, folded.
    Starts(Vec<String>),
    /// String anywhere, folded.
    Contains(Vec<String>),
    /// The whole string, as written.
    Exact(Vec<String>),
    /// URI.
    Uri(Vec<String>),
    /// Through a reference to one of these types, each with the criterion there.
    Chain(Vec<(String, Criterion)>),
    /// `_has`: a resource of this type refers to it through this parameter, and the criterion holds there.
    Has(String, &'static str, Box<Criterion>),
}

/// One criterion; all criteria of a query must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// Resource type that it is about.
    pub kind: String,
    /// Search parameter.
    pub param: &'static str,
    /// Its kind.
    pub param_kind: SearchKind,
    /// What is asked.
    pub test: Test,
}

/// A key of `_sort`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Search parameter.
    pub param: &'static str,
    /// Its kind.
    pub kind: SearchKind,
    /// Largest first.
    pub descending: bool,
}

/// `_include` or `_revinclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Type whose references are followed.
    pub source: String,
    /// Reference parameter.
    pub param: &'static str,
    /// Only targets of this type.
    pub target: Option<String>,
}

/// A whole search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// Type.
    pub kind: String,
    /// Criteria, all of which must hold.
    pub criteria: Vec<Criterion>,
    /// `_sort`.
    pub sort: Vec<SortKey>,
    /// `_count`.
    pub count: usize,
    /// `_include`.
    pub includes: Vec<Include>,
    /// `_revinclude`.
    pub revincludes: Vec<Include>,
    /// `_total=accurate`, or `_summary=count`.
    pub total: bool,
    /// `_summary=count`: nothing but the total.
    pub count_only: bool,
    /// `_summary` or `_elements`: only a part of each match.
    pub subset: Option<Subset>,
    /// Place of the page: a key without `_sort`, an offset with it.
    pub page: i64,
    /// What was applied, as sent: the `self` link.
    pub applied: Vec<(String, String)>,
}

impl SearchQuery {
    /// Reads the parameters of a search of a type.
    ///
    /// # Errors
    /// [`Problem::Search`] for the first parameter that cannot be honoured.
    pub fn parse(kind: &str, pairs: &[(String, String)]) -> Result<Self, Problem> {
        let mut query = Self {
            kind: kind.to_owned(),
            criteria: Vec::new(),
            sort: Vec::new(),
            count: DEFAULT_COUNT,
            includes: Vec::new(),
            revincludes: Vec::new(),
            total: false,
            count_only: false,
            subset: None,
            page: 0,
            applied: Vec::new(),
        };
        for (name, value) in pairs {
            query.read(name, value)?;
            if name != "_page" {
                query.applied.push((name.clone(), value.clone()));
            }
        }
        query.within_bounds()?;
        Ok(query)
    }

    fn within_bounds(&self) -> Result<(), Problem> {
        for (param, held, most) in [
            ("_sort", self.sort.len(), MAX_SORT),
            (
                "_include",
                self.includes.len() + self.revincludes.len(),
                MAX_INCLUDES,
            ),
            ("search", self.criteria.len(), MAX_CRITERIA),
        ] {
            if held > most {
                return Err(Problem::Search {
                    param: param.to_owned(),
                    why: "too many of them in one search",
                });
            }
        }
        Ok(())
    }

    fn read(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let bad = |why| Problem::Search {
            param: name.to_owned(),
            why,
        };
        match name {
            "_count" => {
                self.count = value
                    .parse::<usize>()
                    .map_err(|_| bad("not a number"))?
                    .min(MAX_COUNT);
                if self.count == 0 {
                    self.count_only = true;
                    self.total = true;
                }
            }
            "_sort" => {
                self.sort = value
                    .split(',')
                    .map(|key| sort_key(&self.kind, key))
                    .collect::<Result<_, _>>()?
            }
            "_include" => self.includes.push(include(name, value)?),
            "_revinclude" => self.revincludes.push(include(name, value)?),
            "_total" => match value {
                "accurate" | "estimate" => self.total = true,
                "none" => self.total = false,
                _ => return Err(bad("none, estimate or accurate")),
            },
            "_summary" => match value {
                "count" => {
                    self.count_only = true;
                    self.total = true;
                }
                other => {
                    self.subset = summary(other).ok_or_else(|| bad("true, text, data, count or false"))?
                }
            },
            "_elements" => self.subset = Some(elements(&self.kind, value)?),
            "_format" => {
                if !matches!(value, "json" | "application/json" | "application/fhir+json") {
                    return Err(bad("only JSON is supported"));
                }
            }
            "_page" => self.page = value.parse().map_err(|_| bad("not a page of this search"))?,
            _ => self.criteria.push(criterion(&self.kind, name, value)?),
        }
        Ok(())
    }
}

/// The part that `_summary` asks for; `None` where the value is unknown.
fn summary(value: &str) -> Option<Option<Subset>> {
    match value {
        "true" => Some(Some(Subset::Summary)),
        "text" => Some(Some(Subset::Text)),
        "data" => Some(Some(Subset::Data)),
        "false" => Some(None),
        _ => None,
    }
}

fn elements(kind: &str, value: &str) -> Result<Subset, Problem> {
    let names: Vec<String> = split(value);
    if names.is_empty() || names.iter().any(|name| !has_element(kind, name)) {
        return Err(Problem::Search {
            param: "_elements".to_owned(),
            why: "names of elements right below the resource, with commas between",
        });
    }
    Ok(Subset::Elements(names))
}

/// What a read of one resource may ask for: a part of it, and the form.
///
/// # Errors
/// [`Problem::Search`] for anything else.
pub fn part_of_read(kind: &str, pairs: &[(String, String)]) -> Result<Option<Subset>, Problem> {
    let mut part = None;
    for (name, value) in pairs {
        let bad = |why| Problem::Search {
            param: name.clone(),
            why,
        };
        match name.as_str() {
            "_summary" => part = summary(value).ok_or_else(|| bad("true, text, data or false"))?,
            "_elements" => part = Some(elements(kind, value)?),
            "_format"
                if matches!(
                    value.as_str(),
                    "json" | "application/json" | "application/fhir+json"
                ) => {}
            "_format" => return Err(bad("only JSON is supported")),
            _ => return Err(bad("a read has no such parameter")),
        }
    }
    Ok(part)
}

/// `_has:Observation:patient:code=…`: one step back, then any criterion of the referring type.
fn has(kind: &str, name: &str, rest: &str, value: &str) -> Result<Criterion, Problem> {
    let bad = |why| Problem::Search {
        param: name.to_owned(),
        why,
    };
    let mut parts = rest.splitn(3, ':');
    let (Some(source), Some(through), Some(inner)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(bad("_has:Type:reference:parameter"));
    };
    let through = search_param(source, through)
        .filter(|p| p.kind == SearchKind::Reference && p.targets.contains(&kind))
        .ok_or_else(|| bad("that type has no such reference to this one"))?;
    if inner.starts_with("_has:") || inner.contains('.') {
        return Err(bad("only one step of _has is supported"));
    }
    let id = search_param(kind, "_id").ok_or_else(|| bad("unknown type"))?;
    Ok(Criterion {
        kind: kind.to_owned(),
        param: id.name,
        param_kind: id.kind,
        test: Test::Has(
            source.to_owned(),
            through.name,
            Box::new(criterion(source, inner, value)?),
        ),
    })
}

fn criterion(kind: &str, name: &str, value: &str) -> Result<Criterion, Problem> {
    let bad = |why| Problem::Search {
        param: name.to_owned(),
        why,
    };
    if let Some(rest) = name.strip_prefix("_has:") {
        return has(kind, name, rest, value);
    }
    if let Some((head, rest)) = name.split_once('.') {
        return chain(kind, name, head, rest, value);
    }
    let (base, modifier) = name.split_once(':').map_or((name, None), |(b, m)| (b, Some(m)));
    let param = search_param(kind, base).ok_or_else(|| bad("unknown search parameter for this type"))?;
    if value.is_empty() {
        return Err(bad("needs a value"));
    }
    if split(value).len() > MAX_VALUES {
        return Err(bad("too many values"));
    }
    let test = match (modifier, param.kind) {
        (Some("missing"), _) if !base.starts_with('_') => match value {
            "true" => Test::Missing(true),
            "false" => Test::Missing(false),
            _ => return Err(bad("true or false")),
        },
        (None, _) => plain(param, value).ok_or_else(|| bad("the value cannot be read"))?,
        (Some("not"), SearchKind::Token) if base != "_id" => Test::NotToken(tokens(value)),
        (Some("contains"), SearchKind::String) => {
            Test::Contains(split(value).iter().map(|v| fold(v)).collect())
        }
        (Some("exact"), SearchKind::String) => Test::Exact(split(value)),
        (Some(target), SearchKind::Reference) if param.targets.contains(&target) => Test::Reference(
            split(value)
                .into_iter()
                .map(|id| (Some(target.to_owned()), id))
                .collect(),
        ),
        _ => return Err(bad("this modifier is not supported")),
    };
    Ok(Criterion {
        kind: kind.to_owned(),
        param: param.name,
        param_kind: param.kind,
        test,
    })
}

/// `subject.name=…`, `subject:Patient.name=…`: one step, then any criterion of the target.
fn chain(kind: &str, name: &str, head: &str, rest: &str, value: &str) -> Result<Criterion, Problem> {
    let bad = |why| Problem::Search {
        param: name.to_owned(),
        why,
    };
    let (base, wanted) = head.split_once(':').map_or((head, None), |(b, t)| (b, Some(t)));
    let param = search_param(kind, base).ok_or_else(|| bad("unknown search parameter for this type"))?;
    if param.kind != SearchKind::Reference {
        return Err(bad("only references can be chained"));
    }
    if rest.contains('.') {
        return Err(bad("only one step of a chain is supported"));
    }
    let bare = rest.split(':').next().unwrap_or(rest);
    let targets = param.targets.iter().filter(|t| {
        wanted.is_none_or(|w| w == **t) && hms_fhir::is_known_type(t) && search_param(t, bare).is_some()
    });
    let arms = targets
        .map(|target| criterion(target, rest, value).map(|c| ((*target).to_owned(), c)))
        .collect::<Result<Vec<_>, _>>()?;
    if arms.is_empty() {
        return Err(bad("no type at the end of this chain has that parameter"));
    }
    Ok(Criterion {
        kind: kind.to_owned(),
        param: param.name,
        param_kind: param.kind,
        test: Test::Chain(arms),
    })
}

fn plain(param: &SearchParam, value: &str) -> Option<Test> {
    let values = split(value);
    Some(match (param.name, param.kind) {
        ("_id", _) => Test::Id(values),
        ("_lastUpdated", _) => Test::LastUpdated(dates(&values)?),
        (_, SearchKind::Token) => Test::Token(tokens(value)),
        (_, SearchKind::Reference) => references(values)?,
        (_, SearchKind::Date) => Test::Date(dates(&values)?),
        (_, SearchKind::Number) => Test::Number(values.iter().map(|v| number(v)).collect::<Option<_>>()?),
        (_, SearchKind::Quantity) => {
            Test::Quantity(values.iter().map(|v| quantity(v)).collect::<Option<_>>()?)
        }
        (_, SearchKind::String) => Test::Starts(values.iter().map(|v| fold(v)).collect()),
        (_, SearchKind::Uri) => Test::Uri(values),
    })
}

/// Alternatives at commas that are not escaped; `\,` `\|` `\$` `\\` stand for themselves.
fn split(value: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let literal = match c {
            ',' => {
                out.push(String::new());
                continue;
            }
            // The bar stays escaped for the tokens, which are split at bars later.
            '\\' => match chars.next() {
                Some('|') => "\\|".to_owned(),
                Some(next) => next.to_string(),
                None => String::new(),
            },
            other => other.to_string(),
        };
        if let Some(last) = out.last_mut() {
            last.push_str(&literal);
        }
    }
    out.retain(|v| !v.is_empty());
    out
}

fn tokens(value: &str) -> Vec<TokenValue> {
    let unescape = |s: &str| s.replace("\\|", "|");
    split(value)
        .iter()
        .map(|v| match bar(v) {
            None => TokenValue {
                system: None,
                code: Some(unescape(v)),
            },
            Some((system, code)) => TokenValue {
                system: Some(unescape(system)),
                code: (!code.is_empty()).then(|| unescape(code)),
            },
        })
        .collect()
}

/// Splits at the first bar that is not escaped.
fn bar(value: &str) -> Option<(&str, &str)> {
    let bytes = value.as_bytes();
    let at = (0..bytes.len()).find(|i| {
        bytes.get(*i) == Some(&b'|') && i.checked_sub(1).and_then(|p| bytes.get(p)) != Some(&b'\\')
    })?;
    Some((value.get(..at)?, value.get(at + 1..)?))
}

fn references(values: Vec<String>) -> Option<Test> {
    if values.iter().any(|v| v.contains("://") || v.starts_with("urn:")) {
        return Some(Test::Address(values));
    }
    let found = values
        .into_iter()
        .map(|v| match v.split_once('/') {
            Some((kind, id)) if hms_fhir::is_known_type(kind) => Some((Some(kind.to_owned()), id.to_owned())),
            Some(_) => None,
            None => Some((None, v)),
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Test::Reference(found))
}

fn prefix(value: &str) -> (Prefix, &str) {
    let known = match value.get(..2) {
        Some("eq") => Prefix::Eq,
        Some("ne") => Prefix::Ne,
        Some("gt") => Prefix::Gt,
        Some("lt") => Prefix::Lt,
        Some("ge") => Prefix::Ge,
        Some("le") => Prefix::Le,
        Some("sa") => Prefix::Sa,
        Some("eb") => Prefix::Eb,
        Some("ap") => Prefix::Ap,
        _ => return (Prefix::Eq, value),
    };
    (known, value.get(2..).unwrap_or_default())
}

fn dates(values: &[String]) -> Option<Vec<(Prefix, i64, i64)>> {
    values
        .iter()
        .map(|v| {
            let (prefix, text) = prefix(v);
            parse_date_range(text).map(|(start, end)| (prefix, start, end))
        })
        .collect()
}

fn number(value: &str) -> Option<(Prefix, f64, f64)> {
    let (prefix, text) = prefix(value);
    let (low, high) = number_range(text)?;
    Some(match prefix {
        Prefix::Eq | Prefix::Ne => (prefix, low, high),
        Prefix::Ap => {
            let exact: f64 = text.parse().ok()?;
            let leeway = (exact.abs() * 0.1).max(high - exact);
            (prefix, exact - leeway, exact + leeway)
        }
        Prefix::Gt | Prefix::Lt | Prefix::Ge | Prefix::Le | Prefix::Sa | Prefix::Eb => {
            let exact: f64 = text.parse().ok()?;
            (prefix, exact, exact)
        }
    })
}

fn quantity(value: &str) -> Option<QuantityValue> {
    let mut parts = value.split('|');
    let (prefix, low, high) = number(parts.next()?)?;
    let mut part = || parts.next().filter(|p| !p.is_empty()).map(str::to_owned);
    Some(QuantityValue {
        prefix,
        low,
        high,
        system: part(),
        code: part(),
    })
}

fn sort_key(kind: &str, key: &str) -> Result<SortKey, Problem> {
    let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
    let param = search_param(kind, name).ok_or_else(|| Problem::Search {
        param: "_sort".to_owned(),
        why: "unknown search parameter for this type",
    })?;
    Ok(SortKey {
        param: param.name,
        kind: param.kind,
        descending,
    })
}

fn include(name: &str, value: &str) -> Result<Include, Problem> {
    let bad = |why| Problem::Search {
        param: name.to_owned(),
        why,
    };
    let mut parts = value.split(':');
    let (Some(source), Some(param), target, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad("Type:parameter or Type:parameter:Target"));
    };
    let param = search_param(source, param)
        .filter(|p| p.kind == SearchKind::Reference)
        .ok_or_else(|| bad("no reference parameter of that name"))?;
    Ok(Include {
        source: source.to_owned(),
        param: param.name,
        target: target.map(str::to_owned),
    })
}

/// The pairs of a query string or a form body.
#[must_use]
pub fn pairs(encoded: &str) -> Vec<(String, String)> {
    encoded
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let hex = text
                    .get(at..at + 2)
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok());
                out.push(hex.unwrap_or(b'%'));
                at += if hex.is_some() { 2 } else { 0 };
            }
            other => out.push(*other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, query: &str) -> Result<SearchQuery, Problem> {
        SearchQuery::parse(kind, &pairs(query))
    }

    fn test(kind: &str, query: &str) -> Test {
        parse(kind, query).expect("parses").criteria.remove(0).test
    }

    #[test]
    fn an_unknown_parameter_modifier_or_value_is_refused_by_name() {
        for (query, param) in [
            ("nonsense=1", "nonsense"),
            ("name:above=x", "name:above"),
            ("_elements=nonsense", "_elements"),
            (
                "_has:Observation:nonsense:code=x",
                "_has:Observation:nonsense:code",
            ),
            (
                "_has:Observation:patient:_has:Task:focus:code=x",
                "_has:Observation:patient:_has:Task:focus:code",
            ),
            ("birthdate=yesterday", "birthdate"),
            ("_sort=nonsense", "_sort"),
            ("_include=Patient:name", "_include"),
            ("name=", "name"),
            ("_summary=some", "_summary"),
            ("general-practitioner.nonsense=x", "general-practitioner.nonsense"),
        ] {
            match parse("Patient", query) {
                Err(Problem::Search { param: named, .. }) => assert_eq!(named, param),
                other => panic!("{query}: {other:?}"),
            }
        }
    }

    #[test]
    fn alternatives_escapes_and_systems_are_read() {
        let token = |system: Option<&str>, code: Option<&str>| TokenValue {
            system: system.map(str::to_owned),
            code: code.map(str::to_owned),
        };
        assert_eq!(
            test(
                "Observation",
                "code=http%3A%2F%2Floinc.org%7C1-2,plain,%7Cbare,sys%7C,a%5C%2Cb%5C%7Cc"
            ),
            Test::Token(vec![
                token(Some("http://loinc.org"), Some("1-2")),
                token(None, Some("plain")),
                token(Some(""), Some("bare")),
                token(Some("sys"), None),
                token(None, Some("a,b|c")),
            ])
        );
        assert_eq!(
            test("Observation", "subject=Patient/p,q"),
            Test::Reference(vec![
                (Some("Patient".to_owned()), "p".to_owned()),
                (None, "q".to_owned())
            ])
        );
        assert_eq!(
            test("Observation", "subject:Patient=p"),
            Test::Reference(vec![(Some("Patient".to_owned()), "p".to_owned())])
        );
    }
}
