//! Says so when there is no screen to open a window on.

/// What to tell the person when no display can be reached; `None` where one can.
#[must_use]
pub fn missing() -> Option<String> {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !set("DISPLAY") && !set("WAYLAND_DISPLAY") {
        return Some(
            "HMS-ACH needs a screen, and none is set (DISPLAY and WAYLAND_DISPLAY are empty). Nothing is lost. \
             Without a screen use the `ach` program, or start this one under Xvfb: xvfb-run -a hms-ach"
                .to_owned(),
        );
    }
    None
}
