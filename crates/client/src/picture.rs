//! Photos are decoded and encoded anew: at most 1600 pixels, without the position and the camera's other notes.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbaImage};

/// Longest side after re-encoding.
pub(crate) const SIDE_AT_MOST: u32 = 1600;
/// Largest photo taken.
const BYTES_AT_MOST: usize = 25 * 1024 * 1024;
/// Largest voice note taken.
const VOICE_AT_MOST: usize = 5 * 1024 * 1024;
/// A picture of 100 megapixels fits; a bomb does not.
const PIXELS_BYTES_AT_MOST: u64 = 512 * 1024 * 1024;
const QUALITY: u8 = 82;
/// Largest preview: half a second of a thin line, as it travels with the words.
const PREVIEW_AT_MOST: usize = 12 * 1024;
/// Longest side and quality of a preview, the best first.
const PREVIEWS: [(u32, u8); 5] = [(320, 60), (320, 35), (240, 35), (160, 30), (96, 25)];
/// Longest side and quality of a sharp picture of a call, the best first.
const SHARP: [(u32, u8); 6] = [
    (1280, 88),
    (1280, 75),
    (1280, 60),
    (960, 60),
    (640, 60),
    (480, 45),
];

/// A file that cannot be attached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// Larger than what is taken.
    #[error("the file is too large")]
    TooLarge,
    /// Neither a picture nor a recording that is known.
    #[error("the file's kind is not known")]
    UnknownKind,
    /// The picture cannot be decoded.
    #[error("the picture cannot be decoded")]
    Decode(#[source] image::ImageError),
    /// The picture cannot be encoded.
    #[error("the picture cannot be encoded")]
    Encode(#[source] image::ImageError),
}

/// A file as it is kept and sent.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
    /// The same much smaller, which goes with the words; `None` for what is no picture, or small itself.
    pub(crate) preview: Option<Vec<u8>>,
}

/// Prepares a photo or a voice note. Takes long for large photos: call it on a blocking thread.
pub(crate) fn prepare(content_type: &str, bytes: Vec<u8>) -> Result<Attachment, FileError> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match kind {
        "image/jpeg" | "image/png" => photo(bytes),
        "audio/wav" | "audio/ogg" | "audio/webm" | "audio/mp4" | "audio/mpeg" | "audio/aac" => {
            if bytes.len() > VOICE_AT_MOST {
                return Err(FileError::TooLarge);
            }
            Ok(Attachment {
                content_type: kind.to_owned(),
                bytes,
                preview: None,
            })
        }
        _ => Err(FileError::UnknownKind),
    }
}

fn photo(bytes: Vec<u8>) -> Result<Attachment, FileError> {
    if bytes.len() > BYTES_AT_MOST {
        return Err(FileError::TooLarge);
    }
    let decode = |error| FileError::Decode(error);
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXELS_BYTES_AT_MOST);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| FileError::UnknownKind)?;
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(decode)?;
    // The orientation is in the notes that are about to go: it is turned into pixels first.
    let orientation = decoder.orientation().map_err(decode)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(decode)?;
    if picture.width().max(picture.height()) > SIDE_AT_MOST {
        picture = picture.thumbnail(SIDE_AT_MOST, SIDE_AT_MOST);
    }
    picture.apply_orientation(orientation);
    let out = encode(&picture, QUALITY)?;
    let preview = if out.len() > PREVIEW_AT_MOST {
        preview(&picture)?
    } else {
        None
    };
    Ok(Attachment {
        content_type: "image/jpeg".to_owned(),
        bytes: out,
        preview,
    })
}

/// A photo of a call's camera (red first, 4 bytes a pixel) as a file of about `at_most` bytes: the best of some sizes and
/// qualities that fits, or the smallest.
pub(crate) fn of_camera(
    width: u32,
    height: u32,
    rgba: &[u8],
    at_most: usize,
) -> Result<Attachment, FileError> {
    let pixels = RgbaImage::from_raw(width, height, rgba.to_vec()).ok_or(FileError::UnknownKind)?;
    let picture = DynamicImage::ImageRgba8(pixels);
    let mut bytes = Vec::new();
    for (side, quality) in SHARP {
        bytes = if picture.width().max(picture.height()) > side {
            encode(&picture.thumbnail(side, side), quality)?
        } else {
            encode(&picture, quality)?
        };
        if bytes.len() <= at_most {
            break;
        }
    }
    let preview = if bytes.len() > PREVIEW_AT_MOST {
        preview(&picture)?
    } else {
        None
    };
    Ok(Attachment {
        content_type: "image/jpeg".to_owned(),
        bytes,
        preview,
    })
}

