//! How hard a text is to read. Floats are fine here: no decision about a person rests on them.

/// Flesch-Kincaid grade of an English text. Words in `easy` count as two syllables at most.
#[must_use]
pub fn grade_en(text: &str, easy: &[&str]) -> f64 {
    let (sentences, words, syllables) = counts(text, easy, syllables_en);
    0.39 * words / sentences + 11.8 * syllables / words - 15.59
}

/// Fernández-Huerta ease of a Spanish text, 100 easiest. Words in `easy` count as two syllables at most.
#[must_use]
pub fn ease_es(text: &str, easy: &[&str]) -> f64 {
    let (sentences, words, syllables) = counts(text, easy, syllables_es);
    206.84 - 60.0 * syllables / words - 1.02 * words / sentences
}

fn counts(text: &str, easy: &[&str], syllables: fn(&str) -> u32) -> (f64, f64, f64) {
    let mut total = (0_u32, 0_u32, 0_u32);
    // A colon or a semicolon ends a thought as a full stop does.
    for sentence in text.split(['.', '!', '?', ':', ';', '\n']) {
        let words = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'');
        let words: Vec<String> = words
            .filter(|w| w.chars().any(char::is_alphabetic))
            .map(str::to_lowercase)
            .collect();
        if words.is_empty() {
            continue;
        }
        total.0 += 1;
        for word in &words {
            total.1 += 1;
            let count = syllables(word);
            total.2 += if easy.contains(&word.as_str()) {
                count.min(2)
            } else {
                count
            };
        }
    }
    (
        f64::from(total.0.max(1)),
        f64::from(total.1.max(1)),
        f64::from(total.2),
    )
}

fn syllables_en(word: &str) -> u32 {
    let letters: Vec<char> = word.chars().collect();
    let vowel = |c: char| "aeiouy".contains(c);
    let mut count = 0;
    let mut before = false;
    for c in &letters {
        let now = vowel(*c);
        count += u32::from(now && !before);
        before = now;
    }
    let ends = |s: &str| word.ends_with(s);
    let silent_e = ends("e") && !ends("le") && !ends("ee");
    let silent_ed = ends("ed") && !ends("ted") && !ends("ded");
    let silent_es = ends("es")
        && !["ses", "zes", "ches", "shes", "ges", "ces", "xes"]
            .iter()
            .any(|s| ends(s));
    if count > 1 && (silent_e || silent_ed || silent_es) {
        count -= 1;
    }
    count.max(1)
}

fn syllables_es(word: &str) -> u32 {
    let mut count = 0;
    let mut before: Option<char> = None;
    for c in word.chars() {
        let strong = "aeoáéóíú".contains(c);
        let weak = "iuüy".contains(c);
        if strong || weak {
            // Two strong vowels, or an accented weak one, are two syllables; other pairs are one.
            let joined = before.is_some_and(|b| {
                let b_strong = "aeoáéóíú".contains(b);
                !(b_strong && strong)
            });
            count += u32::from(!joined);
            before = Some(c);
        } else {
            before = None;
        }
    }
    count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_counted_about_right() {
        for (word, n) in [
            ("cat", 1),
            ("water", 2),
            ("breathe", 1),
            ("needed", 2),
            ("stopped", 1),
            ("table", 2),
        ] {
            assert_eq!(syllables_en(word), n, "{word}");
        }
        for (word, n) in [
            ("perro", 2),
            ("respirar", 3),
            ("fiebre", 2),
            ("caída", 3),
            ("sangre", 2),
            ("día", 2),
        ] {
            assert_eq!(syllables_es(word), n, "{word}");
        }
    }

    #[test]
    fn plain_words_are_easy_and_long_ones_are_not() {
        assert!(grade_en("Wash the bite with soap and water.", &[]) < 4.0);
        assert!(
            grade_en(
                "Immediate evaluation of neurological deterioration is indicated.",
                &[]
            ) > 12.0
        );
        assert!(ease_es("Lave la herida con agua y jabón.", &[]) > 80.0);
        assert!(ease_es("Evaluación inmediata del deterioro neurológico traumático.", &[]) < 50.0);
    }
}
