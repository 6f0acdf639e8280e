//! Where sound and picture come from and where sound goes: real devices, files, and stand-ins.

#[cfg(all(feature = "devices", target_os = "linux"))]
mod camera_linux;
#[cfg(feature = "devices")]
mod clean;
pub mod counter;
mod lettering;
#[cfg(all(feature = "devices", not(any(target_os = "android", target_os = "ios"))))]
mod sound_card;
mod synthetic;
pub mod wav;
mod y4m;

#[cfg(feature = "devices")]
pub use clean::Cleaner;
pub use synthetic::{phrase, SyntheticCamera, SyntheticMicrophone};
pub use wav::Wave;
pub use y4m::FileCamera;

use crate::codec::Picture;
use crate::{AudioSink, AudioSource, DeviceError, MissingDevice, PictureFormat, VideoSource, Voice};

/// Gives pictures.
pub trait Camera: Send {
    /// Size and pace of the pictures.
    fn format(&self) -> PictureFormat;

    /// The next picture. A device waits until it has one; a stand-in or a file returns at once, and whoever
    /// asks keeps the pace.
    ///
    /// # Errors
    /// If the device went away or the file is damaged.
    fn next_picture(&mut self) -> Result<Picture, DeviceError>;

    /// Does [`Camera::next_picture`] wait by itself?
    fn keeps_pace(&self) -> bool {
        false
    }
}

/// Gives sound, 48 kHz mono.
pub trait Microphone: Send {
    /// Fills the block with what comes next; silence where a device has too little.
    fn fill(&mut self, block: &mut [i16]);
}

/// Plays sound, 48 kHz mono.
pub trait Speaker: Send {
    /// Plays a block after those before it. Never waits: what does not fit is dropped.
    fn play(&mut self, block: &[i16]);
}

/// A source, and the device that it stands in for if one is missing.
pub struct Opened<T> {
    /// The source.
    pub source: T,
    /// The device that was asked for and is missing.
    pub missing: Option<MissingDevice>,
    /// Is the source a stand-in (asked for or not)?
    pub synthetic: bool,
}

impl<T: ?Sized> Opened<Box<T>> {
    fn real(source: Box<T>) -> Self {
        Self {
            source,
            missing: None,
            synthetic: false,
        }
    }

    fn stand_in(source: Box<T>, missing: Option<MissingDevice>) -> Self {
        Self {
            source,
            missing,
            synthetic: true,
        }
    }
}

/// Opens the camera that is asked for, or the test picture if the machine has none. `None` if switched off.
///
/// # Errors
/// If a file cannot be read.
pub fn open_camera(source: &VideoSource) -> Result<Option<Opened<Box<dyn Camera>>>, DeviceError> {
    Ok(Some(match source {
        VideoSource::Off => return Ok(None),
        VideoSource::Synthetic(format) => Opened::stand_in(Box::new(SyntheticCamera::new(*format)), None),
        VideoSource::File(path) => Opened::real(Box::new(FileCamera::open(path)?)),
        VideoSource::Device { name, format } => match camera_device(name.as_deref(), *format) {
            Ok(camera) => Opened::real(camera),
            Err(_) => Opened::stand_in(
                Box::new(SyntheticCamera::new(*format)),
                Some(MissingDevice::Camera),
            ),
        },
    }))
}

/// Opens the microphone that is asked for, or the built-in phrase if the machine has none. `None` if switched
/// off.
///
/// # Errors
/// If a file cannot be read.
pub fn open_microphone(source: &AudioSource) -> Result<Option<Opened<Box<dyn Microphone>>>, DeviceError> {
    Ok(Some(match source {
        AudioSource::Off => return Ok(None),
        AudioSource::Synthetic(voice) => Opened::stand_in(Box::new(SyntheticMicrophone::new(*voice)), None),
        AudioSource::File(path) => Opened::real(Box::new(Wave::read(path)?.looped())),
        AudioSource::Device(name) => match microphone_device(name.as_deref()) {
            Ok(microphone) => Opened::real(microphone),
            Err(_) => Opened::stand_in(
                Box::new(SyntheticMicrophone::new(Voice::Carrier)),
                Some(MissingDevice::Microphone),
            ),
        },
    }))
}

/// Opens the loudspeaker that is asked for. Without one the call goes on in silence, and says so.
pub fn open_speaker(sink: &AudioSink) -> (Option<Box<dyn Speaker>>, Option<MissingDevice>) {
    match sink {
        AudioSink::Off => (None, None),
        AudioSink::Device(name) => match speaker_device(name.as_deref()) {
            Ok(speaker) => (Some(speaker), None),
            Err(_) => (None, Some(MissingDevice::Loudspeaker)),
        },
    }
}

/// A microphone that was opened, if any.
type OpenedMicrophone = Option<Opened<Box<dyn Microphone>>>;

/// Lets echo, noise and level of a real microphone be seen to; a file's or a stand-in's sound stays as it is.
pub fn cleaned(
    source: &AudioSource,
    microphone: OpenedMicrophone,
    speaker: Option<Box<dyn Speaker>>,
) -> (OpenedMicrophone, Option<Box<dyn Speaker>>) {
    match (source, microphone) {
        #[cfg(feature = "devices")]
        (AudioSource::Device(_), Some(opened)) if !opened.synthetic => {
            let (source, speaker) = clean::clean(opened.source, speaker);
            (Some(Opened { source, ..opened }), speaker)
        }
        (_, microphone) => (microphone, speaker),
    }
}

#[cfg(all(feature = "devices", target_os = "linux"))]
fn camera_device(name: Option<&str>, format: PictureFormat) -> Result<Box<dyn Camera>, DeviceError> {
    Ok(Box::new(camera_linux::LinuxCamera::open(name, format)?))
}

#[cfg(not(all(feature = "devices", target_os = "linux")))]
fn camera_device(_: Option<&str>, _: PictureFormat) -> Result<Box<dyn Camera>, DeviceError> {
    Err(DeviceError::DeviceMissing(MissingDevice::Camera))
}

#[cfg(all(feature = "devices", not(any(target_os = "android", target_os = "ios"))))]
fn microphone_device(name: Option<&str>) -> Result<Box<dyn Microphone>, DeviceError> {
    Ok(Box::new(sound_card::CardMicrophone::open(name)?))
}

#[cfg(all(feature = "devices", not(any(target_os = "android", target_os = "ios"))))]
fn speaker_device(name: Option<&str>) -> Result<Box<dyn Speaker>, DeviceError> {
    Ok(Box::new(sound_card::CardSpeaker::open(name)?))
}

#[cfg(not(all(feature = "devices", not(any(target_os = "android", target_os = "ios")))))]
fn microphone_device(_: Option<&str>) -> Result<Box<dyn Microphone>, DeviceError> {
    Err(DeviceError::DeviceMissing(MissingDevice::Microphone))
}

#[cfg(not(all(feature = "devices", not(any(target_os = "android", target_os = "ios")))))]
fn speaker_device(_: Option<&str>) -> Result<Box<dyn Speaker>, DeviceError> {
    Err(DeviceError::DeviceMissing(MissingDevice::Loudspeaker))
}
