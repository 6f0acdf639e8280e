//! Reports without sign-in: sealed, kept once, seen without a name, claimed at sign-in.

use crate::world::{bite, review, text, Device, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use hms_model::map::task::Priority;
use hms_model::wire::session::{SealedEntry, WireSealed, WireSealedResult, SEAL_INFO};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use serde_json::{json, Value};

fn seal(w: &World, info: &[u8], aad: &str, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let public = STANDARD.decode(w.app.keys.hpke_public_key()).expect("base64");
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&public).expect("a key");
    let (enc, mut context) =
        hpke::setup_sender::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, &public, info)
            .expect("a context");
    let sealed = context.seal(plain, aad.as_bytes()).expect("sealed");
    (enc.to_bytes().to_vec(), sealed)
}

/// Sealed as a device does.
pub fn entry(w: &World, id: &str, inside: &SealedEntry) -> WireSealed {
    let plain = serde_json::to_vec(inside).expect("json");
    let (enc, ciphertext) = seal(w, SEAL_INFO, id, &plain);
    WireSealed {
        id: id.to_owned(),
        enc: STANDARD.encode(enc),
        ciphertext: STANDARD.encode(ciphertext),
    }
}

fn report(id: &str, patient: Option<&str>, user: Option<&str>) -> SealedEntry {
    SealedEntry {
        resources: vec![bite(id, patient), review(id, patient, Priority::Asap)],
        device: "phone".to_owned(),
        user: user.map(str::to_owned),
        draft: false,
    }
}

