//! Photos in pieces: what arrives stays, what is whole becomes the Binary, and nobody comes near another's.

use std::process::Command;

use crate::world::{Answer, Person, World};
use axum::body::{Body, Bytes};
use axum::http::header::AUTHORIZATION;
use axum::http::Request;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::role::Role;
use hms_server::service::upload::{EXPIRES_MS, LARGEST, OPEN_AT_MOST};
use ring::digest;
use serde_json::{json, Value};

const PIECE: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn photo(length: usize) -> Vec<u8> {
    let mut dice = 0x9E37_79B9_u32;
    let mut roll = || {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        dice as u8
    };
    (0..length).map(|_| roll()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn sum(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

async fn tus(
    w: &World,
    who: &Person,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("tus-resumable", "1.0.0");
    if !who.token.is_empty() {
        request = request.header(AUTHORIZATION, format!("Bearer {}", who.token));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    w.send(request.body(body).expect("request")).await
}

async fn create_as(w: &World, who: &Person, document: &str, size: usize, sum: &str) -> Answer {
    let pair = |key: &str, value: &str| format!("{key} {}", STANDARD.encode(value));
    let metadata = [
        pair("document", document),
        pair("filetype", "image/jpeg"),
        pair("sha256", sum),
    ]
    .join(",");
    let headers = [
        ("upload-length", &*size.to_string()),
        ("upload-metadata", &*metadata),
    ];
    tus(w, who, "POST", "/api/uploads", &headers, Body::empty()).await
}

async fn create(w: &World, who: &Person, document: &str, bytes: &[u8]) -> String {
    let made = create_as(w, who, document, bytes.len(), &sum(bytes))
        .await
        .expect(201);
    made.header("location").to_owned()
}

async fn add(w: &World, who: &Person, at: &str, offset: usize, bytes: &[u8]) -> Answer {
    let offset = offset.to_string();
    let headers = [PIECE, ("upload-offset", offset.as_str())];
    tus(w, who, "PATCH", at, &headers, Body::from(bytes.to_vec())).await
}

async fn look(w: &World, who: &Person, at: &str) -> Answer {
    tus(w, who, "HEAD", at, &[], Body::empty()).await
}

async fn offset(w: &World, who: &Person, at: &str) -> u64 {
    let seen = look(w, who, at).await.expect(200);
    seen.header("upload-offset").parse().expect("a number")
}

fn document(id: &str, patient: Option<&str>, report: Option<&str>) -> Value {
    let mut document = json!({"resourceType": "DocumentReference", "id": id, "status": "current",
        "content": [{"attachment": {"url": format!("Binary/{id}"), "contentType": "image/jpeg"}}]});
    if let Some(patient) = patient {
        document["subject"] = json!({"reference": format!("Patient/{patient}")});
    }
    if let Some(report) = report {
        document["context"] = json!({"related": [{"reference": format!("QuestionnaireResponse/{report}")}]});
    }
    document
}

/// A carrier with the words of a photo.
async fn dana(w: &World) -> Person {
    let dana = w.carrier("dana", "here").await;
    w.given(document("photo", Some("dana"), None)).await;
    dana
}

async fn stored(w: &World, id: &str) -> Option<Value> {
    let id = id.to_owned();
    let found: Result<_, hms_server::db::DbError> = w
        .app
        .db
        .read(move |read| hms_server::db::sqlite::table::resource::get(read.conn(), "Binary", &id))
        .await;
    found.expect("read").map(|stored| stored.value().expect("JSON"))
}

/// The bytes of the Binary, and that there is exactly one version of it.
async fn assert_stored_once(w: &World, id: &str, bytes: &[u8]) {
    let binary = stored(w, id).await.expect("stored");
    let data = binary["data"].as_str().expect("bytes");
    assert!(STANDARD.decode(data).expect("base64") == bytes, "other bytes");
    assert_eq!(binary["meta"]["versionId"], "1");
    assert_eq!(binary["contentType"], "image/jpeg");
    assert_eq!(
        binary["securityContext"]["reference"],
        format!("DocumentReference/{id}")
    );
}

#[tokio::test]
async fn a_photo_in_pieces_becomes_the_same_binary_as_a_put() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(200_000);
    let at = create(&w, &dana, "photo", &bytes).await;
    assert_eq!(offset(&w, &dana, &at).await, 0);

    let first = add(&w, &dana, &at, 0, &bytes[..70_000]).await.expect(204);
    assert_eq!(first.header("upload-offset"), "70000");
    assert!(first.header("upload-expires").ends_with("GMT"));
    add(&w, &dana, &at, 70_000, &bytes[70_000..70_001])
        .await
        .expect(204);
    assert!(stored(&w, "photo").await.is_none());
    let last = add(&w, &dana, &at, 70_001, &bytes[70_001..]).await.expect(204);

    assert_eq!(last.header("upload-offset"), "200000");
    assert_stored_once(&w, "photo", &bytes).await;
    // The answer may have been lost: whoever looks again finds it complete.
    assert_eq!(offset(&w, &dana, &at).await, 200_000);
    let read = w.get(&dana, "/fhir/Binary/photo").await.expect(200);
    assert!(read.bytes == bytes);
    w.given(document("put", Some("dana"), None)).await;
    let request = Request::builder()
        .method("PUT")
        .uri("/fhir/Binary/put")
        .header(AUTHORIZATION, format!("Bearer {}", dana.token))
        .header("content-type", "image/jpeg")
        .header("x-security-context", "DocumentReference/put");
    w.send(request.body(Body::from(bytes.clone())).expect("request"))
        .await
        .expect(201);
    assert_stored_once(&w, "put", &bytes).await;
    // The same entry in the audit.
    let operator = w.person("max", Role::Compliance, None, None).await;
    let seen = w.get(&operator, "/fhir/AuditEvent?_count=100").await.expect(200);
    for id in ["photo", "put"] {
        let what = format!("Binary/{id}");
        let of = seen.entries().into_iter().filter(|e| {
            e["resource"]["entity"].to_string().contains(&what) && e["resource"]["action"] == "C"
        });
        assert_eq!(of.count(), 1, "{id}");
    }
    let left: Vec<_> = std::fs::read_dir(w.dir.root().join("uploads"))
        .expect("folder")
        .flatten()
        .filter(|file| file.metadata().expect("length").len() > 2_000)
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn the_protocol_is_offered_and_nothing_else_is_taken() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(10);
    let nobody = crate::world::nobody();
    let offer = tus(&w, &nobody, "OPTIONS", "/api/uploads", &[], Body::empty())
        .await
        .expect(204);
    assert_eq!(offer.header("tus-version"), "1.0.0");
    assert_eq!(
        offer.header("tus-extension"),
        "creation,creation-with-upload,termination,expiration,checksum"
    );
    assert_eq!(offer.header("tus-max-size"), LARGEST.to_string());
    let at = create(&w, &dana, "photo", &bytes).await;

    let old = w.ask(&dana, "HEAD", &at, None).await.expect(412);
    assert_eq!(old.header("tus-version"), "1.0.0");
    let json = [("content-type", "application/json"), ("upload-offset", "0")];
    tus(&w, &dana, "PATCH", &at, &json, Body::empty())
        .await
        .expect(415);
    tus(&w, &dana, "PATCH", &at, &[PIECE], Body::empty())
        .await
        .expect(400);
    create_as(&w, &dana, "photo", 0, &sum(&bytes)).await.expect(400);
    create_as(&w, &dana, "photo", 10, "not a sum").await.expect(400);
    let much = usize::try_from(LARGEST).expect("small") + 1;
    create_as(&w, &dana, "photo", much, &sum(&bytes))
        .await
        .expect(413);
}

#[tokio::test]
async fn a_piece_at_the_wrong_place_or_too_long_changes_nothing() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(1000);
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes[..400]).await.expect(204);

    for wrong in [0, 399, 401, 1000] {
        let refused = add(&w, &dana, &at, wrong, &bytes[..100]).await.expect(409);
        assert_eq!(refused.header("upload-offset"), "400");
    }
    add(&w, &dana, &at, 400, &bytes[..601]).await.expect(413);

    assert_eq!(offset(&w, &dana, &at).await, 400);
    add(&w, &dana, &at, 400, &bytes[400..]).await.expect(204);
    assert_stored_once(&w, "photo", &bytes).await;
}

#[tokio::test]
async fn a_piece_with_another_checksum_is_dropped_and_one_that_fits_is_kept() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(200_000);
    let at = create(&w, &dana, "photo", &bytes).await;
    let send = async |offset: usize, piece: &[u8], algorithm: &str, of: &[u8]| {
        let made = match algorithm {
            "sha1" => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, of),
            _ => digest::digest(&digest::SHA256, of),
        };
        let checksum = format!("{algorithm} {}", STANDARD.encode(made.as_ref()));
        let offset = offset.to_string();
        let headers = [
            PIECE,
            ("upload-offset", offset.as_str()),
            ("upload-checksum", checksum.as_str()),
        ];
        tus(&w, &dana, "PATCH", &at, &headers, Body::from(piece.to_vec())).await
    };

    send(0, &bytes[..150_000], "sha256", b"other").await.expect(460);
    assert_eq!(offset(&w, &dana, &at).await, 0);
    send(0, &bytes[..150_000], "sha256", &bytes[..150_000])
        .await
        .expect(204);
    send(150_000, &bytes[150_000..], "md5", &bytes[150_000..])
        .await
        .expect(400);
    send(150_000, &bytes[150_000..], "sha1", &bytes[150_000..])
        .await
        .expect(204);

    assert_stored_once(&w, "photo", &bytes).await;
}

