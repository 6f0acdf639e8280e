//! Text as searches compare it.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Lower case, without accents, with single spaces: `José  Núñez` becomes `jose nunez`.
///
/// Letters that have no accent to lose but look as if (`ø`, `ł`, `ß`) become their plain neighbour,
/// because that is what people type.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            decompose_canonical(c, |part| {
                if !is_combining_mark(part) {
                    part.to_lowercase()
                        .filter(|&lower| !is_combining_mark(lower))
                        .for_each(|lower| plain(lower, &mut folded));
                }
            });
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn plain(c: char, folded: &mut String) {
    match c {
        'ß' => folded.push_str("ss"),
        'æ' => folded.push_str("ae"),
        'œ' => folded.push_str("oe"),
        'ø' => folded.push('o'),
        'ł' => folded.push('l'),
        'đ' | 'ð' => folded.push('d'),
        'ı' => folded.push('i'),
        'þ' => folded.push_str("th"),
        _ => folded.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn case_accents_and_spaces_do_not_matter() {
        for (text, expected) in [
            ("José  Núñez", "jose nunez"),
            ("  ÅNGSTRÖM\tStraße ", "angstrom strasse"),
            ("Łukasz Øster", "lukasz oster"),
            ("I\u{307}stanbul", "istanbul"),
            ("İstanbul", "istanbul"),
            ("e\u{301}", "e"),
            ("", ""),
            ("Ελληνικά", "ελληνικα"),
        ] {
            assert_eq!(fold(text), expected);
        }
    }
}
