//! Who has left a phone is not signed in there, neither while their work waits nor afterwards.

use hms_client::Client;
use hms_model::view::{Phase, SignInState};

use crate::world::{report_bite, sign_in, until, World};

async fn nobody_is_signed_in(phone: &Client) {
    let sign_in = phone.sign_in_state().await.expect("asked");
    assert_eq!(sign_in.state, SignInState::Idle);
    assert_eq!((sign_in.url, sign_in.user_code), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_signed_in_on_a_phone_that_its_person_has_left() {
    let mut world = World::new().await;
    let profile = world.profile("dana");
    let phone = profile.start().await;
    sign_in(&phone, &profile, "dana").await;
    phone.sync_now().await.expect("synced");
    assert_eq!(
        phone.sign_in_state().await.expect("asked").state,
        SignInState::Done
    );
    let address = world.stop_server().await;
    report_bite(&phone).await;

    let said = phone.leave_phone().await.expect("begins");

    assert_eq!(said.leaving.map(|leaving| leaving.waiting), Some(1));
    nobody_is_signed_in(&phone).await;
    world.start_server(&address).await;
    until(&phone, async || {
        let empty = phone.app_state().await.expect("state").phase == Phase::Fresh;
        empty.then_some(())
    })
    .await;
    nobody_is_signed_in(&phone).await;
    phone.shutdown().await;
}
