//! Y4M files (uncompressed 4:2:0), looped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::Camera;
use crate::codec::Picture;
use crate::{DeviceError, PictureFormat};

const EXPECTED: DeviceError = DeviceError::Format {
    expected: "an even-sized 4:2:0 Y4M file",
};
/// Longer than any header line of the format.
const MAX_LINE: u64 = 512;

/// A camera that plays a file over and over.
pub struct FileCamera<R = File> {
    file: BufReader<R>,
    first_frame: u64,
    format: PictureFormat,
}

impl FileCamera {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read or is not 4:2:0 with even width and height.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        Self::read(File::open(path).map_err(DeviceError::ReadFile)?)
    }
}

impl<R: Read + Seek> FileCamera<R> {
    /// Takes an open file, from its beginning.
    pub(crate) fn read(file: R) -> Result<Self, DeviceError> {
        let mut file = BufReader::new(file);
        let header = line(&mut file)?;
        let format = parse_header(&header).ok_or(EXPECTED)?;
        Ok(Self {
            file,
            first_frame: header.len() as u64,
            format,
        })
    }

    fn read_picture(&mut self) -> Result<Option<Picture>, DeviceError> {
        let mark = line(&mut self.file)?;
        if mark.is_empty() {
            return Ok(None);
        }
        if !mark.starts_with(b"FRAME") {
            return Err(EXPECTED);
        }
        let PictureFormat { width, height, .. } = self.format;
        let mut bytes = vec![0; width as usize * height as usize * 3 / 2];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => Ok(Picture::from_bytes(width, height, bytes)),
            // A last frame that was cut off.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(DeviceError::ReadFile(error)),
        }
    }
}

impl<R: Read + Seek + Send> Camera for FileCamera<R> {
    fn format(&self) -> PictureFormat {
        self.format
    }

    fn next_picture(&mut self) -> Result<Picture, DeviceError> {
        if let Some(picture) = self.read_picture()? {
            return Ok(picture);
        }
        self.file
            .seek(SeekFrom::Start(self.first_frame))
            .map_err(DeviceError::ReadFile)?;
        self.read_picture()?.ok_or(EXPECTED)
    }
}

fn line(file: &mut BufReader<impl Read>) -> Result<Vec<u8>, DeviceError> {
    let mut line = Vec::new();
    file.by_ref()
        .take(MAX_LINE)
        .read_until(b'\n', &mut line)
        .map_err(DeviceError::ReadFile)?;
    Ok(line)
}

fn parse_header(header: &[u8]) -> Option<PictureFormat> {
    let text = std::str::from_utf8(header).ok()?.trim_end();
    let mut words = text.split(' ');
    if words.next()? != "YUV4MPEG2" {
        return None;
    }
    let (mut width, mut height, mut fps) = (0u32, 0u32, 15u32);
    for word in words {
        match word.split_at_checked(1)? {
            ("W", value) => width = value.parse().ok()?,
            ("H", value) => height = value.parse().ok()?,
            ("F", value) => {
                let (over, under) = value.split_once(':')?;
                let (over, under): (u32, u32) = (over.parse().ok()?, under.parse().ok()?);
                fps = over.checked_div(under)?.clamp(1, 60);
            }
            // "420p10" and the like have two bytes a sample.
            ("C", value) if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => return None,
            _ => {}
        }
    }
    let fits = |size: u32| (16..=1920).contains(&size) && size.is_multiple_of(2);
    (fits(width) && fits(height)).then_some(PictureFormat { width, height, fps })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_played_over_and_over() {
        let path = std::env::temp_dir().join(format!("hms-media-y4m-{}.y4m", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.write_all(b"YUV4MPEG2 W32 H16 F30:1 Ip A1:1 C420jpeg\n")
            .unwrap();
        for shade in [10u8, 20, 30] {
            file.write_all(b"FRAME\n").unwrap();
            file.write_all(&vec![shade; 32 * 16 * 3 / 2]).unwrap();
        }
        drop(file);

        let mut camera = FileCamera::open(&path).unwrap();
        let shades: Vec<u8> = (0..5)
            .map(|_| camera.next_picture().unwrap().luma_at(0, 0).unwrap())
            .collect();
        std::fs::remove_file(&path).unwrap();

        assert_eq!(
            camera.format(),
            PictureFormat {
                width: 32,
                height: 16,
                fps: 30
            }
        );
        assert_eq!(shades, [10, 20, 30, 10, 20]);
    }

    #[test]
    fn other_layouts_are_refused() {
        for header in [
            "YUV4MPEG2 W33 H16 F30:1",
            "YUV4MPEG2 W32 H16 F30:1 C444",
            "RIFF",
            "YUV4MPEG2 W32 H16 F1:0",
        ] {
            assert_eq!(parse_header(header.as_bytes()), None, "{header}");
        }
    }
}
