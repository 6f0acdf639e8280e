use crate::outbox::{classify, Answer};
use crate::sync::plain::*;
use hms_model::wire::sync::WireOp;
use serde_json::{json, Value};
use std::collections::BTreeSet;

const BASE: &str = "https://clinic.example/baseR4";

#[test]
fn a_next_link_is_followed_only_within_the_service() {
    let link = |url: &str| next_link(BASE, &json!({ "link": [{ "relation": "next", "url": url }] }));
    for (url, expected) in [
        (
            "https://clinic.example/baseR4/Task?page=2",
            Link::Next("Task?page=2".into()),
        ),
        (
            "https://clinic.example/baseR4?_getpages=x",
            Link::Next("?_getpages=x".into()),
        ),
        ("/baseR4/Task?page=2", Link::Next("Task?page=2".into())),
        ("Task?page=2", Link::Next("Task?page=2".into())),
        ("https://elsewhere.example/baseR4/Task?page=2", Link::Elsewhere),
        (
            "https://clinic.example.elsewhere.example/baseR4/Task",
            Link::Elsewhere,
        ),
        (
            "https://clinic.example/baseR4@elsewhere.example/Task",
            Link::Elsewhere,
        ),
        ("https://clinic.example/baseR4evil/Task", Link::Elsewhere),
        ("https://clinic.example/other/Task", Link::Elsewhere),
        ("https://clinic.example:8443/baseR4/Task", Link::Elsewhere),
        ("http://clinic.example/baseR4/Task", Link::Elsewhere),
        ("//elsewhere.example/baseR4/Task", Link::Elsewhere),
        ("/\\elsewhere.example/", Link::Elsewhere),
        ("https://clinic.example/baseR4/../admin", Link::Elsewhere),
        ("", Link::Last),
    ] {
        assert_eq!(link(url), expected, "{url}");
    }
    assert_eq!(next_link(BASE, &json!({})), Link::Last);
}

#[test]
fn what_a_batch_answers_fits_it_or_is_not_believed() {
    let entry = |status: &str| json!({ "response": { "status": status } });
    let bundle =
        |entries: Vec<Value>| json!({ "resourceType": "Bundle", "type": "batch-response", "entry": entries });

    let fits = read_batch(2, &bundle(vec![entry("201 Created"), entry("422")])).expect("fits");
    assert_eq!(fits.iter().map(|it| it.status).collect::<Vec<_>>(), [201, 422]);
    for wrong in [
        bundle(vec![entry("201")]),
        bundle(vec![entry("201"), entry("201"), entry("201")]),
        bundle(vec![entry("201"), entry("fine")]),
        bundle(vec![entry("201"), json!({})]),
        json!({ "resourceType": "Bundle", "type": "searchset", "entry": [entry("201"), entry("201")] }),
        json!({ "resourceType": "OperationOutcome", "entry": [entry("201"), entry("201")] }),
        json!([]),
    ] {
        assert_eq!(read_batch(2, &wrong), Err(Mismatch { asked: 2 }), "{wrong}");
    }
}

#[test]
fn what_a_server_makes_of_a_record_is_no_edit_and_an_edit_is_one() {
    let sent = json!({ "resourceType": "Observation", "id": "o", "valueQuantity": { "value": 37.46 },
        "effectiveDateTime": "2026-11-21T08:00:00-06:00", "category": [{ "text": "a" }, { "text": "b" }],
        "extension": [{ "url": "urn:x", "valueCode": "y" }] });
    let written = json!({ "resourceType": "Observation", "id": "77", "meta": { "versionId": "1" },
        "valueQuantity": { "value": 37.5 }, "effectiveDateTime": "2026-11-21T14:00:00.000Z",
        "category": [{ "text": "b" }, { "text": "a" }], "text": { "status": "generated" } });
    assert!(same_meaning(&sent, &written));
    assert!(!arrived(&sent, &written), "a part is not enough for an update");
    for (name, other) in [
        ("valueQuantity", json!({ "value": 39.0 })),
        ("effectiveDateTime", json!("2026-11-21T15:00:00Z")),
        ("category", json!([{ "text": "c" }])),
        ("status", json!("entered-in-error")),
    ] {
        let mut changed = written.clone();
        changed[name] = other;
        assert!(!same_meaning(&sent, &changed), "{name}");
    }
    for (ours, theirs) in [("1.10", "1.1"), ("-0", "0"), ("1e2", "100"), ("5", "5.0")] {
        let of = |text: &str| json!({ "a": serde_json::from_str::<Value>(text).expect("a number") });
        assert!(arrived(&of(ours), &of(theirs)), "{ours} {theirs}");
    }
}

