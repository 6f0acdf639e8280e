use crate::world::{nobody, Answer, World, BASE, NOON};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use hms_model::role::Role;
use hms_model::secret::Secret;
use hms_server::audit::AuditAgent;
use hms_server::auth::accounts::{self, LinkPurpose, NewAccount};
use hms_server::auth::password;
use hms_server::db::Tx;
use ring::signature::{UnparsedPublicKey, ECDSA_P256_SHA256_FIXED};
use serde_json::{json, Value};

const CLIENT: &str = "org.hmsach.client";
const REDIRECT: &str = "http://127.0.0.1:49152/callback";
// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const PASSWORD: &str = "a long sentence";

async fn world_with_dana() -> World {
    with_dana(World::new()).await
}

/// Adds an account with a password.
pub async fn with_dana(w: World) -> World {
    let hash = password::hash(&Secret::new(PASSWORD.to_owned())).expect("hash");
    w.app
        .db
        .write(move |tx: &mut Tx<'_>| {
            let new = NewAccount {
                username: "Dana".to_owned(),
                role: Role::Carrier,
                name: "Dana Reyes".to_owned(),
                fhir: Some("Patient/dana".to_owned()),
                site: None,
                district: None,
                scopes: String::new(),
                password_hash: Some(hash),
            };
            accounts::add(tx, new, &AuditAgent::service())
        })
        .await
        .expect("account");
    w
}

async fn submit(w: &World, username: &str, password: &str) -> Answer {
    w.form(
        "/oauth/authorize",
        &[
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("scope", "openid profile"),
            ("state", "st&te"),
            ("nonce", "n1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("username", username),
            ("password", password),
        ],
    )
    .await
}

async fn code(w: &World) -> String {
    let answer = submit(w, "dana", PASSWORD).await.expect(303);
    let location = answer.header("location");
    assert!(
        location.starts_with("http://127.0.0.1:49152/callback?code="),
        "{location}"
    );
    assert!(location.ends_with("&state=st%26te"), "{location}");
    location
        .split("code=")
        .nth(1)
        .and_then(|r| r.split('&').next())
        .expect("code")
        .to_owned()
}

async fn redeem(w: &World, code: &str, verifier: &str) -> Answer {
    w.form(
        "/oauth/token",
        &[
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("redirect_uri", REDIRECT),
            ("code", code),
            ("code_verifier", verifier),
            ("device_id", "phone-1"),
            ("device_name", "Dana's phone"),
        ],
    )
    .await
}

async fn refresh(w: &World, token: &str) -> Answer {
    w.form(
        "/oauth/token",
        &[
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT),
            ("refresh_token", token),
        ],
    )
    .await
}

pub fn field(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_default().to_owned()
}

async fn session(w: &World, token: &str) -> u16 {
    let mut who = nobody();
    token.clone_into(&mut who.token);
    w.get(&who, "/api/session").await.status.as_u16()
}

#[tokio::test]
async fn a_person_signs_in_with_code_and_pkce_and_gets_a_signed_id_token() {
    let w = world_with_dana().await;

    let code = code(&w).await;
    let wrong = redeem(&w, &code, "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong")
        .await
        .expect(400);
    assert_eq!(field(&wrong, "error"), "invalid_grant");
    let tokens = redeem(&w, &code, VERIFIER).await.expect(200);

    assert_eq!(session(&w, &field(&tokens, "access_token")).await, 200);
    let id_token = field(&tokens, "id_token");
    let parts: Vec<&str> = id_token.split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64");
    let claims: Value = serde_json::from_slice(&decode(parts[1])).expect("claims");
    assert_eq!(
        (&claims["iss"], &claims["nonce"], &claims["aud"]),
        (&BASE.into(), &"n1".into(), &CLIENT.into())
    );
    let keys = w.get(&nobody(), "/oauth/jwks.json").await.expect(200).json();
    let key = &keys["keys"][0];
    let mut point = vec![4];
    point.extend(decode(key["x"].as_str().expect("x")));
    point.extend(decode(key["y"].as_str().expect("y")));
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &decode(parts[2]))
        .expect("the signature fits the published key");
}

