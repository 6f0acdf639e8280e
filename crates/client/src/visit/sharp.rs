//! Sharp pictures in a call: this side's camera gives one when its person says so, and the far side's is taken in.

use std::sync::Arc;

use hms_core::call::visit::VisitInput;
use hms_media::{CallStats, SharpPicture};
use hms_model::view::ErrorCode;
use hms_model::wire::signal::SharpAnswer;
use uuid::Uuid;

use crate::client::{Client, Shared};
use crate::engine::Engine;
use crate::error::ClientError;
use crate::event::Tag;
use crate::picture;

/// A sharp picture that has come.
pub(crate) struct SharpFile {
    /// Names it as an attachment, in this window only.
    pub(crate) id: String,
    /// JPEG.
    pub(crate) bytes: Vec<u8>,
}

/// What sound takes of the line, in bit/s.
const SOUND_BPS: u64 = 30_000;
/// A sharp picture is to be there within this long.
const WITHIN_S: u64 = 20;
const LEAST_BYTES: u64 = 30_000;
const MOST_BYTES: u64 = 200_000;

/// How large a sharp picture may be on a line that carries so much.
fn bytes_for(stats: Option<&CallStats>) -> usize {
    let bps = stats.and_then(|stats| stats.estimate_bps).unwrap_or(0);
    let bytes = bps.saturating_sub(SOUND_BPS) * WITHIN_S / 8;
    usize::try_from(bytes.clamp(LEAST_BYTES, MOST_BYTES)).unwrap_or(0)
}

impl Client {
    /// Takes a photo with the call's camera and sends it to the side that asked for it; `keep` makes it one of the report's
    /// photos too. Nothing happens where nobody asks.
    ///
    /// # Errors
    /// [`ErrorCode::DeviceRefused`] where the camera gives nothing; [`ErrorCode::Offline`] where the call cannot carry it
    /// and it is not to be kept; [`ErrorCode::NotFound`] where the report is not on this device.
    pub(crate) async fn give_sharp(&self, keep: bool) -> Result<(), ClientError> {
        let asked = self
            .ask(async |engine: &mut Engine| {
                let number = engine.visit.machine.wants_sharp();
                if number.is_none() || engine.visit.giving == number {
                    return Ok(None);
                }
                engine.visit.giving = number;
                let at_most = bytes_for(engine.visit.stats.as_ref());
                Ok(number
                    .zip(engine.visit.call.clone())
                    .map(|(n, call)| (n, call, at_most)))
            })
            .await?;
        let Some((number, call, at_most)) = asked else {
            return Ok(());
        };
        let given = self.give(number, &call, at_most, keep).await;
        self.ask(async move |engine: &mut Engine| {
            engine.visit.giving = None;
            engine.visit_input(VisitInput::AnswerSharp(given?));
            Ok(())
        })
        .await
    }

    async fn give(
        &self,
        number: u32,
        call: &hms_media::Call,
        at_most: usize,
        keep: bool,
    ) -> Result<SharpAnswer, ClientError> {
        let refused = || ClientError::new(ErrorCode::DeviceRefused);
        let photo = call.photograph().await.ok_or_else(refused)?;
        let file = tokio::task::spawn_blocking(move || {
            picture::of_camera(photo.width, photo.height, &photo.rgba, at_most)
        })
        .await
        .map_err(ClientError::internal)?
        .map_err(|error| ClientError::caused(ErrorCode::DeviceRefused, error))?;
        let bytes = file.bytes.clone();
        if keep {
            self.act(async move |engine: &mut Engine| {
                let report = engine.visit.report();
                engine.add_file(&report, file).await
            })
            .await?;
        }
        // The number wraps where the channel's does; one wish at a time is open.
        let number = u16::try_from(number & 0xffff).unwrap_or_default();
        match (call.send_sharp(number, bytes), keep) {
            (true, true) => Ok(SharpAnswer::Kept),
            (true, false) => Ok(SharpAnswer::Shown),
            (false, true) => Ok(SharpAnswer::Later),
            (false, false) => Err(ClientError::new(ErrorCode::Offline)),
        }
    }
}

/// Decodes and encodes a picture of the far side anew before a window sees it, and keeps it for the call.
pub(super) async fn take(shared: Arc<Shared>, engine_number: u64, (_, bytes): SharpPicture) {
    let prepared = tokio::task::spawn_blocking(move || picture::prepare("image/jpeg", bytes.to_vec())).await;
    let Ok(Ok(file)) = prepared else {
        tracing::warn!("A sharp picture could not be decoded");
        return;
    };
    shared
        .tell(async move |engine: &mut Engine| {
            if engine_number == engine.visit.engine_number {
                engine.visit.sharp = Some(SharpFile {
                    id: Uuid::new_v4().to_string(),
                    bytes: file.bytes,
                });
                engine.changed(Tag::Visit);
            }
        })
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_line_gets_a_smaller_picture() {
        let on = |bps| {
            bytes_for(Some(&CallStats {
                estimate_bps: Some(bps),
                ..CallStats::default()
            }))
        };

        assert_eq!(
            (on(20_000), on(70_000), on(2_000_000)),
            (30_000, 100_000, 200_000)
        );
        assert_eq!(bytes_for(None), 30_000);
    }
}
