//! The staff page for browsers: what is given to whom, its sign-in, and its way to the signalling.

use crate::sign_in::{field, with_dana, CHALLENGE, PASSWORD, VERIFIER};
use crate::world::{nobody, Answer, World, BASE};

const CLIENT: &str = "org.hmsach.staff-page";

async fn with_page() -> World {
    let w = World::with(|settings, folder| {
        let page = folder.join("page");
        std::fs::create_dir_all(page.join("assets")).expect("folder");
        std::fs::write(page.join("desk.html"), "<title>desk</title>").expect("written");
        std::fs::write(page.join("assets/a.js"), "1").expect("written");
        settings.staff_page = Some(page);
    });
    with_dana(w).await
}

async fn submit(w: &World, redirect: &str) -> Answer {
    let fields = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", redirect),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("username", "dana"),
        ("password", PASSWORD),
    ];
    w.form("/oauth/authorize", &fields).await
}

async fn token(w: &World, more: &[(&str, &str)]) -> Answer {
    let fields = [&[("client_id", CLIENT)], more].concat();
    w.form("/oauth/token", &fields).await
}

#[tokio::test]
async fn the_page_is_given_with_its_policy_and_nothing_beside_its_folder() {
    let w = with_page().await;

    let page = w.get(&nobody(), "/staff").await.expect(200);
    let policy = page.header("content-security-policy").to_owned();
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
        "{policy}"
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let asset = w.get(&nobody(), "/staff/assets/a.js").await.expect(200);
    assert!(asset.header("cache-control").contains("immutable"));
    for beside in [
        "/staff/../config.json",
        "/staff/%2e%2e/keys/db.key",
        "/staff/assets/b.js",
        "/staff/desk.html",
    ] {
        assert_eq!(w.get(&nobody(), beside).await.status.as_u16(), 404, "{beside}");
    }
}

#[tokio::test]
async fn a_sign_in_of_the_page_comes_back_to_the_page_alone() {
    let w = with_page().await;
    for other in [
        "https://evil.example/staff",
        "http://127.0.0.1:5/cb",
        "https://ach.test/staff/x",
    ] {
        let refused = submit(&w, other).await.expect(400);
        assert_eq!(refused.header("location"), "", "{other}");
    }
    let redirect = format!("{BASE}/staff");
    let back = submit(&w, &redirect).await.expect(303);
    let location = back.header("location").to_owned();
    let code = location
        .strip_prefix(&format!("{redirect}?code="))
        .expect("back at the page");
    let code = code.split('&').next().unwrap_or_default();

    let grant = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", redirect.as_str()),
        ("code", code),
    ];
    token(
        &w,
        &[&grant[..], &[("code_verifier", "x".repeat(43).as_str())]].concat(),
    )
    .await
    .expect(400);
    let given = token(&w, &[&grant[..], &[("code_verifier", VERIFIER)]].concat())
        .await
        .expect(200);

    let refresh = field(&given, "refresh_token");
    // A token of the page is the page's: the app cannot renew it, nor the page by another way in.
    let theft = [
        ("grant_type", "refresh_token"),
        ("client_id", "org.hmsach.client"),
        ("refresh_token", refresh.as_str()),
    ];
    w.form("/oauth/token", &theft).await.expect(400);
    let device = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", "x"),
    ];
    assert_eq!(
        field(&token(&w, &device).await.expect(400), "error"),
        "invalid_client"
    );
}

#[tokio::test]
async fn a_server_without_the_page_knows_neither_it_nor_its_sign_in() {
    let w = with_dana(World::new()).await;

    w.get(&nobody(), "/staff").await.expect(404);
    submit(&w, &format!("{BASE}/staff")).await.expect(400);
    let refused = token(&w, &[("grant_type", "refresh_token"), ("refresh_token", "x")])
        .await
        .expect(400);
    assert_eq!(field(&refused, "error"), "invalid_client");
}

#[tokio::test]
async fn a_token_among_subprotocols_opens_a_websocket_and_nothing_else() {
    let w = World::new();
    let who = w.anyone().await;
    let offered = format!("hms.signal, hms.bearer.{}", who.token);
    let socket = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ];
    let with = |offered: &str| {
        let offered = offered.to_owned();
        let w = &w;
        async move {
            let headers = [&socket[..], &[("sec-websocket-protocol", offered.as_str())]].concat();
            w.ask_with(&nobody(), "GET", "/signal", None, &headers)
                .await
                .status
                .as_u16()
        }
    };

    // There is no connection to upgrade in this test: that is found out after the sign-in.
    assert_eq!(with(&offered).await, 426);
    assert_eq!(with("hms.signal, hms.bearer.nonsense").await, 401);
    assert_eq!(with("hms.signal").await, 401);
    let plain = [("sec-websocket-protocol", offered.as_str())];
    w.ask_with(&nobody(), "GET", "/api/session", None, &plain)
        .await
        .expect(401);
    let pretends = [&plain[..], &[("upgrade", "websocket")]].concat();
    w.ask_with(&nobody(), "GET", "/api/session", None, &pretends)
        .await
        .expect(401);
}
