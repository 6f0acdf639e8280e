//! The element tables, read once when first used.

mod parse;
mod primitive;
mod value_set;

pub(crate) use primitive::{is_id, Fit, Primitive};
pub(crate) use value_set::ValueSet;

use std::sync::LazyLock;

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    parse::parse(
        include_str!("../../tables/elements.tsv"),
        include_str!("../../tables/bindings.tsv"),
    )
});

/// The tables; the first call reads them.
pub(crate) fn tables() -> &'static Tables {
    &TABLES
}

/// Every type that the tables describe.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    types: Vec<TypeDef>,
    /// Indices into `types`, sorted by name.
    by_name: Vec<u16>,
    value_sets: Vec<ValueSet>,
    /// All resource type names of R4, sorted: those a reference may name.
    resource_names: Vec<&'static str>,
}

impl Tables {
    /// The definition with this index.
    pub(crate) fn get(&self, id: TypeId) -> &TypeDef {
        // Ids are only made while the tables are read, and each names an entry.
        &self.types[usize::from(id.0)]
    }

    /// The definition of a type, a nested one being named by its path.
    pub(crate) fn find(&self, name: &str) -> Option<&TypeDef> {
        let at = self
            .by_name
            .binary_search_by(|&id| self.types[usize::from(id)].name.cmp(name))
            .ok()?;
        self.by_name
            .get(at)
            .and_then(|&id| self.types.get(usize::from(id)))
    }

    /// The definition of a resource type.
    pub(crate) fn resource(&self, name: &str) -> Option<&TypeDef> {
        self.find(name).filter(|found| found.is_resource)
    }

    /// All types, sorted by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &TypeDef> {
        self.by_name.iter().map(|&id| &self.types[usize::from(id)])
    }

    /// Whether R4 has a resource type of this name, described here or not.
    pub(crate) fn is_resource_name(&self, name: &str) -> bool {
        self.resource_names.binary_search(&name).is_ok()
    }

    /// All resource type names of R4, sorted.
    pub(crate) fn resource_names(&self) -> &[&'static str] {
        &self.resource_names
    }

    /// The codes that a required binding allows.
    pub(crate) fn value_set(&self, id: ValueSetId) -> &ValueSet {
        &self.value_sets[usize::from(id.0)]
    }
}

/// Index of a type in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypeId(u16);

/// Index of a value set in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueSetId(u16);

/// A resource type, data type or nested element.
#[derive(Debug)]
pub(crate) struct TypeDef {
    /// `Patient`, `HumanName` or, for a nested element, `Patient.contact`.
    pub(crate) name: &'static str,
    /// Whether it is a complete resource.
    pub(crate) is_resource: bool,
    /// Whether resources of this type are kept and exchanged.
    pub(crate) kept: bool,
    /// Elements in the order of the definition, inherited ones first.
    pub(crate) elements: Vec<Element>,
    /// Every JSON key that may appear, sorted by name.
    pub(crate) props: Vec<Prop>,
    /// The rule over several elements, if there is one.
    pub(crate) rule: Option<crate::validate::Rule>,
}

impl TypeDef {
    /// The property with this JSON key.
    pub(crate) fn prop(&self, key: &str) -> Option<&Prop> {
        self.props
            .binary_search_by(|prop| prop.key.cmp(key))
            .ok()
            .and_then(|at| self.props.get(at))
    }

    /// The JSON keys of an element: several for a choice.
    pub(crate) fn props_of(&self, element: &str) -> impl Iterator<Item = &Prop> {
        let index = self
            .elements
            .iter()
            .position(|candidate| candidate.stem() == element);
        self.props
            .iter()
            .filter(move |prop| Some(usize::from(prop.element)) == index)
    }
}

/// An element of a type.
#[derive(Debug)]
pub(crate) struct Element {
    /// As in the definition, so a choice ends in `[x]`.
    pub(crate) name: &'static str,
    /// Whether it must be present.
    pub(crate) required: bool,
    /// Whether it is a list in JSON.
    pub(crate) many: bool,
    /// The value set that its code must be in.
    pub(crate) binding: Option<ValueSetId>,
}

impl Element {
    /// Whether it is one of several JSON keys.
    pub(crate) fn is_choice(&self) -> bool {
        self.name.ends_with(']')
    }

    /// The name without the `[x]` of a choice.
    pub(crate) fn stem(&self) -> &'static str {
        self.name.strip_suffix("[x]").unwrap_or(self.name)
    }
}

/// A JSON key and what stands under it.
#[derive(Debug)]
pub(crate) struct Prop {
    /// The JSON key: `valueQuantity` for a choice.
    pub(crate) key: &'static str,
    /// Index into the type's elements.
    pub(crate) element: u16,
    /// What the value is.
    pub(crate) kind: Kind,
    /// The type's name in the definition, `Quantity` for a SimpleQuantity.
    pub(crate) type_name: &'static str,
}

/// What an element's value is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A JSON string, number or boolean; `sibling` says whether `_key` may carry extensions.
    Primitive {
        /// The form of the value.
        primitive: Primitive,
        /// Whether extensions may stand beside it.
        sibling: bool,
    },
    /// An object with its own definition.
    Complex(TypeId),
    /// A Reference; an empty list of targets allows all.
    Reference(TypeId, Box<[&'static str]>),
    /// A complete resource of any type.
    Resource,
}
