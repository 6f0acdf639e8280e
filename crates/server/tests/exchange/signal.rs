//! Calls over real connections: the WebSocket and its long-poll twin.

use crate::world::{claimed, review, text, Device, World};
use futures_util::{SinkExt, StreamExt};
use hms_model::map::task::Priority;
use hms_model::wire::signal::{EndedWhy, Frame, ToClient, ToServer, WirePolled};
use hms_server::jobs::Jobs;
use serde_json::json;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::WebSocketStream;

/// How long a state may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);

struct Server {
    w: World,
    address: SocketAddr,
    jobs: Jobs,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let w = World::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let jobs = Jobs::start(&w.app, None).await.expect("jobs");
        let router = w.app.router();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        // Dana reported, and Ada has claimed it.
        w.put(crate::world::bite("r1", Some("dana"))).await;
        let entry = w.tasks("review-report").await.pop().expect("an entry");
        w.put(claimed(entry, "ada")).await;
        Self {
            w,
            address,
            jobs,
            task,
        }
    }

    async fn entry(&self) -> String {
        text(
            self.w.tasks("review-report").await.first().expect("an entry"),
            "id",
        )
        .to_owned()
    }

    async fn stop(self) {
        self.task.abort();
        self.jobs.stop().await;
    }
}

enum Link {
    Socket(Box<WebSocketStream<TcpStream>>),
    Poll,
    None,
}

/// A client of the protocol over either transport.
struct Caller {
    address: SocketAddr,
    who: Device,
    link: Link,
    session: Option<String>,
    sent: u64,
    kept: VecDeque<Frame<ToServer>>,
    received: u64,
    heard: VecDeque<ToClient>,
}

impl Caller {
    async fn new(server: &Server, who: &str, device: &str) -> Self {
        Self {
            address: server.address,
            who: server.w.device(who, device).await,
            link: Link::None,
            session: None,
            sent: 0,
            kept: VecDeque::new(),
            received: 0,
            heard: VecDeque::new(),
        }
    }

    async fn connect(&mut self) {
        let mut request = format!("ws://{}/signal", self.address)
            .into_client_request()
            .expect("a request");
        let bearer = format!("Bearer {}", self.who.token).parse().expect("a header");
        request.headers_mut().insert("authorization", bearer);
        let tcp = TcpStream::connect(self.address).await.expect("connected");
        let (mut socket, _) = tokio_tungstenite::client_async(request, tcp)
            .await
            .expect("a WebSocket");
        let hello = ToServer::Hello {
            device: self.who.device.clone(),
            session: self.session.clone(),
        };
        let hello = Frame {
            seq: 0,
            ack: self.received,
            message: Some(hello),
        };
        socket
            .send(Message::text(serde_json::to_string(&hello).expect("json")))
            .await
            .expect("sent");
        self.link = Link::Socket(Box::new(socket));
        // What is sent again may come before the welcome, and is not lost.
        let welcome = |m: &ToClient| matches!(m, ToClient::Welcome { .. });
        tokio::time::timeout(PATIENCE, async {
            while !self.heard.iter().any(welcome) {
                self.read().await;
            }
        })
        .await
        .expect("welcomed");
        self.heard.retain(|m| !welcome(m));
        for frame in self.kept.clone() {
            self.put(&frame).await;
        }
    }

    async fn poll_from_now_on(&mut self) {
        self.link = Link::Poll;
        self.poll().await;
    }

    fn cut(&mut self) {
        self.link = Link::None;
    }

    async fn say(&mut self, message: ToServer) {
        self.sent += 1;
        let frame = Frame {
            seq: self.sent,
            ack: self.received,
            message: Some(message),
        };
        self.kept.push_back(frame.clone());
        match self.link {
            Link::Socket(_) => self.put(&frame).await,
            Link::Poll => self.poll().await,
            Link::None => {}
        }
    }

    async fn put(&mut self, frame: &Frame<ToServer>) {
        if let Link::Socket(socket) = &mut self.link {
            let text = serde_json::to_string(frame).expect("json");
            socket.send(Message::text(text)).await.expect("sent");
        }
    }

