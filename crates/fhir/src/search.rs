//! The search parameters of each resource type, and the paths they read.

use crate::tables::{tables, Kind, Primitive, Prop, TypeDef};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A search parameter of one resource type.
#[derive(Debug)]
pub struct SearchParam {
    /// The code used in a query: `birthdate`, `_id`.
    pub name: &'static str,
    /// How values are compared.
    pub kind: SearchKind,
    /// For a reference: the resource types it may point to, sorted.
    pub targets: Vec<&'static str>,
    pub(crate) paths: Vec<SearchPath>,
}

/// How a search parameter compares values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchKind {
    /// Codes and identifiers.
    Token,
    /// Links to other resources.
    Reference,
    /// Moments and periods.
    Date,
    /// Text, by its beginning, without case and accents.
    String,
    /// Plain numbers.
    Number,
    /// Amounts with a unit.
    Quantity,
    /// URIs, compared exactly.
    Uri,
}

impl SearchKind {
    /// The code for `CapabilityStatement.rest.resource.searchParam.type`.
    pub fn as_fhir(self) -> &'static str {
        match self {
            SearchKind::Token => "token",
            SearchKind::Reference => "reference",
            SearchKind::Date => "date",
            SearchKind::String => "string",
            SearchKind::Number => "number",
            SearchKind::Quantity => "quantity",
            SearchKind::Uri => "uri",
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "token" => SearchKind::Token,
            "reference" => SearchKind::Reference,
            "date" => SearchKind::Date,
            "string" => SearchKind::String,
            "number" => SearchKind::Number,
            "quantity" => SearchKind::Quantity,
            "uri" => SearchKind::Uri,
            _ => panic!("search.tsv: no kind {name}"),
        }
    }
}

/// One way from the resource to a searchable value.
#[derive(Debug)]
pub(crate) struct SearchPath {
    pub(crate) steps: Vec<Step>,
    pub(crate) filter: Filter,
}

/// One element on the way: the JSON keys it may have.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) props: Vec<&'static Prop>,
}

/// What a value at the end of a path must be to count.
#[derive(Debug)]
pub(crate) enum Filter {
    /// Any value counts.
    All,
    /// A reference to this type.
    Target(&'static str),
    /// An object with this text in a child.
    Child(&'static str, &'static str),
    /// Not the value but whether there is one other than false.
    Exists,
}

/// The numbers that a number in a query means, by the precision in which it is written.
///
/// `100` means 99.5 up to, but not including, 100.5; `5.4` means 5.35 to 5.45; `1e2` means 50 to 150.
/// A comparison (`gt100`) takes the number itself, the middle of both.
pub fn number_range(text: &str) -> Option<(f64, f64)> {
    let number: f64 = text.parse().ok()?;
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if !number.is_finite() || !plain {
        return None;
    }
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let decimals = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half = 0.5 * 10_f64.powi(exponent.checked_sub(i32::try_from(decimals).ok()?)?);
    Some((number - half, number + half))
}

type Params = BTreeMap<&'static str, Vec<SearchParam>>;

static PARAMS: LazyLock<Params> = LazyLock::new(|| read(include_str!("../tables/search.tsv")));

/// The search parameters of a resource type, sorted by name; empty for a type that is not kept.
pub fn search_params(type_name: &str) -> &'static [SearchParam] {
    PARAMS.get(type_name).map_or(&[], Vec::as_slice)
}

/// One search parameter of a resource type.
pub fn search_param(type_name: &str, name: &str) -> Option<&'static SearchParam> {
    let params = search_params(type_name);
    params
        .binary_search_by(|param| param.name.cmp(name))
        .ok()
        .and_then(|at| params.get(at))
}

fn read(table: &'static str) -> Params {
    let rows: Vec<[&str; 5]> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.split('\t');
            std::array::from_fn(|_| cells.next().unwrap_or_default())
        })
        .collect();
    let mut params = Params::new();
    for def in tables().all().filter(|def| def.kept) {
        let own = rows
            .iter()
            .filter(|[base, ..]| *base == def.name || *base == "Resource");
        let mut list: Vec<SearchParam> = own.map(|row| param(def, row)).collect();
        list.sort_by_key(|param| param.name);
        params.insert(def.name, list);
    }
    params
}

fn param(def: &'static TypeDef, [_, name, kind, paths, targets]: &[&'static str; 5]) -> SearchParam {
    let paths: Vec<SearchPath> = paths.split('|').map(|path| read_path(def, path)).collect();
    let targets = match *targets {
        "*" => tables().resource_names().to_vec(),
        names => names.split(' ').filter(|name| !name.is_empty()).collect(),
    };
    // Parameters shared by several types list the targets of all; the elements know their own.
    let allowed: Vec<&[&str]> = paths.iter().flat_map(SearchPath::reference_targets).collect();
    let open = allowed.is_empty() || allowed.iter().any(|targets| targets.is_empty());
    let targets = targets
        .into_iter()
        .filter(|t| open || allowed.iter().any(|own| own.contains(t)))
        .collect();
    SearchParam {
        name,
        kind: SearchKind::named(kind),
        targets,
        paths,
    }
}

impl SearchPath {
    fn reference_targets(&self) -> impl Iterator<Item = &'static [&'static str]> + '_ {
        self.steps
            .last()
            .into_iter()
            .flat_map(|step| &step.props)
            .filter_map(|prop| match &prop.kind {
                Kind::Reference(_, targets) => Some(&**targets),
                Kind::Primitive { .. } | Kind::Complex(_) | Kind::Resource => None,
            })
    }
}

/// Reads `a.b[as T].c` or a last step with `[is T]`, `[key=value]` or `[exists]`.
fn read_path(def: &'static TypeDef, path: &'static str) -> SearchPath {
    let mut def = Some(def);
    let mut filter = Filter::All;
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, condition) = part.split_once('[').unwrap_or((part, ""));
        let condition = condition.trim_end_matches(']');
        let of = def.unwrap_or_else(|| panic!("search.tsv: nothing below {path}"));
        let mut props: Vec<&'static Prop> = of.props_of(name).collect();
        match condition.split_once(' ') {
            Some(("as", kind)) => props.retain(|prop| prop.type_name == kind),
            Some(("is", target)) => filter = Filter::Target(target),
            _ if condition == "exists" => filter = Filter::Exists,
            _ => {
                if let Some((key, value)) = condition.split_once('=') {
                    filter = Filter::Child(key, value);
                }
            }
        }
        assert!(!props.is_empty(), "search.tsv: no {part} in {}", of.name);
        def = match props.first().map(|prop| &prop.kind) {
            Some(Kind::Complex(id) | Kind::Reference(id, _)) => Some(tables().get(*id)),
            Some(Kind::Primitive { .. } | Kind::Resource) | None => None,
        };
        steps.push(Step { props });
    }
    SearchPath { steps, filter }
}

impl Prop {
    /// Whether its text is an address rather than words.
    pub(crate) fn is_address(&self) -> bool {
        match self.kind {
            Kind::Primitive { primitive, .. } => matches!(
                primitive,
                Primitive::Uri | Primitive::Url | Primitive::Canonical | Primitive::Oid | Primitive::Uuid
            ),
            Kind::Complex(_) | Kind::Reference(..) | Kind::Resource => false,
        }
    }
}