#[tokio::test]
async fn other_bytes_than_were_announced_are_never_stored() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(1000);
    let made = create_as(&w, &dana, "photo", 1000, &sum(b"other"))
        .await
        .expect(201);
    let at = made.header("location").to_owned();

    add(&w, &dana, &at, 0, &bytes).await.expect(460);

    assert!(stored(&w, "photo").await.is_none());
    look(&w, &dana, &at).await.expect(404);
}

#[tokio::test]
async fn what_came_of_a_piece_that_breaks_off_is_kept() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(100_000);
    let at = create(&w, &dana, "photo", &bytes).await;
    let broken = |bytes: &[u8]| {
        let frames = [
            Ok(Bytes::copy_from_slice(bytes)),
            Err(std::io::Error::other("the line broke")),
        ];
        Body::from_stream(futures_util::stream::iter(frames))
    };

    let headers = [PIECE, ("upload-offset", "0")];
    tus(&w, &dana, "PATCH", &at, &headers, broken(&bytes[..77_777]))
        .await
        .expect(408);
    assert_eq!(offset(&w, &dana, &at).await, 77_777);
    // But not of a piece with a checksum: nobody can say that it is right.
    let checksum = format!(
        "sha256 {}",
        STANDARD.encode(digest::digest(&digest::SHA256, &bytes[77_777..]).as_ref())
    );
    let headers = [
        PIECE,
        ("upload-offset", "77777"),
        ("upload-checksum", checksum.as_str()),
    ];
    tus(&w, &dana, "PATCH", &at, &headers, broken(&bytes[77_777..90_000]))
        .await
        .expect(408);
    assert_eq!(offset(&w, &dana, &at).await, 77_777);

    add(&w, &dana, &at, 77_777, &bytes[77_777..]).await.expect(204);
    assert_stored_once(&w, "photo", &bytes).await;
}