/// Hands entries in, without a sign-in.
pub async fn post(w: &World, entries: &[WireSealed]) -> (StatusCode, Vec<WireSealedResult>) {
    let body = serde_json::to_string(entries).expect("json");
    let request = Request::post("/api/sealed")
        .header("content-type", "application/json")
        .body(Body::from(body));
    let (status, text) = w.send(request.expect("request")).await;
    (status, serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_report_is_in_the_queue_without_a_name_until_its_owner_signs_in() {
    let w = World::new().await;
    let sent = entry(&w, "r1", &report("r1", None, None));

    let (_, first) = post(&w, std::slice::from_ref(&sent)).await;
    let (_, again) = post(&w, &[sent]).await;

    let number = first
        .first()
        .and_then(|r| r.receipt.clone())
        .expect("a receipt")
        .number;
    assert_eq!(first.first().map(|r| r.status), Some(201));
    assert_eq!(
        again
            .first()
            .map(|r| (r.status, r.receipt.clone().map(|r| r.number))),
        Some((200, Some(number)))
    );
    assert_eq!(w.tasks("review-report").await.len(), 1);
    assert_eq!(w.tasks("supervisor-notice").await.len(), 0);
    let mut ada = w.device("ada", "desk").await;
    w.sync(&mut ada, &[]).await;
    assert_eq!(ada.ids("QuestionnaireResponse"), ["r1"]);
    assert_eq!(
        ada.held
            .get("QuestionnaireResponse/r1")
            .and_then(|r| r.get("subject")),
        None
    );

    // Sam signs in on another phone: nothing happens. Dana signs in on the phone that sealed it.
    let mut sam = w.device("sam", "phone2").await;
    w.sync(&mut sam, &[]).await;
    let mut dana = w.device("dana", "phone").await;
    w.sync(&mut dana, &[]).await;

    assert_eq!(sam.ids("QuestionnaireResponse"), Vec::<&str>::new());
    assert_eq!(dana.ids("QuestionnaireResponse"), ["r1"]);
    assert_eq!(
        w.tasks("review-report")
            .await
            .first()
            .map(|t| t["for"]["reference"].clone()),
        Some(json!("Patient/dana"))
    );
    assert_eq!(w.tasks("supervisor-notice").await.len(), 1);
    w.sync(&mut ada, &[]).await;
    assert_eq!(
        ada.held
            .get("QuestionnaireResponse/r1")
            .map(|r| r["subject"]["reference"].clone()),
        Some(json!("Patient/dana"))
    );
    assert!(ada.held.contains_key("Patient/dana"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_sync_and_sealed_is_one_report_whichever_was_first() {
    let w = World::new().await;
    let mut dana = w.device("dana", "phone").await;
    let ops = dana.report_ops("r1", "dana", Priority::Asap);
    w.sync(&mut dana, &ops).await;
    let before = versions(&w).await;
    let (_, replay) = post(
        &w,
        &[entry(&w, "r1", &report("r1", Some("dana"), Some("u-dana")))],
    )
    .await;
    assert_eq!(replay.first().map(|r| r.status), Some(201));
    assert!(replay.first().is_some_and(|r| r.receipt.is_some()));
    assert_eq!(versions(&w).await, before);

    let (_, journal) = post(
        &w,
        &[entry(&w, "r2", &report("r2", Some("dana"), Some("u-dana")))],
    )
    .await;
    assert_eq!(journal.first().map(|r| r.status), Some(201));
    let ops = dana.report_ops("r2", "dana", Priority::Asap);
    let synced = w.sync(&mut dana, &ops).await;

    assert_eq!(
        synced.results.iter().map(|r| r.status).collect::<Vec<_>>(),
        [200, 200]
    );
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 2);
    assert_eq!(w.tasks("review-report").await.len(), 2);
}

async fn versions(w: &World) -> Vec<Value> {
    let mut all = w.stored("QuestionnaireResponse").await;
    all.extend(w.stored("Task").await);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_alone_does_not_prove_whose_it_is() {
    let w = World::new().await;
    // Nobody has signed in on this device as Dana.
    let (_, kept) = post(
        &w,
        &[entry(&w, "r1", &report("r1", Some("dana"), Some("u-dana")))],
    )
    .await;

    assert_eq!(kept.first().map(|r| r.status), Some(201));
    let stored = w.stored("QuestionnaireResponse").await;
    assert_eq!(stored.first().and_then(|r| r.get("subject")), None);
    assert_eq!(w.tasks("supervisor-notice").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_carrier_sends_comes_sealed() {
    let w = World::new().await;
    let mut inside = report("r1", None, None);
    inside
        .resources
        .push(json!({"resourceType": "Practitioner", "id": "ada", "name": [{"text": "x"}]}));
    let other_aad = WireSealed {
        id: "r2".into(),
        ..entry(&w, "r1", &report("r1", None, None))
    };

    let (_, results) = post(&w, &[entry(&w, "r1", &inside), other_aad]).await;

    assert_eq!(results.iter().map(|r| r.status).collect::<Vec<_>>(), [422, 422]);
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_kept_and_replaced_by_the_finished_report() {
    let w = World::new().await;
    let draft = SealedEntry {
        draft: true,
        ..report("r1", None, None)
    };

    let (_, kept) = post(&w, &[entry(&w, "r1", &draft)]).await;
    assert_eq!(kept.first().map(|r| r.status), Some(201));
    assert_eq!(w.stored("QuestionnaireResponse").await.len(), 0);
    let (_, finished) = post(&w, &[entry(&w, "r1", &report("r1", None, None))]).await;

    assert_eq!(finished.first().map(|r| r.status), Some(201));
    assert_eq!(
        w.stored("QuestionnaireResponse")
            .await
            .iter()
            .map(|r| text(r, "id").to_owned())
            .collect::<Vec<_>>(),
        ["r1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_have_to_wait() {
    let w = World::new().await;
    let mut statuses = Vec::new();
    for _ in 0..14 {
        let many: Vec<WireSealed> = (0..50)
            .map(|n| WireSealed {
                id: format!("x{n}"),
                enc: "AA==".into(),
                ciphertext: "AA==".into(),
            })
            .collect();
        statuses.push(post(&w, &many).await.0);
    }
    assert_eq!(statuses.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
}

async fn recover(w: &World, who: &Device, sealed: &Value) -> (StatusCode, Value) {
    let request = Request::post("/api/recover")
        .header("authorization", format!("Bearer {}", who.token))
        .header("content-type", "application/json")
        .body(Body::from(sealed.to_string()))
        .expect("request");
    let (status, text) = w.send(request).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn sealed_key(w: &World, device: &str, text: &[u8]) -> Value {
    let (enc, sealed) = seal(w, b"hms-ach database key recovery v1", device, text);
    json!({"device": device, "enc": STANDARD.encode(enc), "ciphertext": STANDARD.encode(sealed)})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_comes_back_to_who_has_just_signed_in_on_that_device() {
    let w = World::new().await;
    let dana = w.device("dana", "phone").await;
    let own = sealed_key(&w, "phone", b"u-dana\nthe key");

    let (status, answer) = recover(&w, &dana, &own).await;
    assert_eq!(
        (status, answer["key"].clone()),
        (StatusCode::OK, json!(STANDARD.encode(b"u-dana\nthe key")))
    );

    let sam = w.device("sam", "phone2").await;
    assert_eq!(recover(&w, &sam, &own).await.0, StatusCode::FORBIDDEN);
    let of_dana = sealed_key(&w, "phone2", b"u-dana\nthe key");
    assert_eq!(
        recover(&w, &sam, &of_dana).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    w.app.clock.advance(5 * 60 * 1000 + 1);
    let (late, why) = recover(&w, &dana, &own).await;
    assert_eq!(
        (late, why["error"].clone()),
        (StatusCode::FORBIDDEN, json!("sign-in-again"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_report_for_a_colleague_is_not_taken_for_the_senders() {
    for first_signed_in in [true, false] {
        let w = World::new().await;
        let mut dana = w.device("dana", "phone").await;
        let mut about_sam = report("r1", None, first_signed_in.then_some("u-dana"));
        about_sam.resources[0]["item"]
            .as_array_mut()
            .expect("items")
            .push(json!({"linkId": "colleague", "answer": [{"valueString": "Sam Reyes"}]}));
        let with = |resources: Vec<Value>| SealedEntry {
            resources,
            ..report("x", None, first_signed_in.then_some("u-dana"))
        };
        let check = with(vec![
            json!({"resourceType": "RiskAssessment", "id": "c1", "status": "final", "subject": {"display": "not signed in"},
                "basis": [{"reference": "QuestionnaireResponse/c1-answers"}, {"reference": "QuestionnaireResponse/r1"}]}),
            json!({"resourceType": "QuestionnaireResponse", "id": "c1-answers", "status": "completed",
                "questionnaire": hms_model::map::system::symptom_check("p")}),
        ]);
        let photo = with(vec![
            json!({"resourceType": "DocumentReference", "id": "f1", "status": "current",
                "content": [{"attachment": {"url": "Binary/f1"}}],
                "context": {"related": [{"reference": "QuestionnaireResponse/r1"}]}}),
            json!({"resourceType": "Binary", "id": "f1", "contentType": "image/jpeg", "data": "AAAA",
                "securityContext": {"reference": "Patient/lee"}}),
        ]);

        // The check comes before its report: whose it is cannot be known yet.
        let early = entry(&w, "c1", &check);
        let rest = [entry(&w, "r1", &about_sam), entry(&w, "f1", &photo)];
        assert_eq!(post(&w, &[early]).await.1[0].status, 201);
        assert!(post(&w, &rest).await.1.iter().all(|r| r.status == 201));
        w.sync(&mut dana, &[]).await;

        for kind in [
            "RiskAssessment",
            "QuestionnaireResponse",
            "DocumentReference",
            "Task",
            "Binary",
        ] {
            for stored in w.stored(kind).await {
                let whose = hms_server::auth::relation::patient_of(&stored);
                assert_eq!(whose, None, "{stored}");
            }
        }
        let reports = w.stored("QuestionnaireResponse").await;
        let of_sam = reports.iter().find(|r| text(r, "id") == "r1").expect("kept");
        assert_eq!(of_sam["author"]["reference"], json!("Patient/dana"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_wrote_on_after_an_unfinished_form_was_handed_in_is_kept_too() {
    let w = World::new().await;
    let form = |words: &str| {
        let mut resource = bite("r1", None);
        resource["item"]
            .as_array_mut()
            .expect("items")
            .push(json!({"linkId": "witness", "answer": [{"valueString": words}]}));
        SealedEntry {
            resources: vec![resource],
            draft: true,
            ..report("r1", None, None)
        }
    };
    let early = entry(&w, "r1", &form("it bled"));
    let late = entry(&w, "r1", &form("it bled, and now I have a fever"));

    let first = post(&w, std::slice::from_ref(&early)).await.1[0].status;
    let on = post(&w, std::slice::from_ref(&late)).await.1[0].status;
    // The file of the first hand-over is given again, after the second one; and the same words sealed anew.
    let again = post(&w, &[early, late, entry(&w, "r1", &form("it bled"))])
        .await
        .1;

    assert_eq!((first, on), (201, 201));
    assert_eq!(
        again.iter().map(|r| r.status).collect::<Vec<_>>(),
        [200, 200, 200]
    );
    let mut kept = Vec::new();
    for row in hms_server::service::escrow::list(&w.app).await.expect("listed") {
        let by = hms_server::audit::AuditAgent {
            reference: "Device/test".to_owned(),
            name: "test".to_owned(),
            role: None,
            device: None,
        };
        let opened = hms_server::service::escrow::open(&w.app, &row.id, &by)
            .await
            .expect("opened");
        let opened = opened.expect("sealed to this server");
        let items = opened.resources[0]["item"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        kept.extend(
            items
                .iter()
                .filter(|i| i["linkId"] == "witness")
                .map(|i| text(&i["answer"][0], "valueString").to_owned()),
        );
    }
    kept.sort();
    assert_eq!(kept, ["it bled", "it bled, and now I have a fever"]);
}