fn encode(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>, FileError> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, quality)
        .encode_image(&DynamicImage::ImageRgb8(picture.to_rgb8()))
        .map_err(FileError::Encode)?;
    Ok(out)
}

/// The first of these sizes and qualities that is small enough.
fn preview(picture: &DynamicImage) -> Result<Option<Vec<u8>>, FileError> {
    for (side, quality) in PREVIEWS {
        let small = encode(&picture.thumbnail(side, side), quality)?;
        if small.len() <= PREVIEW_AT_MOST {
            return Ok(Some(small));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        RgbImage::new(width, height)
            .write_to(&mut bytes, ImageFormat::Jpeg)
            .expect("jpeg");
        bytes.into_inner()
    }

    /// Puts an EXIF block with a marker word right after the start of the image.
    fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0".to_vec();
        tiff.extend([2, 0]);
        tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
        tiff.extend([0x31, 0x01, 2, 0, 12, 0, 0, 0, 38, 0, 0, 0]);
        tiff.extend([0, 0, 0, 0]);
        tiff.extend(b"GPSCANARY42\0");
        let mut block = b"Exif\0\0".to_vec();
        block.extend(tiff);
        let length = u16::try_from(block.len() + 2).expect("short").to_be_bytes();
        let mut out = vec![0xFF, 0xD8, 0xFF, 0xE1, length[0], length[1]];
        out.extend(block);
        out.extend(&jpeg[2..]);
        out
    }

    #[test]
    fn a_sharp_picture_keeps_its_size_where_it_may_and_fits_where_it_must() {
        let mut dice = 1_u32;
        let noise: Vec<u8> = (0..1920 * 1080 * 4)
            .map(|_| {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (dice >> 24) as u8
            })
            .collect();
        let size = |file: &Attachment| {
            let picture = image::load_from_memory(&file.bytes).expect("a picture");
            (picture.width(), picture.height())
        };

        let calm = of_camera(640, 480, &[90; 640 * 480 * 4], 200_000).expect("a file");
        assert_eq!(size(&calm), (640, 480));
        let loud = of_camera(1920, 1080, &noise, 200_000).expect("a file");
        assert!(loud.bytes.len() <= 200_000, "{} bytes", loud.bytes.len());
        assert!(size(&loud).0 <= 1280);
        assert!(of_camera(10, 10, &[0; 7], 200_000).is_err());
    }

    #[test]
    fn a_photo_gets_smaller_upright_and_loses_its_notes() {
        let source = with_exif(&jpeg(2000, 1000), 6);
        assert!(source.windows(9).any(|w| w == b"GPSCANARY"));

        let kept = prepare("image/jpeg", source).expect("a photo");

        let back = image::load_from_memory(&kept.bytes).expect("a picture");
        assert_eq!((back.width(), back.height()), (800, 1600));
        assert!(!kept.bytes.windows(9).any(|w| w == b"GPSCANARY"));
        assert!(!kept.bytes.windows(4).any(|w| w == b"Exif"));
    }

    #[test]
    fn a_large_photo_has_a_small_preview_also_where_it_is_all_noise() {
        let mut dice = 0x2545_F491_u32;
        let noise = RgbImage::from_fn(1600, 1200, |_, _| {
            dice ^= dice << 13;
            dice ^= dice >> 17;
            dice ^= dice << 5;
            image::Rgb(dice.to_le_bytes()[..3].try_into().expect("three"))
        });
        let mut png = Cursor::new(Vec::new());
        noise.write_to(&mut png, ImageFormat::Png).expect("png");

        let kept = prepare("image/png", png.into_inner()).expect("a photo");

        let preview = kept.preview.expect("a preview");
        assert!(preview.len() <= PREVIEW_AT_MOST, "{}", preview.len());
        let small = image::load_from_memory(&preview).expect("a picture");
        assert!(small.width() <= 320 && small.width() * 3 == small.height() * 4);
        assert!(prepare("image/jpeg", jpeg(64, 64))
            .expect("a photo")
            .preview
            .is_none());
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(matches!(
            prepare("image/jpeg", b"<html>".to_vec()),
            Err(FileError::Decode(_) | FileError::UnknownKind)
        ));
        assert!(matches!(
            prepare("application/pdf", Vec::new()),
            Err(FileError::UnknownKind)
        ));
        assert!(matches!(
            prepare("image/png", vec![0; BYTES_AT_MOST + 1]),
            Err(FileError::TooLarge)
        ));
        assert!(matches!(
            prepare("audio/ogg", vec![0; VOICE_AT_MOST + 1]),
            Err(FileError::TooLarge)
        ));
    }
}