#[test]
fn a_later_version_is_read_through_what_the_server_made_of_ours() {
    let sent = json!({ "resourceType": "Task", "status": "requested", "n": 1.25, "extension": [{ "url": "urn:x" }] });
    let written = json!({ "resourceType": "Task", "status": "requested", "n": 1.3, "added": true });
    let form = Form::between(&sent, &written);

    let untouched = form.restore(&written);
    let mut edited = written.clone();
    edited["n"] = json!(2.0);
    edited["status"] = json!("accepted");
    let edited = form.restore(&edited);

    assert_eq!(untouched, sent);
    assert_eq!(
        (&edited["n"], &edited["status"]),
        (&json!(2.0), &json!("accepted"))
    );
    assert_eq!(
        edited["extension"], sent["extension"],
        "which the server never kept"
    );
    let kept: Form = serde_json::from_str(&serde_json::to_string(&form).expect("text")).expect("read");
    assert_eq!(kept, form);
}

#[test]
fn records_go_and_come_under_the_servers_names() {
    let mut names = Names::default();
    names.learn("QuestionnaireResponse/a", "QuestionnaireResponse/900");
    let task = json!({ "resourceType": "Task", "id": "t", "meta": { "versionId": "3" },
        "focus": { "reference": "QuestionnaireResponse/a" }, "identifier": [{ "value": "own" }] });

    let out = names.outbound("Task/t", &task, true);

    assert_eq!(out["focus"]["reference"], "QuestionnaireResponse/900");
    assert_eq!(out["identifier"][1]["value"], "urn:hms-ach:Task:t");
    assert_eq!(out.get("meta"), None);
    let mut there = out;
    there["id"] = json!("55");
    there["meta"] = json!({ "versionId": "1" });
    there["focus"]["reference"] = json!(format!("{BASE}/QuestionnaireResponse/900"));
    names.learn("Task/t", "Task/55");
    let (id, back) = names.inbound(BASE, &there).expect("a record");
    assert_eq!(id, "Task/t");
    let mut expected = task;
    expected["meta"]["versionId"] = json!("1");
    assert_eq!(back, expected);
}

#[test]
fn what_depends_on_another_goes_after_it_and_what_depends_on_nothing_does_not_wait() {
    let op = |op: i64, id: &str, refers: Option<&str>, group: Option<i64>| WireOp {
        op,
        id: id.into(),
        base: None,
        resource: Some(json!({ "focus": { "reference": refers } })),
        group,
    };
    let ops = [
        op(1, "QuestionnaireResponse/r", None, Some(1)),
        op(2, "Task/t", Some("QuestionnaireResponse/r"), Some(1)),
        op(3, "DocumentReference/d", Some("QuestionnaireResponse/r"), None),
        op(4, "Task/u", Some("Patient/p"), None),
        op(5, "Task/w", Some("QuestionnaireResponse/absent"), None),
        op(6, "Task/x", Some("Task/w"), None),
    ];
    let absent = BTreeSet::from(["QuestionnaireResponse/absent".to_owned()]);

    let steps = waves(&ops, &absent);

    let numbers: Vec<Vec<i64>> = steps
        .iter()
        .map(|step| step.iter().map(|it| it.op).collect())
        .collect();
    assert_eq!(numbers, [vec![1, 4], vec![2, 3]]);
}

#[test]
fn a_statement_is_read_and_what_the_server_does_counts_more() {
    let statement = json!({ "resourceType": "CapabilityStatement", "software": { "name": "Clinic 4" }, "rest": [{
        "interaction": [{ "code": "batch" }],
        "resource": [{ "type": "Task", "updateCreate": false, "interaction": [{ "code": "read" }] }] }] });
    let mut known = Abilities::read(BASE, &statement).expect("a statement");

    assert!(known.has("Task") && !known.has("Patient") && !known.hms_sync);
    assert_eq!(
        (known.update_creates, known.history, known.batch),
        (Ability::No, Ability::No, Ability::Unknown)
    );
    assert!(known.downgrade("batch", 405) && !known.downgrade("batch", 405));
    assert!(!known.downgrade("versions", 500));
    assert_eq!(known.lacks(), [Lack::Deletions, Lack::OwnIds, Lack::Batches]);
    assert_eq!(Abilities::read(BASE, &json!({ "resourceType": "Bundle" })), None);
    let ours =
        json!({ "resourceType": "CapabilityStatement", "rest": [{ "operation": [{ "name": "hms-sync" }] }] });
    assert!(Abilities::read(BASE, &ours).expect("a statement").hms_sync);
    assert_eq!(classify(Answer::Status(304)), classify(Answer::Status(500)));
}
