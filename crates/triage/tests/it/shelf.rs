//! Newer packs are taken only where clinicians signed them, never backwards, and a recall takes one out of use.

use hms_triage::author::{recall, sign, SigningSeed};
use hms_triage::signing::{PackSignature, Status, Trust, TrustedKey};
use hms_triage::{Answer, Course, Lang, Next, Pack, Recall, Refused, Session, Shelf, Text, Urgency};

const ADA: &str = "Ada Ruiz, MD";

fn key(of: u8) -> SigningSeed {
    SigningSeed::new(&[of; 32])
}

fn trust() -> Trust {
    let trusted = |name: &str, of| TrustedKey {
        name: name.to_owned(),
        key: key(of).public(),
    };
    Trust {
        needed: 2,
        keys: vec![trusted(ADA, 1), trusted("Ben Oduya, RN", 2)],
    }
}

/// The pack of this build under another version.
fn version(version: &str) -> Vec<u8> {
    let mut file = Pack::embedded().file().clone();
    file.version = version.to_owned();
    serde_json::to_vec(&file).unwrap()
}

fn signed(pack: &[u8]) -> Vec<PackSignature> {
    [(ADA, 1), ("Ben Oduya, RN", 2)]
        .map(|(name, of)| sign(pack, &key(of), name, "2026-12-01").unwrap())
        .to_vec()
}

fn called_back(pack: &str, of: u8) -> Recall {
    let why = Text {
        en: "A rule for bites was wrong.".to_owned(),
        es: "Una regla de mordidas estaba mal.".to_owned(),
    };
    recall(pack, &why, &key(of), ADA, "2026-12-02").unwrap()
}

#[test]
fn a_newer_signed_pack_is_used_and_none_goes_back() {
    let mut shelf = Shelf::new(trust());
    let (one, two) = (version("2099-01-01.1"), version("2099-01-01.2"));
    assert!(shelf.offer(&two, &signed(&two)).unwrap());
    assert_eq!(shelf.active().pack.version(), "2099-01-01.2");
    assert!(matches!(&shelf.active().status, Status::Approved { by } if by.len() == 2));

    assert!(!shelf.offer(&two, &signed(&two)).unwrap(), "it is here");
    let older = shelf.offer(&one, &signed(&one));
    assert!(matches!(older, Err(Refused::NotNewer { .. })), "{older:?}");
    assert_eq!(shelf.active().pack.version(), "2099-01-01.2");
}

#[test]
fn what_is_not_signed_not_sound_or_not_newer_leaves_the_last_good_one() {
    let mut shelf = Shelf::new(trust());
    let good = version("2099-01-01.1");
    shelf.offer(&good, &signed(&good)).unwrap();

    let next = version("2099-01-02.1");
    assert!(matches!(shelf.offer(&next, &[]), Err(Refused::NotApproved)));
    let one_of_two = &signed(&next)[..1];
    assert!(matches!(
        shelf.offer(&next, one_of_two),
        Err(Refused::NotApproved)
    ));
    let others = signed(&good);
    assert!(matches!(shelf.offer(&next, &others), Err(Refused::NotApproved)));
    let torn = &next[..next.len() - 1];
    assert!(matches!(
        shelf.offer(torn, &signed(torn)),
        Err(Refused::Unreadable(_))
    ));
    let same = version("2099-01-01.1 ");
    assert!(matches!(
        shelf.offer(&same, &signed(&same)),
        Err(Refused::NoVersion)
    ));

    assert_eq!(shelf.active().pack.version(), "2099-01-01.1");
    let nobody = Shelf::new(Trust::default()).offer(&good, &signed(&good));
    assert!(matches!(nobody, Err(Refused::NotApproved)), "no keys, no packs");
}

#[test]
fn kept_packs_come_back_in_any_order_and_a_changed_file_does_not() {
    let (one, two) = (version("2099-01-01.1"), version("2099-01-02.1"));
    let mut changed = version("2099-01-03.1");
    let signatures = signed(&changed);
    changed.push(b' ');
    let kept = vec![
        (two.clone(), signed(&two)),
        (changed, signatures),
        (one.clone(), signed(&one)),
    ];

    let mut shelf = Shelf::new(trust());
    assert_eq!(shelf.offer_kept(kept), 2);
    assert_eq!(shelf.active().pack.version(), "2099-01-02.1");
    assert_eq!(shelf.came().len(), 2);
}

