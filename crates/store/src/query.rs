//! What can be asked of the records on this device: typed, or in the words of a FHIR query.

use crate::{StoreError, Stored};
use hms_fhir::{SearchKind, SearchParam};

/// A search over the records of one type. All criteria must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub(crate) kind: String,
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) sort: Option<(String, Order)>,
    pub(crate) include: Vec<String>,
    pub(crate) most: usize,
}

/// Records found, and records that those refer to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// In the order asked for; else in the order in which they came to this device.
    pub records: Vec<Stored>,
    /// What the records refer to by the parameters asked for, each once, as far as it is on this device.
    pub included: Vec<Stored>,
}

/// Which comes first. Records without the value come last either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Earliest first, or A to Z.
    Up,
    /// Latest first, or Z to A.
    Down,
}

/// How a moment or an amount compares with the one asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Within it.
    Equal,
    /// Reaches beyond it.
    Above,
    /// Within or beyond.
    AtLeast,
    /// Begins before it.
    Below,
    /// Within or before.
    AtMost,
}

/// How a text is looked for, without case and accents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextMatch {
    /// It begins like this.
    Begins,
    /// This is somewhere in it.
    Contains,
    /// Each word asked for is one of its words, give or take a slip: one letter in words of 3 to 5, two in longer ones.
    Fuzzy,
}

/// One condition of a search.
#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    /// A code or identifier; at least one of both is given.
    Token {
        /// Parameter.
        param: String,
        /// Code system; `Some("")` asks for none.
        system: Option<String>,
        /// Code.
        code: Option<String>,
    },
    /// A reference to `Type/id`, or to that id of any type that the parameter may point to.
    Reference {
        /// Parameter.
        param: String,
        /// `Type/id` or `id`.
        target: String,
    },
    /// No reference that could be searched by.
    Missing {
        /// Reference parameter.
        param: String,
    },
    /// A moment or period.
    Date {
        /// Parameter.
        param: String,
        /// How it compares.
        compare: Compare,
        /// First and last millisecond asked for.
        range: (i64, i64),
    },
    /// A number, or an amount with a unit.
    Amount {
        /// Parameter.
        param: String,
        /// How it compares.
        compare: Compare,
        /// From, up to but not including; what the number means by its digits.
        range: (f64, f64),
        /// The number itself.
        number: f64,
        /// Code of the unit.
        unit: Option<String>,
        /// System of the unit.
        system: Option<String>,
    },
    /// A text.
    Text {
        /// Parameter.
        param: String,
        /// How.
        how: TextMatch,
        /// What.
        text: String,
    },
    /// All these words are somewhere in the record.
    Words(String),
    /// A record of another type that refers to this one and for which all this holds.
    Has {
        /// Its type.
        kind: String,
        /// Its reference parameter that points here.
        reference: String,
        /// What holds for it.
        criteria: Vec<Criterion>,
    },
}

impl Query {
    /// All records of a type.
    #[must_use]
    pub fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            criteria: Vec::new(),
            sort: None,
            include: Vec::new(),
            most: usize::MAX,
        }
    }

    /// Only those for which this holds.
    #[must_use]
    pub fn with(mut self, criterion: Criterion) -> Self {
        self.criteria.push(criterion);
        self
    }

    /// Only those for which this holds, in the words of a FHIR query: `status`, `code:contains`, `subject:missing`,
    /// `_has:Task:patient:status`.
    ///
    /// # Errors
    /// [`StoreError::BadSearch`] for what cannot be searched by.
    pub fn where_is(self, name: &str, value: &str) -> Result<Self, StoreError> {
        let criterion = Criterion::parse(&self.kind, name, value)?;
        Ok(self.with(criterion))
    }

    /// In the order of a date or text parameter.
    #[must_use]
    pub fn sorted(mut self, param: &str, order: Order) -> Self {
        self.sort = Some((param.to_owned(), order));
        self
    }

    /// With the records that a reference parameter points to.
    #[must_use]
    pub fn including(mut self, param: &str) -> Self {
        self.include.push(param.to_owned());
        self
    }

    /// No more than this many records.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

