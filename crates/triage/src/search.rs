//! Offline search of complaints, and danger phrases. A search proposes; a person confirms.
//!
//! Danger phrases are matched on the whole text before anything else and only ever raise: "I did not
//! pass out" raises too, because parsing negation away is how an emergency gets lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::pack::{Complaint, Pack};
use crate::text::fold;

/// Terms of all complaints, folded and cut into words once.
#[derive(Debug)]
pub struct ComplaintIndex {
    entries: Vec<Entry>,
    /// For each word of a term, in how many complaints it occurs: "pain" says little, "elbow" much.
    spread: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Entry {
    code: String,
    terms: Vec<Vec<Word>>,
}

/// A folded word and its trigrams, padded so that beginnings weigh more.
#[derive(Debug)]
struct Word {
    text: String,
    trigrams: BTreeSet<[char; 3]>,
}

impl Word {
    fn new(text: &str) -> Word {
        let padded: Vec<char> = "  ".chars().chain(text.chars()).chain(" ".chars()).collect();
        let trigrams = padded.windows(3).filter_map(|w| w.try_into().ok()).collect();
        Word {
            text: text.to_owned(),
            trigrams,
        }
    }

    /// How alike two words are, 0 to 100.
    fn likeness(&self, other: &Word) -> u32 {
        if self.text == other.text {
            return 100;
        }
        let (short, long) = match self.text.len() <= other.text.len() {
            true => (&self.text, &other.text),
            false => (&other.text, &self.text),
        };
        // One or many: "arm" and "arms".
        if long.strip_suffix('s') == Some(short) {
            return 95;
        }
        if short.len() >= 4 && long.starts_with(short.as_str()) {
            return 85;
        }
        let own = |word: &String| OWN_WORDS.contains(&word.as_str());
        if short.len() < 4 || own(short) || own(long) || !same_start(short, long) {
            return 0;
        }
        let shared = self.trigrams.intersection(&other.trigrams).count();
        let dice = 200 * shared / (self.trigrams.len() + other.trigrams.len()).max(1);
        let close = if one_slip_apart(&self.text, &other.text) {
            80
        } else {
            0
        };
        u32::try_from(dice).unwrap_or(0).min(80).max(close)
    }
}

/// Letters that Spanish or hasty writers take for one another at the start of a word.
const SOUND_ALIKE: &[&str] = &["bv", "ckq", "gj", "iy", "ly", "scz"];

/// Whether two words begin alike: a slip is rare in the first letter, and "crash" is another word than "rash".
/// A silent "h" does not count: "inchado" is "hinchado".
fn same_start(a: &str, b: &str) -> bool {
    let first = |word: &str| word.strip_prefix('h').unwrap_or(word).chars().next();
    let (Some(a), Some(b)) = (first(a), first(b)) else {
        return false;
    };
    let alike = |sounds: &&str| sounds.contains(a) && sounds.contains(b);
    a == b || SOUND_ALIKE.iter().any(alike)
}

/// Less than this is chance.
const ALIKE: u32 = 50;

/// Words that say nothing of the complaint, in either language.
const FILLER: &str = "\
    a after al all also am and any are at ayer be because been but como con cuando day days de del desde \
    despues dia dias do does el en es esta este estoy few for from got ha hace had has have hay he her \
    his hoy i if im in is it its just la las le leve like little lo los mas me mi mild mis more mucha \
    mucho muy my new o of on or over para pero poca poco por que really s se semana semanas ser she si \
    since so some still su tengo than the tiene to toda today todo too un una very was week weeks when \
    with y ya yesterday yo you your";

fn words(text: &str) -> Vec<Word> {
    // "A bit" says nothing; "bit" alone is what the dog did.
    let folded = format!(" {} ", fold(text)).replace(" a bit ", " ");
    folded
        .split_whitespace()
        .filter(|word| FILLER.split(' ').all(|filler| filler != *word))
        .map(Word::new)
        .collect()
}

impl ComplaintIndex {
    pub(crate) fn new(complaints: &[Complaint]) -> ComplaintIndex {
        let entry = |c: &Complaint| {
            let names = [&c.text.en, &c.text.es].into_iter().chain(&c.en).chain(&c.es);
            Entry {
                code: c.code.clone(),
                terms: names.map(|n| words(n)).filter(|t| !t.is_empty()).collect(),
            }
        };
        let entries: Vec<Entry> = complaints.iter().map(entry).collect();
        let mut spread: BTreeMap<String, u32> = BTreeMap::new();
        for entry in &entries {
            let own: BTreeSet<&str> = entry.terms.iter().flatten().map(|w| w.text.as_str()).collect();
            for word in own {
                *spread.entry(word.to_owned()).or_default() += 1;
            }
        }
        ComplaintIndex { entries, spread }
    }

