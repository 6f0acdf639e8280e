//! What goes over a link that costs money by the byte.
//!
//! A report never waits, nor do small pictures. A large photo or recording waits for a link that is free, unless the
//! person says that it goes now; nobody is kept from sending.

use hms_model::view::LargeMedia;

/// Bytes up to which a photo or recording goes over any link.
pub const LARGE: u64 = 1_000_000;

/// What the link costs, as far as the system or the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkCost {
    /// Nobody says: it counts as free, since what waits for nothing helps nobody.
    #[default]
    Unknown,
    /// Bytes cost nothing.
    Free,
    /// Bytes cost money.
    Metered,
}

impl LinkCost {
    /// Either word is enough: a hotspot that the system takes for free may cost, and only the person knows.
    #[must_use]
    pub fn of(system: Option<bool>, person: bool) -> Self {
        match (system, person) {
            (Some(true), _) | (_, true) => Self::Metered,
            (Some(false), false) => Self::Free,
            (None, false) => Self::Unknown,
        }
    }
}

/// What the system says by naming the kind of link (`wifi`, `cellular`, …) and that data is to be saved; `None` where
/// that says nothing of money.
#[must_use]
pub fn said_by_system(kind: Option<&str>, save_data: bool) -> Option<bool> {
    match kind {
        _ if save_data => Some(true),
        Some("cellular" | "wimax") => Some(true),
        Some("wifi" | "ethernet") => Some(false),
        Some(_) | None => None,
    }
}

/// What the person said of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// That it goes now, whatever it costs.
    SendNow,
}

/// Whether a file goes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// It goes.
    Now,
    /// It waits for a free link, or for the person's word.
    WaitsForFreeLink,
}

/// Whether a photo or recording of so many bytes goes over this link.
#[must_use]
pub fn may_go(bytes: u64, link: LinkCost, rule: LargeMedia, said: Said) -> Go {
    let waits =
        bytes > LARGE && link == LinkCost::Metered && rule != LargeMedia::Always && said == Said::Nothing;
    if waits {
        Go::WaitsForFreeLink
    } else {
        Go::Now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_large_waits_only_where_it_costs_and_only_until_the_person_says_otherwise() {
        let waits = |bytes, link, rule, said| may_go(bytes, link, rule, said) == Go::WaitsForFreeLink;
        let rule = LargeMedia::Ask;
        assert!(waits(LARGE + 1, LinkCost::Metered, rule, Said::Nothing));
        assert!(waits(u64::MAX, LinkCost::Metered, rule, Said::Nothing));
        assert!(!waits(LARGE, LinkCost::Metered, rule, Said::Nothing));
        assert!(!waits(u64::MAX, LinkCost::Metered, rule, Said::SendNow));
        for link in [LinkCost::Unknown, LinkCost::Free] {
            assert!(!waits(u64::MAX, link, rule, Said::Nothing));
        }
        assert!(!waits(
            u64::MAX,
            LinkCost::Metered,
            LargeMedia::Always,
            Said::Nothing
        ));
    }

    #[test]
    fn a_link_costs_where_the_system_or_the_person_says_so_and_is_unknown_where_nobody_does() {
        assert_eq!(said_by_system(Some("cellular"), false), Some(true));
        assert_eq!(said_by_system(Some("wifi"), false), Some(false));
        assert_eq!(said_by_system(Some("wifi"), true), Some(true));
        for silent in [None, Some("unknown"), Some("none"), Some("bluetooth")] {
            assert_eq!(said_by_system(silent, false), None);
        }
        assert_eq!(LinkCost::of(None, false), LinkCost::Unknown);
        assert_eq!(LinkCost::of(Some(false), false), LinkCost::Free);
        assert_eq!(LinkCost::of(Some(true), false), LinkCost::Metered);
        assert_eq!(LinkCost::of(Some(false), true), LinkCost::Metered);
        assert_eq!(LinkCost::of(None, true), LinkCost::Metered);
    }
}
