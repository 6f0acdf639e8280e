//! The tests' own reading of the element table, so that the validator is not its own judge.

use std::collections::BTreeMap;

const ELEMENTS: &str = include_str!("../../tables/elements.tsv");

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The element, `value[x]` for a choice.
    pub name: String,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is a list.
    pub many: bool,
    /// The types, as the table writes them.
    pub types: Vec<String>,
    /// Whether its code is bound to a value set.
    pub bound: bool,
}

/// All types by name.
pub struct Definitions {
    types: BTreeMap<String, (String, Vec<Row>)>,
}

impl Definitions {
    pub fn read() -> Self {
        let mut types: BTreeMap<String, (String, Vec<Row>)> = BTreeMap::new();
        let mut current = String::new();
        for line in ELEMENTS.lines().filter(|line| !line.starts_with('#')) {
            if let Some(head) = line.strip_prefix('@') {
                let parts: Vec<&str> = head.split(':').collect();
                current = parts[0].to_owned();
                types.insert(current.clone(), (parts[1].to_owned(), Vec::new()));
                continue;
            }
            let cells: Vec<&str> = line.split('\t').collect();
            let row = Row {
                name: cells[0].to_owned(),
                required: cells[1].starts_with('1'),
                many: cells[1].ends_with('*'),
                types: cells[2].split('|').map(str::to_owned).collect(),
                bound: cells.len() > 3,
            };
            types.get_mut(&current).expect("rows follow a head").1.push(row);
        }
        Definitions { types }
    }

    /// The elements of a type, inherited ones included.
    pub fn rows(&self, type_name: &str) -> Vec<&Row> {
        let (base, own) = self
            .types
            .get(type_name)
            .unwrap_or_else(|| panic!("no type {type_name}"));
        let mut rows = if base.is_empty() {
            Vec::new()
        } else {
            self.rows(base)
        };
        rows.extend(own);
        rows
    }

    /// The element and the type that a JSON key stands for.
    pub fn find(&self, type_name: &str, key: &str) -> Option<(&Row, String)> {
        self.rows(type_name).into_iter().find_map(|row| {
            keys(row)
                .into_iter()
                .find(|(known, _)| known == key)
                .map(|(_, kind)| (row, kind))
        })
    }
}

/// The JSON keys of an element, each with its type.
pub fn keys(row: &Row) -> Vec<(String, String)> {
    row.types
        .iter()
        .map(|kind| match row.name.strip_suffix("[x]") {
            Some(stem) => {
                let bare = kind.split('(').next().expect("a split has a first part");
                let bare = if bare.ends_with("Quantity") {
                    "Quantity"
                } else {
                    bare
                };
                (
                    format!("{stem}{}{}", bare[..1].to_uppercase(), &bare[1..]),
                    kind.clone(),
                )
            }
            None => (row.name.clone(), kind.clone()),
        })
        .collect()
}
