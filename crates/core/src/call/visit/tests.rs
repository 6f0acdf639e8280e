//! The course of visits, told from both sides.

use super::*;
use hms_model::view::VisitState;

fn effects(machine: &mut VisitMachine) -> Vec<VisitEffect> {
    std::iter::from_fn(|| machine.poll_effect()).collect()
}

fn signal(machine: &mut VisitMachine, at: i64, message: ToClient) -> Vec<VisitEffect> {
    machine.handle(Timestamp(at), VisitInput::Signal(message));
    effects(machine)
}

fn input(machine: &mut VisitMachine, at: i64, input: VisitInput) -> Vec<VisitEffect> {
    machine.handle(Timestamp(at), input);
    effects(machine)
}

fn v() -> String {
    "v".to_owned()
}

fn calling() -> VisitMachine {
    let mut machine = VisitMachine::default();
    let call = VisitInput::Call {
        visit: v(),
        task: "t".into(),
        peer: "Dana".into(),
    };
    assert_eq!(
        input(&mut machine, 0, call),
        [VisitEffect::Send(ToServer::Call {
            visit: v(),
            task: "t".into()
        })]
    );
    machine
}

fn in_call() -> VisitMachine {
    let mut machine = calling();
    let accepted = ToClient::Accepted {
        visit: v(),
        turn: vec![],
    };
    assert_eq!(
        signal(&mut machine, 1_000, accepted),
        [VisitEffect::StartOffer { turn: vec![] }]
    );
    input(&mut machine, 1_100, VisitInput::OfferReady("offer".into()));
    let answer = ToClient::Sdp {
        visit: v(),
        kind: SdpKind::Answer,
        sdp: "answer".into(),
    };
    assert_eq!(
        signal(&mut machine, 1_200, answer),
        [VisitEffect::TakeAnswer("answer".into())]
    );
    input(&mut machine, 1_500, VisitInput::MediaUp);
    assert_eq!(machine.view().state, VisitState::InCall);
    machine
}

#[test]
fn the_called_side_rings_answers_and_starts_on_the_offer() {
    let mut machine = VisitMachine::default();
    let ring = ToClient::Ring {
        visit: v(),
        from: "M. Alvarez".into(),
        task: "t".into(),
    };
    assert_eq!(signal(&mut machine, 0, ring.clone()), [VisitEffect::Ring(true)]);
    assert_eq!(signal(&mut machine, 10, ring), []);
    assert_eq!(machine.view().state, VisitState::RingingIn);

    let accept = [
        VisitEffect::Ring(false),
        VisitEffect::Send(ToServer::Accept { visit: v() }),
    ];
    assert_eq!(input(&mut machine, 2_000, VisitInput::Accept), accept);
    let turn = vec![WireTurn {
        url: "turn:x".into(),
        username: "u".into(),
        credential: "c".into(),
    }];
    signal(
        &mut machine,
        2_100,
        ToClient::Accepted {
            visit: v(),
            turn: turn.clone(),
        },
    );
    let offer = ToClient::Sdp {
        visit: v(),
        kind: SdpKind::Offer,
        sdp: "o".into(),
    };
    assert_eq!(
        signal(&mut machine, 2_200, offer.clone()),
        [VisitEffect::StartAnswer {
            turn,
            offer: "o".into()
        }]
    );
    assert_eq!(
        signal(&mut machine, 9_000, offer),
        [VisitEffect::TakeOffer("o".into())]
    );
    let ended = ToClient::Ended {
        visit: v(),
        why: EndedWhy::Left,
    };
    assert_eq!(signal(&mut machine, 9_100, ended), [VisitEffect::StopEngine]);
    assert!(!machine.is_active());
}

#[test]
fn nobody_answers() {
    let mut machine = calling();
    signal(
        &mut machine,
        10,
        ToClient::Ringing {
            visit: v(),
            connected: true,
        },
    );
    assert_eq!(machine.poll_timeout(), Some(Timestamp(PHONE_MS)));
    input(&mut machine, PHONE_MS, VisitInput::Timer);
    assert!(machine.offers_phone());

    signal(
        &mut machine,
        45_000,
        ToClient::Ended {
            visit: v(),
            why: EndedWhy::NoAnswer,
        },
    );

    assert_eq!(machine.view().ended, Some(EndedWhy::NoAnswer));
    assert_eq!(machine.poll_timeout(), None);
}