#[tokio::test]
async fn a_request_that_hangs_gives_way_to_the_next() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(10_000);
    let at = create(&w, &dana, "photo", &bytes).await;
    let begun = std::sync::Arc::new(tokio::sync::Notify::new());
    let hangs = {
        let (first, begun) = (Bytes::copy_from_slice(&bytes[..6_000]), begun.clone());
        // The second frame never comes.
        Body::from_stream(futures_util::stream::unfold(Some(first), move |first| {
            let begun = begun.clone();
            async move {
                match first {
                    Some(first) => Some((Ok::<_, std::io::Error>(first), None)),
                    None => {
                        begun.notify_one();
                        std::future::pending().await
                    }
                }
            }
        }))
    };
    let headers = [PIECE, ("upload-offset", "0")];

    let (hung, seen) = tokio::join!(tus(&w, &dana, "PATCH", &at, &headers, hangs), async {
        begun.notified().await;
        offset(&w, &dana, &at).await
    });

    hung.expect(423);
    assert_eq!(seen, 6_000);
    add(&w, &dana, &at, 6_000, &bytes[6_000..]).await.expect(204);
    assert_stored_once(&w, "photo", &bytes).await;
}

#[tokio::test]
async fn a_restart_in_the_middle_keeps_what_was_acknowledged_sealed() {
    let mut w = World::new();
    let dana = dana(&w).await;
    let mut bytes = photo(150_000);
    bytes[..6].copy_from_slice(b"CANARY");
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes[..100_000]).await.expect(204);

    w.restart();

    assert_eq!(offset(&w, &dana, &at).await, 100_000);
    for file in std::fs::read_dir(w.dir.root().join("uploads"))
        .expect("folder")
        .flatten()
    {
        let raw = std::fs::read(file.path()).expect("read");
        for word in [b"CANARY".as_slice(), b"dana", b"jpeg"] {
            assert!(!raw.windows(word.len()).any(|part| part == word));
        }
    }
    add(&w, &dana, &at, 100_000, &bytes[100_000..]).await.expect(204);
    assert_stored_once(&w, "photo", &bytes).await;
    w.restart();
    assert_eq!(offset(&w, &dana, &at).await, 150_000);
}

