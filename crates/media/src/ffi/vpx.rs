//! VP8 by libvpx, in its real-time mode.

use std::ffi::{c_int, c_uint};
use std::mem::MaybeUninit;
use std::ptr;

use vpx_sys as sys;

use crate::codec::Picture;
use crate::CodecError;

const VP8: &str = "vp8";
/// The longest side of a picture that is decoded: three times that of the largest that is sent. A key frame of ten bytes may say
/// 16383, for which libvpx takes more than a gigabyte.
const LONGEST_SIDE: u16 = 1920;

/// One coded picture.
pub struct CodedPicture {
    /// The VP8 frame.
    pub bytes: Vec<u8>,
    /// Can it be decoded without those before it?
    pub key: bool,
}

/// A VP8 encoder for one picture size.
pub struct Vp8Encoder {
    context: Box<sys::vpx_codec_ctx_t>,
    config: sys::vpx_codec_enc_cfg_t,
}

// SAFETY: the context is used by one thread at a time (`&mut self`) and points at no thread-local state.
unsafe impl Send for Vp8Encoder {}

impl Vp8Encoder {
    /// Makes an encoder for `width` x `height` (both even) that aims at `bps` bit/s.
    ///
    /// # Errors
    /// If libvpx refuses.
    pub fn new(width: u32, height: u32, bps: u32) -> Result<Self, CodecError> {
        if width < 16 || height < 16 || width % 2 == 1 || height % 2 == 1 || width > 4096 || height > 4096 {
            return Err(CodecError::Size { codec: VP8 });
        }
        let mut config = MaybeUninit::<sys::vpx_codec_enc_cfg_t>::zeroed();
        // SAFETY: the interface is a constant of the library, which fills the whole configuration.
        let mut config = unsafe {
            check(sys::vpx_codec_enc_config_default(
                sys::vpx_codec_vp8_cx(),
                config.as_mut_ptr(),
                0,
            ))?;
            config.assume_init()
        };
        config.g_w = width;
        config.g_h = height;
        config.g_timebase.num = 1;
        config.g_timebase.den = 1000;
        config.g_threads = 1;
        config.g_lag_in_frames = 0;
        config.g_error_resilient = sys::VPX_ERROR_RESILIENT_DEFAULT;
        config.rc_end_usage = sys::vpx_rc_mode::VPX_CBR;
        config.rc_target_bitrate = kbps(bps);
        config.rc_dropframe_thresh = 0;
        config.rc_resize_allowed = 0;
        config.rc_min_quantizer = 2;
        config.rc_max_quantizer = 56;
        config.rc_undershoot_pct = 100;
        config.rc_overshoot_pct = 15;
        // A burst of one picture is a queue for the sound behind it: half a second is the most.
        config.rc_buf_sz = 500;
        config.rc_buf_initial_sz = 250;
        config.rc_buf_optimal_sz = 300;
        // Key frames only on request: each one costs a thin link a second.
        config.kf_mode = sys::vpx_kf_mode::VPX_KF_AUTO;
        config.kf_max_dist = 1_000_000;

        // A zeroed context is what the initialiser expects.
        // SAFETY: the structure is plain C data; all-zero is valid for it (enum 0 is VPX_CODEC_OK).
        let mut context: Box<sys::vpx_codec_ctx_t> = unsafe { Box::new(MaybeUninit::zeroed().assume_init()) };
        // SAFETY: both structures live through the call; the version is that of the bindings.
        unsafe {
            check(sys::vpx_codec_enc_init_ver(
                context.as_mut(),
                sys::vpx_codec_vp8_cx(),
                &config,
                0,
                sys::VPX_ENCODER_ABI_VERSION as c_int,
            ))?;
        }
        let mut encoder = Self { context, config };
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_CPUUSED, -8)?;
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_STATIC_THRESHOLD, 100)?;
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_MAX_INTRA_BITRATE_PCT, 300)?;
        encoder.control(sys::vp8e_enc_control_id::VP8E_SET_TOKEN_PARTITIONS, 0)?;
        Ok(encoder)
    }

    /// The size that this encoder was made for.
    pub fn size(&self) -> (u32, u32) {
        (self.config.g_w, self.config.g_h)
    }

    /// Aims at another rate, in bit/s, from the next picture on.
    ///
    /// # Errors
    /// If libvpx refuses.
    pub fn set_rate(&mut self, bps: u32) -> Result<(), CodecError> {
        if self.config.rc_target_bitrate == kbps(bps) {
            return Ok(());
        }
        self.config.rc_target_bitrate = kbps(bps);
        // SAFETY: the context is initialised and the configuration has its size unchanged.
        unsafe { check(sys::vpx_codec_enc_config_set(self.context.as_mut(), &self.config)) }
    }

    /// Codes a picture shown at `at_ms` for `duration_ms`. `None` if the encoder chose to skip it.
    ///
    /// # Errors
    /// If the picture has another size or libvpx fails.
    pub fn encode(
        &mut self,
        picture: &Picture,
        at_ms: u64,
        duration_ms: u32,
        key: bool,
    ) -> Result<Option<CodedPicture>, CodecError> {
        if (picture.width(), picture.height()) != self.size() {
            return Err(CodecError::Size { codec: VP8 });
        }
        let mut image = MaybeUninit::<sys::vpx_image_t>::zeroed();
        let flags = if key { sys::VPX_EFLAG_FORCE_KF } else { 0 };
        // SAFETY: the image only borrows the picture's bytes for this call, and libvpx reads them (it never
        // writes to a source picture). `Picture` guarantees width*height*3/2 bytes in I420 order, which is
        // what a wrap with alignment 1 describes.
        unsafe {
            let wrapped = sys::vpx_img_wrap(
                image.as_mut_ptr(),
                sys::vpx_img_fmt::VPX_IMG_FMT_I420,
                picture.width() as c_uint,
                picture.height() as c_uint,
                1,
                picture.bytes().as_ptr().cast_mut(),
            );
            if wrapped.is_null() {
                return Err(CodecError::Size { codec: VP8 });
            }
            check(sys::vpx_codec_encode(
                self.context.as_mut(),
                wrapped,
                at_ms as sys::vpx_codec_pts_t,
                duration_ms.max(1).into(),
                flags.into(),
                sys::VPX_DL_REALTIME.into(),
            ))?;
        }
        let mut coded: Option<CodedPicture> = None;
        let mut iterator: sys::vpx_codec_iter_t = ptr::null();
        loop {
            // SAFETY: the packet is owned by the context and valid until its next call; it is copied here.
            let packet = unsafe { sys::vpx_codec_get_cx_data(self.context.as_mut(), &mut iterator).as_ref() };
            let Some(packet) = packet else { break };
            if packet.kind == sys::vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                // SAFETY: for this kind the union holds `frame`, and `buf` is valid for `sz` bytes.
                let (bytes, flags) = unsafe {
                    let frame = &packet.data.frame;
                    (
                        std::slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz as usize),
                        frame.flags,
                    )
                };
                let whole = coded.get_or_insert_with(|| CodedPicture {
                    bytes: Vec::new(),
                    key: false,
                });
                whole.bytes.extend_from_slice(bytes);
                whole.key |= flags & sys::VPX_FRAME_IS_KEY != 0;
            }
        }
        Ok(coded)
    }

    /// How coarse the last picture is: 0 as fine as can be, 127 as coarse.
    pub fn coarseness(&mut self) -> Option<u8> {
        let mut index: c_int = 0;
        // SAFETY: this control writes one integer through the pointer, which lives through the call.
        let asked = unsafe {
            check(sys::vpx_codec_control_(
                self.context.as_mut(),
                sys::vp8e_enc_control_id::VP8E_GET_LAST_QUANTIZER as c_int,
                ptr::from_mut(&mut index),
            ))
        };
        asked.ok().and_then(|()| u8::try_from(index).ok())
    }

    fn control(&mut self, id: sys::vp8e_enc_control_id, value: c_int) -> Result<(), CodecError> {
        // SAFETY: each control used here takes one integer by value.
        unsafe { check(sys::vpx_codec_control_(self.context.as_mut(), id as c_int, value)) }
    }
}

