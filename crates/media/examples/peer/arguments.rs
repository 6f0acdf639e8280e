//! What the program is asked for.

use std::error::Error;
use std::net::IpAddr;
use std::path::PathBuf;

use hms_media::{AudioSource, CallConfig, PictureFormat, TurnServer, VideoSource, Voice};

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Offer,
    Answer,
    Make,
    Likeness,
}

/// All arguments; those that a mode does not need are ignored.
#[derive(Debug)]
pub struct Arguments {
    pub mode: Mode,
    pub voice: Voice,
    pub format: PictureFormat,
    pub no_picture: bool,
    pub wav: Option<PathBuf>,
    pub y4m: Option<PathBuf>,
    pub seconds: u64,
    pub record: Option<PathBuf>,
    pub luma: Option<PathBuf>,
    bind: Option<IpAddr>,
    turn: Vec<TurnServer>,
    relay_only: bool,
}

impl Arguments {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut read = Self {
            mode: Mode::Offer,
            voice: Voice::Carrier,
            format: PictureFormat::LARGE,
            no_picture: false,
            wav: None,
            y4m: None,
            seconds: 20,
            record: None,
            luma: None,
            bind: None,
            turn: Vec::new(),
            relay_only: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "make" => read.mode = Mode::Make,
                "likeness" => {
                    read.mode = Mode::Likeness;
                    read.luma = Some(value()?.into());
                }
                "--role" => {
                    read.mode = match value()?.as_str() {
                        "offer" => Mode::Offer,
                        "answer" => Mode::Answer,
                        role => return Err(format!("there is no role {role}").into()),
                    }
                }
                "--voice" => {
                    read.voice = match value()?.as_str() {
                        "carrier" => Voice::Carrier,
                        "clinician" => Voice::Clinician,
                        voice => return Err(format!("there is no voice {voice}").into()),
                    }
                }
                "--picture" => {
                    read.format = match value()?.as_str() {
                        "small" => PictureFormat::SMALL,
                        "medium" => PictureFormat::MEDIUM,
                        "large" => PictureFormat::LARGE,
                        size => return Err(format!("there is no picture {size}").into()),
                    }
                }
                "--no-picture" => read.no_picture = true,
                "--wav" => read.wav = Some(value()?.into()),
                "--y4m" => read.y4m = Some(value()?.into()),
                "--seconds" => read.seconds = value()?.parse()?,
                "--record" => read.record = Some(value()?.into()),
                "--luma" => read.luma = Some(value()?.into()),
                "--bind" => read.bind = Some(value()?.parse()?),
                "--turn" => read.turn.push(TurnServer {
                    url: value()?,
                    username: value()?,
                    credential: value()?,
                }),
                "--relay-only" => read.relay_only = true,
                _ => return Err(format!("what is {argument}?").into()),
            }
        }
        Ok(read)
    }

    /// The call that is asked for.
    pub fn config(&self) -> Result<CallConfig, Box<dyn Error>> {
        let mut config = CallConfig::synthetic(self.voice, self.format);
        if let Some(wav) = &self.wav {
            config.audio = AudioSource::File(wav.clone());
        }
        if let Some(y4m) = &self.y4m {
            config.video = VideoSource::File(y4m.clone());
        }
        if self.no_picture {
            config.video = VideoSource::Off;
        }
        config.turn.clone_from(&self.turn);
        config.relay_only = self.relay_only;
        config.bind = self.bind;
        Ok(config)
    }
}