#[tokio::test]
async fn an_upload_expires_and_is_gone_and_so_is_one_that_was_ended() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(1000);
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes[..10]).await.expect(204);
    w.app.clock.advance(EXPIRES_MS);
    let dana = w.sign_in_again(&dana).await;

    look(&w, &dana, &at).await.expect(410);
    add(&w, &dana, &at, 10, &bytes[10..]).await.expect(410);
    assert_eq!(w.app.uploads.tidy(w.app.clock.now_ms()), 1);
    look(&w, &dana, &at).await.expect(410);
    w.app.clock.advance(24 * 3_600_000);
    w.app.uploads.tidy(w.app.clock.now_ms());
    let dana = w.sign_in_again(&dana).await;
    look(&w, &dana, &at).await.expect(404);

    let at = create(&w, &dana, "photo", &bytes).await;
    tus(&w, &dana, "DELETE", &at, &[], Body::empty())
        .await
        .expect(204);
    look(&w, &dana, &at).await.expect(404);
    assert!(stored(&w, "photo").await.is_none());
}

#[tokio::test]
async fn nobody_comes_near_the_upload_or_the_document_of_another() {
    let w = World::new();
    let dana = dana(&w).await;
    let sam = w.carrier("sam", "here").await;
    w.carrier("lee", "here").await;
    let report = |id: &str, author: &str| {
        json!({"resourceType": "QuestionnaireResponse", "id": id, "status": "completed",
            "author": {"reference": format!("Patient/{author}")}})
    };
    w.given(report("by-dana", "dana")).await;
    w.given(report("by-lee", "lee")).await;
    for (id, patient, of) in [
        ("sams", Some("sam"), None),
        ("for-a-colleague", None, Some("by-dana")),
        ("known-meanwhile", Some("sam"), Some("by-dana")),
        ("of-lees-report", None, Some("by-lee")),
        ("of-nothing", None, None),
    ] {
        w.given(document(id, patient, of)).await;
    }
    let bytes = photo(100);
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes[..10]).await.expect(204);

    look(&w, &sam, &at).await.expect(404);
    add(&w, &sam, &at, 10, &bytes[10..]).await.expect(404);
    tus(&w, &sam, "DELETE", &at, &[], Body::empty()).await.expect(404);
    look(&w, &crate::world::nobody(), &at).await.expect(401);
    for id in ["sams", "of-lees-report", "of-nothing", "not-there"] {
        create_as(&w, &dana, id, 100, &sum(&bytes)).await.expect(404);
    }
    for id in ["for-a-colleague", "known-meanwhile"] {
        let at = create(&w, &dana, id, &bytes).await;
        add(&w, &dana, &at, 0, &bytes).await.expect(204);
        assert_stored_once(&w, id, &bytes).await;
    }
    assert_eq!(offset(&w, &dana, &at).await, 10);
}

