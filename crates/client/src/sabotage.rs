//! Parts that a test breaks on purpose, to prove that the checks of the scenario notice.

/// Whether a test asked for this part to be broken: `HMS_BREAK=push|receipt|relay` (`decode` is the media's own).
/// Never in a release build.
pub(crate) fn broken(part: &str) -> bool {
    cfg!(debug_assertions) && std::env::var("HMS_BREAK").is_ok_and(|wanted| wanted == part)
}
