use crate::signal::hub::{Effect, Greeting, Hub, Input, Transport, VisitEvent};
use crate::signal::turn::TurnIssuer;
use crate::signal::visit::{Party, AWAY_MS, RING_MS};
use hms_model::time::Timestamp;
use hms_model::wire::signal::{EndedWhy, Frame, SdpKind, ToClient, ToServer};
use std::collections::{BTreeSet, HashMap};

/// Clients around a hub, with a clock that is turned by hand.
struct World {
    hub: Hub,
    now: Timestamp,
    conns: u64,
    clients: HashMap<&'static str, Client>,
    recorded: Vec<(String, VisitEvent)>,
}

/// A client that follows the protocol: numbers, acknowledges, and sends again what was not acknowledged.
#[derive(Default)]
struct Client {
    user: String,
    conn: Option<u64>,
    session: Option<String>,
    sent: u64,
    kept: Vec<Frame<ToServer>>,
    received: u64,
    heard: Vec<ToClient>,
    /// While true, what the server sends is lost on the way.
    deaf: bool,
}

impl World {
    fn new() -> Self {
        let hub = Hub::new(TurnIssuer::none());
        Self {
            hub,
            now: Timestamp(1_000_000),
            conns: 0,
            clients: HashMap::new(),
            recorded: Vec::new(),
        }
    }

    fn connect(&mut self, name: &'static str, user: &str) {
        self.conns += 1;
        let conn = self.conns;
        let client = self.clients.entry(name).or_default();
        client.user = user.to_owned();
        client.conn = Some(conn);
        let greeting = Greeting {
            conn,
            transport: Transport::Socket,
            party: Party {
                user: user.to_owned(),
                device: name.to_owned(),
            },
            resume: client.session.clone(),
            fresh: format!("s{conn}"),
            seq: 0,
            ack: client.received,
        };
        self.handle(Input::Hello(greeting));
        for frame in self.clients.get(name).map(|c| c.kept.clone()).unwrap_or_default() {
            self.handle(Input::Frame { conn, frame });
        }
    }

    fn cut(&mut self, name: &'static str) {
        if let Some(conn) = self.clients.get_mut(name).and_then(|c| c.conn.take()) {
            self.handle(Input::Closed { conn });
        }
    }

