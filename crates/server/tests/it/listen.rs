use hms_server::cli::{serve, ServeOptions};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use tempfile::TempDir;

fn options(data: PathBuf) -> ServeOptions {
    ServeOptions {
        data,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        http_loopback: None,
        demo: true,
        tls_cert: None,
        tls_key: None,
        external: Default::default(),
        hr_url: None,
        relay: None,
        staff_page: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_serves_tls_that_its_own_authority_vouches_for() {
    let temp = TempDir::new().expect("temporary directory");
    let running = serve(options(temp.path().join("data"))).await.expect("serve");
    let demo: Value =
        serde_json::from_slice(&std::fs::read(temp.path().join("data/demo.json")).expect("demo.json"))
            .expect("json");
    let text = |v: &Value| v.as_str().expect("text").to_owned();
    let ca = std::fs::read(text(&demo["ca_file"])).expect("ca file");
    let trusting = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).expect("pem")])
        .build()
        .expect("client");

    for role in hms_model::role::Role::ALL {
        let user = &demo["users"][role.as_str()];
        let answer = trusting
            .get(format!("{}/api/session", text(&demo["base_url"])))
            .bearer_auth(text(&user["token"]))
            .send()
            .await
            .expect("answer");
        assert_eq!(answer.status(), 200);
        let session: Value = answer.json().await.expect("json");
        assert_eq!(session["role"], role.as_str());
        assert_eq!(session["hpke_public_key"], demo["hpke_public_key"]);
    }
    let untrusting = reqwest::Client::builder()
        .tls_certs_only([])
        .build()
        .expect("client");
    assert!(untrusting.get(text(&demo["base_url"])).send().await.is_err());
    let page = trusting
        .get(format!("{}/oauth/device", text(&demo["http_signin_url"])))
        .send()
        .await
        .expect("page");
    assert_eq!(page.status(), 200);
    // Nothing but sign-in is served in clear.
    let fhir = trusting
        .get(format!("{}/fhir/Patient", text(&demo["http_signin_url"])))
        .send()
        .await
        .expect("answer");
    assert_eq!(fhir.status(), 404);

    let second = serve(options(temp.path().join("data")))
        .await
        .err()
        .expect("refused")
        .to_string();
    assert!(second.contains("in use by another ach-server"), "{second}");
    let mut taken = options(temp.path().join("other"));
    taken.listen = running.address;
    let taken = serve(taken).await.err().expect("refused").to_string();
    assert!(
        taken.contains("taken by another program") && taken.contains("--listen"),
        "{taken}"
    );
    let noted = temp.path().join("data/audit-heads.ndjson");
    let signed = || std::fs::read_to_string(&noted).is_ok_and(|text| text.contains("\"signature\""));
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while !signed() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a signed end of the audit is noted");
    running.stop().await;
    serve(options(temp.path().join("data")))
        .await
        .expect("serves again")
        .stop()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_certificate_is_named_with_the_option() {
    let temp = TempDir::new().expect("temporary directory");
    let file = temp.path().join("cert.pem");
    std::fs::write(&file, "not a certificate").expect("file");
    let mut bad = options(temp.path().join("data"));
    bad.tls_cert = Some(file.clone());
    bad.tls_key = Some(file);

    let refused = format!("{:#}", serve(bad).await.err().expect("refused"));

    assert!(refused.contains("--tls-cert"), "{refused}");
}
