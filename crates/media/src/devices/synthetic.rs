//! Stand-ins for a camera and a microphone: marked as such in every picture.

use super::wav::{Looped, Wave};
use super::{counter, lettering, Camera, Microphone};
use crate::codec::Picture;
use crate::{DeviceError, PictureFormat, Voice};

const WHITE: (u8, u8, u8) = (235, 128, 128);
const BALL: (u8, u8, u8) = (170, 60, 160);

/// A moving test picture with its number in the pixels and the words SYNTHETIC CAMERA - TEST.
pub struct SyntheticCamera {
    format: PictureFormat,
    background: Picture,
    number: u32,
}

impl SyntheticCamera {
    /// Makes a camera whose first picture has number 1. Sizes below 96x72 are raised to that.
    pub fn new(format: PictureFormat) -> Self {
        let format = PictureFormat {
            width: format.width.max(96) & !1,
            height: format.height.max(72) & !1,
            fps: format.fps.clamp(1, 60),
        };
        Self {
            format,
            background: background(format),
            number: 0,
        }
    }
}

impl Camera for SyntheticCamera {
    fn format(&self) -> PictureFormat {
        self.format
    }

    fn next_picture(&mut self) -> Result<Picture, DeviceError> {
        self.number = self.number.wrapping_add(1);
        let mut picture = self.background.clone();
        let (width, height) = (self.format.width, self.format.height);
        let size = (height / 6) & !1;
        // There and back across the picture in four seconds, below the words.
        let way = width.saturating_sub(size).max(1);
        let step = (self.number * way / (self.format.fps * 2).max(1)) % (2 * way);
        let x = if step < way { step } else { 2 * way - step } & !1;
        picture.fill(x, (height / 2) & !1, size, size, BALL);
        let scale = scale_of(width);
        lettering::draw(
            &mut picture,
            &self.number.to_string(),
            scale * 4,
            height * 11 / 16,
            scale,
            WHITE,
        );
        counter::write(&mut picture, self.number);
        Ok(picture)
    }
}

fn background(format: PictureFormat) -> Picture {
    let (width, height) = (format.width, format.height);
    let mut picture = Picture::grey(width, height);
    let bands = 8;
    for band in 0..bands {
        let shade = (40 + band * 9, 128 + band * 3, 128 - band * 3);
        let top = (height * u32::from(band) / u32::from(bands)) & !1;
        picture.fill(0, top, width, height / u32::from(bands) + 2, shade);
    }
    let scale = scale_of(width);
    for (line, text) in ["SYNTHETIC CAMERA", "- TEST -"].into_iter().enumerate() {
        let left = width.saturating_sub(lettering::width_of(text, scale)) / 2;
        lettering::draw(
            &mut picture,
            text,
            left,
            height / 10 + line as u32 * 10 * scale,
            scale,
            WHITE,
        );
    }
    picture
}

/// The words fill nine tenths of the width.
fn scale_of(width: u32) -> u32 {
    (width * 9 / 10 / lettering::width_of("SYNTHETIC CAMERA", 1)).max(1)
}

/// A built-in phrase, spoken by a speech synthesiser, over and over.
pub struct SyntheticMicrophone(Looped);

impl SyntheticMicrophone {
    /// Makes a microphone with a voice.
    pub fn new(voice: Voice) -> Self {
        Self(phrase(voice).looped())
    }
}

impl Microphone for SyntheticMicrophone {
    fn fill(&mut self, block: &mut [i16]) {
        self.0.fill(block);
    }
}

/// The built-in phrase of a voice, 48 kHz mono: what a test compares the heard sound with.
pub fn phrase(voice: Voice) -> Wave {
    let bytes: &[u8] = match voice {
        Voice::Carrier => include_bytes!("../../assets/carrier.wav"),
        Voice::Clinician => include_bytes!("../../assets/clinician.wav"),
    };
    Wave::parse(bytes).expect("the built-in phrases are 16-bit WAV files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_moves_and_carries_its_number() {
        for format in [PictureFormat::SMALL, PictureFormat::MEDIUM, PictureFormat::LARGE] {
            let mut camera = SyntheticCamera::new(format);
            let mut last = None;
            for number in 1..=40 {
                let picture = camera.next_picture().unwrap();

                assert_eq!((picture.width(), picture.height()), (format.width, format.height));
                assert_eq!(counter::read(&picture), Some(number));
                assert_ne!(last.as_ref(), Some(&picture));
                last = Some(picture);
            }
        }
    }

    #[test]
    fn the_two_voices_say_different_things_for_some_seconds() {
        let (carrier, clinician) = (phrase(Voice::Carrier), phrase(Voice::Clinician));

        assert!(carrier.samples().len() > 4 * 48_000);
        assert!(clinician.samples().len() > 4 * 48_000);
        assert_ne!(carrier.samples()[..48_000], clinician.samples()[..48_000]);
    }
}
