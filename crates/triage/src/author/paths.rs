//! How long interviews are: every way through a complaint, as far as a bound allows.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::answer::{Answer, Milli};
use crate::level::Urgency;
use crate::pack::{Kind, Pack, Question};
use crate::session::{Next, Session, COMPLAINT};
use crate::text::Lang;

/// The interviews of one complaint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// The complaint.
    pub complaint: String,
    /// The finding that it sets and that opens its module.
    pub opens: Vec<String>,
    /// Interviews that were walked to their end.
    pub paths: usize,
    /// Whether these are all of them; else the bound was reached.
    pub complete: bool,
    /// Different screens that were asked.
    pub screens: usize,
    /// Questions of the shortest interview.
    pub shortest: usize,
    /// Questions of the longest.
    pub longest: usize,
    /// Questions of the shortest that ends in an emergency.
    pub to_emergency: Option<usize>,
}

/// Walks every complaint. At each screen a person says "none of these", one item, all items, or "not sure"; at a
/// number its bounds and thresholds. `bound` interviews are walked for each complaint, spread over its tree.
#[must_use]
pub fn walks(pack: &Pack, bound: usize) -> Vec<Walk> {
    let options = pack.question(COMPLAINT).map_or(&[][..], |(_, q)| &q.options);
    let one = |o: &crate::pack::Choice| {
        let mut walk = Walk {
            complaint: o.code.clone(),
            opens: o.sets.clone(),
            paths: 0,
            complete: true,
            screens: 0,
            shortest: usize::MAX,
            longest: 0,
            to_emergency: None,
        };
        let mut session = Session::new(pack);
        // The complaint is known: the app asks it after the first screen, but it is one question either way.
        if session
            .answer(pack, COMPLAINT, Answer::Code(o.code.clone()))
            .is_ok()
        {
            let mut seen = BTreeSet::new();
            step(pack, &session, bound.max(1), &mut walk, &mut seen);
            walk.screens = seen.len();
        }
        walk
    };
    options.iter().map(one).collect()
}

/// Goes on from a session with a share of the bound, divided among the answers; what one answer does not use goes to
/// the next. The share of an answer is at least one until nothing is left, so the first answer of each screen, "none of
/// these", is always walked to its end. Returns how much was used.
fn step(pack: &Pack, session: &Session, share: usize, walk: &mut Walk, seen: &mut BTreeSet<String>) -> usize {
    let asked = match session.next(pack, Lang::En) {
        Next::Question(view) => view.id,
        Next::Outcome(outcome) => {
            let questions = session.answers.given.len();
            walk.paths += 1;
            walk.shortest = walk.shortest.min(questions);
            walk.longest = walk.longest.max(questions);
            if outcome.urgency >= Urgency::EdNow {
                walk.to_emergency = Some(walk.to_emergency.map_or(questions, |n| n.min(questions)));
            }
            return 1;
        }
    };
    let Some((_, q)) = pack.question(&asked) else {
        return 0;
    };
    seen.insert(asked.clone());
    let answers = answers(q);
    let (mut left, mut ways) = (share, answers.len());
    for answer in answers {
        if left == 0 {
            walk.complete = false;
            break;
        }
        let part = (left / ways).max(1);
        ways -= 1;
        let mut on = session.clone();
        if on.answer(pack, &asked, answer).is_ok() {
            left -= step(pack, &on, part, walk, seen).min(left);
        }
    }
    share - left
}

fn answers(q: &Question) -> Vec<Answer> {
    let codes = || q.options.iter().map(|o| o.code.clone());
    let mut out = match q.kind {
        Kind::Multi => {
            let mut out = vec![Answer::Codes(Vec::new())];
            out.push(Answer::unknown());
            out.extend(codes().map(|c| Answer::Codes(vec![c])));
            out.push(Answer::Codes(codes().collect()));
            return out;
        }
        Kind::Boolean => vec![Answer::Flag(false), Answer::Flag(true)],
        Kind::Choice => codes().map(Answer::Code).collect(),
        Kind::Number => {
            let spec = q.number.as_ref();
            let bounds = spec.map(|n| [n.min, Milli((n.min.0 + n.max.0) / 2), n.max]);
            let near = spec
                .into_iter()
                .flat_map(|n| n.thresholds.iter().map(|t| t.value));
            let all: BTreeSet<Milli> = bounds.into_iter().flatten().chain(near).collect();
            all.into_iter().map(Answer::Number).collect()
        }
    };
    out.insert(1.min(out.len()), Answer::unknown());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_is_walked_and_a_wider_bound_finds_no_shorter_longest() {
        let pack = Pack::embedded();
        let (few, more) = (walks(pack, 4), walks(pack, 12));
        assert_eq!(few.len(), pack.file().complaints.len());
        for (few, more) in few.iter().zip(&more) {
            assert!(few.paths > 0 && few.paths <= 4, "{few:?}");
            assert!(
                more.paths >= few.paths && more.longest >= few.longest,
                "{few:?} {more:?}"
            );
            assert!(few.shortest <= few.longest && few.screens > 0, "{few:?}");
        }
        assert!(few.iter().any(|w| !w.complete));
    }
}
