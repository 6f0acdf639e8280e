//! A server that is reached by IPv6 alone: signing in, sending, and signalling.

use crate::world::{report_bite, sign_in, sync_until_sent, until, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_an_ipv6_address_alone_is_signed_in_to_and_gets_what_waits() {
    let mut world = World::new().await;
    world.stop_server().await;
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("this machine has no IPv6: nothing was tested");
        return;
    }
    world.start_server("[::1]:0").await;
    let profile = world.profile("dana");
    assert!(
        profile.server.base_url.contains("[::1]"),
        "{}",
        profile.server.base_url
    );
    let dana = profile.start().await;
    sign_in(&dana, &profile, "dana").await;

    let sent = report_bite(&dana).await;

    sync_until_sent(&dana, &sent.id).await;
    // The desk sees that her phone is connected: its socket goes over IPv6, too.
    let ada = world.person("ada").await;
    until(&ada, async || {
        let queue = ada.queue().await.expect("the queue");
        let item = queue.items.into_iter().find(|item| item.name == "Dana Reyes")?;
        item.signal.is_some_and(|signal| signal.connected).then_some(())
    })
    .await;
    dana.shutdown().await;
    ada.shutdown().await;
}
