//! Looking back on a symptom check: after its time the person is asked how they are, nobody's answer counts as worse, and
//! a check whose pack clinicians took back is gone through again with the one that took its place.

use hms_core::recheck::{is_raised_at_recall, Due, Recheck as Clock};
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, RecheckView};
use hms_triage::{Answers, Course, Recheck as HowNow, Session, Since, Urgency};
use serde_json::Value;

use super::{Check, Engine};
use crate::error::ClientError;
use crate::event::{AlertKind, Tag};
use crate::packs::Taken;
use crate::views;

/// The newest check of the person, while they are to be asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recheck {
    check: String,
    urgency: Urgency,
    clock: Clock,
}

impl Recheck {
    /// When something happens by itself.
    pub(super) fn deadline(&self, open: bool) -> Option<Timestamp> {
        self.clock.deadline(open)
    }

    /// As the windows show it.
    pub(crate) fn view(&self, now: Timestamp) -> RecheckView {
        let due_at = self.clock.due_at();
        RecheckView {
            check: self.check.clone(),
            urgency: self.urgency.code().to_owned(),
            at: self.clock.at().as_f64(),
            due_at: due_at.as_f64(),
            due: now >= due_at,
        }
    }
}

impl Engine {
    /// Looks up which check the person is to be asked about. A locked app still knows when: it rings, and says no more.
    pub(crate) async fn note_recheck(&mut self) {
        if self.store.is_none() {
            return;
        }
        let found = self.to_look_back_on().await;
        if found.as_ref().map(|new| (&new.check, new.clock.at()))
            == self.recheck.as_ref().map(|old| (&old.check, old.clock.at()))
        {
            return;
        }
        self.recheck = found;
        self.changed(Tag::App);
        self.shared.alarm.notify_one();
    }

    async fn to_look_back_on(&self) -> Option<Recheck> {
        let store = self.store.as_ref()?;
        let rows = store.check_list().await.ok()?.into_iter();
        let checks = rows.filter_map(|row| Some((row.id, serde_json::from_value::<Check>(row.body).ok()?)));
        let given = checks.filter_map(|(id, check)| Some((check.result?, id, check)));
        // What came after a check has taken its place.
        let ((at, urgency), check, row) = given
            .filter(|(_, _, check)| !check.colleague)
            .max_by_key(|((at, _), _, _)| *at)?;
        let clock =
            Clock::of(at, urgency.recheck_minutes(), row.silent, self.now()).filter(|_| !row.followed)?;
        // A clinician has seen them since.
        let visits = store.list("Encounter").await.unwrap_or_default();
        let seen = |visit: &Value| views::moment(visit, &["period", "start"]).is_some_and(|start| start > at);
        if visits.iter().any(|visit| seen(&visit.resource)) {
            return None;
        }
        Some(Recheck {
            check,
            urgency,
            clock,
        })
    }

    /// What is due by itself.
    pub(super) async fn recheck_timer(&mut self) {
        let (now, open) = (self.now(), self.store.is_some());
        while let Some((due, check)) = self
            .recheck
            .as_mut()
            .and_then(|it| Some((it.clock.due(now, open)?, it.check.clone())))
        {
            match due {
                Due::Ask => {
                    self.alert(AlertKind::CheckAgain);
                    self.changed(Tag::App);
                }
                Due::Silence => {
                    if let Err(error) = self.look_back(&check, HowNow::Unanswered).await {
                        tracing::warn!(cause = %error.chain(), "That nobody answered a re-check could not be kept");
                    }
                }
            }
        }
    }

    /// Keeps what the person said, or that they said nothing, as a new result of the check.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a check that has no result here; failures of the store.
    pub(crate) async fn look_back(&mut self, id: &str, now: HowNow) -> Result<Check, ClientError> {
        let mut check = self.check(id).await?;
        let (at, was) = check
            .result
            .ok_or_else(|| ClientError::new(ErrorCode::NotFound))?;
        let course = Course {
            since: Some(Since { was, now }),
            ..check.session.answers.course
        };
        check.session.follow(course);
        match now {
            HowNow::Better => check.followed = true,
            HowNow::Same | HowNow::Worse => check.silent = false,
            HowNow::Unanswered => check.silent = true,
        }
        self.keep_result(id, &mut check).await?;
        if now == HowNow::Unanswered {
            // They are still to be asked about the same result.
            check.result = Some((at, check.result.map_or(was, |(_, urgency)| urgency)));
        }
        self.put_check(id, &check).await?;
        self.recheck = None;
        self.note_recheck().await;
        self.changed(Tag::Reports);
        Ok(check)
    }

