//! HTTP in front of the server in memory, and what it does badly with batches.

use std::sync::{Arc, Mutex, MutexGuard};

use hms_core::sync::plain::{Ask, Method, Reply};
use serde_json::{json, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::pretend::Pretend;

/// What becomes of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batches {
    /// Each request is answered.
    Answered,
    /// There are none.
    Refused(u16),
    /// One answer too few.
    OneShort,
    /// Something else comes back.
    Other,
    /// The line breaks behind the head of an answer that does not say how long it is.
    BreakOff,
    /// One that holds this text is refused as a whole.
    Poisoned(&'static str, u16),
}

/// The server.
#[derive(Clone)]
pub struct Front {
    pub port: u16,
    pretend: Arc<Mutex<Pretend>>,
    batches: Batches,
}

impl Front {
    pub async fn new(batches: Batches, bad: impl FnOnce(&mut Pretend)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let port = listener.local_addr().expect("address").port();
        let mut pretend = Pretend::at(&format!("http://127.0.0.1:{port}/fhir/R4"));
        bad(&mut pretend);
        let front = Self {
            port,
            pretend: Arc::new(Mutex::new(pretend)),
            batches,
        };
        let serving = front.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let front = serving.clone();
                tokio::spawn(async move {
                    let _ = front.serve(stream).await;
                });
            }
        });
        front
    }

    pub fn server(&self) -> MutexGuard<'_, Pretend> {
        self.pretend.lock().expect("server")
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await?);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let header = |name: &str| {
                let found = head
                    .lines()
                    .find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
                Some(found.split_once(':')?.1.trim().to_owned())
            };
            let length = header("content-length")
                .and_then(|it| it.parse().ok())
                .unwrap_or(0);
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            let mut first = head.split_whitespace();
            let method = first.next().unwrap_or_default().to_owned();
            let path = first
                .next()
                .unwrap_or_default()
                .trim_start_matches("/fhir/R4")
                .to_owned();
            let ask = Ask {
                if_match: header("if-match"),
                if_none_match: header("if-none-match").is_some(),
                if_none_exist: header("if-none-exist"),
                body: serde_json::from_slice(&body).ok(),
                ..ask(&method, path.trim_start_matches('/'))
            };
            if self.batches == Batches::BreakOff && ask.url.is_empty() {
                return stream.write_all(b"HTTP/1.1 200 .\r\n\r\n").await;
            }
            let reply = self.answer(ask);
            let text = reply.body.map(|it| it.to_string()).unwrap_or_default();
            let mut answer = format!(
                "HTTP/1.1 {} .\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n",
                reply.status,
                text.len()
            );
            if let Some(tag) = reply.etag {
                answer.push_str(&format!("ETag: {tag}\r\n"));
            }
            if let Some(location) = reply.location {
                answer.push_str(&format!("Location: {location}\r\n"));
            }
            stream.write_all(format!("{answer}\r\n{text}").as_bytes()).await?;
        }
    }

    fn answer(&self, ask: Ask) -> Reply {
        let mut server = self.server();
        if ask.url == "metadata" {
            return Reply {
                status: 200,
                body: Some(
                    json!({ "resourceType": "CapabilityStatement", "software": { "name": "Pretend" } }),
                ),
                ..Reply::default()
            };
        }
        if !(ask.url.is_empty() && ask.method == Method::Post) {
            return server.answer(&ask);
        }
        let bundle = ask.body.unwrap_or_default();
        let fail = |status| Reply {
            status,
            body: Some(json!({ "resourceType": "OperationOutcome" })),
            ..Reply::default()
        };
        let batches = self.batches.clone();
        match batches {
            Batches::Refused(status) => return fail(status),
            Batches::Poisoned(text, status) if bundle.to_string().contains(text) => return fail(status),
            Batches::Other => {
                let body = json!({ "resourceType": "Bundle", "type": "searchset", "entry": [] });
                return Reply {
                    status: 200,
                    body: Some(body),
                    ..Reply::default()
                };
            }
            Batches::Answered | Batches::OneShort | Batches::BreakOff | Batches::Poisoned(..) => (),
        }
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let mut answers: Vec<Value> = entries
            .iter()
            .map(|entry| entry_answer(&mut server, entry))
            .collect();
        if batches == Batches::OneShort {
            answers.pop();
        }
        Reply {
            status: 200,
            body: Some(json!({ "resourceType": "Bundle", "type": "batch-response", "entry": answers })),
            ..Reply::default()
        }
    }
}

fn ask(method: &str, url: &str) -> Ask {
    let method = match method {
        "PUT" => Method::Put,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        _ => Method::Get,
    };
    Ask {
        method,
        ..Ask::get(url.to_owned())
    }
}

fn entry_answer(server: &mut Pretend, entry: &Value) -> Value {
    let text = |name: &str| entry["request"][name].as_str().map(str::to_owned);
    let reply = server.answer(&Ask {
        if_match: text("ifMatch"),
        if_none_match: text("ifNoneMatch").is_some(),
        if_none_exist: text("ifNoneExist"),
        body: entry.get("resource").cloned(),
        ..ask(
            &text("method").unwrap_or_default(),
            &text("url").unwrap_or_default(),
        )
    });
    json!({ "resource": reply.body,
        "response": { "status": reply.status.to_string(), "etag": reply.etag, "location": reply.location } })
}
