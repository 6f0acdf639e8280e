//! Call signalling: one resumable WebSocket `GET /signal`, and its long-poll twin `POST /signal/poll`.
//!
//! Both carry [`Frame`]s. Each side numbers its messages from 1 and keeps them until acknowledged, so a
//! new connection that says [`ToServer::Hello`] with `resume` continues without loss or repetition.

use serde::{Deserialize, Serialize};

/// A numbered message, or a bare acknowledgement (`seq` 0, no message).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame<M> {
    /// Number of this message in its direction, from 1; 0 with no message.
    pub seq: u64,
    /// Highest number received from the other side.
    pub ack: u64,
    /// The message.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub message: Option<M>,
}

fn none<M>() -> Option<M> {
    None
}

/// Body of `POST /signal/poll`; the answer is `{"session": …, "frames": [Frame<ToClient>]}` within 25 s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WirePoll {
    /// Signalling session; `None` starts one.
    pub session: Option<String>,
    /// Messages to the server, may be empty.
    pub frames: Vec<Frame<ToServer>>,
}

/// Answer of `POST /signal/poll`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WirePolled {
    /// Signalling session.
    pub session: String,
    /// Messages to the client.
    pub frames: Vec<Frame<ToClient>>,
}

/// Client to server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToServer {
    /// First message of a connection. `session` resumes.
    Hello {
        /// Device id.
        device: String,
        /// Session to resume.
        session: Option<String>,
    },
    /// The client's link, for the queue's signal column; every 15 s while connected.
    Link {
        /// Round trip in milliseconds.
        rtt_ms: u32,
        /// Lost share in thousandths.
        loss_permille: u32,
    },
    /// A clinician calls the patient of a claimed task. The server makes the Encounter.
    Call {
        /// Id chosen by the caller (UUID); becomes the Encounter's id.
        visit: String,
        /// Task that is answered by this visit.
        task: String,
    },
    /// The called person answers.
    Accept {
        /// Visit.
        visit: String,
    },
    /// The called person declines, or the caller gives up before the answer.
    Decline {
        /// Visit.
        visit: String,
    },
    /// SDP offer or answer, non-trickle. The caller offers after [`ToClient::Accepted`].
    Sdp {
        /// Visit.
        visit: String,
        /// `offer` or `answer`.
        kind: SdpKind,
        /// SDP text.
        sdp: String,
    },
    /// What this side sends now.
    Media {
        /// Visit.
        visit: String,
        /// All of it, each time.
        #[serde(flatten)]
        media: WireMedia,
    },
    /// Text in the call.
    Text {
        /// Visit.
        visit: String,
        /// Counts this side's lines of the visit, from 1; 0 where an older side does not count.
        #[serde(default)]
        number: u32,
        /// What was typed.
        text: String,
    },
    /// Leaves the visit for good.
    Leave {
        /// Visit.
        visit: String,
        /// Nobody left: sound and picture did not come back.
        #[serde(default)]
        lost: bool,
    },
}

/// What a side sends, and what it wishes of the other one. A state, not a change: whoever hears it twice, or only the last
/// of several, knows the same. What an older side does not say is false, or zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireMedia {
    /// Microphone off.
    pub muted: bool,
    /// Camera on.
    pub camera: bool,
    /// A synthetic device stands in.
    pub synthetic: bool,
    /// The person wants no picture either way.
    #[serde(default)]
    pub sound_only: bool,
    /// How often the person asked to see more than the link seemed to carry.
    #[serde(default)]
    pub tries: u32,
    /// How often this side came to another network since the visit began: whoever makes the offers makes one.
    #[serde(default)]
    pub moves: u32,
    /// How often the person asked the other side for a sharp picture.
    #[serde(default)]
    pub sharp_asked: u32,
    /// The newest such wish of the other side that this side answered.
    #[serde(default)]
    pub sharp_answered: u32,
    /// How it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharp_answer: Option<SharpAnswer>,
    /// The person wants to be called by telephone.
    #[serde(default)]
    pub call_me: bool,
    /// The highest number of the other side's typed lines that is shown here.
    #[serde(default)]
    pub texts_shown: u32,
}

/// What a person said who was asked for a sharp picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SharpAnswer {
    /// No.
    Declined,
    /// It goes over the call, to look at, and is not kept.
    Shown,
    /// It goes over the call, and into the report.
    Kept,
    /// The call could not carry it: it goes into the report alone, and comes later.
    Later,
}

