//! What can be read off a packet without its keys: whether it is sound, and its number for the far side's feedback.

/// The extension that numbers all packets of a call in one row.
const NUMBERING: &str = "draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// RFC 8285, 4.2: extensions with one byte of head each.
const ONE_BYTE: [u8; 2] = [0xbe, 0xde];

/// What kind of packet it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Path checks, handshakes, reports, messages: little, and everything waits for them.
    Control,
    /// Sound.
    Sound,
    /// A picture, sent for the first time or again, or filling.
    Picture,
}

/// What the descriptions say about packets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire {
    sound: Vec<u8>,
    numbering: Option<u8>,
}

impl Wire {
    /// Learns from the far side's description: what is sent bears the numbers that it names.
    pub(crate) fn learn(&mut self, sdp: &str) {
        for line in sdp.lines() {
            if let Some(sound) = line.strip_prefix("m=audio ") {
                let kinds = sound.split(' ').skip(2);
                self.sound = kinds.filter_map(|kind| kind.parse().ok()).collect();
            }
            if let Some(extension) = line
                .strip_prefix("a=extmap:")
                .filter(|line| line.contains(NUMBERING))
            {
                let number: String = extension.chars().take_while(char::is_ascii_digit).collect();
                self.numbering = number.parse().ok();
            }
        }
    }

    /// What kind of packet this is.
    pub(crate) fn kind(&self, packet: &[u8]) -> Kind {
        match packet {
            // RFC 7983: from 128 to 191 it is RTP or its reports; RFC 5761 tells the two apart.
            [128..=191, second, ..] if !(192..=223).contains(second) => {
                if self.sound.contains(&(second & 0x7f)) {
                    Kind::Sound
                } else {
                    Kind::Picture
                }
            }
            _ => Kind::Control,
        }
    }

    /// Its number in the row of all packets, if it has one.
    pub(crate) fn number(&self, packet: &[u8]) -> Option<u16> {
        let numbering = self.numbering?;
        let first = *packet.first()?;
        if first & 0x10 == 0 || self.kind(packet) == Kind::Control {
            return None;
        }
        let head = 12 + usize::from(first & 0x0f) * 4;
        let extension = packet.get(head..)?;
        if extension.get(..2)? != ONE_BYTE {
            return None;
        }
        let words = usize::from(u16::from_be_bytes(extension.get(2..4)?.try_into().ok()?));
        let mut rest = extension.get(4..4 + words * 4)?;
        while let [head, after @ ..] = rest {
            if *head == 0 {
                rest = after;
                continue;
            }
            let (id, length) = (head >> 4, usize::from(head & 0x0f) + 1);
            let value = after.get(..length)?;
            if id == numbering {
                return Some(u16::from_be_bytes(value.try_into().ok()?));
            }
            rest = after.get(length..)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> Wire {
        let mut wire = Wire::default();
        wire.learn("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n");
        wire
    }

    fn rtp(payload: u8) -> Vec<u8> {
        let mut packet = vec![0x90, payload, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        // Padding, a one-byte extension of another kind, then the number 0x1234.
        packet.extend([0xbe, 0xde, 0, 2, 0, 0x10, 9, 0x31, 0x12, 0x34, 0, 0]);
        packet.extend([7; 20]);
        packet
    }

    #[test]
    fn kinds_are_told_apart() {
        let wire = wire();

        assert_eq!(wire.kind(&rtp(111)), Kind::Sound);
        assert_eq!(wire.kind(&rtp(63 | 0x80)), Kind::Sound);
        assert_eq!(wire.kind(&rtp(96)), Kind::Picture);
        assert_eq!(wire.kind(&[0x80, 200, 0, 0]), Kind::Control);
        assert_eq!(wire.kind(&[0, 1, 0, 0]), Kind::Control);
        assert_eq!(wire.kind(&[22, 0xfe]), Kind::Control);
        assert_eq!(wire.kind(&[]), Kind::Control);
    }

    #[test]
    fn the_number_is_found_and_a_torn_packet_has_none() {
        let wire = wire();
        let packet = rtp(96);

        assert_eq!(wire.number(&packet), Some(0x1234));
        for length in 0..22 {
            assert_eq!(wire.number(&packet[..length]), None, "{length}");
        }
        assert_eq!(Wire::default().number(&packet), None);
    }
}
