//! Stands between a phone and the real server, and does to chosen requests what networks and servers do.

use std::sync::{Arc, Mutex};

use hms_client::Provisioning;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::line::{behind, Head, Upstream};

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It goes through.
    Pass,
    /// It goes through, and the answer breaks off after the first line that holds this.
    CutAfter(&'static str),
    /// The server never sees it.
    Answer(u16),
    /// The server never sees it, and what it said to another exchange comes instead: that all was done.
    Stray,
    /// The server never sees it, and this status asks to wait so many seconds.
    Wait(u16, u32),
    /// It goes through, and what is said of the coding of its body is lost on the way.
    StripUp,
    /// It goes through, and what is said of the coding of the answer is lost on the way back.
    StripDown,
    /// It goes through, and the answer's second half comes as noise.
    Noise,
    /// It goes through, and a line of the answer that holds this is lost on the way: blanks come in its place.
    Blank(&'static str),
    /// It goes through, and the answer is said to be of this media type.
    Media(&'static str),
}

/// A request as the proxy sees it.
pub struct Request {
    /// `POST /fhir/$hms-sync`.
    pub line: String,
    /// Its `Authorization`.
    pub token: String,
    /// Its body, as it was before it was packed.
    pub body: String,
    /// Whether it was packed.
    pub packed: bool,
    /// Whether its answer may be.
    pub takes_packed: bool,
}

type Judge = Box<dyn FnMut(&Request) -> Fate + Send>;

/// The proxy. It ends with the test.
pub struct Proxy {
    address: String,
    seen: Arc<Mutex<Seen>>,
}

/// Requests by their first lines.
#[derive(Default)]
struct Seen {
    /// All of them, and what became of each.
    fates: Vec<(String, Fate)>,
    /// Those that went through untouched and whole, and their bytes up and down.
    passed: Vec<(String, u64, u64)>,
}

impl Proxy {
    /// In front of the server of `server`; `judge` decides about each request.
    pub async fn before(server: &Provisioning, judge: impl FnMut(&Request) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address").to_string();
        let upstream = Upstream::of(server);
        let judge: Arc<Mutex<Judge>> = Arc::new(Mutex::new(Box::new(judge)));
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let list = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (judge, list) = (Arc::clone(&judge), Arc::clone(&list));
                let upstream = upstream.clone();
                tokio::spawn(async move {
                    // A connection that ends early is what it is here for.
                    let _ = carry(stream, &upstream, &judge, &list).await;
                });
            }
        });
        Self { address, seen }
    }

    /// The server as the phone gets to know it.
    pub fn provisioning(&self, server: &Provisioning) -> Provisioning {
        behind(&self.address, server)
    }

    /// What became of the requests whose first line holds `part`, in their order.
    pub fn fates(&self, part: &str) -> Vec<Fate> {
        let seen = self.seen.lock().expect("list");
        let of = seen.fates.iter().filter(|(line, _)| line.contains(part));
        of.map(|(_, fate)| fate.clone()).collect()
    }

    /// First lines of the requests that went through untouched and whole, and their bytes up and down.
    pub fn bytes(&self) -> Vec<(String, u64, u64)> {
        self.seen.lock().expect("list").passed.clone()
    }

    /// The first lines of all requests.
    pub fn lines(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("list");
        seen.fates.iter().map(|(line, _)| line.clone()).collect()
    }
}

