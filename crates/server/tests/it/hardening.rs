//! What somebody with bad intent tries: too much, too deep, too often, too late, and in another's name.

use crate::world::{observation, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::{stream, StreamExt};
use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, AccountError, NewAccount};
use hms_server::auth::password;
use hms_server::auth::signin::{self, SignInError};
use hms_server::auth::tokens::{self, SignIn};
use hms_server::db::{DbError, Precondition, Prepared, Tx, WriteError};
use serde_json::{json, Value};
use std::time::Duration;
use tokio::sync::mpsc;
use tower::ServiceExt;

#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_is_refused() {
    let w = World::new();
    let op = w.anyone().await;
    let raw = |path: &str, media: &str, token: &str, body: String| {
        Request::builder()
            .method("POST")
            .uri(path)
            .header("content-type", media)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(body))
            .expect("request")
    };
    let form = "application/x-www-form-urlencoded";
    let huge = |n: usize| format!("token={}", "x".repeat(n));

    w.send(raw("/oauth/revoke", form, "", huge(3_000_000)))
        .await
        .expect(413);
    w.send(raw("/api/sealed", "application/json", "", huge(9_000_000)))
        .await
        .expect(413);
    w.send(raw(
        "/fhir/Patient",
        "application/fhir+json",
        &op.token,
        huge(34_000_000),
    ))
    .await
    .expect(413);
    // Who is not signed in does not get as far as the body.
    w.send(raw(
        "/fhir/Patient",
        "application/fhir+json",
        "none",
        huge(34_000_000),
    ))
    .await
    .expect(401);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    for body in [deep, nested] {
        w.send(raw(
            "/fhir/Patient",
            "application/fhir+json",
            &op.token,
            body.clone(),
        ))
        .await
        .expect(400);
        w.send(raw("/fhir", "application/fhir+json", &op.token, body.clone()))
            .await
            .expect(400);
        w.send(raw("/api/sealed", "application/json", "", body.clone()))
            .await
            .expect(400);
        let sync = w
            .send(raw("/fhir/$hms-sync", "application/x-ndjson", &op.token, body))
            .await;
        assert!(sync.status.is_client_error(), "{}", sync.status);
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_not_waited_for() {
    let w = World::new();
    let begun = stream::once(async { Ok::<_, std::io::Error>("grant_type=") });
    let body = Body::from_stream(begun.chain(stream::pending()));
    let request = Request::post("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .expect("request");

    let rows = hms_server::routes::all();
    let router = hms_server::routes::router_that_waits(&w.app, rows, Duration::from_millis(50));
    let answer = tokio::time::timeout(Duration::from_secs(10), router.oneshot(request)).await;

    let status = answer.expect("it is not waited for").expect("answer").status();
    assert!(status.is_client_error(), "{status}");
}

#[tokio::test]
async fn an_id_is_never_a_path() {
    let w = World::new();
    let op = w.anyone().await;

    for id in [
        "..%2F..%2Fkeys%2Fdb.key",
        "%2Fetc%2Fpasswd",
        "..",
        "a%00b",
        "%2e%2e%2f%2e%2e",
    ] {
        for path in [
            format!("/fhir/Binary/{id}"),
            format!("/fhir/Binary/{id}/_history/1"),
        ] {
            let answer = w.get(&op, &path).await;
            assert!(
                matches!(answer.status.as_u16(), 400 | 404),
                "{path}: {}",
                answer.status
            );
        }
    }
    let mut bytes = json!({"resourceType": "Binary", "contentType": "text/plain", "data": "AAAA"});
    for id in ["../../x", "a/b", ".. ", "a\u{0}b", ""] {
        bytes["id"] = json!(id);
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "PUT", "url": format!("Binary/{id}")}, "resource": bytes}]});
        let answer = w.ask(&op, "POST", "/fhir", Some(&bundle)).await;
        assert!(answer.status.is_client_error(), "{id:?}: {}", answer.status);
    }
}

