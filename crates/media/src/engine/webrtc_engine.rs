//! [`CallEngine`] over the `webrtc` crate: its sans-IO core (`rtc`), which its own async face drives too.
//!
//! Not the default: see the ADR on the call engine. Its own controller is replaced: the far side's receipts go to the
//! call's estimate, and its pacer, one queue for sound and pictures, is given a rate at which nothing waits in it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc::interceptor::{
    Attribute, BandwidthEstimator, Interceptor, Packet, PacketReport, Slot, StreamInfo, TaggedPacket,
};
use rtc::media::io::sample_builder::SampleBuilder;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8};
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, CandidateRelayConfig, RTCDtlsTransportState,
};
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtp::codec::vp8::Vp8Packet;
use rtc::rtp::packetizer::{new_packetizer, Packetizer};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use webrtc::media_stream::{MediaStreamTrack, MediaStreamTrackId};
use webrtc::peer_connection::{
    configure_congestion_control, register_default_interceptors, CongestionFeedback, MediaEngine,
    RTCConfigurationBuilder, RTCIceCandidate, RTCIceConnectionState, RTCPeerConnection,
    RTCPeerConnectionEvent, RTCPeerConnectionState, RTCSessionDescription, RTCTrackEvent, Registry,
    SettingEngineBuilder,
};
use webrtc::rtp_transceiver::{RTCRtpReceiverId, RTCRtpSenderId};

use super::{CallEngine, Datagram, EngineEvent, EngineOutput, LocalAddress, PathFigures};
use crate::rate::Receipt;
use crate::EngineError;

const OPUS_PAYLOAD: u8 = 111;
const VP8_PAYLOAD: u8 = 96;
const MTU: usize = 1150;
/// What its pacer is told, in bit/s: more than any call sends.
const UNPACED_BPS: f64 = 20_000_000.0;
const FIGURES_EVERY: Duration = Duration::from_millis(500);
/// Packets that wait for those before them.
const PICTURE_PACKETS: u16 = 256;

/// A call engine on `webrtc`'s core.
pub struct WebrtcEngine {
    peer: RTCPeerConnection,
    outputs: VecDeque<EngineOutput>,
    locals: Vec<RTCIceCandidate>,
    sending: [Option<Sending>; 2],
    receiving: Vec<Receiving>,
    pictures: SampleBuilder<Vp8Packet>,
    clock: Unwrapped,
    receipts: Receipts,
    figures: PathFigures,
    figures_due: Instant,
    deadline: Instant,
    connected: bool,
    closed: bool,
}

struct Sending {
    id: RTCRtpSenderId,
    packetizer: Box<dyn Packetizer>,
    ssrc: u32,
}

struct Receiving {
    track: MediaStreamTrackId,
    receiver: RTCRtpReceiverId,
    ssrc: u32,
    kind: RtpCodecKind,
}

impl WebrtcEngine {
    /// Makes an engine.
    ///
    /// # Errors
    /// If the crate refuses its own configuration.
    pub fn new(now: Instant) -> Result<Self, EngineError> {
        let receipts = Receipts::default();
        let peer = build(now, Arc::clone(&receipts)).map_err(|_| EngineError::Broken)?;
        let mut engine = Self {
            peer,
            outputs: VecDeque::new(),
            locals: Vec::new(),
            sending: [None, None],
            receiving: Vec::new(),
            pictures: SampleBuilder::new(PICTURE_PACKETS, Vp8Packet::default(), 90_000),
            clock: Unwrapped::default(),
            receipts,
            figures: PathFigures::default(),
            figures_due: now,
            deadline: now,
            connected: false,
            closed: false,
        };
        let sound = engine.add_line(now, RtpCodecKind::Audio)?;
        let picture = engine.add_line(now, RtpCodecKind::Video)?;
        engine.sending = [Some(sound), Some(picture)];
        Ok(engine)
    }

