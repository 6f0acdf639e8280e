//! A still picture as WebP: a VP8 key frame in a RIFF file, which every browser shows and libvpx decodes.

/// The file of a VP8 key frame.
pub fn wrap(key_frame: &[u8]) -> Vec<u8> {
    let padded = key_frame.len().next_multiple_of(2);
    let mut file = Vec::with_capacity(20 + padded);
    file.extend(b"RIFF");
    file.extend((12 + padded as u32).to_le_bytes());
    file.extend(b"WEBPVP8 ");
    file.extend((key_frame.len() as u32).to_le_bytes());
    file.extend(key_frame);
    file.resize(20 + padded, 0);
    file
}

/// The VP8 key frame of such a file; `None` if it is another kind of file.
pub fn unwrap(file: &[u8]) -> Option<&[u8]> {
    if file.get(..4)? != b"RIFF" || file.get(8..16)? != b"WEBPVP8 " {
        return None;
    }
    let length = u32::from_le_bytes(file.get(16..20)?.try_into().ok()?) as usize;
    file.get(20..)?.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Picture, Vp8Decoder, Vp8Encoder};

    #[test]
    fn a_still_comes_back_whole() {
        let picture = Picture::grey(64, 48);
        let mut encoder = Vp8Encoder::new(64, 48, 100_000).unwrap();
        let frame = encoder.encode(&picture, 0, 100, true).unwrap().unwrap();

        let file = wrap(&frame.bytes);

        assert_eq!(file.len() % 2, 0);
        assert_eq!(unwrap(&file), Some(frame.bytes.as_slice()));
        let shown = Vp8Decoder::new().unwrap().decode(unwrap(&file).unwrap());
        assert_eq!(shown.unwrap().unwrap().width(), 64);
    }

    #[test]
    fn another_file_is_none() {
        assert_eq!(unwrap(b"RIFF1234WEBPVP8L1234"), None);
        assert_eq!(unwrap(b"GIF89a"), None);
        let mut short = wrap(&[1, 2, 3]);
        short.truncate(21);
        assert_eq!(unwrap(&short), None);
    }
}
