//! The primitive types of R4 and the form each asks for.

use crate::date;
use serde_json::Value;

/// A primitive type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
    /// The `id` of an element: text without spaces.
    ElementId,
}

/// What JSON type a primitive has, and whether its text fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    Good,
    /// The JSON type is wrong.
    WrongType,
    /// The JSON type is right, its content is not.
    WrongForm,
}

impl Primitive {
    /// The primitive that a table cell names, with or without `!`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.strip_suffix('!').unwrap_or(name) {
            "base64Binary" => Primitive::Base64Binary,
            "boolean" => Primitive::Boolean,
            "canonical" => Primitive::Canonical,
            "code" => Primitive::Code,
            "date" => Primitive::Date,
            "dateTime" => Primitive::DateTime,
            "decimal" => Primitive::Decimal,
            "id" => Primitive::Id,
            "instant" => Primitive::Instant,
            "integer" => Primitive::Integer,
            "markdown" => Primitive::Markdown,
            "oid" => Primitive::Oid,
            "positiveInt" => Primitive::PositiveInt,
            "string" if name.ends_with('!') => Primitive::ElementId,
            "string" => Primitive::String,
            "time" => Primitive::Time,
            "unsignedInt" => Primitive::UnsignedInt,
            "uri" => Primitive::Uri,
            "url" => Primitive::Url,
            "uuid" => Primitive::Uuid,
            "xhtml" => Primitive::Xhtml,
            _ => return None,
        })
    }

    /// The name in the definition.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Primitive::Base64Binary => "base64Binary",
            Primitive::Boolean => "boolean",
            Primitive::Canonical => "canonical",
            Primitive::Code => "code",
            Primitive::Date => "date",
            Primitive::DateTime => "dateTime",
            Primitive::Decimal => "decimal",
            Primitive::Id => "id",
            Primitive::Instant => "instant",
            Primitive::Integer => "integer",
            Primitive::Markdown => "markdown",
            Primitive::Oid => "oid",
            Primitive::PositiveInt => "positiveInt",
            Primitive::String => "string",
            Primitive::Time => "time",
            Primitive::UnsignedInt => "unsignedInt",
            Primitive::Uri => "uri",
            Primitive::Url => "url",
            Primitive::Uuid => "uuid",
            Primitive::Xhtml => "xhtml",
            Primitive::ElementId => "element id",
        }
    }

    /// Whether a JSON value has the form of this type.
    pub(crate) fn fit(self, value: &Value) -> Fit {
        let range = match self {
            Primitive::Boolean => return typed(value.is_boolean()),
            Primitive::Decimal => return typed(value.is_number()),
            Primitive::Integer => i64::from(i32::MIN),
            Primitive::UnsignedInt => 0,
            Primitive::PositiveInt => 1,
            _ => {
                return match value {
                    Value::String(text) if self.fits(text) => Fit::Good,
                    Value::String(_) => Fit::WrongForm,
                    _ => Fit::WrongType,
                }
            }
        };
        match value {
            Value::Number(number) => match number.as_i64() {
                Some(whole) if whole >= range && whole <= i64::from(i32::MAX) => Fit::Good,
                _ => Fit::WrongForm,
            },
            _ => Fit::WrongType,
        }
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Primitive::Base64Binary => base64(text),
            Primitive::Canonical | Primitive::Uri | Primitive::Url | Primitive::ElementId => {
                !text.is_empty() && !text.chars().any(char::is_whitespace)
            }
            Primitive::Code => code(text),
            Primitive::Date => !text.contains('T') && date::parse(text).is_some(),
            Primitive::DateTime => date::parse(text).is_some_and(|d| !d.time_without_zone()),
            Primitive::Instant => date::parse(text).is_some_and(|d| d.is_instant()),
            Primitive::Time => date::is_time(text),
            Primitive::Id => is_id(text),
            Primitive::Oid => oid(text),
            Primitive::Uuid => uuid(text),
            Primitive::String | Primitive::Markdown => string(text),
            Primitive::Xhtml => crate::validate::xhtml::is_safe_div(text),
            Primitive::Boolean
            | Primitive::Decimal
            | Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt => false,
        }
    }
}

fn typed(right: bool) -> Fit {
    if right {
        Fit::Good
    } else {
        Fit::WrongType
    }
}

/// Whether a text may be a logical id: 1 to 64 letters, digits, `-` and `.`.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// At least one visible character, and no control character but tab and line ends.
fn string(text: &str) -> bool {
    !text
        .bytes()
        .any(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n'))
        && text.chars().any(|c| !c.is_whitespace())
}

/// No space at either end and single spaces between words. Only ASCII spaces count, as in the
/// definition's regular expression: HL7's own code systems have codes with a no-break space.
fn code(text: &str) -> bool {
    let mut after_space = true;
    for byte in text.bytes() {
        let space = byte.is_ascii_whitespace();
        if space && after_space {
            return false;
        }
        after_space = space;
    }
    !after_space
}

/// Groups of four characters, padding only at the end, white space anywhere.
fn base64(text: &str) -> bool {
    let mut length = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'=' => padding += 1,
            _ if padding > 0 => return false,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {}
            _ => return false,
        }
        length += 1;
    }
    length > 0 && length.is_multiple_of(4) && padding <= 2
}

fn oid(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("urn:oid:") else {
        return false;
    };
    let mut arcs = rest.split('.');
    let first = matches!(arcs.next(), Some("0" | "1" | "2"));
    let mut count = 0;
    let good = arcs.all(|arc| {
        count += 1;
        !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'))
    });
    first && good && count > 0
}

fn uuid(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("urn:uuid:") else {
        return false;
    };
    rest.len() == 36
        && rest.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}