#[test]
fn a_server_that_is_gone_does_not_ring_for_ever() {
    let mut machine = calling();
    let effects = input(&mut machine, NO_ANSWER_MS, VisitInput::Timer);
    assert_eq!(effects, [VisitEffect::Send(ToServer::Decline { visit: v() })]);
    assert_eq!(machine.view().ended, Some(EndedWhy::NoAnswer));
}

#[test]
fn a_phone_that_is_not_connected_shows_at_once_that_a_telephone_is_needed() {
    let mut machine = calling();
    signal(
        &mut machine,
        10,
        ToClient::Ringing {
            visit: v(),
            connected: false,
        },
    );
    assert_eq!(machine.view().state, VisitState::NotConnected);
    assert!(machine.offers_phone());
}

#[test]
fn a_cut_of_twelve_seconds_heals_with_a_new_offer_in_the_same_visit() {
    let mut machine = in_call();
    input(&mut machine, 20_000, VisitInput::MediaLost);
    assert_eq!(machine.view().state, VisitState::Reconnecting);
    let at = machine.poll_timeout().expect("restart");
    assert_eq!(at, Timestamp(20_000 + RESTART_MS));
    assert_eq!(
        input(&mut machine, at.0, VisitInput::Timer),
        [VisitEffect::Restart]
    );

    let sent = input(&mut machine, at.0 + 10, VisitInput::OfferReady("again".into()));
    assert_eq!(
        sent,
        [VisitEffect::Send(ToServer::Sdp {
            visit: v(),
            kind: SdpKind::Offer,
            sdp: "again".into()
        })]
    );
    input(&mut machine, 32_000, VisitInput::MediaUp);

    let view = machine.view();
    assert_eq!((view.state, view.since), (VisitState::InCall, Some(1_500.0)));
    assert!(!machine.offers_phone());
}

#[test]
fn a_cut_of_five_minutes_ends_the_visit() {
    let mut machine = in_call();
    input(&mut machine, 0, VisitInput::MediaLost);
    let mut now = 0;
    while machine.is_active() {
        now = machine.poll_timeout().expect("armed").0;
        input(&mut machine, now, VisitInput::Timer);
    }
    assert_eq!((machine.view().ended, now), (Some(EndedWhy::Lost), LOST_MS));
}

#[test]
fn a_second_ring_in_a_call_is_declined_and_the_call_goes_on() {
    let mut machine = in_call();
    let ring = ToClient::Ring {
        visit: "w".into(),
        from: "x".into(),
        task: "u".into(),
    };
    let declined = VisitEffect::Send(ToServer::Decline { visit: "w".into() });
    assert_eq!(signal(&mut machine, 30_000, ring), [declined]);
    assert_eq!(machine.view().state, VisitState::InCall);
    signal(
        &mut machine,
        30_001,
        ToClient::Ended {
            visit: "w".into(),
            why: EndedWhy::Left,
        },
    );
    assert!(machine.is_active());
}

#[test]
fn a_refused_call_ends_with_the_servers_code() {
    let mut machine = calling();
    signal(
        &mut machine,
        5,
        ToClient::Refused {
            what: "call".into(),
            code: "already_in_a_call".into(),
        },
    );
    assert_eq!(machine.refused(), Some("already_in_a_call"));
    assert!(!machine.is_active());
}

#[test]
fn texts_and_the_other_sides_devices_are_kept_after_the_end() {
    let mut machine = in_call();
    input(&mut machine, 2_000, VisitInput::Text("can you hear me?".into()));
    signal(
        &mut machine,
        2_500,
        ToClient::Text {
            number: 0,
            visit: v(),
            text: "yes".into(),
        },
    );
    signal(
        &mut machine,
        2_600,
        ToClient::Media {
            visit: v(),
            media: WireMedia {
                muted: true,
                camera: false,
                synthetic: true,
                ..WireMedia::default()
            },
        },
    );
    let sent = input(&mut machine, 3_000, VisitInput::Leave);
    assert_eq!(
        sent,
        [
            VisitEffect::Send(ToServer::Leave {
                visit: v(),
                lost: false
            }),
            VisitEffect::StopEngine
        ]
    );
    let view = machine.view();
    assert_eq!(view.texts.len(), 2);
    assert!(view.peer_muted && !view.peer_camera && view.peer_synthetic);
}

