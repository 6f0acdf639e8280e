use super::*;
use serde_json::from_str;

fn ask(core: &mut crate::Core, question: Value) -> Value {
    from_str(&core.answer(&question.to_string())).expect("JSON")
}

const NOW: i64 = 1_795_000_000_000;

/// A page whose call was accepted.
fn accepted() -> crate::Core {
    let mut core = crate::Core::default();
    ask(&mut core, json!({ "ask": "hello", "device": "page" }));
    ask(&mut core, json!({ "ask": "connected" }));
    let welcome = json!({ "seq": 1, "ack": 0, "message": { "type": "welcome", "session": "s", "resumed": false, "turn": [] } });
    let told = ask(&mut core, json!({ "ask": "frame", "now": NOW, "frame": welcome }));
    assert_eq!(told["live"], true);
    let call = json!({ "what": "call", "visit": "v1", "task": "t1", "peer": "Dana" });
    let told = ask(&mut core, json!({ "ask": "visit", "now": NOW, "what": call }));
    assert_eq!(told["frames"][0]["message"]["type"], "call");
    let accepted =
        json!({ "seq": 2, "ack": 1, "message": { "type": "accepted", "visit": "v1", "turn": [] } });
    let told = ask(
        &mut core,
        json!({ "ask": "frame", "now": NOW, "frame": accepted }),
    );
    assert_eq!(told["effects"][0]["do"], "start_offer");
    core
}

fn sdp(print: u8) -> String {
    let print = vec![format!("{print:02X}"); 32].join(":");
    format!("v=0\r\na=fingerprint:sha-256 {print}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")
}

/// The description that a page's last message carried.
fn sent_sdp(told: &Value) -> String {
    let frames = told["frames"].as_array().expect("frames");
    let found = frames.iter().find_map(|frame| frame["message"]["sdp"].as_str());
    found.expect("a description").to_owned()
}

#[test]
fn a_page_and_an_app_show_the_same_six_digits_and_see_each_others_words() {
    let mut page = accepted();
    ask(
        &mut page,
        json!({ "ask": "transport", "nonce": STANDARD.encode([7; 16]) }),
    );
    let what = json!({ "what": "offer_ready", "sdp": sdp(1) });
    let offer = sent_sdp(&ask(
        &mut page,
        json!({ "ask": "visit", "now": NOW, "what": what }),
    ));
    assert!(offer.contains(READS), "{offer}");
    let mut app = ShortCode::new(Some(CodeSeed {
        visit: "v1".into(),
        nonce: [9; 16],
    }));
    app.hear(SdpKind::Offer, &offer);
    let line = app.describe(SdpKind::Answer, &sdp(2)).expect("a line");
    let answer = mark(&sdp(2), &[READS, &line]);
    ask(
        &mut page,
        json!({ "ask": "heard", "kind": "answer", "sdp": answer }),
    );

    let told = ask(&mut page, json!({ "ask": "channel", "now": NOW }));

    let reveal = STANDARD
        .decode(told["data"][0].as_str().expect("a message"))
        .expect("base64");
    app.revealed(&reveal);
    let look = json!({ "estimate_bps": 900_000, "rtt_ms": 40, "loss_permille": 0, "busy_permille": 0 });
    let figures =
        json!({ "rtt_ms": 40, "loss_permille": 0, "frames": 3, "path": "host", "relay_protocol": null });
    let told = ask(
        &mut page,
        json!({ "ask": "look", "now": NOW, "link": look, "figures": figures }),
    );
    assert_eq!(json!(app.state()), told["view"]["code"]);
    assert_eq!(told["view"]["code"]["state"], "digits");

    let typing = json!({ "what": "typing", "text": "Which hand?" });
    let told = ask(&mut page, json!({ "ask": "visit", "now": NOW, "what": typing }));
    let edit = STANDARD
        .decode(told["data"][0].as_str().expect("an edit"))
        .expect("base64");
    let mut drafts = Drafts::default();
    drafts.take(&Edit::from_bytes(&edit).expect("an edit"));
    assert_eq!(drafts.after(0).as_deref(), Some("Which hand?"));
}

