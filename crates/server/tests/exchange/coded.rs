//! Packed bodies of the exchange: both ways, in each coding, cut anywhere, and what is not to be taken.

use crate::world::{up, Device, World};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hms_model::map::task::Priority;
use hms_wire::{dictionary, pack, Coding, Unpacker};
use http_body_util::BodyExt;
use tower::ServiceExt;

const PACKED: [Coding; 3] = [Coding::Dcz, Coding::Zstd, Coding::Gzip];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// As they were handed to the connection, one by one.
    frames: Vec<Bytes>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    fn text(&self) -> String {
        let coding = Coding::of_body(Some(self.header("content-encoding"))).expect("known");
        let bytes: Vec<u8> = self.frames.iter().flatten().copied().collect();
        let mut reader = Unpacker::new(coding, 1 << 30).expect("a reader");
        reader.feed(&bytes);
        let mut out = Vec::new();
        while let Some(piece) = reader.pull().expect("unpacks") {
            out.extend(piece);
        }
        reader.end().expect("whole");
        String::from_utf8(out).expect("text")
    }
}

async fn post(w: &World, who: &Device, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::post("/fhir/$hms-sync")
        .header("authorization", format!("Bearer {}", who.token))
        .header("x-hms-device", &who.device);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/x-ndjson");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).expect("request");
    let response = w.app.router().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let mut frames = Vec::new();
    let mut body = std::pin::pin!(body);
    while let Some(frame) = body.frame().await {
        frames.extend(frame.expect("a frame").into_data());
    }
    Answer {
        status: parts.status,
        headers: parts.headers,
        frames,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_go_up_and_come_down_in_every_coding() {
    let w = World::new().await;
    for coding in PACKED {
        let name = format!("phone-{}", coding.name());
        let mut dana = w.device("dana", &name).await;
        let ops = dana.report_ops(&format!("r-{}", coding.name()), "dana", Priority::Urgent);
        let plain = up(&ops, None);
        let body = pack(coding, plain.as_bytes()).expect("packs");
        assert!(body.len() * 2 < plain.len());

        let headers = [
            ("content-encoding", coding.name()),
            ("accept-encoding", coding.name()),
            ("available-dictionary", dictionary::available()),
        ];
        let answer = post(&w, &dana, body, &headers).await;

        assert_eq!(
            (answer.status, answer.header("content-encoding")),
            (StatusCode::OK, coding.name())
        );
        assert_eq!(answer.header("vary"), "accept-encoding, available-dictionary");
        assert_eq!(answer.header("content-length"), "");
        let synced = dana.take(&answer.text());
        assert!(
            synced.done && synced.results.iter().all(|result| result.status == 201),
            "{coding:?}"
        );
        // The dictionary is named to those who do not use it yet.
        let named = answer.header("available-dictionary");
        assert_eq!(named.is_empty(), coding == Coding::Dcz);
    }
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_another_dictionary_or_none_gets_what_they_can_read() {
    let w = World::new().await;
    let dana = w.device("dana", "phone").await;
    let other = format!(":{}=:", "A".repeat(43));
    for (accept, available, coding) in [
        ("dcz, zstd, gzip", other.as_str(), "zstd"),
        ("dcz, gzip", other.as_str(), "gzip"),
        ("gzip", dictionary::available(), "gzip"),
        ("br", dictionary::available(), ""),
    ] {
        let headers = [("accept-encoding", accept), ("available-dictionary", available)];
        let answer = post(&w, &dana, up(&[], None).into_bytes(), &headers).await;
        assert_eq!(answer.header("content-encoding"), coding, "{accept}");
        assert!(answer.text().ends_with("\"done\":true}\n"));
        assert_eq!(answer.header("available-dictionary"), dictionary::available());
        assert_eq!(answer.header("accept-encoding"), "dcz, zstd, gzip");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dictionary_is_handed_out_to_anybody() {
    let w = World::new().await;
    let request = Request::get(dictionary::PATH)
        .body(Body::empty())
        .expect("request");

    let response = w.app.router().oneshot(request).await.expect("an answer");

    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    assert_eq!(header("use-as-dictionary"), dictionary::USE);
    assert!(header("cache-control").contains("immutable"));
    let bytes = response.into_body().collect().await.expect("bytes").to_bytes();
    assert_eq!(&bytes[..], dictionary::BYTES);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_checkpoint_can_be_read_before_the_next_one_is_there() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    for n in 0..130 {
        let ops = dana.report_ops(&format!("r-{n}"), "dana", Priority::Urgent);
        w.sync(&mut dana, &ops).await;
    }
    let headers = [
        ("accept-encoding", "dcz"),
        ("available-dictionary", dictionary::available()),
    ];

    let answer = post(&w, &dana, up(&[], None).into_bytes(), &headers).await;

    let mut reader = Unpacker::new(Coding::Dcz, 1 << 30).expect("a reader");
    let mut checkpoints = 0;
    // The last frame ends the body and holds no line.
    for frame in &answer.frames[..answer.frames.len() - 1] {
        reader.feed(frame);
        let mut out = Vec::new();
        while let Some(piece) = reader.pull().expect("unpacks") {
            out.extend(piece);
        }
        let text = String::from_utf8(out).expect("text");
        let last = text.lines().last().expect("a line");
        assert!(text.ends_with('\n') && last.starts_with("{\"cursor\""), "{last}");
        checkpoints += 1;
    }
    assert!(checkpoints > 2, "{checkpoints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_request_that_is_cut_anywhere_neither_loses_nor_doubles() {
    let w = World::new().await;
    for coding in PACKED {
        let mut dana = w.device("dana", &format!("phone-{}", coding.name())).await;
        let mut ops = Vec::new();
        for n in 0..3 {
            ops.extend(dana.report_ops(&format!("r-{}-{n}", coding.name()), "dana", Priority::Urgent));
        }
        let body = pack(coding, up(&ops, None).as_bytes()).expect("packs");
        for at in (0..body.len()).step_by(body.len() / 23) {
            post(
                &w,
                &dana,
                body[..at].to_vec(),
                &[("content-encoding", coding.name())],
            )
            .await;
        }

        let answer = post(&w, &dana, body, &[("content-encoding", coding.name())]).await;

        let synced = dana.take(&answer.text());
        assert!(
            synced.done && synced.results.iter().all(|result| result.status == 201),
            "{coding:?}"
        );
    }
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 9);
    assert!(w
        .stored("QuestionnaireResponse")
        .await
        .iter()
        .all(|r| r["meta"]["versionId"] == "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_and_a_bomb_ends_at_its_bound() {
    let w = World::new().await;
    let dana = w.device("dana", "phone").await;
    let line = up(&[], None).into_bytes();
    let dcz = pack(Coding::Dcz, &line).expect("packs");
    // 200 MiB of spaces, and of one line.
    let bomb = |byte: u8| pack(Coding::Zstd, &vec![byte; 200 << 20]).expect("packs");
    let (blank, long) = (bomb(b' '), bomb(b'x'));
    assert!(blank.len() < 40_000);
    for (body, headers, status) in [
        (
            line.clone(),
            vec![("content-encoding", "br")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            line.clone(),
            vec![("content-encoding", "gzip, dcz")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            line.clone(),
            vec![("content-type", "application/x-ndjson; charset=utf-16")],
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            line.clone(),
            vec![("content-type", "application/x-ndjson; Charset=\"UTF-8\"")],
            StatusCode::OK,
        ),
        // Something on the way took the header away, or packed nothing and said so.
        (dcz.clone(), vec![], StatusCode::BAD_REQUEST),
        (line, vec![("content-encoding", "dcz")], StatusCode::BAD_REQUEST),
        (dcz, vec![("content-encoding", "zstd")], StatusCode::BAD_REQUEST),
        (
            long,
            vec![("content-encoding", "zstd")],
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (
            blank,
            vec![("content-encoding", "zstd")],
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let answer = post(&w, &dana, body, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
}
