//! How much may be sent, and when: an estimate of the link from the far side's feedback, and a pacer that never lets
//! sound wait behind a picture. Pure, and the same for every engine: both work on packets as they leave.

mod arrivals;
mod estimate;
mod pacer;
mod wire;

pub(crate) use estimate::Estimator;
pub use estimate::Receipt;
pub(crate) use pacer::Pacer;
pub(crate) use wire::{Kind, Wire};