impl Default for WireMedia {
    /// As a call begins.
    fn default() -> Self {
        Self {
            muted: false,
            camera: true,
            synthetic: false,
            sound_only: false,
            tries: 0,
            moves: 0,
            sharp_asked: 0,
            sharp_answered: 0,
            sharp_answer: None,
            call_me: false,
            texts_shown: 0,
        }
    }
}

/// Offer or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SdpKind {
    /// Offer.
    Offer,
    /// Answer.
    Answer,
}

/// Server to client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToClient {
    /// Answer to hello.
    Welcome {
        /// Session to resume with.
        session: String,
        /// True if it continued an earlier one.
        resumed: bool,
        /// Relay with short-lived credentials.
        turn: Vec<WireTurn>,
    },
    /// Something in the caller's scope changed: sync now. A hint; the cursor is the truth.
    Changed {
        /// Resource types that changed.
        types: Vec<String>,
    },
    /// Someone calls you.
    Ring {
        /// Visit.
        visit: String,
        /// Name and role of the caller.
        from: String,
        /// Task that the visit answers.
        task: String,
    },
    /// The called device is ringing now (`true`) or not connected (`false`: Task and notice were made).
    Ringing {
        /// Visit.
        visit: String,
        /// Whether any device of the person is connected.
        connected: bool,
    },
    /// The called person answered; both get fresh relay credentials.
    Accepted {
        /// Visit.
        visit: String,
        /// Relay.
        turn: Vec<WireTurn>,
    },
    /// SDP from the other side.
    Sdp {
        /// Visit.
        visit: String,
        /// Offer or answer.
        kind: SdpKind,
        /// SDP text.
        sdp: String,
    },
    /// What the other side sends now.
    Media {
        /// Visit.
        visit: String,
        /// All of it, each time.
        #[serde(flatten)]
        media: WireMedia,
    },
    /// Text from the other side.
    Text {
        /// Visit.
        visit: String,
        /// Counts this side's lines of the visit, from 1; 0 where an older side does not count.
        #[serde(default)]
        number: u32,
        /// What was typed.
        text: String,
    },
    /// The other side's connection to the server is lost (`false`) or back (`true`).
    Peer {
        /// Visit.
        visit: String,
        /// Connected.
        connected: bool,
    },
    /// The visit ended.
    Ended {
        /// Visit.
        visit: String,
        /// Why.
        why: EndedWhy,
    },
    /// A request could not be done; `what` names the message type.
    Refused {
        /// Message type.
        what: String,
        /// Code: `not_yours`, `already_in_a_call`, `unknown_visit`, `bad_message`.
        code: String,
    },
}

/// Why a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum EndedWhy {
    /// Somebody left.
    Left,
    /// Declined.
    Declined,
    /// No answer in 45 s: now in the call-back list.
    NoAnswer,
    /// The caller gave up.
    Cancelled,
    /// One side was away for over 5 minutes.
    Lost,
}

/// One relay address with short-lived credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireTurn {
    /// `turn:host:port?transport=udp` or `tcp`.
    pub url: String,
    /// User name: expiry and account.
    pub username: String,
    /// HMAC of the user name.
    pub credential: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_side_says_of_its_media_is_read() {
        let old = r#"{"type":"media","visit":"v","muted":true,"camera":false,"synthetic":false}"#;
        let media = WireMedia {
            muted: true,
            camera: false,
            ..WireMedia::default()
        };

        let read = serde_json::from_str::<ToServer>(old).expect("an older side's message");
        assert_eq!(
            read,
            ToServer::Media {
                visit: "v".into(),
                media
            }
        );
        let again = serde_json::to_string(&read).expect("json");
        assert_eq!(serde_json::from_str::<ToServer>(&again).expect("message"), read);
    }

    #[test]
    fn a_frame_reads_back_and_a_bare_ack_has_no_message() {
        let frame = Frame {
            seq: 3,
            ack: 2,
            message: Some(ToServer::Accept { visit: "v1".into() }),
        };
        let text = serde_json::to_string(&frame).expect("json");
        assert_eq!(
            text,
            r#"{"seq":3,"ack":2,"message":{"type":"accept","visit":"v1"}}"#
        );
        assert_eq!(
            serde_json::from_str::<Frame<ToServer>>(&text).expect("frame"),
            frame
        );

        let ack: Frame<ToClient> = serde_json::from_str(r#"{"seq":0,"ack":9}"#).expect("ack");
        assert_eq!(ack.message, None);
    }
}