fn said(media: WireMedia) -> VisitEffect {
    VisitEffect::Send(ToServer::Media { visit: v(), media })
}

fn hears(machine: &mut VisitMachine, media: WireMedia) -> Vec<VisitEffect> {
    signal(machine, 2_000, ToClient::Media { visit: v(), media })
}

#[test]
fn sound_alone_holds_both_pictures_back_until_who_chose_it_tries_them_again() {
    let mut machine = in_call();
    let only = WireMedia {
        sound_only: true,
        ..WireMedia::default()
    };

    let chosen = input(&mut machine, 2_000, VisitInput::SoundOnly(true));
    assert_eq!(chosen, [VisitEffect::SetCamera(false), said(only)]);
    let twice = input(&mut machine, 2_100, VisitInput::SoundOnly(true));
    assert_eq!(twice, [VisitEffect::SetCamera(false), said(only)]);
    assert!(machine.view().sound_only && machine.view().camera);

    // The camera is another switch: it brings no picture into a call of sound alone.
    input(&mut machine, 2_200, VisitInput::Camera(false));
    let on = input(&mut machine, 2_300, VisitInput::Camera(true));
    assert_eq!(on, [VisitEffect::SetCamera(false), said(only)]);

    let tried = WireMedia {
        tries: 1,
        ..WireMedia::default()
    };
    let back = input(&mut machine, 3_000, VisitInput::SoundOnly(false));
    assert_eq!(
        back,
        [VisitEffect::SetCamera(true), VisitEffect::TryPicture, said(tried)]
    );
}

#[test]
fn the_other_sides_wish_for_sound_alone_is_heeded_however_often_it_is_heard() {
    let mut machine = in_call();
    let only = WireMedia {
        sound_only: true,
        ..WireMedia::default()
    };

    assert_eq!(hears(&mut machine, only), [VisitEffect::SetCamera(false)]);
    assert_eq!(hears(&mut machine, only), []);
    assert!(machine.view().peer_sound_only && !machine.shows_picture());
    // What the other side chose is theirs to take back.
    input(&mut machine, 2_500, VisitInput::SoundOnly(false));
    assert!(!machine.shows_picture());

    let tried = WireMedia {
        tries: 1,
        ..WireMedia::default()
    };
    assert_eq!(
        hears(&mut machine, tried),
        [VisitEffect::SetCamera(true), VisitEffect::TryPicture]
    );
    assert_eq!(hears(&mut machine, tried), []);
    assert!(machine.shows_picture());
}

#[test]
fn what_was_chosen_is_told_again_when_sound_is_back_after_a_cut() {
    let mut machine = in_call();
    input(&mut machine, 2_000, VisitInput::SoundOnly(true));
    input(&mut machine, 3_000, VisitInput::MediaLost);

    let back = input(&mut machine, 5_000, VisitInput::MediaUp);

    let only = WireMedia {
        sound_only: true,
        ..WireMedia::default()
    };
    assert_eq!(back, [said(only)]);
}

#[test]
fn a_sharp_picture_is_asked_for_once_and_answered_once() {
    let mut desk = in_call();
    let asked = WireMedia {
        sharp_asked: 1,
        ..WireMedia::default()
    };
    assert_eq!(input(&mut desk, 2_000, VisitInput::AskSharp), [said(asked)]);
    assert_eq!(input(&mut desk, 2_100, VisitInput::AskSharp), []);
    assert!(desk.view().sharp_asked);

    let mut phone = in_call();
    assert_eq!(hears(&mut phone, asked), []);
    assert!(phone.view().sharp_wanted && phone.view().sharp_given.is_none());
    let answered = WireMedia {
        sharp_answered: 1,
        sharp_answer: Some(SharpAnswer::Shown),
        ..WireMedia::default()
    };
    let given = input(&mut phone, 3_000, VisitInput::AnswerSharp(SharpAnswer::Shown));
    assert_eq!(given, [said(answered)]);
    // Heard again after a cut, it is no new wish.
    hears(&mut phone, asked);
    assert!(!phone.view().sharp_wanted);
    assert_eq!(
        input(&mut phone, 3_100, VisitInput::AnswerSharp(SharpAnswer::Declined)),
        []
    );

    hears(&mut desk, answered);
    assert!(!desk.view().sharp_asked);
    assert_eq!(desk.view().sharp_answer, Some(SharpAnswer::Shown));
    input(&mut desk, 4_000, VisitInput::AskSharp);
    assert_eq!(desk.view().sharp_answer, None, "the next wish has no answer yet");
    hears(
        &mut phone,
        WireMedia {
            sharp_asked: 2,
            ..asked
        },
    );
    assert!(phone.view().sharp_wanted);
}

