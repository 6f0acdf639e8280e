//! [`CallEngine`] over `str0m`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::config::DtlsVersion;
use str0m::crypto::CryptoProvider;
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, KeyframeRequestKind, MediaData, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::rtcp::{Rtcp, Twcc};
use str0m::rtp::RawPacket;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig, RtcError};

use super::{CallEngine, Datagram, EngineEvent, EngineOutput, LocalAddress, PathFigures};
use crate::rate::Receipt;
use crate::EngineError;

/// The far side names packets by 16 bits; the call unwraps them, and only must not go below zero here.
const FIRST_ROUND: u64 = 0x1_0000;
/// A path check without an answer is sent again after this, then after twice as long each time …
const FIRST_CHECK: Duration = Duration::from_millis(150);
/// … up to this; also the pace of checks on a path that works.
const NEXT_CHECK: Duration = Duration::from_millis(800);

/// A call engine on `str0m`.
///
/// `str0m` wants to be polled until it names a timeout after every single change. Each method here does so
/// before it returns, so that no caller can forget it; the outputs wait in a queue.
pub struct Str0mEngine {
    rtc: Rtc,
    outputs: VecDeque<EngineOutput>,
    deadline: Instant,
    pending: Option<SdpPendingOffer>,
    audio: Option<Mid>,
    video: Option<Mid>,
    channel: Option<ChannelId>,
    doubled: bool,
    /// Zero of the far side's clock: any moment will do.
    zero: Instant,
    /// Was an offer made or taken?
    described: bool,
    closed: bool,
}

/// The one channel beside sound and picture; both sides know its number, so that nobody has to announce it.
fn channel() -> ChannelConfig {
    ChannelConfig {
        label: "beside".into(),
        negotiated: Some(0),
        ..ChannelConfig::default()
    }
}

impl Str0mEngine {
    /// Makes an engine.
    pub fn new(now: Instant) -> Self {
        Self::with(now, crate::crypto::provider())
    }

    /// Makes an engine that uses these ciphers.
    pub(crate) fn with(now: Instant, ciphers: CryptoProvider) -> Self {
        let mut config = RtcConfig::new();
        // On a link of 800 ms that loses every fifth packet the ready-made pace took ten seconds to find a path.
        config.set_initial_stun_rto(FIRST_CHECK);
        config.set_max_stun_rto(NEXT_CHECK);
        let rtc = config
            .set_crypto_provider(Arc::new(ciphers))
            // 1.3 spares a round trip; who only knows 1.2 gets that.
            .set_dtls_version(DtlsVersion::Auto)
            // The channel's own handshake goes along in the descriptions: two round trips less.
            .set_snap_enabled(true)
            .clear_codecs()
            .enable_opus(true, true)
            .enable_vp8(true)
            // The far side's receipts go to the call's own estimate (`rate`): the ready-made one fills a thin link with
            // padding and cannot be told not to.
            .enable_raw_packets(true)
            .set_stats_interval(Some(Duration::from_millis(500)))
            .set_rtcp_report_interval_audio(Duration::from_secs(1))
            // The default holds 15 packets back for order; the jitter buffer does that better.
            .set_reordering_size_audio(0)
            .build(now);
        Self {
            rtc,
            outputs: VecDeque::new(),
            deadline: now,
            pending: None,
            audio: None,
            video: None,
            channel: None,
            doubled: false,
            zero: now,
            described: false,
            closed: false,
        }
    }

