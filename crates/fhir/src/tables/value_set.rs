//! The codes that a required binding allows.

/// A closed set of codes, by code system.
#[derive(Debug)]
pub(crate) struct ValueSet {
    /// The last part of its URL.
    pub(crate) name: &'static str,
    systems: Vec<(&'static str, Vec<&'static str>)>,
}

impl ValueSet {
    pub(super) fn new(name: &'static str) -> Self {
        ValueSet {
            name,
            systems: Vec::new(),
        }
    }

    /// Adds the codes of one system, separated by spaces.
    pub(super) fn add(&mut self, system: &'static str, codes: &'static str) {
        let mut codes: Vec<&str> = codes.split(' ').collect();
        codes.sort_unstable();
        self.systems.push((system, codes));
    }

    /// Whether any system of the set has this code.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.systems
            .iter()
            .any(|(_, codes)| codes.binary_search(&code).is_ok())
    }

    /// Whether the set has this code in this system.
    pub(crate) fn has(&self, system: &str, code: &str) -> bool {
        self.systems
            .iter()
            .any(|(known, codes)| *known == system && codes.binary_search(&code).is_ok())
    }

    /// All codes.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.systems.iter().flat_map(|(_, codes)| codes.iter().copied())
    }
}