impl Drop for Vp8Encoder {
    fn drop(&mut self) {
        // SAFETY: initialised once, destroyed once.
        unsafe {
            sys::vpx_codec_destroy(self.context.as_mut());
        }
    }
}

/// A VP8 decoder.
pub struct Vp8Decoder {
    context: Box<sys::vpx_codec_ctx_t>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Vp8Decoder {}

impl Vp8Decoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// If libvpx refuses.
    pub fn new() -> Result<Self, CodecError> {
        let config = sys::vpx_codec_dec_cfg_t {
            threads: 1,
            w: 0,
            h: 0,
        };
        // SAFETY: as for the encoder: zero is the expected start, versions agree, both structures live on.
        unsafe {
            let mut context: Box<sys::vpx_codec_ctx_t> = Box::new(MaybeUninit::zeroed().assume_init());
            check(sys::vpx_codec_dec_init_ver(
                context.as_mut(),
                sys::vpx_codec_vp8_dx(),
                &config,
                0,
                sys::VPX_DECODER_ABI_VERSION as c_int,
            ))?;
            Ok(Self { context })
        }
    }

    /// Decodes one frame. `None` if it shows nothing.
    ///
    /// # Errors
    /// If the frame is damaged or too large, or a reference is missing: ask for a key frame.
    pub fn decode(&mut self, frame: &[u8]) -> Result<Option<Picture>, CodecError> {
        let length = c_uint::try_from(frame.len()).map_err(|_| CodecError::Size { codec: VP8 })?;
        if length == 0 || is_too_large(frame) {
            return Err(CodecError::Size { codec: VP8 });
        }
        // SAFETY: `frame` is read for its own length.
        unsafe {
            check(sys::vpx_codec_decode(
                self.context.as_mut(),
                frame.as_ptr(),
                length,
                ptr::null_mut(),
                0,
            ))?;
        }
        let mut newest = None;
        let mut iterator: sys::vpx_codec_iter_t = ptr::null();
        loop {
            // SAFETY: the image is owned by the context and valid until its next call; it is copied here.
            let image = unsafe { sys::vpx_codec_get_frame(self.context.as_mut(), &mut iterator).as_ref() };
            let Some(image) = image else { break };
            newest = copy(image);
        }
        Ok(newest)
    }
}

