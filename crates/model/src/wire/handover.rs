//! A file that carries what a phone could not send to a computer that can: no network lies between them.

use super::session::WireSealed;
use serde::{Deserialize, Serialize};

/// What `format` says.
pub const FORMAT: &str = "hms-ach hand-over 1";
/// Ending of the file's name, without the dot.
pub const ENDING: &str = "hmsach";

/// The file, as JSON. Each entry is sealed to the server's key: whoever carries the file cannot read it, and the server
/// stores each entry once, whichever way it comes and however often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// [`FORMAT`].
    pub format: String,
    /// When it was written, by the phone's clock: FHIR instant.
    pub made: String,
    /// What `POST /api/sealed` takes.
    pub entries: Vec<WireSealed>,
}