#[test]
fn a_lost_line_has_no_figures() {
    let mut page = accepted();
    ask(&mut page, json!({ "ask": "transport", "nonce": "" }));
    let look = json!({ "estimate_bps": 900_000, "rtt_ms": 40, "loss_permille": 0, "busy_permille": 0 });
    let figures =
        json!({ "rtt_ms": 40, "loss_permille": 0, "frames": 3, "path": "host", "relay_protocol": null });
    let what = |what: &str| json!({ "ask": "visit", "now": NOW, "what": { "what": what } });
    ask(&mut page, what("media_up"));
    let told = ask(
        &mut page,
        json!({ "ask": "look", "now": NOW, "link": look, "figures": figures }),
    );
    assert_eq!(
        (&told["view"]["state"], &told["view"]["rtt_ms"]),
        (&json!("in_call"), &json!(40))
    );

    let told = ask(&mut page, what("media_lost"));

    assert_eq!(
        (&told["view"]["state"], &told["view"]["rtt_ms"]),
        (&json!("reconnecting"), &json!(null))
    );
}

#[test]
fn the_ladder_of_the_page_is_the_cores() {
    let mut page = accepted();
    ask(&mut page, json!({ "ask": "transport", "nonce": "" }));
    let mut ladder = Ladder::new(Rung::at_first(600));
    let figures =
        json!({ "rtt_ms": 600, "loss_permille": 0, "frames": 0, "path": null, "relay_protocol": null });

    for second in 0..60 {
        let now = NOW + second * 1_000;
        let bps = if second < 30 { 2_000_000 } else { 40_000 };
        let link = Link {
            estimate_bps: bps,
            rtt_ms: 600,
            ..Link::default()
        };
        let told = ask(
            &mut page,
            json!({ "ask": "look", "now": now, "link": link, "figures": figures }),
        );
        let rung = ladder.observe(Timestamp(now), link);
        assert_eq!(told["rung"], json!((rung, rung.settings())), "second {second}");
    }
    assert_eq!(ladder.rung(), Rung::Stills);
}

#[test]
fn a_still_of_the_app_comes_out_whole() {
    let mut page = accepted();
    ask(&mut page, json!({ "ask": "transport", "nonce": "" }));
    let picture: Vec<u8> = (0..1_500_u32).map(|n| (n % 251) as u8).collect();
    let mut came = Vec::new();
    for part in hms_core::call::data::cut(StillKind::Quick, 5, &picture) {
        let bytes = STANDARD.encode(part.to_bytes());
        let told = ask(&mut page, json!({ "ask": "data", "now": NOW, "bytes": bytes }));
        came.extend(told["pictures"].as_array().expect("a list").clone());
    }

    assert_eq!(came.len(), 1);
    assert_eq!(came[0]["bytes"], STANDARD.encode(&picture));
    assert_eq!(came[0]["sharp"], false);
}

#[test]
fn a_page_that_polls_knows_that_it_has_something_to_say() {
    let mut page = crate::Core::default();
    ask(&mut page, json!({ "ask": "hello", "device": "page" }));
    let before = ask(&mut page, json!({ "ask": "show" }))["said"].clone();
    let call = json!({ "what": "call", "visit": "v1", "task": "t1", "peer": "Dana" });

    let told = ask(&mut page, json!({ "ask": "visit", "now": NOW, "what": call }));

    assert_ne!(told["said"], before);
    assert_eq!(told["frames"], json!([]), "there is no socket");
    let welcome = json!({ "seq": 1, "ack": 0, "message": { "type": "welcome", "session": "s", "resumed": false, "turn": [] } });
    ask(&mut page, json!({ "ask": "poll_body" }));
    ask(
        &mut page,
        json!({ "ask": "polled", "now": NOW, "answer": { "session": "s", "frames": [welcome] } }),
    );
    let body = ask(&mut page, json!({ "ask": "poll_body" }));
    assert_eq!(body["frames"][0]["message"]["type"], "call");
}