#[tokio::test]
async fn a_code_that_is_used_twice_revokes_what_it_gave() {
    let w = world_with_dana().await;
    let code = code(&w).await;
    let tokens = redeem(&w, &code, VERIFIER).await.expect(200);

    redeem(&w, &code, VERIFIER).await.expect(400);

    assert_eq!(session(&w, &field(&tokens, "access_token")).await, 401);
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_can_be_asked_for_again_and_a_stolen_token_ends_the_sign_in() {
    let w = world_with_dana().await;
    let first = redeem(&w, &code(&w).await, VERIFIER).await.expect(200);
    let old = field(&first, "refresh_token");

    refresh(&w, &old).await.expect(200);
    w.app.clock.advance(30_000);
    let second = refresh(&w, &old).await.expect(200);
    let third = refresh(&w, &field(&second, "refresh_token")).await.expect(200);
    assert_eq!(session(&w, &field(&third, "access_token")).await, 200);

    // The successor was used, so a third presentation is not a lost answer.
    refresh(&w, &old).await.expect(400);
    assert_eq!(session(&w, &field(&third, "access_token")).await, 401);
    refresh(&w, &field(&third, "refresh_token")).await.expect(400);
}

/// The answer was lost, and then there was no signal for hours: nobody signs in again. Who has used what was given for a
/// token, and shows the old one hours later, holds a stolen one.
#[tokio::test]
async fn a_lost_answer_and_hours_without_a_signal_sign_nobody_out() {
    const HOUR: i64 = 3_600_000;
    let w = world_with_dana().await;
    let first = redeem(&w, &code(&w).await, VERIFIER).await.expect(200);
    let old = field(&first, "refresh_token");
    refresh(&w, &old).await.expect(200);
    w.app.clock.advance(5 * HOUR);

    let second = refresh(&w, &old).await.expect(200);

    assert_eq!(session(&w, &field(&second, "access_token")).await, 200);
    w.app.clock.advance(HOUR);
    refresh(&w, &old).await.expect(400);
    refresh(&w, &field(&second, "refresh_token")).await.expect(400);

    // A day later it is too late, too.
    let first = redeem(&w, &code(&w).await, VERIFIER).await.expect(200);
    let old = field(&first, "refresh_token");
    refresh(&w, &old).await.expect(200);
    w.app.clock.advance(25 * HOUR);
    refresh(&w, &old).await.expect(400);
}

/// Two processes of one device, each with the token that the last one left: both go on, and neither ends the other.
#[tokio::test]
async fn two_processes_that_refresh_at_once_both_go_on() {
    let w = world_with_dana().await;
    let first = redeem(&w, &code(&w).await, VERIFIER).await.expect(200);
    let old = field(&first, "refresh_token");

    let (one, other) = tokio::join!(refresh(&w, &old), refresh(&w, &old));

    for answer in [one.expect(200), other.expect(200)] {
        assert_eq!(session(&w, &field(&answer, "access_token")).await, 200);
        let next = refresh(&w, &field(&answer, "refresh_token")).await.expect(200);
        assert_eq!(session(&w, &field(&next, "access_token")).await, 200);
    }
}

#[tokio::test]
async fn an_access_token_ends_after_fifteen_minutes_and_on_sign_out() {
    let w = world_with_dana().await;
    let tokens = redeem(&w, &code(&w).await, VERIFIER).await.expect(200);
    let access = field(&tokens, "access_token");

    w.app.clock.advance(14 * 60_000);
    assert_eq!(session(&w, &access).await, 200);
    w.app.clock.advance(2 * 60_000);
    assert_eq!(session(&w, &access).await, 401);

    let fresh = refresh(&w, &field(&tokens, "refresh_token")).await.expect(200);
    w.form("/oauth/revoke", &[("token", &field(&fresh, "refresh_token"))])
        .await
        .expect(200);
    assert_eq!(session(&w, &field(&fresh, "access_token")).await, 401);
}

#[tokio::test]
async fn a_revoked_device_and_a_disabled_account_lose_access_at_once() {
    let w = world_with_dana().await;
    let tokens = redeem(&w, &code(&w).await, VERIFIER).await.expect(200);
    let access = field(&tokens, "access_token");
    let mut dana = nobody();
    dana.token = access.clone();
    let devices = w.get(&dana, "/api/devices").await.expect(200).json();
    assert_eq!(devices["devices"][0]["name"], "Dana's phone");

    w.ask(&dana, "DELETE", "/api/devices/phone-1", None)
        .await
        .expect(204);
    assert_eq!(session(&w, &access).await, 401);
    let again = redeem(&w, &code(&w).await, VERIFIER).await.expect(400);
    let ended = refresh(&w, &field(&tokens, "refresh_token")).await.expect(400);
    // Why is told to who had a sign-in: the app hands in what is unsent, and empties itself.
    assert_eq!(field(&ended, "error"), "invalid_grant");
    for answer in [&again, &ended] {
        assert_eq!(field(answer, "hms_ended"), "device_revoked");
    }
    assert_eq!(
        field(&refresh(&w, "hms_rt_made-up").await.expect(400), "hms_ended"),
        ""
    );

    w.app
        .db
        .write(|tx: &mut Tx<'_>| accounts::set_disabled(tx, "dana", true, &AuditAgent::service()))
        .await
        .expect("disable");
    submit(&w, "dana", PASSWORD).await.expect(401);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_the_same_for_names_that_do_not_exist() {
    let w = world_with_dana().await;
    let mut pages = Vec::new();
    for name in ["dana", "nobody-here"] {
        for _ in 0..5 {
            pages.push(
                submit(&w, name, "wrong password")
                    .await
                    .expect(401)
                    .text()
                    .replace(name, "NAME"),
            );
        }
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));

    let waiting = submit(&w, "dana", PASSWORD).await.expect(401).text();
    assert!(waiting.contains("Too many attempts"), "{waiting}");
    w.app.clock.advance(2_001);
    submit(&w, "dana", PASSWORD).await.expect(303);
}

#[tokio::test]
async fn device_codes_that_nobody_redeems_get_slower() {
    let w = world_with_dana().await;
    let begin = || w.form("/oauth/device_authorization", &[("client_id", CLIENT)]);

    let first = begin().await.expect(200);
    let mut refused = begin().await;
    for _ in 0..100 {
        if refused.status != 200 {
            break;
        }
        refused = begin().await;
    }
    let refused = refused.expect(429);

    assert_eq!(field(&refused, "error"), "slow_down");
    assert_eq!(refused.header("retry-after"), "2");
    w.app.clock.advance(2_001);
    begin().await.expect(200);
    begin().await.expect(429);
    // Somebody signs in with one of them: they are people's.
    let approval = [
        ("user_code", field(&first, "user_code")),
        ("username", "dana".to_owned()),
        ("password", PASSWORD.to_owned()),
    ];
    let approval: Vec<(&str, &str)> = approval.iter().map(|(n, v)| (*n, v.as_str())).collect();
    w.form("/oauth/device", &approval).await.expect(200);
    let code = field(&first, "device_code");
    let request = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", CLIENT),
        ("device_code", code.as_str()),
    ];
    w.form("/oauth/token", &request).await.expect(200);
    begin().await.expect(200);
}

#[tokio::test]
async fn a_device_without_a_browser_signs_in_from_another_one() {
    let w = world_with_dana().await;
    let begun = w
        .form(
            "/oauth/device_authorization",
            &[("client_id", CLIENT), ("scope", "openid")],
        )
        .await
        .expect(200);
    let (device, user) = (field(&begun, "device_code"), field(&begun, "user_code"));
    let request = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", CLIENT),
        ("device_code", device.as_str()),
    ];
    let poll = || w.form("/oauth/token", &request);

    assert_eq!(field(&poll().await.expect(400), "error"), "authorization_pending");
    assert_eq!(field(&poll().await.expect(400), "error"), "slow_down");
    let typed = user.to_lowercase().replace('-', " ");
    w.form(
        "/oauth/device",
        &[
            ("user_code", &typed),
            ("username", "dana"),
            ("password", PASSWORD),
        ],
    )
    .await
    .expect(200);
    let tokens = poll().await.expect(200);

    assert_eq!(session(&w, &field(&tokens, "access_token")).await, 200);
    poll().await.expect(400);
    assert_eq!(session(&w, &field(&tokens, "access_token")).await, 401);
}

