//! Words that differ by a slip of the finger.

/// Whether two words are the same but for a slip: a letter wrong, missing, added, or two neighbours swapped. None in
/// words of up to two letters, one in words of up to five, two in longer ones.
pub(crate) fn is_near(asked: &str, known: &str) -> bool {
    let asked: Vec<char> = asked.chars().collect();
    let most = match asked.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let known_length = known.chars().count();
    if asked.len().abs_diff(known_length) > most {
        return false;
    }
    distance(&asked, known) <= most
}

/// Edits from one word to the other, swapping neighbours counted once (optimal string alignment).
fn distance(asked: &[char], known: &str) -> usize {
    let width = asked.len() + 1;
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (vec![0; width], (0..width).collect());
    let mut previous = None;
    for (row, letter) in known.chars().enumerate() {
        let mut this = Vec::with_capacity(width);
        this.push(row + 1);
        let (mut diagonal, mut older) = (last.first().copied().unwrap_or(0), 0);
        for (at, own) in asked.iter().enumerate() {
            let above = last.get(at + 1).copied().unwrap_or(usize::MAX - 1);
            let left = this.last().copied().unwrap_or(usize::MAX - 1);
            let mut best = (diagonal + usize::from(*own != letter))
                .min(above + 1)
                .min(left + 1);
            let swapped = at > 0 && previous == Some(*own) && asked.get(at - 1) == Some(&letter);
            if swapped {
                best = best.min(older + 1);
            }
            this.push(best);
            older = before.get(at).copied().unwrap_or(0);
            diagonal = above;
        }
        before = std::mem::replace(&mut last, this);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, is_near};

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        for (asked, known) in [
            ("lopez", "lopes"),
            ("lopez", "lpoez"),
            ("birchfield", "brichfeild"),
            ("ada", "ad"),
            ("ed", "ed"),
            ("", ""),
        ] {
            assert!(is_near(asked, known), "{asked} {known}");
        }
        for (asked, known) in [
            ("ed", "et"),
            ("lopez", "lupes"),
            ("birchfield", "riverfield"),
            ("ada", "abcd"),
        ] {
            assert!(!is_near(asked, known), "{asked} {known}");
        }
    }

    #[test]
    fn edits_are_counted() {
        let letters = |word: &str| word.chars().collect::<Vec<char>>();
        for (asked, known, edits) in [
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("abc", "", 3),
            ("", "abc", 3),
            ("abcd", "badc", 2),
        ] {
            assert_eq!(distance(&letters(asked), known), edits, "{asked} {known}");
        }
    }
}