impl Drop for Vp8Decoder {
    fn drop(&mut self) {
        // SAFETY: initialised once, destroyed once.
        unsafe {
            sys::vpx_codec_destroy(self.context.as_mut());
        }
    }
}

/// Whether a key frame says a size that is not decoded (RFC 6386, 9.1). Other frames say none.
fn is_too_large(frame: &[u8]) -> bool {
    let &[tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = frame else {
        return false;
    };
    // The two bits above each size ask for scaling, which is not done.
    let sides = [[w0, w1], [h0, h1]].map(|side| u16::from_le_bytes(side) & 0x3fff);
    tag & 1 == 0 && sides.iter().any(|side| *side > LONGEST_SIDE)
}

/// Copies a decoded image, or `None` if its size is odd or it is not 4:2:0.
fn copy(image: &sys::vpx_image_t) -> Option<Picture> {
    if image.fmt != sys::vpx_img_fmt::VPX_IMG_FMT_I420 {
        return None;
    }
    let (width, height) = (image.d_w as usize & !1, image.d_h as usize & !1);
    let mut bytes = Vec::with_capacity(width * height * 3 / 2);
    for (plane, (columns, rows)) in [(width, height), (width / 2, height / 2), (width / 2, height / 2)]
        .into_iter()
        .enumerate()
    {
        let stride = isize::try_from(image.stride[plane]).ok()?;
        for row in 0..rows {
            // SAFETY: libvpx gives every plane at least `rows` lines of `columns` bytes, `stride` apart.
            let line = unsafe {
                std::slice::from_raw_parts(image.planes[plane].offset(row as isize * stride), columns)
            };
            bytes.extend_from_slice(line);
        }
    }
    Picture::from_bytes(width as u32, height as u32, bytes)
}

fn kbps(bps: u32) -> u32 {
    (bps / 1000).max(5)
}

fn check(code: sys::vpx_codec_err_t) -> Result<(), CodecError> {
    if code == sys::vpx_codec_err_t::VPX_CODEC_OK {
        Ok(())
    } else {
        Err(CodecError::Frame {
            codec: VP8,
            code: code as i32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(shift: u32) -> Picture {
        let mut picture = Picture::grey(160, 120);
        for y in 0..120 {
            for x in 0..160 {
                picture.set_luma(
                    x,
                    y,
                    if ((x + shift) / 20).is_multiple_of(2) {
                        60
                    } else {
                        200
                    },
                );
            }
        }
        picture
    }

    fn mean_difference(a: &Picture, b: &Picture) -> f64 {
        let sum: u64 = a
            .luma()
            .iter()
            .zip(b.luma())
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        sum as f64 / a.luma().len() as f64
    }

    #[test]
    fn a_picture_survives_a_round_trip() {
        let mut encoder = Vp8Encoder::new(160, 120, 300_000).unwrap();
        let mut decoder = Vp8Decoder::new().unwrap();

        for number in 0..10u32 {
            let sent = picture(number);
            let coded = encoder
                .encode(&sent, u64::from(number) * 66, 66, false)
                .unwrap()
                .unwrap();
            assert_eq!(coded.key, number == 0);
            let shown = decoder.decode(&coded.bytes).unwrap().unwrap();

            assert!(mean_difference(&sent, &shown) < 12.0);
        }
    }

    #[test]
    fn a_key_frame_comes_when_asked_for_and_the_rate_can_change() {
        let mut encoder = Vp8Encoder::new(160, 120, 300_000).unwrap();
        encoder.encode(&picture(0), 0, 66, false).unwrap();

        encoder.set_rate(60_000).unwrap();
        let plain = encoder.encode(&picture(1), 66, 66, false).unwrap().unwrap();
        let key = encoder.encode(&picture(2), 132, 66, true).unwrap().unwrap();

        assert!(!plain.key);
        assert!(key.key);
    }

    #[test]
    fn damage_is_an_error_and_not_a_crash() {
        let mut decoder = Vp8Decoder::new().unwrap();

        assert!(decoder.decode(&[]).is_err());
        assert!(decoder.decode(&[0xff; 40]).is_err());
    }

    #[test]
    fn a_key_frame_that_says_a_vast_size_takes_no_memory() {
        let mut encoder = Vp8Encoder::new(160, 120, 300_000).unwrap();
        let mut decoder = Vp8Decoder::new().unwrap();
        let honest = encoder.encode(&picture(0), 0, 66, true).unwrap().unwrap().bytes;
        let sized = |width: u16, height: u16| {
            let mut frame = honest.clone();
            frame[6..8].copy_from_slice(&width.to_le_bytes());
            frame[8..10].copy_from_slice(&height.to_le_bytes());
            frame
        };

        for (width, height) in [(16_383, 16_383), (1921, 16), (16, 1921), (0xffff, 0xffff)] {
            assert!(matches!(
                decoder.decode(&sized(width, height)),
                Err(CodecError::Size { .. })
            ));
        }
        assert!(!is_too_large(&sized(1920, 1920)));
        assert!(decoder.decode(&honest).unwrap().is_some(), "it goes on");
    }

    #[test]
    fn a_picture_of_another_size_is_refused() {
        let mut encoder = Vp8Encoder::new(160, 120, 300_000).unwrap();

        assert!(encoder.encode(&Picture::grey(320, 240), 0, 66, false).is_err());
        assert!(Vp8Encoder::new(161, 120, 1).is_err());
    }
}
