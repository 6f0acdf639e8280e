//! The codings, and which of them two sides agree on.

use crate::dictionary;

/// How a body is coded, named in `Content-Encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 9842, section 5, with the newest of our dictionaries.
    Dcz,
}

impl Coding {
    /// From best to worst.
    pub const ALL: [Self; 4] = [Self::Dcz, Self::Zstd, Self::Gzip, Self::Identity];

    /// The name in headers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Dcz => "dcz",
        }
    }

    /// The coding of a body: of its `Content-Encoding`, where there is one. `None` for one that is not known here, and
    /// for several on top of each other.
    #[must_use]
    pub fn of_body(content_encoding: Option<&str>) -> Option<Self> {
        let name = content_encoding.map(str::trim).unwrap_or_default();
        if name.is_empty() {
            return Some(Self::Identity);
        }
        let name = if name.eq_ignore_ascii_case("x-gzip") {
            "gzip"
        } else {
            name
        };
        Self::ALL
            .into_iter()
            .find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// The best coding that a reader takes: `Accept-Encoding` and `Available-Dictionary` of its request. Weights only
    /// decide what is refused (`q=0`): among what is accepted, the smallest is sent.
    #[must_use]
    pub fn best_for(accept_encoding: Option<&str>, available_dictionary: Option<&str>) -> Self {
        let accept = accept_encoding.unwrap_or_default();
        let has_dictionary = available_dictionary.is_some_and(dictionary::is_ours);
        let accepted = |coding: Self| {
            accept.split(',').any(|one| {
                let mut parts = one.split(';').map(str::trim);
                let named = parts
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(coding.name()));
                let refused = parts
                    .filter_map(|part| part.strip_prefix("q="))
                    .any(|q| q.trim().parse::<f32>().is_ok_and(|q| q <= 0.0));
                named && !refused
            })
        };
        Self::ALL
            .into_iter()
            .filter(|coding| *coding != Self::Dcz || has_dictionary)
            .find(|coding| accepted(*coding))
            .unwrap_or(Self::Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_a_reader_takes_is_sent() {
        let ours = dictionary::available();
        let other = format!(":{}=:", "A".repeat(43));
        for (accept, available, best) in [
            (Some("dcz, zstd, gzip"), Some(ours), Coding::Dcz),
            (Some("gzip, zstd, dcz"), Some(other.as_str()), Coding::Zstd),
            (Some("dcz"), None, Coding::Identity),
            (Some("GZIP;q=0.1"), Some(ours), Coding::Gzip),
            (Some("gzip;q=0, zstd; q=0.0"), None, Coding::Identity),
            (Some("br, *"), None, Coding::Identity),
            (None, Some(ours), Coding::Identity),
        ] {
            assert_eq!(Coding::best_for(accept, available), best, "{accept:?}");
        }
    }

    #[test]
    fn a_body_has_one_coding_that_is_known_or_none() {
        for (header, coding) in [
            (None, Some(Coding::Identity)),
            (Some(""), Some(Coding::Identity)),
            (Some(" Dcz "), Some(Coding::Dcz)),
            (Some("x-gzip"), Some(Coding::Gzip)),
            (Some("br"), None),
            (Some("gzip, dcz"), None),
        ] {
            assert_eq!(Coding::of_body(header), coding, "{header:?}");
        }
    }
}