    /// Checks that were made while the app was locked are kept like the others.
    pub(crate) async fn adopt_checks(&mut self) -> Result<(), ClientError> {
        for (id, check) in std::mem::take(&mut self.checks) {
            self.put_check(&id, &check).await?;
        }
        self.note_recheck().await;
        self.recheck_timer().await;
        Ok(())
    }

    /// Takes the packs among records that came.
    pub(crate) async fn take_packs(&mut self, ids: &[String]) {
        let Some(store) = self.store.clone() else { return };
        let mut new = false;
        for id in ids.iter().filter_map(|id| id.strip_prefix("Questionnaire/")) {
            if let Ok(Some(stored)) = store.get("Questionnaire", id).await {
                new |= self.take_pack(&stored.resource);
            }
        }
        if new {
            self.go_through_recalled().await;
        }
    }

    /// Takes the packs that came earlier: one may have come just before the app was ended.
    pub(crate) async fn take_packs_here(&mut self) {
        let Some(store) = self.store.clone() else { return };
        for stored in store.list("Questionnaire").await.unwrap_or_default() {
            self.take_pack(&stored.resource);
        }
        self.go_through_recalled().await;
    }

    /// True where something new came with it.
    fn take_pack(&mut self, resource: &Value) -> bool {
        match self.packs.take(resource) {
            Ok(Taken::Known) => false,
            Ok(Taken::New) => {
                self.changed(Tag::App);
                self.changed(Tag::Chart);
                true
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "A pack of the symptom checker stays unused");
                false
            }
        }
    }

    async fn go_through_recalled(&mut self) {
        if let Err(error) = self.raise_recalled().await {
            tracing::warn!(cause = %error.chain(), "Results of a recalled pack could not be gone through again");
        }
    }

    /// Results of recalled packs: the same answers with the pack that is used now, and a step above what was said.
    async fn raise_recalled(&mut self) -> Result<(), ClientError> {
        let Some(store) = self.store.clone() else {
            return Ok(());
        };
        let mut raised = false;
        for row in store.check_list().await? {
            let Ok(mut check) = serde_json::from_value::<Check>(row.body) else {
                continue;
            };
            let answers: &Answers = &check.session.answers;
            let recalled = answers
                .pack
                .as_deref()
                .is_some_and(|hash| self.packs.is_recalled(hash));
            let Some((at, was)) = check.result.filter(|_| recalled && !answers.course.recalled) else {
                continue;
            };
            if !is_raised_at_recall(at, self.now()) {
                continue;
            }
            check.session = self.with_fit_pack(&check.session);
            let course = check.session.answers.course;
            check.session.follow(Course {
                // Where no other pack is left, being recalled is the step: it is not taken twice.
                recalled_was: Some(was).filter(|_| !course.recalled),
                ..course
            });
            check.followed = false;
            self.keep_result(&row.id, &mut check).await?;
            self.put_check(&row.id, &check).await?;
            raised |= !check.colleague;
        }
        if raised {
            self.note_recheck().await;
            self.alert(AlertKind::CheckAgain);
            self.changed(Tag::Reports);
        }
        Ok(())
    }

    /// A session with a pack that may be used: its own, or the one that took its place.
    pub(crate) fn with_fit_pack(&self, session: &Session) -> Session {
        let pack = self.packs.of(session);
        let mut session = match session.answers.pack.as_deref() == Some(pack.hash()) {
            true => session.clone(),
            false => session.onto(&pack),
        };
        let course = session.answers.course;
        session.follow(Course {
            recalled: self.packs.is_recalled(pack.hash()),
            ..course
        });
        session
    }
}
