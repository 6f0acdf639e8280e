//! The screen as a person sees it: its pixels, over X11, and the keyboard. Nothing inside the window is asked.

use anyhow::{bail, ensure, Context, Result};
use std::time::{Duration, Instant};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ConnectionExt as _, ImageFormat, InputFocus, MapState, Window, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The part that is looked at: where a phone's window opens.
const WIDTH: u16 = 412;
const HEIGHT: u16 = 892;
/// Between two looks; one costs about a millisecond.
const EVERY: Duration = Duration::from_millis(16);
/// The picture stands when it has not changed for this long.
const STILL: Duration = Duration::from_millis(1500);
/// Longest wait for a picture that stands.
const PATIENCE: Duration = Duration::from_secs(60);
/// Changed pixels up to here are a caret that blinks, not a different screen.
const CARET: usize = 250;
/// Key code of Tab on every X keyboard of a PC.
const TAB: u8 = 23;

/// A screen that can be looked at.
pub struct Screen {
    connection: RustConnection,
    root: Window,
}

/// The pixels of the part that is looked at.
type Picture = Vec<u8>;

/// A window's way to its first screen that stands.
pub struct Opening {
    /// When that screen was there, whole.
    pub painted: Instant,
    picture: Picture,
}

impl Screen {
    /// Connects to a display like `:90`; waits for one that is just starting.
    ///
    /// # Errors
    /// There is none.
    pub fn open(display: &str) -> Result<Self> {
        let begun = Instant::now();
        loop {
            match x11rb::connect(Some(display)) {
                Ok((connection, number)) => {
                    let screen = connection.setup().roots.get(number).context("no screen")?;
                    let root = screen.root;
                    return Ok(Self { connection, root });
                }
                Err(_) if begun.elapsed() < Duration::from_secs(10) => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(error).context("no display"),
            }
        }
    }

    fn look(&self) -> Result<Picture> {
        let asked = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, WIDTH, HEIGHT, !0)?;
        Ok(asked.reply()?.data)
    }

    /// Watches until a new picture stands, and says when it was first there.
    ///
    /// # Errors
    /// Nothing appears, or it does not come to rest.
    pub async fn watch(&self) -> Result<Opening> {
        let begun = Instant::now();
        let empty = self.look()?;
        let mut seen: Vec<(Instant, Picture)> = Vec::new();
        let mut changed = begun;
        loop {
            tokio::time::sleep(EVERY).await;
            let picture = self.look()?;
            let at = Instant::now();
            let before = seen.last().map_or(&empty, |(_, picture)| picture);
            if different(before, &picture) > CARET {
                changed = at;
                seen.push((at, picture));
            }
            if !seen.is_empty() && changed.elapsed() > STILL {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "no picture stands after {PATIENCE:?}");
        }
        let (mut painted, picture) = seen.pop().context("no picture")?;
        ensure!(
            different(&empty, &picture) > usize::from(WIDTH) * usize::from(HEIGHT) / 5,
            "what stands is not a window"
        );
        // Small changes add up: an earlier picture may be the last one but for a caret.
        while let Some((at, earlier)) = seen.pop() {
            if different(&earlier, &picture) > CARET {
                break;
            }
            painted = at;
        }
        Ok(Opening { painted, picture })
    }

    /// Presses Tab and waits until the window shows where the focus is now.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn answers(&self, opening: &Opening) -> Result<Duration> {
        let window = self.window()?;
        self.connection
            .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        self.connection.sync()?;
        // A key that comes before the focus would go nowhere.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let before = self.look()?;
        let begun = Instant::now();
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            self.connection
                .xtest_fake_input(kind, TAB, 0, self.root, 0, 0, 0)?;
        }
        self.connection.flush()?;
        loop {
            if different(&before, &self.look()?) > CARET {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > Duration::from_secs(5) {
                let close = different(&before, &opening.picture);
                bail!("the window does not answer to a key ({close} pixels changed before it)");
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }

    /// The largest window on the screen.
    fn window(&self) -> Result<Window> {
        let mut largest = None;
        for window in self.connection.query_tree(self.root)?.reply()?.children {
            let shown =
                self.connection.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE;
            let size = self.connection.get_geometry(window)?.reply()?;
            let area = u32::from(size.width) * u32::from(size.height);
            if shown && largest.is_none_or(|(most, _)| area > most) {
                largest = Some((area, window));
            }
        }
        largest.map(|(_, window)| window).context("there is no window")
    }
}

/// How many pixels are not the same.
fn different(a: &Picture, b: &Picture) -> usize {
    a.chunks_exact(4)
        .zip(b.chunks_exact(4))
        .filter(|(a, b)| a != b)
        .count()
}