    fn add_line(&mut self, now: Instant, kind: RtpCodecKind) -> Result<Sending, EngineError> {
        let codec = codec_of(kind);
        // Any number will do that differs between the lines of a call.
        let ssrc = 0x4000_0000 | (uuid_bits() & 0x3fff_ffff);
        let name = if kind == RtpCodecKind::Audio {
            "sound"
        } else {
            "picture"
        };
        let track = MediaStreamTrack::new(
            "call".into(),
            name.into(),
            name.into(),
            kind,
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters {
                    ssrc: Some(ssrc),
                    ..Default::default()
                },
                codec: codec.rtp_codec.clone(),
                ..Default::default()
            }],
        );
        let id = self.peer.add_track(track).map_err(|_| EngineError::Negotiate)?;
        let packetizer = new_packetizer(
            now,
            MTU,
            codec.payload_type,
            ssrc,
            codec.rtp_codec.payloader().map_err(|_| EngineError::Negotiate)?,
            Box::new(rtc::rtp::sequence::new_random_sequencer()),
            codec.rtp_codec.clock_rate,
        );
        Ok(Sending {
            id,
            packetizer: Box::new(packetizer),
            ssrc,
        })
    }

    fn add_locals(&mut self) -> Result<(), EngineError> {
        for candidate in &self.locals {
            let init = candidate.to_json().map_err(|_| EngineError::Candidate)?;
            self.peer
                .add_local_candidate(init)
                .map_err(|_| EngineError::Candidate)?;
        }
        Ok(())
    }

    fn offer_with(&mut self, now: Instant, restart: bool) -> Result<String, EngineError> {
        let options = restart.then_some(RTCOfferOptions { ice_restart: true });
        let offer = self
            .peer
            .create_offer(options)
            .map_err(|_| EngineError::Negotiate)?;
        self.peer
            .set_local_description(now, offer)
            .map_err(|_| EngineError::Negotiate)?;
        self.add_locals()?;
        self.described(now)
    }

    fn described(&mut self, now: Instant) -> Result<String, EngineError> {
        let described = self.peer.local_description().ok_or(EngineError::Negotiate)?;
        self.drain(now);
        Ok(described.sdp)
    }

    fn drain(&mut self, now: Instant) {
        while let Some(packet) = self.peer.poll_write() {
            self.figures.bytes_out += packet.message.len() as u64;
            self.figures.local = Some(packet.transport.local_addr);
            self.outputs.push_back(EngineOutput::Send(Datagram {
                source: packet.transport.local_addr,
                destination: packet.transport.peer_addr,
                bytes: packet.message.to_vec(),
            }));
        }
        while let Some(event) = self.peer.poll_event() {
            self.take_event(event);
        }
        while let Some(message) = self.peer.poll_read() {
            self.take_message(now, message);
        }
        // The far side's goodbye changes this state and makes no event.
        if self.connected && self.handshake() == Some(RTCDtlsTransportState::Closed) {
            self.tell_closed();
        }
        let receipts = std::mem::take(&mut *self.receipts.lock().unwrap_or_else(PoisonError::into_inner));
        if !receipts.is_empty() {
            self.tell(EngineEvent::Receipts(receipts));
        }
        if now >= self.figures_due {
            self.figures_due = now + FIGURES_EVERY;
            if self.connected {
                self.tell(EngineEvent::Path(self.figures));
            }
        }
        let due = self
            .peer
            .poll_timeout()
            .unwrap_or(self.figures_due)
            .min(self.figures_due);
        self.deadline = due.max(now + Duration::from_millis(1));
    }

    fn handshake(&mut self) -> Option<RTCDtlsTransportState> {
        let id = self.sending.iter().flatten().next()?.id;
        let sender = self.peer.rtp_sender(id)?;
        Some(sender.transport()?.state())
    }

    fn tell(&mut self, event: EngineEvent) {
        self.outputs.push_back(EngineOutput::Event(event));
    }

    fn take_event(&mut self, event: RTCPeerConnectionEvent) {
        match event {
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(RTCPeerConnectionState::Connected) => {
                if self.connected {
                    self.tell(EngineEvent::PathBack);
                } else {
                    self.connected = true;
                    self.tell(EngineEvent::Connected);
                }
            }
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(RTCPeerConnectionState::Closed) => {
                self.tell_closed();
            }
            RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(
                RTCIceConnectionState::Disconnected | RTCIceConnectionState::Failed,
            ) => self.tell(EngineEvent::PathLost),
            RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(init)) => {
                let kind = self
                    .peer
                    .rtp_receiver(init.receiver_id)
                    .map(|receiver| receiver.track().kind());
                if let Some(kind) = kind {
                    self.receiving.push(Receiving {
                        track: init.track_id,
                        receiver: init.receiver_id,
                        ssrc: init.ssrc,
                        kind,
                    });
                }
            }
            _ => {}
        }
    }

    fn tell_closed(&mut self) {
        if !self.closed {
            self.closed = true;
            self.tell(EngineEvent::Closed);
        }
    }

    fn take_message(&mut self, now: Instant, message: TaggedRTCMessage) {
        match message.message {
            RTCMessage::RtpPacket(track, packet) => {
                let kind = self
                    .receiving
                    .iter()
                    .find(|known| known.track == track)
                    .map(|known| known.kind);
                match kind {
                    Some(RtpCodecKind::Audio) if !packet.payload.is_empty() => {
                        let at = self.clock.unwrap(packet.header.timestamp);
                        self.tell(EngineEvent::Audio {
                            at,
                            packet: packet.payload.to_vec().into(),
                        });
                    }
                    Some(RtpCodecKind::Video) => {
                        self.pictures.push(now, packet);
                        while let Some(sample) = self.pictures.pop(now) {
                            let lost = sample
                                .prev_dropped_packets
                                .saturating_sub(sample.prev_padding_packets);
                            self.tell(EngineEvent::Video {
                                at: sample.packet_timestamp.into(),
                                frame: sample.data.to_vec().into(),
                                contiguous: lost == 0,
                            });
                        }
                    }
                    Some(_) | None => {}
                }
            }
            RTCMessage::RtcpPacket(_, packets) => {
                for packet in packets {
                    let packet = packet.as_any();
                    if packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>() {
                        self.tell(EngineEvent::KeyFrameWanted);
                    } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                        let sound = self.sending[0].as_ref().map(|sending| sending.ssrc);
                        let lost = report.reports.iter().find(|one| Some(one.ssrc) == sound);
                        if let Some(lost) = lost.map(|one| f32::from(one.fraction_lost) / 256.0) {
                            self.tell(EngineEvent::Loss(lost));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn send(&mut self, now: Instant, line: usize, at: u64, bytes: Vec<u8>) {
        if !self.connected {
            return;
        }
        if let Some(Some(sending)) = self.sending.get_mut(line) {
            // The packetizer counts time by itself; each packet is given the caller's instead.
            for mut packet in sending
                .packetizer
                .packetize(now, &Bytes::from(bytes), 0)
                .unwrap_or_default()
            {
                packet.header.timestamp = at as u32;
                packet.header.ssrc = sending.ssrc;
                if let Some(mut sender) = self.peer.rtp_sender(sending.id) {
                    // Refused while the far side does not take this line: nothing to do about it.
                    let _ = sender.write_rtp(now, packet);
                }
            }
        }
        self.drain(now);
    }
}

impl CallEngine for WebrtcEngine {
    fn add_local(&mut self, address: LocalAddress) -> Result<(), EngineError> {
        let base_config = |at: SocketAddr| CandidateConfig {
            network: "udp".into(),
            address: at.ip().to_string(),
            port: at.port(),
            component: 1,
            ..Default::default()
        };
        let candidate = match address {
            LocalAddress::Host(at) => CandidateHostConfig {
                base_config: base_config(at),
                ..Default::default()
            }
            .new_candidate_host(),
            LocalAddress::Relay(at) => CandidateRelayConfig {
                base_config: base_config(at),
                rel_addr: at.ip().to_string(),
                rel_port: at.port(),
                url: None,
            }
            .new_candidate_relay(),
        };
        self.locals.push(RTCIceCandidate::from(
            &candidate.map_err(|_| EngineError::Candidate)?,
        ));
        Ok(())
    }

    fn offer(&mut self, now: Instant) -> Result<String, EngineError> {
        self.offer_with(now, false)
    }

    fn accept_offer(&mut self, now: Instant, sdp: &str) -> Result<String, EngineError> {
        let offer = RTCSessionDescription::offer(sdp.into()).map_err(|_| EngineError::Description)?;
        self.peer
            .set_remote_description(now, offer)
            .map_err(|_| EngineError::Negotiate)?;
        self.add_locals()?;
        let answer = self
            .peer
            .create_answer(None)
            .map_err(|_| EngineError::Negotiate)?;
        self.peer
            .set_local_description(now, answer)
            .map_err(|_| EngineError::Negotiate)?;
        self.described(now)
    }

    fn accept_answer(&mut self, now: Instant, sdp: &str) -> Result<(), EngineError> {
        let answer = RTCSessionDescription::answer(sdp.into()).map_err(|_| EngineError::Description)?;
        let accepted = self.peer.set_remote_description(now, answer);
        self.drain(now);
        accepted.map_err(|_| EngineError::Negotiate)
    }

    fn restart_ice(&mut self, now: Instant) -> Result<String, EngineError> {
        self.offer_with(now, true)
    }

    fn send_audio(&mut self, now: Instant, at: u64, packet: Vec<u8>) {
        self.send(now, 0, at, packet);
    }

    fn send_video(&mut self, now: Instant, at: u64, frame: Vec<u8>) {
        self.send(now, 1, at, frame);
    }

    fn request_key_frame(&mut self, now: Instant) {
        let pictures = self
            .receiving
            .iter()
            .find(|known| known.kind == RtpCodecKind::Video);
        if let Some((receiver, media_ssrc)) = pictures.map(|known| (known.receiver, known.ssrc)) {
            if let Some(mut receiver) = self.peer.rtp_receiver(receiver) {
                let request = PictureLossIndication {
                    sender_ssrc: 0,
                    media_ssrc,
                };
                let _ = receiver.write_rtcp(now, vec![Box::new(request)]);
            }
        }
        self.drain(now);
    }

    fn send_data(&mut self, _now: Instant, _message: &[u8]) -> bool {
        // No channel is offered: stills go as pictures, words through the server.
        false
    }

    fn set_doubled(&mut self, _doubled: bool) {
        // It knows no RFC 2198.
    }

    fn receive(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        self.figures.bytes_in += bytes.len() as u64;
        // Refused packets are noise of the network.
        let _ = self.peer.handle_read(TaggedBytesMut {
            now,
            transport: TransportContext {
                local_addr: destination,
                peer_addr: source,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: BytesMut::from(bytes),
        });
        self.drain(now);
    }

    fn tick(&mut self, now: Instant) {
        if self.peer.handle_timeout(now).is_err() {
            tracing::warn!("The webrtc engine could not go on");
            self.tell_closed();
        }
        self.drain(now);
    }

    fn close(&mut self, now: Instant) {
        self.closed = true;
        let _ = self.peer.close();
        self.drain(now);
    }

    fn poll(&mut self) -> Option<EngineOutput> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

fn build(now: Instant, receipts: Receipts) -> Result<RTCPeerConnection, Error> {
    let mut media = MediaEngine::default();
    for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
        media.register_codec(codec_of(kind), kind)?;
    }
    // Before congestion control, or its feedback would be swallowed (measured).
    let registry = Registry::new().with(Slot::from(14_000), HandOverRtcp::default());
    let estimator = HandOverReceipts { receipts, zero: now };
    let registry = configure_congestion_control(registry, estimator, CongestionFeedback::Twcc, &mut media)?;
    let registry = register_default_interceptors(registry, &mut media)?;
    RTCPeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_setting_engine(
            SettingEngineBuilder::new()
                .with_include_loopback_candidate(true)
                .build(),
        )
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .build(now)
}

fn codec_of(kind: RtpCodecKind) -> RTCRtpCodecParameters {
    let feedback = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(typ, parameter)| RTCPFeedback {
                typ: (*typ).into(),
                parameter: (*parameter).into(),
            })
            .collect()
    };
    match kind {
        RtpCodecKind::Audio => RTCRtpCodecParameters {
            rtp_codec: RTCRtpCodec {
                mime_type: MIME_TYPE_OPUS.into(),
                clock_rate: 48_000,
                channels: 2,
                sdp_fmtp_line: "minptime=10;useinbandfec=1".into(),
                rtcp_feedback: vec![],
            },
            payload_type: OPUS_PAYLOAD,
        },
        _ => RTCRtpCodecParameters {
            rtp_codec: RTCRtpCodec {
                mime_type: MIME_TYPE_VP8.into(),
                clock_rate: 90_000,
                channels: 0,
                sdp_fmtp_line: String::new(),
                rtcp_feedback: feedback(&[("nack", ""), ("nack", "pli"), ("ccm", "fir")]),
            },
            payload_type: VP8_PAYLOAD,
        },
    }
}

/// 32 bits that differ from call to call.
fn uuid_bits() -> u32 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish() as u32
}

/// RTP time without its wrap at 2^32.
#[derive(Default)]
struct Unwrapped(Option<u64>);

impl Unwrapped {
    fn unwrap(&mut self, time: u32) -> u64 {
        let whole = match self.0 {
            // One wrap up, so that a packet from before the first does not fall below zero.
            None => (1 << 32) + u64::from(time),
            Some(last) => last.wrapping_add_signed(i64::from(time.wrapping_sub(last as u32) as i32)),
        };
        self.0 = Some(whole);
        whole
    }
}

/// What the far side has said of packets since the engine last looked.
type Receipts = Arc<Mutex<Vec<Receipt>>>;

/// In the place of an estimator: hands the far side's receipts over.
struct HandOverReceipts {
    receipts: Receipts,
    /// Zero of the far side's clock: any moment will do.
    zero: Instant,
}

impl BandwidthEstimator for HandOverReceipts {
    fn on_reports(&mut self, _now: Instant, reports: &[PacketReport]) {
        let said = reports
            .iter()
            .filter(|report| report.is_twcc)
            .map(|report| Receipt {
                number: report.twcc_sequence_number.into(),
                came: report
                    .arrival
                    .filter(|_| report.arrived)
                    .map(|arrival| self.zero + arrival),
            });
        self.receipts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(said);
    }

    fn target_bitrate(&self) -> f64 {
        UNPACED_BPS
    }
}

/// Lets the far side's reports and requests through to the engine; the chain keeps them otherwise.
#[derive(Default)]
struct HandOverRtcp {
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for HandOverRtcp {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if matches!(packet.message.packet, Packet::Rtcp(_)) {
            packet.message.add(Attribute::DeliverToApplication);
        }
        self.read.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }
}

impl Interceptor for HandOverRtcp {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{self, goodbye_is_heard, nonsense_is_refused, two_sides_talk};
    use super::*;
    use crate::engine::Str0mEngine;

    fn webrtc(now: Instant) -> Box<dyn CallEngine> {
        Box::new(WebrtcEngine::new(now).unwrap())
    }

    #[test]
    fn sound_and_picture_go_both_ways_and_goodbye_is_heard() {
        goodbye_is_heard(two_sides_talk(&|now, _| webrtc(now)));
    }

    #[test]
    fn the_two_engines_understand_each_other() {
        for calling in 0..2 {
            two_sides_talk(&|now, side| {
                if side == calling {
                    webrtc(now)
                } else {
                    Box::new(Str0mEngine::new(now))
                }
            });
        }
    }

    #[test]
    #[ignore = "fails: beside pictures of 20 kB five of twenty packets of sound were gone (docs/adr/0002)"]
    fn datagrams_stay_short() {
        conformance::datagrams_stay_short(&|now, _| webrtc(now));
    }

    #[test]
    fn a_handshake_survives_losses() {
        conformance::a_handshake_survives_losses(&|now, _| webrtc(now));
    }

    #[test]
    fn ipv6_alone_is_enough() {
        conformance::ipv6_alone_is_enough(&|now, _| webrtc(now));
    }

    #[test]
    #[ignore = "fails: an offer is refused while an own one is open (docs/adr/0002)"]
    fn paths_are_found_anew() {
        conformance::paths_are_found_anew(&|now, _| webrtc(now));
    }

    #[test]
    fn nonsense_harms_nothing() {
        let now = Instant::now();
        nonsense_is_refused(webrtc(now), now);
    }

    #[test]
    fn media_time_goes_on_over_its_wrap() {
        let mut clock = Unwrapped::default();

        let first = clock.unwrap(u32::MAX - 100);

        assert_eq!(clock.unwrap(2779), first + 2880);
        assert_eq!(clock.unwrap(u32::MAX - 100), first);
    }
}