    /// Polls until `str0m` names its next timeout.
    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.deadline = at;
                    break;
                }
                Ok(Output::Transmit(packet)) => self.outputs.push_back(EngineOutput::Send(Datagram {
                    source: packet.source,
                    destination: packet.destination,
                    bytes: packet.contents.to_vec(),
                })),
                Ok(Output::Event(event)) => self.take(event),
                Err(error) => {
                    self.broke(&error);
                    break;
                }
            }
        }
        if !self.rtc.is_alive() {
            self.tell_closed();
        }
    }

    fn take(&mut self, event: Event) {
        let told = match event {
            Event::Connected => EngineEvent::Connected,
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => EngineEvent::PathLost,
            Event::IceConnectionStateChange(state) if state.is_connected() => EngineEvent::PathBack,
            Event::MediaAdded(added) => {
                match added.kind {
                    MediaKind::Audio => {
                        self.audio = self.audio.or(Some(added.mid));
                        self.apply_doubled();
                    }
                    MediaKind::Video => self.video = self.video.or(Some(added.mid)),
                }
                return;
            }
            Event::MediaData(data) => match received(data) {
                Some(told) => told,
                None => return,
            },
            Event::KeyframeRequest(_) => EngineEvent::KeyFrameWanted,
            Event::RawPacket(packet) => match *packet {
                RawPacket::RtcpRx(Rtcp::Twcc(feedback)) => self.receipts(feedback),
                _ => return,
            },
            Event::PeerStats(stats) => EngineEvent::Path(PathFigures {
                rtt: stats
                    .selected_candidate_pair
                    .as_ref()
                    .and_then(|pair| pair.current_round_trip_time)
                    .or(stats.rtt),
                bytes_in: stats.peer_bytes_rx,
                bytes_out: stats.peer_bytes_tx,
                local: stats.selected_candidate_pair.map(|pair| pair.local.addr),
            }),
            // The sound's report, because it flows on every rung; the peer-wide figure looks back one second
            // only and is empty on long round trips.
            Event::MediaEgressStats(stats) if Some(stats.mid) == self.audio => match stats.loss {
                Some(loss) => EngineEvent::Loss(loss),
                None => return,
            },
            Event::ChannelOpen(id, _) => {
                self.channel = Some(id);
                EngineEvent::DataOpen
            }
            Event::ChannelData(data) => EngineEvent::Data(data.data),
            Event::Closed => {
                self.tell_closed();
                return;
            }
            _ => return,
        };
        self.outputs.push_back(EngineOutput::Event(told));
    }

    /// Who answers learns of the line of sound only after this was set.
    fn apply_doubled(&mut self) {
        if let Some(audio) = self.audio {
            self.rtc.direct_api().set_red_send(audio, self.doubled);
        }
    }

    fn receipts(&self, feedback: Twcc) -> EngineEvent {
        let receipts = feedback.into_iter(self.zero, FIRST_ROUND.into());
        EngineEvent::Receipts(
            receipts
                .map(|(number, _, came)| Receipt {
                    number: *number,
                    came,
                })
                .collect(),
        )
    }

    fn tell_closed(&mut self) {
        if !self.closed {
            self.closed = true;
            self.outputs.push_back(EngineOutput::Event(EngineEvent::Closed));
        }
    }

    fn broke(&mut self, error: &RtcError) {
        tracing::warn!(kind = ?std::mem::discriminant(error), "The call engine stopped");
        self.rtc.disconnect();
    }

    fn write(&mut self, now: Instant, kind: MediaKind, at: MediaTime, bytes: Vec<u8>) {
        let (mid, codec) = match kind {
            MediaKind::Audio => (self.audio, Codec::Opus),
            MediaKind::Video => (self.video, Codec::Vp8),
        };
        if let Some(writer) = mid.and_then(|mid| self.rtc.writer(mid)) {
            let pt = writer
                .payload_params()
                .find(|params| params.spec().codec == codec)
                .map(|p| p.pt());
            if let Some(pt) = pt {
                // Refused only when the far side does not take this kind now: nothing to do about it.
                let _ = writer.write(pt, now, at, bytes);
            }
        }
        self.drain();
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(error) = self.rtc.handle_input(input) {
            self.broke(&error);
        }
        self.drain();
    }
}

impl CallEngine for Str0mEngine {
    fn add_local(&mut self, address: LocalAddress) -> Result<(), EngineError> {
        let candidate = match address {
            LocalAddress::Host(at) => Candidate::host(at, Protocol::Udp),
            // The relayed address is its own base: packets for it leave with it as source, and whoever drives
            // the engine then hands them to the relay.
            LocalAddress::Relay(at) => Candidate::relayed(at, at, Protocol::Udp),
        }
        .map_err(|_| EngineError::Candidate)?;
        self.rtc.add_local_candidate(candidate);
        self.drain();
        Ok(())
    }

