//! A camera of a Linux machine, by V4L2.

use std::path::PathBuf;
use std::time::Duration;

use v4l::buffer::Type;
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream;
use v4l::video::capture::Parameters;
use v4l::video::Capture;
use v4l::{Device, Format, FourCC};

use super::Camera;
use crate::codec::Picture;
use crate::{DeviceError, MissingDevice, PictureFormat};

const MISSING: DeviceError = DeviceError::DeviceMissing(MissingDevice::Camera);
/// A camera that gives nothing for this long is gone.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(2);
/// Layouts that are read: two uncompressed ones, one of which every webcam offers at these sizes.
const LAYOUTS: [&[u8; 4]; 2] = [b"YUYV", b"YU12"];

/// An open camera.
pub(super) struct LinuxCamera {
    stream: Stream<'static>,
    format: PictureFormat,
    /// Bytes from one line to the next.
    stride: usize,
    packed: bool,
}

impl LinuxCamera {
    /// Opens the named camera (a device path), or the first that gives pictures.
    pub(super) fn open(name: Option<&str>, wish: PictureFormat) -> Result<Self, DeviceError> {
        let paths: Vec<PathBuf> = match name {
            Some(path) => vec![path.into()],
            None => {
                let mut nodes: Vec<_> = v4l::context::enum_devices();
                nodes.sort_by_key(v4l::context::Node::index);
                nodes.iter().map(|node| node.path().to_owned()).collect()
            }
        };
        paths
            .into_iter()
            .find_map(|path| Self::try_open(path, wish))
            .ok_or(MISSING)
    }

    fn try_open(path: PathBuf, wish: PictureFormat) -> Option<Self> {
        let device = Device::with_path(path).ok()?;
        let (got, packed) = LAYOUTS.iter().find_map(|layout| {
            let code = FourCC::new(layout);
            let got = device
                .set_format(&Format::new(wish.width, wish.height, code))
                .ok()?;
            (got.fourcc == code).then_some((got, **layout == *b"YUYV"))
        })?;
        // Some cameras cannot be told a pace; what they give is measured by whoever reads.
        let fps = device
            .set_params(&Parameters::with_fps(wish.fps))
            .ok()
            .map_or(wish.fps, |got| {
                got.interval
                    .denominator
                    .checked_div(got.interval.numerator)
                    .unwrap_or(wish.fps)
            });
        let even = got.width.is_multiple_of(2) && got.height.is_multiple_of(2);
        let fits = (16..=1920).contains(&got.width) && (16..=1080).contains(&got.height);
        if !even || !fits {
            return None;
        }
        let line = if packed { got.width * 2 } else { got.width };
        let mut stream = Stream::with_buffers(&device, Type::VideoCapture, 4).ok()?;
        stream.set_timeout(PICTURE_TIMEOUT);
        let mut camera = Self {
            stream,
            format: PictureFormat {
                width: got.width,
                height: got.height,
                fps: fps.clamp(1, 60),
            },
            stride: got.stride.max(line) as usize,
            packed,
        };
        // A node that names a format may still be no camera: only a picture proves it.
        camera.next_picture().ok()?;
        Some(camera)
    }
}

impl Camera for LinuxCamera {
    fn format(&self) -> PictureFormat {
        self.format
    }

    fn next_picture(&mut self) -> Result<Picture, DeviceError> {
        let (width, height) = (self.format.width, self.format.height);
        let (bytes, _) = CaptureStream::next(&mut self.stream).map_err(DeviceError::ReadFile)?;
        let picture = if self.packed {
            from_yuyv(bytes, width, height, self.stride)
        } else {
            let whole = width as usize * height as usize * 3 / 2;
            bytes
                .get(..whole)
                .and_then(|bytes| Picture::from_bytes(width, height, bytes.to_vec()))
        };
        picture.ok_or(DeviceError::Format {
            expected: "a whole picture",
        })
    }

    fn keeps_pace(&self) -> bool {
        true
    }
}

/// Takes chroma from every other line.
fn from_yuyv(bytes: &[u8], width: u32, height: u32, stride: usize) -> Option<Picture> {
    let (columns, rows) = (width as usize, height as usize);
    let mut planes = Vec::with_capacity(columns * rows * 3 / 2);
    let line = |row: usize| bytes.get(row * stride..row * stride + columns * 2);
    for row in 0..rows {
        planes.extend(line(row)?.iter().step_by(2));
    }
    for offset in [1, 3] {
        for row in (0..rows).step_by(2) {
            planes.extend(line(row)?.iter().skip(offset).step_by(4));
        }
    }
    Picture::from_bytes(width, height, planes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_pictures_are_unpacked() {
        // 4x2, 10 bytes a line: 8 of picture, 2 of padding.
        let bytes: Vec<u8> = vec![
            1, 91, 2, 92, 3, 93, 4, 94, 0, 0, //
            5, 81, 6, 82, 7, 83, 8, 84, 0, 0,
        ];

        let picture = from_yuyv(&bytes, 4, 2, 10).unwrap();

        assert_eq!(picture.bytes(), [1, 2, 3, 4, 5, 6, 7, 8, 91, 93, 92, 94]);
        assert!(from_yuyv(&bytes[..17], 4, 2, 10).is_none());
    }

    #[test]
    fn a_camera_that_is_not_there_is_missing() {
        let opened = LinuxCamera::open(Some("/dev/no-such-camera"), PictureFormat::MEDIUM);

        assert!(matches!(
            opened.err(),
            Some(DeviceError::DeviceMissing(MissingDevice::Camera))
        ));
    }
}