    async fn poll(&mut self) {
        let mut frames: Vec<Frame<ToServer>> = self
            .kept
            .iter()
            .cloned()
            .map(|f| Frame {
                ack: self.received,
                ..f
            })
            .collect();
        if self.session.is_none() {
            let hello = ToServer::Hello {
                device: self.who.device.clone(),
                session: None,
            };
            frames.insert(
                0,
                Frame {
                    seq: 0,
                    ack: 0,
                    message: Some(hello),
                },
            );
        } else {
            frames.push(Frame {
                seq: 0,
                ack: self.received,
                message: None,
            });
        }
        let body = json!({"session": self.session, "frames": frames});
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::Client::new()
            .post(format!("http://{}/signal/poll", self.address))
            .bearer_auth(&self.who.token)
            .json(&body)
            .send()
            .await
            .expect("an answer");
        let polled: WirePolled = answer.json().await.expect("frames");
        if self.session.as_deref() != Some(&polled.session) {
            self.received = 0;
            self.session = Some(polled.session);
        }
        polled.frames.into_iter().for_each(|frame| self.take(frame));
    }

    fn take(&mut self, frame: Frame<ToClient>) {
        self.kept.retain(|kept| kept.seq > frame.ack);
        let Some(message) = frame.message else { return };
        if let ToClient::Welcome { session, resumed, .. } = &message {
            if !resumed {
                self.received = 0;
            }
            self.session = Some(session.clone());
        }
        if frame.seq == self.received + 1 {
            self.received = frame.seq;
            self.heard.push_back(message);
        }
    }

    /// Waits for a message; those before it that do not fit are dropped.
    async fn until(&mut self, wanted: impl Fn(&ToClient) -> bool) -> ToClient {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                while let Some(message) = self.heard.pop_front() {
                    if wanted(&message) {
                        return message;
                    }
                }
                self.read().await;
            }
        });
        found.await.expect("in time")
    }

    /// Whether the server ends the connection well before it would look by itself.
    async fn ended(&mut self) -> bool {
        let Link::Socket(socket) = &mut self.link else {
            return false;
        };
        tokio::time::timeout(PATIENCE, async {
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    return;
                }
            }
        })
        .await
        .is_ok()
    }

    /// Waits for the next frames.
    async fn read(&mut self) {
        match &mut self.link {
            Link::Socket(socket) => match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).expect("a frame");
                    self.take(frame);
                    let ack = Frame {
                        seq: 0,
                        ack: self.received,
                        message: None,
                    };
                    self.put(&ack).await;
                }
                Some(Ok(_)) => {}
                other => panic!("the connection ended: {other:?}"),
            },
            Link::Poll => self.poll().await,
            Link::None => panic!("not connected"),
        }
    }
}

fn visit() -> String {
    "visit-1".to_owned()
}