    fn offer(&mut self, _now: Instant) -> Result<String, EngineError> {
        // A second one would add lines to those that are there.
        if std::mem::replace(&mut self.described, true) {
            return Err(EngineError::Negotiate);
        }
        let mut changes = self.rtc.sdp_api();
        self.audio = Some(changes.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
        self.video = Some(changes.add_media(MediaKind::Video, Direction::SendRecv, None, None, None));
        changes.add_channel_with_config(channel());
        let (offer, pending) = changes.apply().ok_or(EngineError::Negotiate)?;
        self.pending = Some(pending);
        self.drain();
        Ok(offer.to_sdp_string())
    }

    fn accept_offer(&mut self, _now: Instant, sdp: &str) -> Result<String, EngineError> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|_| EngineError::Description)?;
        let answer = self.rtc.sdp_api().accept_offer(offer);
        self.described |= answer.is_ok();
        self.pending = None;
        if self.channel.is_none() && sdp.contains("m=application") {
            self.channel = Some(self.rtc.direct_api().create_data_channel(channel()));
        }
        self.drain();
        Ok(answer.map_err(|_| EngineError::Negotiate)?.to_sdp_string())
    }

    fn accept_answer(&mut self, _now: Instant, sdp: &str) -> Result<(), EngineError> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|_| EngineError::Description)?;
        let pending = self.pending.take().ok_or(EngineError::NoOffer)?;
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        self.drain();
        accepted.map_err(|_| EngineError::Negotiate)
    }

    fn restart_ice(&mut self, _now: Instant) -> Result<String, EngineError> {
        let mut changes = self.rtc.sdp_api();
        changes.ice_restart(true);
        let (offer, pending) = changes.apply().ok_or(EngineError::Negotiate)?;
        self.pending = Some(pending);
        self.drain();
        Ok(offer.to_sdp_string())
    }

    fn set_doubled(&mut self, doubled: bool) {
        self.doubled = doubled;
        self.apply_doubled();
        self.drain();
    }

    fn send_audio(&mut self, now: Instant, at: u64, packet: Vec<u8>) {
        self.write(
            now,
            MediaKind::Audio,
            MediaTime::new(at, Frequency::FORTY_EIGHT_KHZ),
            packet,
        );
    }

    fn send_video(&mut self, now: Instant, at: u64, frame: Vec<u8>) {
        self.write(now, MediaKind::Video, MediaTime::from_90khz(at), frame);
    }

    fn request_key_frame(&mut self, _now: Instant) {
        if let Some(mut writer) = self.video.and_then(|mid| self.rtc.writer(mid)) {
            if writer.is_request_keyframe_possible(KeyframeRequestKind::Pli) {
                // Refused only before the first packet: the next gap asks again.
                let _ = writer.request_keyframe(None, KeyframeRequestKind::Pli);
            }
        }
        self.drain();
    }

    fn send_data(&mut self, _now: Instant, message: &[u8]) -> bool {
        let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) else {
            return false;
        };
        let sent = channel.write(true, message).unwrap_or(false);
        self.drain();
        sent
    }

    fn receive(&mut self, now: Instant, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        // What is not STUN, DTLS, RTP or RTCP is noise of the network.
        if let Ok(packet) = Receive::new(Protocol::Udp, source, destination, bytes) {
            self.input(Input::Receive(now, packet));
        }
    }

    fn tick(&mut self, now: Instant) {
        self.input(Input::Timeout(now));
    }

    fn close(&mut self, now: Instant) {
        self.closed = true;
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
        self.drain();
        self.input(Input::Timeout(now));
    }

    fn poll(&mut self) -> Option<EngineOutput> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

fn received(data: MediaData) -> Option<EngineEvent> {
    match data.params.spec().codec {
        Codec::Opus => Some(EngineEvent::Audio {
            at: data.time.numer(),
            packet: data.data,
        }),
        Codec::Vp8 => Some(EngineEvent::Video {
            at: data.time.numer(),
            frame: data.data,
            contiguous: data.contiguous,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{self, goodbye_is_heard, nonsense_is_refused, two_sides_talk};
    use super::*;

    fn str0m(now: Instant, _: usize) -> Box<dyn CallEngine> {
        Box::new(Str0mEngine::new(now))
    }

    #[test]
    fn sound_and_picture_go_both_ways_and_goodbye_is_heard() {
        goodbye_is_heard(two_sides_talk(&str0m));
    }

    #[test]
    fn datagrams_stay_short() {
        conformance::datagrams_stay_short(&str0m);
    }

    #[test]
    fn a_handshake_survives_losses() {
        conformance::a_handshake_survives_losses(&str0m);
    }

    #[test]
    fn ipv6_alone_is_enough() {
        conformance::ipv6_alone_is_enough(&str0m);
    }

    #[test]
    fn another_fingerprint_is_refused() {
        conformance::another_fingerprint_is_refused(&str0m);
    }

    #[test]
    fn paths_are_found_anew() {
        conformance::paths_are_found_anew(&str0m);
    }

    #[test]
    fn a_second_first_offer_is_refused_on_both_sides() {
        let now = Instant::now();
        let (mut caller, mut called) = (Str0mEngine::new(now), Str0mEngine::new(now));
        let offer = caller.offer(now).unwrap();
        assert!(caller.offer(now).is_err());
        let answer = called.accept_offer(now, &offer).unwrap();
        caller.accept_answer(now, &answer).unwrap();

        assert!(caller.offer(now).is_err());
        assert!(called.offer(now).is_err());
        assert!(called.restart_ice(now).is_ok());
    }

    #[test]
    fn nonsense_harms_nothing() {
        let now = Instant::now();
        nonsense_is_refused(Box::new(Str0mEngine::new(now)), now);
    }
}
