//! Words that a person typed or pasted, on their way into a record.

/// The text without what no record can hold.
///
/// Pasted text carries control characters that nobody sees, and FHIR refuses a string with one of them: the whole
/// report would be stuck for a character that the person does not know of. Line ends and tabs stay; page breaks and
/// the line breaks of word processors become line ends.
pub(crate) fn typed(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\t' => Some(c),
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' => Some('\n'),
        // The last two are no characters: a narrative, which is XML, cannot hold them.
        '\u{fffe}' | '\u{ffff}' => None,
        _ if c.is_control() => None,
        _ => Some(c),
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cannot_be_seen_goes_and_lines_and_tabs_stay() {
        for (pasted, kept) in [
            ("brown dog", "brown dog"),
            ("¿Dónde? 傷 🐕\n\tleft", "¿Dónde? 傷 🐕\n\tleft"),
            ("a\0b\u{1b}[0mc\u{7f}\u{9d}", "ab[0mc"),
            (
                "one\r\ntwo\rthree\u{b}four\u{c}five",
                "one\ntwo\nthree\nfour\nfive",
            ),
            ("\u{fffe}\u{ffff}\u{1}", ""),
        ] {
            assert_eq!(typed(pasted), kept, "{pasted:?}");
        }
    }

    #[test]
    fn every_control_character_may_be_pasted() {
        for code in 0..0xa0 {
            let Some(c) = char::from_u32(code) else { continue };
            let text = typed(&format!("a{c}b"));
            let record = json!({"resourceType": "Patient", "name": [{"text": text}]});
            assert_eq!(hms_fhir::validate(&record), Ok(()), "{code:#x}");
        }
    }
}
