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
        for rule in [LargeMedia::Ask, LargeMedia::Never] {
            assert!(waits(LARGE + 1, LinkCost::Metered, rule, Said::Nothing));
            assert!(waits(u64::MAX, LinkCost::Metered, rule, Said::Nothing));
            assert!(!waits(LARGE, LinkCost::Metered, rule, Said::Nothing));
            assert!(!waits(u64::MAX, LinkCost::Metered, rule, Said::SendNow));
            for link in [LinkCost::Unknown, LinkCost::Free] {
                assert!(!waits(u64::MAX, link, rule, Said::Nothing));
            }
        }
        assert!(!waits(
            u64::MAX,
            LinkCost::Metered,
            LargeMedia::Always,
            Said::Nothing
        ));
    }
}