/// One request on each connection: the server is asked to close it after its answer.
async fn carry(
    mut phone: TcpStream,
    upstream: &Upstream,
    judge: &Mutex<Judge>,
    seen: &Mutex<Seen>,
) -> std::io::Result<()> {
    let head = Head::read(&mut phone).await?;
    let header = |name: &str| head.header(name);
    let mut body = vec![0; head.length()];
    phone.read_exact(&mut body).await?;
    let request = Request {
        line: head.line.clone(),
        token: header("authorization").unwrap_or_default(),
        body: String::from_utf8_lossy(&unpacked(header("content-encoding"), &body)).into_owned(),
        packed: header("content-encoding").is_some(),
        takes_packed: header("accept-encoding").is_some(),
    };
    let fate = (judge.lock().expect("judge"))(&request);
    let judged = (request.line.clone(), fate.clone());
    seen.lock().expect("list").fates.push(judged);
    if fate == Fate::Stray {
        let mut lines = String::new();
        for op in 1..=40 {
            lines.push_str(&format!("{{\"op\":{op},\"status\":201,\"version\":\"1\",\"receipt\":{{\"number\":\"HMS-1\",\"at\":\"2026-11-21T17:05:00.000Z\"}}}}\n"));
        }
        lines.push_str("{\"cursor\":\"0a.1.0b\",\"done\":true}\n");
        let answer = format!("HTTP/1.1 200 OK\r\nx-hms-exchange: another\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{lines}", lines.len());
        phone.write_all(answer.as_bytes()).await?;
        return phone.shutdown().await;
    }
    let refusal = match fate {
        Fate::Answer(status) => Some((status, String::new())),
        Fate::Wait(status, seconds) => Some((status, format!("Retry-After: {seconds}\r\n"))),
        Fate::Pass
        | Fate::CutAfter(_)
        | Fate::Stray
        | Fate::StripUp
        | Fate::StripDown
        | Fate::Noise
        | Fate::Blank(_)
        | Fate::Media(_) => None,
    };
    if let Some((status, wait)) = refusal {
        let answer = format!("HTTP/1.1 {status} No\r\n{wait}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        phone.write_all(answer.as_bytes()).await?;
        return phone.shutdown().await;
    }
    let mut server = upstream.connect().await?;
    let upgrades = head.upgrades();
    let up = (head.as_it_came().len() + body.len()) as u64;
    let head = head.closing();
    let head = match fate {
        // A mark is looked for in plain text.
        Fate::CutAfter(_) | Fate::Blank(_) => without(&head, "accept-encoding"),
        Fate::StripUp => without(&head, "content-encoding"),
        _ => head,
    };
    server.write_all(head.as_bytes()).await?;
    server.write_all(&body).await?;
    if let Fate::CutAfter(mark) = fate {
        let mut answer = Vec::new();
        let mut part = [0; 512];
        loop {
            let n = server.read(&mut part).await?;
            answer.extend_from_slice(&part[..n]);
            let text = String::from_utf8_lossy(&answer);
            if let Some(at) = text.find(mark) {
                if let Some(end) = text[at..].find('\n') {
                    phone.write_all(&answer[..=at + end]).await?;
                    return phone.shutdown().await;
                }
            }
            if n == 0 {
                phone.write_all(&answer).await?;
                return phone.shutdown().await;
            }
        }
    }
    if matches!(
        fate,
        Fate::StripDown | Fate::Noise | Fate::Blank(_) | Fate::Media(_)
    ) {
        let mut answer = Vec::new();
        // The server closes without a word of TLS; what came is what there is.
        let _ = server.read_to_end(&mut answer).await;
        phone.write_all(&spoiled(answer, &fate)).await?;
        return phone.shutdown().await;
    }
    if upgrades {
        tokio::io::copy_bidirectional(&mut phone, &mut server).await?;
        return Ok(());
    }
    let mut down = 0;
    let mut part = [0; 4096];
    // The server closes without a word of TLS: that is the end of its answer.
    while let Ok(n @ 1..) = server.read(&mut part).await {
        down += n as u64;
        phone.write_all(&part[..n]).await?;
    }
    let passed = (request.line, up, down);
    seen.lock().expect("list").passed.push(passed);
    phone.shutdown().await
}

fn spoiled(mut answer: Vec<u8>, fate: &Fate) -> Vec<u8> {
    let end = answer
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .expect("a head")
        + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = answer.split_off(end);
    match fate {
        Fate::Noise => {
            let mut body = body;
            let half = body.len() / 2;
            // The frames of a chunked body stay as they are: three lines at their end.
            let last = body.len().saturating_sub(16);
            body[half..last].iter_mut().for_each(|byte| *byte ^= 0x55);
            [head.into_bytes(), body].concat()
        }
        Fate::Blank(mark) => {
            let mut body = body;
            for line in body.split_mut(|byte| *byte == b'\n') {
                let is_json = line.first() == Some(&b'{');
                if is_json && String::from_utf8_lossy(line).contains(mark) {
                    line.fill(b' ');
                }
            }
            [head.into_bytes(), body].concat()
        }
        Fate::Media(media) => {
            let head = without(&head, "content-type");
            let head = head.replacen("\r\n", &format!("\r\ncontent-type: {media}\r\n"), 1);
            [head.into_bytes(), body].concat()
        }
        _ => [without(&head, "content-encoding").into_bytes(), body].concat(),
    }
}

/// A head without a header.
fn without(head: &str, name: &str) -> String {
    let lines = head.split_inclusive("\r\n");
    lines
        .filter(|line| !line.to_lowercase().starts_with(&format!("{name}:")))
        .collect()
}

fn unpacked(coding: Option<String>, body: &[u8]) -> Vec<u8> {
    let coding = hms_wire::Coding::of_body(coding.as_deref()).expect("a known coding");
    let mut reader = hms_wire::Unpacker::new(coding, 1 << 30).expect("a reader");
    reader.feed(body);
    let mut out = Vec::new();
    while let Some(piece) = reader.pull().expect("unpacks") {
        out.extend(piece);
    }
    out
}