async fn encounter(server: &Server, status: &str) {
    let reached = tokio::time::timeout(PATIENCE, async {
        loop {
            let all = server.w.stored("Encounter").await;
            if all.first().is_some_and(|e| text(e, "status") == status) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    reached
        .await
        .unwrap_or_else(|_| panic!("the Encounter never became {status}"));
}

async fn call_back(server: &Server) -> String {
    let made = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(task) = server.w.tasks("call-back").await.pop() {
                return text(&task, "status").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    made.await.expect("a call-back in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_both_transports_survives_cuts_and_ends_cleanly() {
    let server = Server::start().await;
    let (mut ada, mut dana) = (
        Caller::new(&server, "ada", "desk").await,
        Caller::new(&server, "dana", "phone").await,
    );
    ada.connect().await;
    dana.connect().await;

    let task = server.entry().await;
    ada.say(ToServer::Call { visit: visit(), task }).await;
    ada.until(|m| matches!(m, ToClient::Ringing { connected: true, .. }))
        .await;
    dana.until(|m| matches!(m, ToClient::Ring { from, .. } if from == "ada, clinician"))
        .await;
    encounter(&server, "planned").await;
    dana.say(ToServer::Accept { visit: visit() }).await;
    ada.until(|m| matches!(m, ToClient::Accepted { .. })).await;
    dana.until(|m| matches!(m, ToClient::Accepted { .. })).await;
    encounter(&server, "in-progress").await;

    // Dana's network lets no WebSocket through any more: the same session goes on by polling.
    dana.cut();
    ada.until(|m| matches!(m, ToClient::Peer { connected: false, .. }))
        .await;
    for n in 0..10 {
        ada.say(ToServer::Text {
            number: 0,
            visit: visit(),
            text: format!("ada {n}"),
        })
        .await;
        dana.say(ToServer::Text {
            number: 0,
            visit: visit(),
            text: format!("dana {n}"),
        })
        .await;
    }
    dana.poll_from_now_on().await;
    ada.until(|m| matches!(m, ToClient::Peer { connected: true, .. }))
        .await;
    for n in 0..10 {
        ada.until(|m| matches!(m, ToClient::Text { text, .. } if *text == format!("dana {n}")))
            .await;
        dana.until(|m| matches!(m, ToClient::Text { text, .. } if *text == format!("ada {n}")))
            .await;
    }
    // And back to a WebSocket, while Ada's is cut as well.
    ada.cut();
    dana.connect().await;
    dana.say(ToServer::Text {
        number: 0,
        visit: visit(),
        text: "still there?".into(),
    })
    .await;
    ada.connect().await;
    ada.until(|m| matches!(m, ToClient::Text { text, .. } if text == "still there?"))
        .await;

    ada.say(ToServer::Leave {
        visit: visit(),
        lost: false,
    })
    .await;
    dana.until(|m| {
        matches!(
            m,
            ToClient::Ended {
                why: EndedWhy::Left,
                ..
            }
        )
    })
    .await;
    encounter(&server, "finished").await;
    assert!(dana.heard.iter().all(|m| !matches!(m, ToClient::Text { .. })));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_and_the_person_is_on_the_call_back_list() {
    let server = Server::start().await;
    let (mut ada, mut dana) = (
        Caller::new(&server, "ada", "desk").await,
        Caller::new(&server, "dana", "phone").await,
    );
    ada.connect().await;
    dana.connect().await;
    let task = server.entry().await;
    ada.say(ToServer::Call { visit: visit(), task }).await;
    dana.until(|m| matches!(m, ToClient::Ring { .. })).await;
    assert_eq!(server.w.tasks("call-back").await.len(), 0);

    for _ in 0..3 {
        server.w.app.clock.advance(15_000);
        ada.say(ToServer::Link {
            rtt_ms: 90,
            loss_permille: 3,
        })
        .await;
        dana.say(ToServer::Link {
            rtt_ms: 240,
            loss_permille: 12,
        })
        .await;
        // Acknowledged: the hub has heard both.
        tokio::time::timeout(PATIENCE, async {
            while !ada.kept.is_empty() || !dana.kept.is_empty() {
                for caller in [&mut ada, &mut dana] {
                    if let Link::Socket(socket) = &mut caller.link {
                        if let Ok(Some(Ok(Message::Text(text)))) =
                            tokio::time::timeout(Duration::from_millis(50), socket.next()).await
                        {
                            caller.take(serde_json::from_str(&text).expect("a frame"));
                        }
                    }
                }
            }
        })
        .await
        .expect("acknowledged");
    }
    ada.until(|m| {
        matches!(
            m,
            ToClient::Ended {
                why: EndedWhy::NoAnswer,
                ..
            }
        )
    })
    .await;
    dana.until(|m| {
        matches!(
            m,
            ToClient::Ended {
                why: EndedWhy::NoAnswer,
                ..
            }
        )
    })
    .await;

    assert_eq!(call_back(&server).await, "requested");
    encounter(&server, "cancelled").await;
    // The queue's signal column knows Dana's link.
    let desk = server.w.device("ada", "desk").await;
    let (_, signals) = server.w.get(&desk, "/api/queue/signals").await;
    let of_dana = signals
        .as_array()
        .expect("a list")
        .iter()
        .find(|s| s["patient"] == "dana")
        .cloned()
        .expect("dana");
    assert_eq!(
        (of_dana["connected"].clone(), of_dana["rtt_ms"].clone()),
        (json!(true), json!(240))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_not_connected_is_on_the_list_at_once_and_off_it_when_they_answer() {
    let server = Server::start().await;
    let mut ada = Caller::new(&server, "ada", "desk").await;
    ada.connect().await;
    let task = server.entry().await;
    ada.say(ToServer::Call { visit: visit(), task }).await;
    ada.until(|m| matches!(m, ToClient::Ringing { connected: false, .. }))
        .await;
    assert_eq!(call_back(&server).await, "requested");

    let mut dana = Caller::new(&server, "dana", "phone").await;
    dana.poll_from_now_on().await;
    dana.until(|m| matches!(m, ToClient::Ring { .. })).await;
    dana.say(ToServer::Accept { visit: visit() }).await;
    ada.until(|m| matches!(m, ToClient::Accepted { .. })).await;

    encounter(&server, "in-progress").await;
    assert_eq!(call_back(&server).await, "cancelled");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_claimed_an_entry_calls_from_it() {
    let server = Server::start().await;
    let mut bo = Caller::new(&server, "bo", "desk2").await;
    bo.connect().await;
    let task = server.entry().await;

    bo.say(ToServer::Call { visit: visit(), task }).await;
    bo.until(|m| matches!(m, ToClient::Refused { code, .. } if code == "not_yours"))
        .await;
    bo.say(ToServer::Call {
        visit: "visit-2".into(),
        task: "no-such-task".into(),
    })
    .await;
    bo.until(|m| matches!(m, ToClient::Refused { code, .. } if code == "unknown_visit"))
        .await;

    assert_eq!(server.w.stored("Encounter").await.len(), 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_hinted_to_those_whose_scope_it_is_in() {
    let server = Server::start().await;
    let (mut ada, mut lee) = (
        Caller::new(&server, "ada", "desk").await,
        Caller::new(&server, "lee", "phone").await,
    );
    ada.connect().await;
    lee.connect().await;
    let mut dana = server.w.device("dana", "phone9").await;
    let ops = dana.report_ops("r2", "dana", Priority::Stat);

    let before = std::time::Instant::now();
    server.w.sync(&mut dana, &ops).await;
    let hint = ada.until(|m| matches!(m, ToClient::Changed { .. })).await;

    assert!(
        before.elapsed() < Duration::from_secs(2),
        "{:?}",
        before.elapsed()
    );
    let ToClient::Changed { types } = hint else {
        panic!("a hint")
    };
    assert!(
        types.contains(&"QuestionnaireResponse".to_owned()) && types.contains(&"Task".to_owned()),
        "{types:?}"
    );
    server
        .w
        .put(json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/lee"}}))
        .await;
    let hint = lee.until(|m| matches!(m, ToClient::Changed { .. })).await;
    assert_eq!(
        hint,
        ToClient::Changed {
            types: vec!["Condition".into()]
        },
        "and not Dana's report"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_ends_the_calls_of_the_last_run() {
    let w = World::new().await;
    let entry = review("r1", Some("dana"), Priority::Asap);
    w.put(claimed(entry, "ada")).await;
    let (visit, patient, task) = ("v1".parse_as(), "dana".parse_as(), "r1-task".parse_as());
    let mut open = hms_model::map::visit::encounter(&visit, &patient, "ada", &task, w.app.clock.now());
    open["status"] = json!("in-progress");
    w.put(open).await;

    let jobs = Jobs::start(&w.app, None).await.expect("jobs");

    let ended = w.stored("Encounter").await.pop().expect("an encounter");
    assert_eq!(
        (text(&ended, "status"), ended["period"]["end"].clone()),
        ("finished", json!("2026-11-21T12:00:00.000Z"))
    );
    jobs.stop().await;
}

trait ParseAs {
    fn parse_as<T: TryFrom<String>>(&self) -> T
    where
        T::Error: std::fmt::Debug;
}

impl ParseAs for str {
    fn parse_as<T: TryFrom<String>>(&self) -> T
    where
        T::Error: std::fmt::Debug,
    {
        T::try_from(self.to_owned()).expect("an id")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_at_once_when_its_sign_in_does() {
    let server = Server::start().await;
    let mut desk = Caller::new(&server, "ada", "desk").await;
    let mut phone = Caller::new(&server, "dana", "phone").await;
    desk.connect().await;
    phone.connect().await;

    // As the command line does it, in a process of its own: nobody tells the running server.
    server
        .w
        .change(|tx| {
            let by = hms_server::audit::AuditAgent::service();
            hms_server::auth::accounts::revoke_device(tx, "phone", &by)?;
            Ok(())
        })
        .await;

    assert!(phone.ended().await, "the revoked device is cut off");
    server
        .w
        .change(|tx| {
            let by = hms_server::audit::AuditAgent::service();
            hms_server::auth::accounts::set_disabled(tx, "ada", true, &by).expect("disabled");
            Ok(())
        })
        .await;
    assert!(desk.ended().await, "the disabled account is cut off");
    server.stop().await;
}