    /// Codes that fit, best first; ties keep the order of the pack.
    fn find(&self, text: &str) -> Vec<&str> {
        let query = words(text);
        let mut hits: Vec<(u32, &str)> = Vec::new();
        for entry in &self.entries {
            let mut scores: Vec<u32> = entry.terms.iter().map(|term| self.score(term, &query)).collect();
            scores.sort_unstable_by(|a, b| b.cmp(a));
            // The best term decides; a second one that fits as well tells complaints apart.
            let best = scores.first().copied().unwrap_or(0);
            let second = scores.get(1).copied().unwrap_or(0);
            if best > 0 {
                hits.push((best * 8 + second, &entry.code));
            }
        }
        hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        hits.into_iter().map(|(_, code)| code).collect()
    }

    /// How much a word of a term says, 1 to 60.
    fn weight(&self, word: &Word) -> u32 {
        60 / self.spread.get(&word.text).copied().unwrap_or(1).max(1)
    }

    /// A term scores when the words that carry at least half its weight are in the query; longer terms
    /// fully found score most.
    fn score(&self, term: &[Word], query: &[Word]) -> u32 {
        let (mut found, mut all) = (0, 0);
        for word in term {
            let weight = self.weight(word).max(1);
            let best = query.iter().map(|q| word.likeness(q)).max().unwrap_or(0);
            all += weight * 100;
            if best >= ALIKE {
                found += weight * best;
            }
        }
        if found == 0 || found * 2 < all {
            return 0;
        }
        // The share of the term, plus what was found in favour of longer and rarer terms.
        found * 100 / all.max(1) + (found / 100).min(120)
    }
}

/// Up to `most` complaint codes for a free text, best first. "Something else" is not among them. When
/// nothing fits, the first complaints of the pack are offered: every search ends in a choice.
#[must_use]
pub fn complaints(pack: &Pack, text: &str, most: usize) -> Vec<String> {
    let others = |code: &&str| *code != crate::session::SOMETHING_ELSE;
    let mut found: Vec<&str> = pack
        .complaint_index()
        .find(&bounded(text))
        .into_iter()
        .filter(others)
        .collect();
    if found.is_empty() {
        found = pack
            .file()
            .complaints
            .iter()
            .map(|c| c.code.as_str())
            .filter(others)
            .collect();
    }
    found.into_iter().take(most).map(str::to_owned).collect()
}

/// The one complaint whose code, name or word is exactly this text, `animal-bite` and `Animal bite` alike.
/// None when there is no such complaint or more than one: nothing is guessed.
#[must_use]
pub fn exact<'a>(pack: &'a Pack, text: &str) -> Option<&'a str> {
    let wanted = fold(&bounded(text));
    let named = |c: &&Complaint| {
        let names = [&c.code, &c.text.en, &c.text.es]
            .into_iter()
            .chain(&c.en)
            .chain(&c.es);
        names.into_iter().any(|n| fold(n) == wanted)
    };
    let mut found = pack.file().complaints.iter().filter(named);
    match (found.next(), found.next()) {
        (Some(only), None) => Some(&only.code),
        _ => None,
    }
}

/// The findings that danger phrases in a free text make present.
#[must_use]
pub fn danger(pack: &Pack, text: &str) -> Vec<String> {
    let folded = plain(&fold(&bounded(text)));
    let words: Vec<&str> = folded.split(' ').collect();
    let hit = |phrases: &Vec<String>| phrases.iter().all(|phrase| contains(&words, phrase));
    let dangers = pack.file().danger.iter();
    dangers
        .filter(|d| d.phrases.iter().any(hit))
        .map(|d| d.finding.clone())
        .collect()
}

/// Ways of speaking that name a danger and mean none, and what they mean. Whole words, folded; nothing else is parsed away.
/// Only what can be said of no emergency stands here: "shot in the arm" is said of a vaccine, and of a bullet.
const IDIOMS: &[(&str, &str)] = &[
    ("ahogado de deudas", "deudas"),
    ("ahogado en deudas", "deudas"),
    ("drowning in debt", "debt"),
    ("drowning in paperwork", "work"),
    ("drowning in work", "work"),
    ("dying for a coffee", "coffee"),
    ("dying of boredom", "bored"),
    ("me muero de ganas", "quiero"),
    ("me muero de hambre", "hambre"),
    ("me muero de pena", "pena"),
    ("me muero de risa", "risa"),
    ("me muero de sueno", "sueno"),
    ("seizure medication", "medicine"),
    ("seizure medicine", "medicine"),
    ("seizure meds", "medicine"),
    ("seizure pills", "medicine"),
];

/// A folded text without its idioms.
fn plain(folded: &str) -> String {
    let text = IDIOMS.iter().fold(format!(" {folded} "), |text, (said, meant)| {
        text.replace(&format!(" {said} "), &format!(" {meant} "))
    });
    text.trim().to_owned()
}

/// What is read of a text, in characters: a person who is asked for a word or two types far less, and the time it takes
/// grows with it.
const READ: usize = 4_000;

/// A text that is too long by its beginning and its end.
fn bounded(text: &str) -> std::borrow::Cow<'_, str> {
    // Few texts are that long: counting them all would be the dearer part of a search.
    if text.len() <= READ || text.chars().count() <= READ {
        return text.into();
    }
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let from_end = text
        .char_indices()
        .rev()
        .nth(READ / 2 - 1)
        .map_or(0, |(at, _)| at);
    let (begin, end) = (text.get(..at(READ / 2)), text.get(from_end..));
    format!("{} {}", begin.unwrap_or_default(), end.unwrap_or_default()).into()
}

