//! Says so when there is no screen to open a window on.

use std::path::Path;

/// What to tell the person when no display can be reached; `None` where one can.
#[must_use]
pub fn missing() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    if !cfg!(target_os = "linux") || set("WAYLAND_DISPLAY").is_some() {
        return None;
    }
    let why = match set("DISPLAY") {
        None => "none is set (DISPLAY and WAYLAND_DISPLAY are empty)".to_owned(),
        Some(display) if absent(&display, Path::new("/tmp/.X11-unix")) => {
            format!("none answers at {display}")
        }
        Some(_) => return None,
    };
    Some(format!(
        "HMS-ACH needs a screen, and {why}. Nothing is lost. Without a screen use the `ach` program, or start \
         this one under Xvfb: xvfb-run -a hms-ach"
    ))
}

/// True for a display of this machine (":1", ":1.0") whose socket is not there. A display of another machine
/// is left to the window system to find.
fn absent(display: &str, sockets: &Path) -> bool {
    let number = display
        .strip_prefix(':')
        .map(|rest| rest.split('.').next().unwrap_or(rest));
    number.is_some_and(|number| !sockets.join(format!("X{number}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_of_this_machine_without_its_socket_is_absent() {
        let nowhere = Path::new("/nonexistent");

        assert!(absent(":1", nowhere) && absent(":1.0", nowhere));
        assert!(!absent("desk:0", nowhere));
    }
}