impl Criterion {
    /// Reads one condition as it stands in a FHIR query.
    ///
    /// # Errors
    /// [`StoreError::BadSearch`] for what cannot be searched by.
    pub fn parse(kind: &str, name: &str, value: &str) -> Result<Self, StoreError> {
        if let Some(rest) = name.strip_prefix("_has:") {
            let mut parts = rest.splitn(3, ':');
            let (Some(other), Some(reference), Some(inner)) = (parts.next(), parts.next(), parts.next())
            else {
                return Err(StoreError::BadSearch);
            };
            return Ok(Self::Has {
                kind: other.to_owned(),
                reference: reference.to_owned(),
                criteria: vec![Self::parse(other, inner, value)?],
            });
        }
        if name == "_text" || name == "_content" {
            return Ok(Self::Words(value.to_owned()));
        }
        let (name, modifier) = name
            .split_once(':')
            .map_or((name, ""), |(name, modifier)| (name, modifier));
        let param = hms_fhir::search_param(kind, name).ok_or(StoreError::BadSearch)?;
        match (param.kind, modifier) {
            (SearchKind::String, _) => text(param, modifier, value),
            (_, "contains" | "fuzzy") => Err(StoreError::BadSearch),
            (SearchKind::Token, "") => Ok(token(param, value)),
            (SearchKind::Uri, "") => Ok(Self::Token {
                param: param.name.to_owned(),
                system: None,
                code: Some(value.to_owned()),
            }),
            (SearchKind::Reference, "") => Ok(Self::Reference {
                param: param.name.to_owned(),
                target: value.to_owned(),
            }),
            (SearchKind::Reference, "missing") if value == "true" => Ok(Self::Missing {
                param: param.name.to_owned(),
            }),
            (SearchKind::Date, "") => date(param, value),
            (SearchKind::Number | SearchKind::Quantity, "") => amount(param, value),
            _ => Err(StoreError::BadSearch),
        }
    }
}

fn text(param: &SearchParam, modifier: &str, value: &str) -> Result<Criterion, StoreError> {
    let how = match modifier {
        "" => TextMatch::Begins,
        "contains" => TextMatch::Contains,
        "fuzzy" => TextMatch::Fuzzy,
        _ => return Err(StoreError::BadSearch),
    };
    Ok(Criterion::Text {
        param: param.name.to_owned(),
        how,
        text: value.to_owned(),
    })
}

fn token(param: &SearchParam, value: &str) -> Criterion {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (system, code) = match value.split_once('|') {
        None => (None, Some(value.to_owned())),
        Some((system, code)) => (Some(system.to_owned()), some(code)),
    };
    Criterion::Token {
        param: param.name.to_owned(),
        system,
        code,
    }
}

/// The comparison in front of a value, and the rest.
fn compare(value: &str) -> (Compare, &str) {
    let known = [
        ("eq", Compare::Equal),
        ("gt", Compare::Above),
        ("ge", Compare::AtLeast),
        ("lt", Compare::Below),
        ("le", Compare::AtMost),
    ];
    known
        .iter()
        .find_map(|(prefix, compare)| Some((*compare, value.strip_prefix(prefix)?)))
        .unwrap_or((Compare::Equal, value))
}

fn date(param: &SearchParam, value: &str) -> Result<Criterion, StoreError> {
    let (compare, date) = compare(value);
    Ok(Criterion::Date {
        param: param.name.to_owned(),
        compare,
        range: hms_fhir::parse_date_range(date).ok_or(StoreError::BadSearch)?,
    })
}

fn amount(param: &SearchParam, value: &str) -> Result<Criterion, StoreError> {
    let (compare, rest) = compare(value);
    let mut parts = rest.splitn(3, '|');
    let number = parts.next().unwrap_or_default();
    let mut part = || parts.next().filter(|text| !text.is_empty()).map(str::to_owned);
    let (system, unit) = (part(), part());
    Ok(Criterion::Amount {
        param: param.name.to_owned(),
        compare,
        range: hms_fhir::number_range(number).ok_or(StoreError::BadSearch)?,
        number: number.parse().map_err(|_| StoreError::BadSearch)?,
        unit,
        system,
    })
}
