//! The manager's page.

use hms_model::form::DutyForm;
use hms_model::map::task;
use hms_model::role::Role;
use hms_model::time::Timestamp;
use hms_model::view::{ErrorCode, ManagerView};
use serde_json::json;

use super::staff::set;
use super::workspace::parse_duty;
use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::session::Identity;
use crate::views;

impl Client {
    /// Notices and decisions of the manager's site.
    ///
    /// # Errors
    /// [`ErrorCode::Locked`], [`ErrorCode::NotAllowed`].
    pub async fn manager(&self) -> Result<ManagerView, ClientError> {
        self.ask(async |engine: &mut Engine| engine.manager_view().await)
            .await
    }

    /// Acknowledges that someone is hurt.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn acknowledge_notice(&self, task: String) -> Result<ManagerView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            engine.managing()?;
            let (stored, _) = engine.task(&task).await?;
            let mut notice = stored.resource;
            set(&mut notice, "status", json!("completed"));
            engine
                .put_version("notice-acknowledge", notice, stored.version)
                .await?;
            engine.manager_view().await
        })
        .await
    }

    /// Decides on duty.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a decision that contradicts itself; [`ErrorCode::Signed`] where one was made.
    pub async fn decide_duty(&self, task: String, form: DutyForm) -> Result<ManagerView, ClientError> {
        let decision = parse_duty(&form)?;
        decision
            .check()
            .map_err(|error| ClientError::caused(ErrorCode::Invalid, error))?;
        self.ask(async move |engine: &mut Engine| {
            engine.managing()?;
            let (stored, _) = engine.task(&task).await?;
            let mut ask = stored.resource;
            if task::kind(&ask) != Some(task::TaskKind::DutyDecision) {
                return Err(ClientError::new(ErrorCode::NotFound));
            }
            if !views::queue::is_open(&ask) {
                return Err(ClientError::new(ErrorCode::Signed));
            }
            task::decide(&mut ask, &decision);
            engine.put_version("duty-decide", ask, stored.version).await?;
            engine.manager_view().await
        })
        .await
    }
}

impl Engine {
    fn managing(&self) -> Result<Identity, ClientError> {
        let who = self.who()?;
        if who.role == Role::Manager {
            Ok(who)
        } else {
            Err(ClientError::new(ErrorCode::NotAllowed))
        }
    }

    async fn manager_view(&mut self) -> Result<ManagerView, ClientError> {
        let who = self.managing()?;
        let records = views::load(&self.open_store()?, views::manager::KINDS).await?;
        let as_of = self.network.last_sync_at.map(Timestamp::as_f64);
        Ok(views::manager::manager(&records, who.practitioner(), as_of))
    }
}
