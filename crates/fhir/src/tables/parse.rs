//! Reading of the committed tables. They are part of the program, so a broken one is a broken
//! build: tests read them, and a row that makes no sense stops the program at first use.

use super::{Element, Kind, Primitive, Prop, Tables, TypeDef, TypeId, ValueSet, ValueSetId};
use std::collections::BTreeMap;

/// A type as its rows stand in the table.
struct Block {
    name: &'static str,
    base: &'static str,
    kept: bool,
    rows: Vec<[&'static str; 4]>,
}

pub(super) fn parse(elements: &'static str, bindings: &'static str) -> Tables {
    let mut value_sets: Vec<ValueSet> = Vec::new();
    let mut set_ids = BTreeMap::new();
    for line in rows(bindings) {
        let [name, system, codes, _] = cells(line);
        let id = *set_ids.entry(name).or_insert_with(|| {
            value_sets.push(ValueSet::new(name));
            ValueSetId(small(value_sets.len() - 1))
        });
        value_sets[usize::from(id.0)].add(system, codes);
    }
    let blocks = blocks(elements);
    let ids: BTreeMap<&str, TypeId> = blocks
        .iter()
        .enumerate()
        .map(|(at, block)| (block.name, TypeId(small(at))))
        .collect();
    let mut tables = Tables {
        value_sets,
        ..Tables::default()
    };
    if let Some(id) = set_ids.get("resource-types") {
        tables.resource_names = tables.value_sets[usize::from(id.0)].codes().collect();
        tables.resource_names.sort_unstable();
    }
    for block in &blocks {
        let chain = chain(block, &blocks, &ids);
        let is_resource = chain.iter().any(|base| base.name == "Resource");
        let mut def = TypeDef {
            name: block.name,
            is_resource: is_resource && !matches!(block.name, "Resource" | "DomainResource"),
            kept: block.kept,
            elements: Vec::new(),
            props: Vec::new(),
            rule: crate::validate::rule_for(block.name),
        };
        for row in chain.iter().flat_map(|block| &block.rows) {
            add_element(&mut def, row, &ids, &set_ids);
        }
        def.props.sort_unstable_by_key(|prop| prop.key);
        assert!(
            def.elements.len() <= 128,
            "{}: more elements than the validator counts",
            def.name
        );
        tables.types.push(def);
    }
    tables.by_name = ids.values().map(|id| id.0).collect();
    tables
}

fn blocks(text: &'static str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in rows(text) {
        if let Some(head) = line.strip_prefix('@') {
            let mut parts = head.split(':');
            blocks.push(Block {
                name: parts.next().unwrap_or_default(),
                base: parts.next().unwrap_or_default(),
                kept: parts.next() == Some("kept"),
                rows: Vec::new(),
            });
        } else if let Some(block) = blocks.last_mut() {
            block.rows.push(cells(line));
        }
    }
    blocks
}

/// A block with its bases, the most general first.
fn chain<'b>(block: &'b Block, blocks: &'b [Block], ids: &BTreeMap<&str, TypeId>) -> Vec<&'b Block> {
    let mut chain = vec![block];
    let mut base = block.base;
    while let Some(next) = ids.get(base).map(|id| &blocks[usize::from(id.0)]) {
        chain.push(next);
        base = next.base;
    }
    chain.reverse();
    chain
}

fn add_element(
    def: &mut TypeDef,
    [name, card, types, set]: &[&'static str; 4],
    ids: &BTreeMap<&str, TypeId>,
    sets: &BTreeMap<&str, ValueSetId>,
) {
    let index = small(def.elements.len());
    let stem = name.strip_suffix("[x]");
    for part in types.split('|') {
        let (kind, type_name) = kind(part, ids);
        let key = match stem {
            // A choice's keys are not in the table. They live as long as the tables, which are
            // never dropped, so leaking them costs nothing.
            Some(stem) => &*Box::leak(format!("{stem}{}", capital(type_name)).into_boxed_str()),
            None => name,
        };
        def.props.push(Prop {
            key,
            element: index,
            kind,
            type_name,
        });
    }
    def.elements.push(Element {
        name,
        required: !card.starts_with('0'),
        many: card.ends_with('*'),
        binding: sets.get(set).copied(),
    });
}

fn kind(part: &'static str, ids: &BTreeMap<&str, TypeId>) -> (Kind, &'static str) {
    let id = |name: &str| {
        *ids.get(name)
            .unwrap_or_else(|| panic!("elements.tsv: no type {name}"))
    };
    if let Some(nested) = part.strip_prefix('#') {
        return (Kind::Complex(id(nested)), nested);
    }
    if part == "Resource" {
        return (Kind::Resource, part);
    }
    if let Some(rest) = part.strip_prefix("Reference") {
        let targets = rest.trim_matches(['(', ')']);
        let targets = if targets.is_empty() {
            Box::default()
        } else {
            targets.split(',').collect()
        };
        return (Kind::Reference(id("Reference"), targets), "Reference");
    }
    let bare = part.strip_suffix('!').unwrap_or(part);
    match Primitive::named(part) {
        Some(primitive) => (
            Kind::Primitive {
                primitive,
                sibling: bare == part && bare != "xhtml",
            },
            bare,
        ),
        // A narrowed Quantity keeps the name of what it narrows in JSON.
        None => (
            Kind::Complex(id(part)),
            if part.ends_with("Quantity") {
                "Quantity"
            } else {
                part
            },
        ),
    }
}

fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn cells(line: &'static str) -> [&'static str; 4] {
    let mut cells = line.split('\t');
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
}

fn small(index: usize) -> u16 {
    u16::try_from(index).expect("the tables have fewer than 65,536 rows")
}