#[tokio::test]
async fn what_is_stored_is_complete_at_once_and_never_replaced() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(5000);
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes).await.expect(204);

    let again = create_as(&w, &dana, "photo", 5000, &sum(&bytes))
        .await
        .expect(201);
    assert_eq!(again.header("upload-offset"), "5000");
    create_as(&w, &dana, "photo", 5000, &sum(b"other"))
        .await
        .expect(409);

    assert_stored_once(&w, "photo", &bytes).await;
}

#[tokio::test]
async fn what_is_stored_already_takes_no_more_room_however_often_it_is_announced() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(500);
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes).await.expect(204);
    let files = || {
        std::fs::read_dir(w.dir.root().join("uploads"))
            .expect("folder")
            .count()
    };

    create(&w, &dana, "photo", &bytes).await;
    let once = files();
    for _ in 0..30 {
        create(&w, &dana, "photo", &bytes).await;
    }

    assert_eq!(files(), once);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_uploads_and_one_for_each_document() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(100);
    let first = create(&w, &dana, "photo", &bytes).await;
    let second = create(&w, &dana, "photo", &bytes).await;
    look(&w, &dana, &first).await.expect(404);
    look(&w, &dana, &second).await.expect(200);
    for n in 1..OPEN_AT_MOST {
        w.given(document(&format!("p{n}"), Some("dana"), None)).await;
        create(&w, &dana, &format!("p{n}"), &bytes).await;
    }
    w.given(document("more", Some("dana"), None)).await;

    create_as(&w, &dana, "more", 100, &sum(&bytes)).await.expect(429);
    add(&w, &dana, &second, 0, &bytes).await.expect(204);
    create_as(&w, &dana, "more", 100, &sum(&bytes)).await.expect(201);
}

#[tokio::test]
async fn bytes_may_come_with_the_creation() {
    let w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(300);
    let pair = |key: &str, value: &str| format!("{key} {}", STANDARD.encode(value));
    let metadata = [
        pair("document", "photo"),
        pair("filetype", "image/jpeg"),
        pair("sha256", &sum(&bytes)),
    ]
    .join(",");
    let headers = [
        PIECE,
        ("upload-length", "300"),
        ("upload-metadata", metadata.as_str()),
    ];

    let made = tus(
        &w,
        &dana,
        "POST",
        "/api/uploads",
        &headers,
        Body::from(bytes[..100].to_vec()),
    )
    .await
    .expect(201);

    assert_eq!(made.header("upload-offset"), "100");
    let at = made.header("location").to_owned();
    add(&w, &dana, &at, 100, &bytes[100..]).await.expect(204);
    assert_stored_once(&w, "photo", &bytes).await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_the_offset_stays_true() {
    let mut w = World::new();
    let dana = dana(&w).await;
    let bytes = photo(2_000_000);
    let folder = w.dir.root().join("uploads");
    std::fs::create_dir_all(&folder).expect("folder");
    // Only root can mount a small file system.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"])
        .arg(&folder)
        .status();
    if !mounted.is_ok_and(|done| done.success()) {
        println!("skipped: a small file system cannot be mounted here");
        return;
    }
    let at = create(&w, &dana, "photo", &bytes).await;
    add(&w, &dana, &at, 0, &bytes[..100_000]).await.expect(204);

    add(&w, &dana, &at, 100_000, &bytes[100_000..]).await.expect(507);

    let kept = offset(&w, &dana, &at).await;
    assert!((100_000..1_048_576).contains(&kept), "{kept}");
    w.restart();
    assert_eq!(offset(&w, &dana, &at).await, kept);
    let grown = Command::new("mount")
        .args(["-o", "remount,size=8m"])
        .arg(&folder)
        .status();
    assert!(grown.expect("mount").success());
    let from = usize::try_from(kept).expect("small");
    add(&w, &dana, &at, from, &bytes[from..]).await.expect(204);
    assert_stored_once(&w, "photo", &bytes).await;
    let _unmounted = Command::new("umount").arg("-l").arg(&folder).status();
}