#[test]
fn a_line_that_is_sent_again_is_shown_once_and_its_writer_learns_that_it_arrived() {
    let mut desk = in_call();
    let line = |number: u32, text: &str| ToClient::Text {
        visit: v(),
        number,
        text: text.into(),
    };
    let shown = |texts_shown| WireMedia {
        texts_shown,
        ..WireMedia::default()
    };

    assert_eq!(signal(&mut desk, 2_000, line(1, "one")), [said(shown(1))]);
    assert_eq!(signal(&mut desk, 2_100, line(1, "one")), []);
    assert_eq!(signal(&mut desk, 2_200, line(2, "two")), [said(shown(2))]);
    // An older side does not count.
    signal(&mut desk, 2_300, line(0, "three"));
    let words: Vec<_> = desk.view().texts.into_iter().map(|line| line.text).collect();
    assert_eq!(words, ["one", "two", "three"]);

    let mut phone = in_call();
    for (at, text) in [(2_000, "one"), (2_100, "two")] {
        input(&mut phone, at, VisitInput::Text(text.into()));
    }
    hears(&mut phone, shown(1));
    let arrived: Vec<_> = phone.view().texts.into_iter().map(|line| line.arrived).collect();
    assert_eq!(arrived, [true, false]);
}

#[test]
fn a_wish_to_be_called_is_told_and_outlasts_the_visit() {
    let wish = WireMedia {
        call_me: true,
        ..WireMedia::default()
    };
    let mut phone = in_call();
    assert_eq!(input(&mut phone, 2_000, VisitInput::CallMe), [said(wish)]);

    let mut desk = in_call();
    hears(&mut desk, wish);
    let ended = ToClient::Ended {
        visit: v(),
        why: EndedWhy::Lost,
    };
    signal(&mut desk, 3_000, ended);
    assert!(desk.view().peer_call_me);
}

fn drafts(line: u32, text: &str) -> VisitInput {
    let mut drafts = Drafts::default();
    drafts.take(&crate::call::typed::Edit {
        line,
        at: 0,
        cut: 0,
        text: text.into(),
    });
    VisitInput::PeerTyping(drafts)
}

#[test]
fn typed_words_become_a_line_only_when_they_are_sent() {
    let mut machine = in_call();
    let shows = |line, text: &str| VisitEffect::ShowTyping {
        line,
        text: text.into(),
    };
    let typed = input(&mut machine, 2_000, VisitInput::Typing("can you".into()));
    assert_eq!(typed, [shows(1, "can you")], "nothing of it goes to the server");
    assert!(machine.view().texts.is_empty());
    let sent = input(&mut machine, 2_100, VisitInput::Text("can you hear?".into()));
    assert_eq!(sent[1..], [shows(2, "")]);
    let typed = input(&mut machine, 2_200, VisitInput::Typing("or see".into()));
    assert_eq!(typed, [shows(2, "or see")]);

    input(&mut machine, 3_000, drafts(1, "no, I"));
    let view = machine.view();
    assert_eq!(
        (view.texts.len(), view.peer_typing.as_deref()),
        (1, Some("no, I"))
    );
    let line = ToClient::Text {
        number: 1,
        visit: v(),
        text: "no, I do not hear".into(),
    };
    signal(&mut machine, 3_500, line);
    let view = machine.view();
    assert_eq!((view.texts.len(), view.peer_typing), (2, None));

    input(&mut machine, 4_000, drafts(2, "please wri"));
    input(&mut machine, 4_100, VisitInput::Leave);
    assert_eq!(input(&mut machine, 4_200, VisitInput::Typing("late".into())), []);
    input(&mut machine, 4_300, drafts(2, "late"));
    let view = machine.view();
    assert_eq!(
        (view.texts.len(), view.peer_typing),
        (2, None),
        "what was not sent is gone"
    );
}