async fn with_password(w: &World, name: &str) {
    let hash = password::hash(&Secret::new("a long sentence".to_owned())).expect("hash");
    let new = NewAccount {
        username: name.to_owned(),
        role: Role::Hr,
        name: name.to_owned(),
        fhir: None,
        site: None,
        district: None,
        scopes: String::new(),
        password_hash: Some(hash),
    };
    w.app
        .db
        .write(move |tx: &mut Tx<'_>| -> Result<(), AccountError> {
            accounts::add(tx, new, &AuditAgent::service()).map(drop)
        })
        .await
        .expect("account");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_guesses_at_the_same_moment_are_no_more_than_many_in_a_row() {
    let w = World::new();
    with_password(&w, "dana").await;
    for name in ["dana", "nobody-of-that-name"] {
        let guesses = (0..40).map(|n| {
            let secret = Secret::new(format!("wrong password {n}"));
            signin::check(&w.app, name, secret, "192.0.2.7")
        });

        let outcomes = futures_util::future::join_all(guesses).await;

        let tried = outcomes
            .iter()
            .filter(|o| matches!(o, Err(SignInError::Wrong)))
            .count();
        let waiting = outcomes
            .iter()
            .filter(|o| matches!(o, Err(SignInError::Wait { .. })))
            .count();
        // Two are computed at once, so one more than the five may have begun before the fifth failed.
        assert!(
            (5..=6).contains(&tried) && tried + waiting == 40,
            "{name}: {tried} were tried"
        );
    }
}

/// A sign-in of an account on a device.
async fn on_device(w: &World, who: &Person, device: &str) -> Person {
    let (user, on) = (who.user.clone(), device.to_owned());
    let token = w.app.db.write(move |tx: &mut Tx<'_>| -> Result<String, DbError> {
        hms_server::db::sqlite::table::device::signed_in(tx.conn(), &on, &user, "a phone", tx.now_ms())?;
        let sign_in = SignIn {
            family: format!("{user}-{on}"),
            user_id: user,
            device_id: Some(on),
            client: "test".to_owned(),
            scope: String::new(),
        };
        tokens::issue_access(tx, &sign_in, 3_600_000)
    });
    Person {
        user: who.user.clone(),
        token: token.await.expect("token"),
    }
}

#[tokio::test]
async fn nobody_takes_a_device_away_by_signing_in_on_it() {
    let w = World::new();
    let dana = w.carrier("dana", "here").await;
    let ada = w
        .person("ada", Role::Clinician, Some("Practitioner/ada"), None)
        .await;
    let desk = on_device(&w, &ada, "desk-of-ada").await;
    let intruder = on_device(&w, &dana, "desk-of-ada").await;

    w.ask(&intruder, "DELETE", "/api/devices/desk-of-ada", None)
        .await
        .expect(204);

    w.get(&desk, "/api/session").await.expect(200);
    w.get(&intruder, "/api/session").await.expect(401);
    // Nor does a carrier learn on which device somebody read.
    w.given(observation("o1", "dana", 37.0)).await;
    let op = w.anyone().await;
    w.get(&op, "/fhir/Observation/o1").await.expect(200);
    let seen = w.get(&dana, "/fhir/AuditEvent").await.expect(200);
    assert!(
        !seen.entries().is_empty() && !seen.text().contains("\"network\""),
        "{}",
        seen.text()
    );
    let cora = w.person("cora", Role::Compliance, None, None).await;
    let all = w.get(&cora, "/fhir/AuditEvent?patient=dana").await.expect(200);
    assert!(all.text().contains("\"network\""), "{}", all.text());
}

