//! The path to the element being checked, written out only when something is wrong there.

use std::fmt;

/// A place in a resource, linked to the place it is in.
pub(super) enum Path<'p> {
    /// The resource type.
    Root(&'p str),
    /// An element by its name.
    Key(&'p Path<'p>, &'p str),
    /// An entry of a list.
    At(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(super) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path::Key(self, key)
    }

    pub(super) fn at(&'p self, index: usize) -> Path<'p> {
        Path::At(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root(name) => f.write_str(name),
            Path::Key(Path::Root(""), key) => f.write_str(name(key)),
            Path::Key(parent, key) => write!(f, "{parent}.{}", name(key)),
            Path::At(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A key as it may be shown: what does not look like an element's name may be someone's data.
fn name(key: &str) -> &str {
    let harmless = key.len() <= 64
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.[]".contains(&b));
    if harmless && !key.is_empty() {
        key
    } else {
        "?"
    }
}