    fn says(&mut self, name: &'static str, message: ToServer) {
        let client = self.clients.get_mut(name).expect("a client");
        client.sent += 1;
        let frame = Frame {
            seq: client.sent,
            ack: client.received,
            message: Some(message),
        };
        client.kept.push(frame.clone());
        if let Some(conn) = client.conn {
            self.handle(Input::Frame { conn, frame });
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        self.handle(Input::Tick);
    }

    fn handle(&mut self, input: Input) {
        self.hub.handle(self.now, input);
        while let Some(effect) = self.hub.poll_effect() {
            match effect {
                Effect::Send { conn, frame } => self.deliver(conn, frame),
                Effect::Close { conn } => {
                    self.clients
                        .values_mut()
                        .filter(|c| c.conn == Some(conn))
                        .for_each(|c| c.conn = None);
                }
                Effect::Prepare { visit, task, .. } => {
                    let callee = Some(task.trim_start_matches("task-of-").to_owned());
                    let ready = Input::CallReady {
                        visit,
                        callee,
                        from: "Rosa Alvarez, clinician".into(),
                    };
                    self.hub.handle(self.now, ready);
                }
                Effect::Record { visit, event } => self.recorded.push((visit, event)),
                Effect::Presence { .. } | Effect::Relay { .. } => {}
            }
        }
    }

    fn deliver(&mut self, conn: u64, frame: Frame<ToClient>) {
        let Some(client) = self
            .clients
            .values_mut()
            .find(|c| c.conn == Some(conn) && !c.deaf)
        else {
            return;
        };
        client.kept.retain(|kept| kept.seq > frame.ack);
        let Some(message) = frame.message else { return };
        if let ToClient::Welcome { session, resumed, .. } = &message {
            if !resumed {
                client.received = 0;
            }
            client.session = Some(session.clone());
        }
        if frame.seq == client.received + 1 {
            client.received = frame.seq;
            client.heard.push(message);
        }
    }

    fn heard(&mut self, name: &str) -> Vec<ToClient> {
        let heard = std::mem::take(&mut self.clients.get_mut(name).expect("a client").heard);
        heard
            .into_iter()
            .filter(|m| !matches!(m, ToClient::Welcome { .. }))
            .collect()
    }
}

fn call() -> ToServer {
    ToServer::Call {
        visit: "v1".into(),
        task: "task-of-dana".into(),
    }
}

fn visit() -> String {
    "v1".into()
}

fn in_a_visit() -> World {
    let mut w = World::new();
    w.connect("desk", "rosa");
    w.connect("phone", "dana");
    w.says("desk", call());
    w.says("phone", ToServer::Accept { visit: visit() });
    w.heard("desk");
    w.heard("phone");
    w
}

#[test]
fn a_call_rings_every_device_and_the_first_answer_wins() {
    let mut w = World::new();
    w.connect("desk", "rosa");
    w.connect("phone", "dana");
    w.connect("tablet", "dana");

    w.says("desk", call());
    assert!(matches!(
        w.heard("desk")[..],
        [ToClient::Ringing { connected: true, .. }]
    ));
    assert!(matches!(w.heard("tablet")[..], [ToClient::Ring { .. }]));

    w.says("phone", ToServer::Accept { visit: visit() });
    w.says("tablet", ToServer::Accept { visit: visit() });

    assert!(matches!(
        w.heard("phone")[..],
        [ToClient::Ring { .. }, ToClient::Accepted { .. }]
    ));
    assert!(matches!(w.heard("desk")[..], [ToClient::Accepted { .. }]));
    let tablet = w.heard("tablet");
    assert!(
        matches!(&tablet[..], [ToClient::Ended { why: EndedWhy::Left, .. }, ToClient::Refused { code, .. }]
        if code == "already_in_a_call")
    );
    assert_eq!(w.recorded, [(visit(), VisitEvent::Accepted)]);
}

#[test]
fn nobody_answers_for_45_seconds() {
    let mut w = World::new();
    w.connect("desk", "rosa");
    w.connect("phone", "dana");
    w.says("desk", call());

    w.pass(RING_MS - 1);
    assert_eq!(w.recorded, []);
    w.connect("phone", "dana");
    w.connect("desk", "rosa");
    w.pass(1);

    assert_eq!(w.recorded, [(visit(), VisitEvent::Ended(EndedWhy::NoAnswer))]);
    assert!(matches!(
        w.heard("desk").last(),
        Some(ToClient::Ended {
            why: EndedWhy::NoAnswer,
            ..
        })
    ));
    assert!(matches!(
        w.heard("phone").last(),
        Some(ToClient::Ended {
            why: EndedWhy::NoAnswer,
            ..
        })
    ));
}

#[test]
fn an_app_that_opens_while_its_owner_is_called_rings_then() {
    let mut w = World::new();
    w.connect("desk", "rosa");
    w.says("desk", call());
    assert_eq!(w.recorded, [(visit(), VisitEvent::Unreachable)]);
    assert!(matches!(
        w.heard("desk")[..],
        [ToClient::Ringing { connected: false, .. }]
    ));

    w.connect("phone", "dana");

    assert!(matches!(w.heard("phone")[..], [ToClient::Ring { .. }]));
    assert!(matches!(
        w.heard("desk")[..],
        [ToClient::Ringing { connected: true, .. }]
    ));
}

#[test]
fn a_cut_heals_without_loss_or_repetition() {
    let mut w = in_a_visit();
    w.cut("phone");
    assert!(matches!(
        w.heard("desk")[..],
        [ToClient::Peer { connected: false, .. }]
    ));

    for n in 0..20 {
        w.says(
            "desk",
            ToServer::Text {
                number: 0,
                visit: visit(),
                text: format!("desk {n}"),
            },
        );
        w.says(
            "phone",
            ToServer::Text {
                number: 0,
                visit: visit(),
                text: format!("phone {n}"),
            },
        );
    }
    w.pass(12_000);
    w.connect("phone", "dana");

    let texts = |heard: Vec<ToClient>| -> Vec<String> {
        heard
            .into_iter()
            .filter_map(|m| match m {
                ToClient::Text { text, .. } => Some(text),
                _ => None,
            })
            .collect()
    };
    let desk = w.heard("desk");
    assert!(matches!(
        desk.first(),
        Some(ToClient::Peer { connected: true, .. })
    ));
    assert_eq!(
        texts(desk),
        (0..20).map(|n| format!("phone {n}")).collect::<Vec<_>>()
    );
    assert_eq!(
        texts(w.heard("phone")),
        (0..20).map(|n| format!("desk {n}")).collect::<Vec<_>>()
    );
}

#[test]
fn messages_that_were_lost_on_the_way_are_sent_again() {
    let mut w = in_a_visit();
    w.clients.get_mut("phone").expect("a client").deaf = true;
    w.says(
        "desk",
        ToServer::Sdp {
            visit: visit(),
            kind: SdpKind::Offer,
            sdp: "v=0".into(),
        },
    );
    w.says(
        "phone",
        ToServer::Text {
            number: 0,
            visit: visit(),
            text: "hello?".into(),
        },
    );

    w.clients.get_mut("phone").expect("a client").deaf = false;
    w.cut("phone");
    w.connect("phone", "dana");

    assert_eq!(
        w.heard("phone")
            .iter()
            .filter(|m| matches!(m, ToClient::Sdp { .. }))
            .count(),
        1
    );
    assert_eq!(
        w.heard("desk")
            .iter()
            .filter(|m| matches!(m, ToClient::Text { .. }))
            .count(),
        1
    );
}

#[test]
fn a_visit_ends_when_a_side_stays_away_for_five_minutes() {
    let mut w = in_a_visit();
    w.cut("phone");
    for _ in 0..10 {
        w.says(
            "desk",
            ToServer::Link {
                rtt_ms: 80,
                loss_permille: 0,
            },
        );
        w.pass(AWAY_MS / 10 - 1);
    }
    assert_eq!(w.recorded.len(), 1);
    w.says(
        "desk",
        ToServer::Link {
            rtt_ms: 80,
            loss_permille: 0,
        },
    );
    w.pass(10);

    assert_eq!(
        w.recorded.last(),
        Some(&(visit(), VisitEvent::Ended(EndedWhy::Lost)))
    );
    assert!(matches!(
        w.heard("desk").last(),
        Some(ToClient::Ended {
            why: EndedWhy::Lost,
            ..
        })
    ));
}

#[test]
fn only_the_two_parties_speak_in_a_visit() {
    let mut w = in_a_visit();
    w.connect("other", "eve");

    w.says(
        "other",
        ToServer::Text {
            number: 0,
            visit: visit(),
            text: "hi".into(),
        },
    );
    w.says(
        "other",
        ToServer::Leave {
            visit: visit(),
            lost: false,
        },
    );
    w.says("other", ToServer::Accept { visit: visit() });
    w.says(
        "other",
        ToServer::Text {
            number: 0,
            visit: "v9".into(),
            text: "hi".into(),
        },
    );

    let codes: Vec<String> = w
        .heard("other")
        .into_iter()
        .map(|m| match m {
            ToClient::Refused { code, .. } => code,
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, ["not_yours", "not_yours", "not_yours", "unknown_visit"]);
    assert_eq!(w.heard("phone"), []);
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() {
    let mut w = World::new();
    w.connect("desk", "rosa");
    w.connect("phone", "dana");
    w.says("desk", call());

    w.says("desk", ToServer::Decline { visit: visit() });

    assert!(matches!(
        w.heard("phone").last(),
        Some(ToClient::Ended {
            why: EndedWhy::Cancelled,
            ..
        })
    ));
    assert_eq!(w.recorded, [(visit(), VisitEvent::Ended(EndedWhy::Cancelled))]);
    w.says(
        "desk",
        ToServer::Call {
            visit: "v2".into(),
            task: "task-of-dana".into(),
        },
    );
    assert!(matches!(w.heard("phone").last(), Some(ToClient::Ring { .. })));
}

#[test]
fn hints_are_added_up_while_one_is_unanswered_or_the_client_is_away() {
    let mut w = World::new();
    w.connect("desk", "rosa");
    let hint = |kind: &str| Input::Changed {
        user: "rosa".into(),
        types: BTreeSet::from([kind.to_owned()]),
    };

    w.handle(hint("Task"));
    w.handle(hint("Encounter"));
    w.handle(hint("Task"));
    assert_eq!(
        w.heard("desk"),
        [ToClient::Changed {
            types: vec!["Task".into()]
        }]
    );

    w.says(
        "desk",
        ToServer::Link {
            rtt_ms: 1,
            loss_permille: 0,
        },
    );
    assert_eq!(
        w.heard("desk"),
        [ToClient::Changed {
            types: vec!["Encounter".into(), "Task".into()]
        }]
    );

    w.cut("desk");
    w.handle(hint("Patient"));
    w.connect("desk", "rosa");
    w.says(
        "desk",
        ToServer::Link {
            rtt_ms: 1,
            loss_permille: 0,
        },
    );
    assert_eq!(
        w.heard("desk"),
        [ToClient::Changed {
            types: vec!["Patient".into()]
        }]
    );
}

#[test]
fn a_session_is_not_resumed_by_another_account_or_device() {
    let mut w = World::new();
    w.connect("desk", "rosa");
    let stolen = w.clients.get("desk").and_then(|c| c.session.clone());
    w.clients.insert(
        "thief",
        Client {
            session: stolen.clone(),
            ..Client::default()
        },
    );

    w.connect("thief", "eve");

    assert_ne!(w.clients.get("thief").and_then(|c| c.session.clone()), stolen);
    assert!(w.clients.get("desk").is_some_and(|c| c.conn.is_some()));
}

#[test]
fn a_silent_connection_is_given_up() {
    let mut w = in_a_visit();
    w.pass(30_000);
    w.says(
        "desk",
        ToServer::Link {
            rtt_ms: 1,
            loss_permille: 0,
        },
    );
    w.pass(10_001);

    assert!(w.clients.get("phone").is_some_and(|c| c.conn.is_none()));
    assert!(matches!(
        w.heard("desk").last(),
        Some(ToClient::Peer { connected: false, .. })
    ));
}

#[test]
fn every_order_of_cuts_delivers_each_text_once() {
    // SplitMix64: each seed is one history of cuts, deafness and texts.
    for seed in 0..200_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        let mut next = move |n: u64| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z ^ (z >> 31)) % n
        };
        let mut w = in_a_visit();
        let (mut from_desk, mut from_phone) = (0, 0);
        for _ in 0..60 {
            match next(8) {
                0 => w.cut("phone"),
                1 => w.cut("desk"),
                2 => w.connect("phone", "dana"),
                3 => w.connect("desk", "rosa"),
                4 => {
                    let client = w
                        .clients
                        .get_mut(if next(2) == 0 { "phone" } else { "desk" })
                        .expect("a client");
                    client.deaf = !client.deaf && client.conn.is_some();
                }
                5 | 6 => {
                    w.says(
                        "desk",
                        ToServer::Text {
                            number: 0,
                            visit: visit(),
                            text: format!("{from_desk}"),
                        },
                    );
                    from_desk += 1;
                }
                _ => {
                    w.says(
                        "phone",
                        ToServer::Text {
                            number: 0,
                            visit: visit(),
                            text: format!("{from_phone}"),
                        },
                    );
                    from_phone += 1;
                }
            }
        }
        for _ in 0..3 {
            for (name, user) in [("phone", "dana"), ("desk", "rosa")] {
                w.clients.get_mut(name).expect("a client").deaf = false;
                w.cut(name);
                w.connect(name, user);
            }
        }
        let mut check = |name: &str, sent: u64| {
            let texts: Vec<String> = w
                .heard(name)
                .into_iter()
                .filter_map(|m| match m {
                    ToClient::Text { text, .. } => Some(text),
                    _ => None,
                })
                .collect();
            assert_eq!(
                texts,
                (0..sent).map(|n| n.to_string()).collect::<Vec<_>>(),
                "seed {seed} at {name}"
            );
        };
        check("desk", from_phone);
        check("phone", from_desk);
    }
}