/// Whether the words of a phrase follow one another in the text, one slip per longer word forgiven.
fn contains(words: &[&str], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    (0..words.len()).any(|start| follows(words.get(start..).unwrap_or(&[]), &phrase))
}

/// How many words a `~` in a phrase may stand for.
const GAP: usize = 3;
/// How many words a `~~` may stand for: two things told in one breath.
const NEAR: usize = 7;

fn follows(words: &[&str], phrase: &[&str]) -> bool {
    match phrase.split_first() {
        None => true,
        Some((gap @ (&"~" | &"~~"), rest)) => {
            let most = if *gap == "~" { GAP } else { NEAR };
            (0..=most).any(|skip| words.get(skip..).is_some_and(|w| follows(w, rest)))
        }
        Some((wanted, rest)) => match words.split_first() {
            Some((word, words)) => wanted.split('/').any(|w| fits(word, w)) && follows(words, rest),
            None => false,
        },
    }
}

/// A shorter word must be exact: one letter makes "faint" of "paint".
const FORGIVEN: usize = 6;

fn fits(word: &str, wanted: &str) -> bool {
    if let Some((least, most)) = wanted.split_once("..") {
        let number = |text: &str| text.parse::<u32>().ok();
        return matches!((number(least), number(word), number(most)), (Some(a), Some(n), Some(b)) if (a..=b).contains(&n));
    }
    let Some(stem) = wanted.strip_suffix('*') else {
        // "Comin" is "coming", also in a word too short to be forgiven a slip.
        let dropped = wanted.ends_with("ing") && wanted.strip_suffix('g') == Some(word);
        return word == wanted || dropped || (wanted.len() >= FORGIVEN && slip(word, wanted));
    };
    let start = || word.get(..stem.len()).is_some_and(|start| slip(start, stem));
    word.starts_with(stem) || (stem.len() >= FORGIVEN && start())
}

/// Words in their own right, though one letter makes danger of them: "severe" is not "severed".
const OWN_WORDS: &[&str] = &["contusion", "severe", "strange", "stubbed", "wrist"];

/// A slip that keeps how the word begins: "painting" is another word than "fainting", not a slip of it.
fn slip(word: &str, wanted: &str) -> bool {
    !OWN_WORDS.contains(&word) && same_start(word, wanted) && one_slip_apart(word, wanted)
}

/// One letter added, dropped, changed, or two neighbours swapped.
fn one_slip_apart(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (rest_s, rest_l) = (short.get(same..).unwrap_or(&[]), long.get(same..).unwrap_or(&[]));
    match long.len() - short.len() {
        0 => {
            let changed = rest_s.get(1..) == rest_l.get(1..);
            let swapped = rest_s.len() >= 2
                && rest_s.first() == rest_l.get(1)
                && rest_s.get(1) == rest_l.first()
                && rest_s.get(2..) == rest_l.get(2..);
            changed || swapped
        }
        1 => Some(rest_s) == rest_l.get(1..),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_one_letter_or_one_swap() {
        for (a, b, yes) in [
            ("breathe", "breathe", true),
            ("breath", "breathe", true),
            ("braethe", "breathe", true),
            ("breethe", "breathe", true),
            ("brthe", "breathe", false),
            ("respirar", "respira", true),
        ] {
            assert_eq!(one_slip_apart(a, b), yes, "{a} {b}");
        }
    }

    #[test]
    fn an_idiom_is_not_what_it_names_and_the_rest_of_the_text_still_is() {
        assert_eq!(plain("me muero de hambre"), "hambre");
        assert_eq!(
            plain("drowning in work and cant breathe"),
            "work and cant breathe"
        );
        for told in [
            "got shot in the arm",
            "shot in the dark parking lot",
            "dying for air",
        ] {
            assert_eq!(plain(told), told);
        }
        assert_eq!(plain("i am dying"), "i am dying");
        assert_eq!(plain("me muero de dolor"), "me muero de dolor");
        assert!(fits("comin", "coming") && fits("12", "10..54") && !fits("55", "10..54"));
    }

    #[test]
    fn phrases_match_whole_words_in_a_row() {
        let text: Vec<&str> = "i really cant breath well".split(' ').collect();
        assert!(contains(&text, "cant breathe"));
        assert!(contains(&text, "cant breath*"));
        assert!(!contains(&text, "cant well"));
        assert!(contains(&text, "cant ~ well"));
        assert!(contains(&text, "i ~~ well") && !contains(&text, "well ~~ i"));
        assert!(contains(&text, "cannot/cant breathe"));
        assert!(!contains(&text, "i ~ zebra"));
        assert!(contains(&["fanting", "spells"], "fainting"));
        assert!(!contains(&["sore", "after", "painting"], "fainting"));
        assert!(contains(&["bomitando", "sangre"], "vomitando sangre"));
        assert!(!same_start("rash", "crash") && same_start("inchado", "hinchado"));
    }
}