#[test]
fn a_recall_takes_a_pack_out_of_use_and_needs_one_who_may() {
    let mut shelf = Shelf::new(trust());
    let two = version("2099-01-02.1");
    shelf.offer(&two, &signed(&two)).unwrap();
    let hash = shelf.active().pack.hash().to_owned();

    let stranger = shelf.recall(called_back(&hash, 9));
    assert!(matches!(stranger, Err(Refused::RecallNotSigned)));
    let mut changed = called_back(&hash, 1);
    changed.why.en.push('!');
    assert!(matches!(shelf.recall(changed), Err(Refused::RecallNotSigned)));
    assert_eq!(shelf.active().pack.hash(), hash);

    assert!(shelf.recall(called_back(&hash, 1)).unwrap());
    assert!(!shelf.recall(called_back(&hash, 1)).unwrap());
    assert_eq!(shelf.active().pack.hash(), Pack::embedded().hash());
    assert!(shelf.recalled(&hash).is_some());
    assert!(
        shelf.by_hash(&hash).is_some(),
        "a result of it can still be replayed"
    );
    // The pack that takes its place may have been made before it; the recalled one itself does not come in again.
    let one = version("2099-01-01.1");
    assert!(shelf.offer(&one, &signed(&one)).unwrap());
    assert_eq!(shelf.active().pack.version(), "2099-01-01.1");
    // It does not come in again by a newer copy of the same resource.
    assert!(!shelf.offer(&two, &signed(&two)).unwrap());
    assert_eq!(shelf.active().pack.version(), "2099-01-01.1");
}

#[test]
fn where_every_pack_is_recalled_the_newest_goes_on_and_its_results_are_a_step_higher() {
    let mut shelf = Shelf::new(trust());
    shelf.recall(called_back(Pack::embedded().hash(), 1)).unwrap();
    let pack = &shelf.active().pack;
    assert_eq!(pack.hash(), Pack::embedded().hash());

    let mut session = Session::new(pack);
    session
        .answer(pack, "complaint", Answer::Code("back_pain".into()))
        .unwrap();
    while let Next::Question(question) = session.next(pack, Lang::En) {
        session.answer(pack, &question.id, none(&question)).unwrap();
    }
    let plain = session.outcome(pack, Lang::En);
    session.follow(Course {
        recalled: true,
        ..Course::default()
    });
    let raised = session.outcome(pack, Lang::En);
    assert_eq!(
        (plain.urgency, raised.urgency),
        (Urgency::SelfCare, Urgency::Days)
    );
    assert!(
        raised.reasons[0].text.contains("called back"),
        "{:?}",
        raised.reasons
    );
}

fn none(question: &hms_triage::QuestionView) -> Answer {
    match question.kind {
        hms_triage::Kind::Boolean => Answer::Flag(false),
        hms_triage::Kind::Multi => Answer::Codes(Vec::new()),
        hms_triage::Kind::Choice | hms_triage::Kind::Number => Answer::unknown(),
    }
}

#[test]
fn a_check_goes_on_with_another_pack_and_keeps_what_fits() {
    let pack = Pack::embedded();
    let mut session = Session::new(pack);
    session.heed(pack, "cant breathe");
    session
        .answer(pack, "complaint", Answer::Code("heat".into()))
        .unwrap();
    let heat = Answer::Codes(vec!["vomit".into()]);
    session.answer(pack, "heat.flags", heat).unwrap();

    let mut file = pack.file().clone();
    file.version = "2099-01-01.1".to_owned();
    let flags = file.questions.iter_mut().find(|q| q.id == "heat.flags").unwrap();
    flags.options.retain(|o| o.code != "vomit");
    let other = Pack::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap();

    let moved = session.onto(&other);
    assert_eq!(moved.answers.pack.as_deref(), Some(other.hash()));
    assert_eq!(moved.trail, ["complaint"]);
    assert_eq!(moved.answers.raised, session.answers.raised);
    assert!(!moved.answers.raised.is_empty());
    assert_eq!(session.onto(pack), session, "the same pack changes nothing");
}