#[tokio::test]
async fn a_code_without_its_verifier_or_for_another_address_gives_nothing() {
    let w = World::new();
    with_password(&w, "dana").await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let here = "http://127.0.0.1:5000/cb";
    let ask = |method: &'static str, challenge: &'static str| {
        [
            ("response_type", "code"),
            ("client_id", "org.hmsach.client"),
            ("redirect_uri", here),
            ("code_challenge", challenge),
            ("code_challenge_method", method),
            ("username", "dana"),
            ("password", "a long sentence"),
        ]
    };
    for (method, challenge) in [
        ("plain", verifier),
        ("", challenge),
        ("S256", ""),
        ("S256", "short"),
    ] {
        let answer = w
            .form("/oauth/authorize", &ask(method, challenge))
            .await
            .expect(303);
        let to = answer.header("location").to_owned();
        assert!(
            to.contains("error=invalid_request") && !to.contains("code="),
            "{to}"
        );
    }
    for (redirect, verifier) in [
        (here, ""),
        (here, challenge),
        ("http://127.0.0.1:5001/cb", verifier),
        ("", verifier),
    ] {
        let answer = w
            .form("/oauth/authorize", &ask("S256", challenge))
            .await
            .expect(303);
        let code = answer
            .header("location")
            .split("code=")
            .nth(1)
            .expect("code")
            .to_owned();
        let code = code.split('&').next().expect("code");
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "org.hmsach.client"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        let refused = w.form("/oauth/token", &fields).await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn nobody_speaks_for_a_device_that_their_sign_in_was_not_given_to() {
    let w = World::new();
    let dana = w.carrier("dana", "here").await;
    let phone = on_device(&w, &dana, "phone").await;
    let user = dana.user.clone();
    let loose = w.app.db.write(move |tx: &mut Tx<'_>| -> Result<String, DbError> {
        let sign_in = SignIn {
            family: "loose".to_owned(),
            user_id: user,
            device_id: None,
            client: "test".to_owned(),
            scope: String::new(),
        };
        tokens::issue_access(tx, &sign_in, 3_600_000)
    });
    let loose = Person {
        user: dana.user.clone(),
        token: loose.await.expect("token"),
    };
    let ask = json!({"cursor": "", "scope": "mine"});
    let sync = async |who: &Person, device: &str| {
        let headers = [("content-type", "application/x-ndjson"), ("x-hms-device", device)];
        w.ask_with(who, "POST", "/fhir/$hms-sync", Some(&ask), &headers)
            .await
    };

    sync(&phone, "phone").await.expect(200);
    let another = sync(&phone, "desk").await.expect(403);
    assert!(another.text().contains("another device"), "{}", another.text());
    for device in ["phone", "desk", "never-seen"] {
        let refused = sync(&loose, device).await.expect(403);
        assert!(refused.text().contains("device_id"), "{}", refused.text());
    }
    // What needs no device goes on with such a token.
    w.get(&loose, "/api/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_ends_where_its_device_is_taken_away() {
    let w = World::new();
    let dana = w.carrier("dana", "here").await;
    let many = w.app.db.write(|tx: &mut Tx<'_>| -> Result<(), WriteError> {
        for n in 0..400 {
            let reading = Prepared::new(observation(&format!("o{n}"), "dana", 37.0)).expect("valid");
            tx.put(reading, Precondition::None)?;
        }
        Ok(())
    });
    many.await.expect("stored");
    let phone = on_device(&w, &dana, "phone").await;
    let begin = |body: Body| {
        let request = Request::post("/fhir/$hms-sync")
            .header("authorization", format!("Bearer {}", phone.token))
            .header("content-type", "application/x-ndjson")
            .header("x-hms-device", "phone")
            .body(body)
            .expect("request");
        w.app.router().oneshot(request)
    };
    let ask = json!({"cursor": null, "scope": "mine"}).to_string();

    // On the way up: lines that wait to be applied are not, and are not refused for ever.
    let (lines, waiting) = mpsc::channel::<Result<String, std::io::Error>>(4);
    let body = Body::from_stream(stream::unfold(waiting, |mut lines| async move {
        lines.recv().await.map(|line| (line, lines))
    }));
    let report = json!({"resourceType": "QuestionnaireResponse", "id": "r1", "status": "completed",
        "questionnaire": "https://x.example/q", "authored": "2026-11-21T10:00:00Z",
        "subject": {"reference": "Patient/dana"}, "author": {"reference": "Patient/dana"}});
    let op = json!({"op": 1, "id": "QuestionnaireResponse/r1", "resource": report});
    let exchange = tokio::spawn(begin(body));
    lines.send(Ok(format!("{op}\n"))).await.expect("sent");
    // On the way down: the first page has come, the others have not.
    let answer = begin(Body::from(ask.clone())).await.expect("answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let mut pages = answer.into_body().into_data_stream();
    let mut first = String::new();
    while first.lines().count() < 2 {
        let part = pages.next().await.expect("a part").expect("bytes");
        first.push_str(&String::from_utf8_lossy(&part));
    }

    let by = AuditAgent::service();
    let revoked = w
        .app
        .db
        .write(move |tx: &mut Tx<'_>| accounts::revoke_device(tx, "phone", &by));
    assert!(revoked.await.expect("revoked"));

    let mut rest = String::new();
    while let Some(part) = pages.next().await {
        rest.push_str(&String::from_utf8_lossy(&part.expect("bytes")));
    }
    assert!(!rest.contains("\"done\":true") && !first.contains("\"done\":true"));
    lines.send(Ok(ask)).await.expect("sent");
    drop(lines);
    let answer = exchange.await.expect("ended").expect("answer");
    let body = http_body_util::BodyExt::collect(answer.into_body())
        .await
        .expect("body");
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("json"));
    let result = lines.find(|line| line.get("op").is_some()).expect("a result");
    assert_eq!(result["status"], json!(401), "{text}");
    let kept = w
        .app
        .db
        .read(|read| hms_server::db::sqlite::table::op_result::get(read.conn(), "phone", 1));
    assert_eq!(kept.await.expect("read"), None);
}
