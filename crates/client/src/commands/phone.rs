//! What this person has on this phone, and going off it.

use hms_model::view::{
    ErrorCode, LeavingView, LeavingWhy, LeftView, PersonView, Phase, PhoneView, WaitingView,
};

use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;

/// One person's part of the phone.
#[derive(Debug, Clone)]
pub(crate) struct SeatNow {
    pub(crate) phase: Phase,
    pub(crate) initials: String,
    pub(crate) waiting: WaitingView,
    pub(crate) leaving: Option<LeavingView>,
    pub(crate) left: Option<LeftView>,
    pub(crate) copied: bool,
    pub(crate) offline_too_long: Option<u32>,
}

impl SeatNow {
    /// As it is shown among others.
    pub(crate) fn person(&self, seat: &str, here: bool) -> PersonView {
        PersonView {
            seat: seat.to_owned(),
            initials: self.initials.clone(),
            here,
            phase: self.phase,
            waiting: self.waiting,
        }
    }

    /// True where nobody has ever signed in, and nothing was entered.
    pub(crate) fn is_empty(&self) -> bool {
        self.phase == Phase::Fresh && self.waiting.nothing() && self.leaving.is_none()
    }
}

impl Client {
    /// The phone with this person alone; [`crate::Phone::phone_state`] knows the others.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn phone(&self) -> Result<PhoneView, ClientError> {
        let seat = self.seat_now().await?;
        Ok(PhoneView {
            safe_to_hand_over: seat.waiting.nothing() && seat.leaving.is_none(),
            people: vec![seat.person("main", true)],
            room: true,
            leaving: seat.leaving,
            left: seat.left,
            copied: seat.copied,
            offline_too_long: seat.offline_too_long,
        })
    }

    pub(crate) async fn seat_now(&self) -> Result<SeatNow, ClientError> {
        self.ask(async |engine: &mut Engine| {
            Ok(SeatNow {
                phase: engine.phase(),
                initials: engine.prefs.initials.clone().unwrap_or_default(),
                waiting: engine.waiting().await,
                leaving: engine.leaving_view(),
                left: engine.left.map(crate::engine::Left::view),
                copied: engine.copied,
                offline_too_long: engine.offline_too_long,
            })
        })
        .await
    }

    /// Takes this person off this phone: what is unsent is handed in first, then everything of theirs is removed. Without
    /// a network it waits, locked. Unfinished forms are handed in as they are.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`]: only whoever opened the app may do that.
    pub async fn leave_phone(&self) -> Result<PhoneView, ClientError> {
        self.ask(async |engine: &mut Engine| {
            engine.open_store()?;
            engine.begin_leaving(LeavingWhy::Asked).await;
            if engine.leaving.is_none() && engine.store.is_some() {
                return Err(ClientError::new(ErrorCode::DiskFull));
            }
            engine.shared.alarm.notify_one();
            Ok(())
        })
        .await?;
        crate::sync::deliver_sealed(&self.shared).await;
        self.phone().await
    }
}

/// Two with the same initials are told apart by the number of their place on this phone, which stays theirs.
pub(crate) fn tell_apart(people: &mut [PersonView]) {
    let all: Vec<String> = people.iter().map(|person| person.initials.clone()).collect();
    for person in people {
        let same = all.iter().filter(|initials| **initials == person.initials);
        if same.count() > 1 && !person.initials.is_empty() {
            let number = person.seat.strip_prefix('p').unwrap_or("1");
            person.initials = format!("{} {number}", person.initials);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_people_with_the_same_initials_get_a_number() {
        let person = |(seat, initials): (&str, &str)| PersonView {
            seat: seat.to_owned(),
            initials: initials.to_owned(),
            here: false,
            phase: Phase::Locked,
            waiting: WaitingView::default(),
        };
        let seats = [("main", "RD"), ("p2", "TB"), ("p3", "RD"), ("p4", ""), ("p5", "")];
        let mut people: Vec<PersonView> = seats.into_iter().map(person).collect();

        tell_apart(&mut people);

        let shown: Vec<&str> = people.iter().map(|person| person.initials.as_str()).collect();
        assert_eq!(shown, ["RD 1", "TB", "RD 3", "", ""]);
    }
}