#[tokio::test]
async fn a_bad_redirect_is_shown_and_never_followed() {
    let w = world_with_dana().await;
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={CLIENT}&redirect_uri=https%3A%2F%2Fevil.example&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let answer = w.get(&nobody(), &path).await.expect(400);
    assert_eq!(answer.header("location"), "");

    let plain = path
        .replace("https%3A%2F%2Fevil.example", "http%3A%2F%2F127.0.0.1%3A5%2Fcb")
        .replace("S256", "plain");
    let answer = w.get(&nobody(), &plain).await.expect(303);
    assert_eq!(
        answer.header("location"),
        "http://127.0.0.1:5/cb?error=invalid_request"
    );
}

#[tokio::test]
async fn the_page_has_no_script_a_strict_policy_and_both_languages() {
    let w = World::new();
    let path = |extra: &str| {
        format!("/oauth/authorize?response_type=code&client_id={CLIENT}&redirect_uri=http%3A%2F%2F127.0.0.1%3A5%2Fcb&state=%22%3E%3Cscript%3E&code_challenge={CHALLENGE}&code_challenge_method=S256{extra}")
    };
    let english = w.get(&nobody(), &path("")).await.expect(200);
    let spanish = w.get(&nobody(), &path("&ui_locales=es")).await.expect(200);

    assert!(!english.text().contains("<script"));
    assert!(english
        .header("content-security-policy")
        .starts_with("default-src 'none'"));
    assert!(english
        .text()
        .contains("<button type=\"submit\">Sign in</button>"));
    assert!(spanish.text().contains("lang=\"es\"") && spanish.text().contains("Contraseña"));
    for name in ["username", "password"] {
        assert!(
            english.text().contains(&format!("<label for=\"{name}\">")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_first_administrator_is_made_by_a_link_that_works_once() {
    let w = World::new();
    let link = w
        .app
        .db
        .write(|tx: &mut Tx<'_>| accounts::make_link(tx, &LinkPurpose::FirstAdministrator))
        .await
        .expect("link");
    w.get(&nobody(), &format!("/oauth/welcome?token={link}"))
        .await
        .expect(200);
    let fields = [
        ("token", link.as_str()),
        ("username", "amir"),
        ("password", PASSWORD),
    ];
    w.form(
        "/oauth/welcome",
        &[("token", &link), ("username", "amir"), ("password", "short")],
    )
    .await
    .expect(400);
    w.form("/oauth/welcome", &fields).await.expect(200);
    w.form("/oauth/welcome", &fields).await.expect(410);

    submit(&w, "amir", PASSWORD).await.expect(303);
}

#[tokio::test]
async fn a_token_of_an_external_issuer_is_judged_by_its_keys_audience_and_time() {
    use hms_server::auth::external::verify;
    let w = World::new();
    let now = NOON / 1000;
    let claims = |aud: &str, exp: i64| json!({"iss": "https://id.agency.example/", "aud": [aud], "sub": "dana", "exp": exp});
    let sign = |claims: &Value| w.app.keys.sign_jwt(claims).expect("token");
    let keys = w.app.keys.jwks();
    let check = |token: &str| verify(token, &keys, "https://id.agency.example", "hms", now).is_some();

    let good = sign(&claims("hms", now + 60));
    assert!(check(&good));
    assert!(!check(&sign(&claims("another-service", now + 60))));
    assert!(!check(&sign(&claims("hms", now - 120))));
    assert!(verify(&good, &keys, "https://evil.example", "hms", now).is_none());
    assert!(verify(
        &good,
        &json!({"keys": []}),
        "https://id.agency.example",
        "hms",
        now
    )
    .is_none());
    // Without a signature, and with a payload that was changed.
    let parts: Vec<&str> = good.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    assert!(!check(&format!("{none}.{}.", parts[1])));
    let forged = URL_SAFE_NO_PAD.encode(claims("hms", now + 9_999).to_string());
    assert!(!check(&format!("{}.{forged}.{}", parts[0], parts[2])));
}
