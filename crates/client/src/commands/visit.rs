//! The call.

use std::sync::Arc;

use hms_core::call::visit::VisitInput;
use hms_media::CallStats;
use hms_model::view::{ErrorCode, VisitView};
use hms_model::wire::signal::SharpAnswer;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::client::Client;
use crate::engine::Engine;
use crate::error::ClientError;
use crate::words::typed;

impl Client {
    /// The call as this window sees it.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit(&self) -> Result<VisitView, ClientError> {
        self.ask(async |engine: &mut Engine| Ok(engine.visit.view()))
            .await
    }

    /// Calls the patient of a claimed entry.
    ///
    /// # Errors
    /// [`ErrorCode::Offline`] without a connection to the server; [`ErrorCode::NotAllowed`] for an entry that is
    /// not one's own, or without a person.
    pub async fn visit_call(&self, task: String) -> Result<VisitView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            engine.clinical()?;
            if !engine.visit.signal_live {
                return Err(ClientError::new(ErrorCode::Offline));
            }
            let chart = engine.chart_view(&task).await?;
            if chart.patient.is_none() {
                return Err(ClientError::new(ErrorCode::NotAllowed));
            }
            let visit = Uuid::new_v4().to_string();
            engine.visit_input(VisitInput::Call {
                visit,
                task,
                peer: chart.name,
            });
            engine.visit.phone = chart.phone;
            Ok(engine.visit.view())
        })
        .await
    }

    /// Answers the call that rings here.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_accept(&self) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::Accept).await
    }

    /// Declines the call, or gives up calling.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_decline(&self) -> Result<VisitView, ClientError> {
        let ringing = self.visit().await?.state == hms_model::view::VisitState::RingingIn;
        self.visit_input(if ringing {
            VisitInput::Decline
        } else {
            VisitInput::Leave
        })
        .await
    }

    /// Leaves the call for good.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_leave(&self) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::Leave).await
    }

    /// Mutes or opens the microphone.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_mute(&self, muted: bool) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::Mute(muted)).await
    }

    /// Switches the camera.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_camera(&self, on: bool) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::Camera(on)).await
    }

    /// Holds both pictures back, or tries them again.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_sound_only(&self, on: bool) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::SoundOnly(on)).await
    }

    /// Tries a picture on a link that seems to carry none.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_try_picture(&self) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::TryPicture).await
    }

    /// Asks the other side for a sharp picture: its person gives it, or does not.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_ask_sharp(&self) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::AskSharp).await
    }

    /// Gives the sharp picture that the other side asked for, taken now; `keep` makes it one of the report's photos too.
    ///
    /// # Errors
    /// [`ErrorCode::DeviceRefused`] where the camera gives nothing; [`ErrorCode::Offline`] where the call cannot carry it
    /// and it is not to be kept; [`ErrorCode::NotFound`] where the report is not on this device.
    pub async fn visit_give_sharp(&self, keep: bool) -> Result<VisitView, ClientError> {
        self.give_sharp(keep).await?;
        self.visit().await
    }

    /// Does not give it.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_refuse_sharp(&self) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::AnswerSharp(SharpAnswer::Declined))
            .await
    }

    /// Asks the other side to call by telephone.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_call_me(&self) -> Result<VisitView, ClientError> {
        self.visit_input(VisitInput::CallMe).await
    }

    /// Writes a line to the other side.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for an empty or very long line.
    pub async fn visit_text(&self, text: String) -> Result<VisitView, ClientError> {
        let text = typed(&text);
        if text.trim().is_empty() || text.len() > 2000 {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        self.visit_input(VisitInput::Text(text)).await
    }

    /// Shows the other side the line as it is typed now. Nothing of it is kept anywhere: a line is what is sent.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a very long line.
    pub async fn visit_typing(&self, text: String) -> Result<(), ClientError> {
        if text.len() > 2000 {
            return Err(ClientError::new(ErrorCode::Invalid));
        }
        self.ask(async move |engine: &mut Engine| {
            engine.visit_typing(text);
            Ok(())
        })
        .await
    }

    /// All figures of the running call; `None` while there is none.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_stats(&self) -> Result<Option<CallStats>, ClientError> {
        self.ask(async |engine: &mut Engine| Ok(engine.visit.stats.clone()))
            .await
    }

    /// The far side's sound as it is played: 48 kHz mono, 20 ms a block; `None` while there is no call.
    ///
    /// # Errors
    /// The client is closing.
    pub async fn visit_audio(&self) -> Result<Option<broadcast::Receiver<Arc<[i16]>>>, ClientError> {
        self.ask(async |engine: &mut Engine| Ok(engine.visit.call.as_ref().map(|call| call.remote_audio())))
            .await
    }

    async fn visit_input(&self, input: VisitInput) -> Result<VisitView, ClientError> {
        self.ask(async move |engine: &mut Engine| {
            engine.visit_input(input);
            Ok(engine.visit.view())
        })
        .await
    }
}
