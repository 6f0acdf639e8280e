//! Which size of picture a rate can fill: one that is coded very finely could be larger, one that is coded very coarsely is better
//! smaller. What is before the camera decides that, not the rate alone.

use std::time::{Duration, Instant};

/// Where a call begins, in pixels across, before anything is known of its picture.
const FIRST_WIDTH: u32 = 320;
/// The sizes between which it moves.
const WIDTHS: [u32; 3] = [320, 480, 640];
/// Each change of size is a key frame: not larger again before this long.
const LARGER_EVERY: Duration = Duration::from_secs(10);
/// The first change is nearly free: a call starts small and grows as soon as its picture is known.
const FIRST_LARGER: Duration = Duration::from_secs(2);
const SMALLER_EVERY: Duration = Duration::from_secs(4);
/// A size that was too large is not tried again before this long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Mean coarseness (0 to 127) below which the next size would still be fine, and above which shapes dissolve.
const FINE: f32 = 30.0;
const COARSE: f32 = 95.0;
/// Pictures over which coarseness is averaged.
const OVER: f32 = 30.0;

/// The size of one call's pictures.
#[derive(Default)]
pub(super) struct Fit {
    changed_at: Option<Instant>,
    changes: u32,
    /// The size that was last too large, and when.
    too_large: Option<(u32, Instant)>,
    coarseness: Option<f32>,
    coded: u32,
}

impl Fit {
    /// How wide the next picture may be, where the last one was `now_is` wide and the rung allows `most`. With `all`, the rung
    /// has room for everything that the source gives.
    pub(super) fn width(&mut self, now: Instant, now_is: Option<u32>, most: u32, all: bool) -> u32 {
        let Some(now_is) = now_is else {
            return if all { most } else { most.min(FIRST_WIDTH) };
        };
        let since = self
            .changed_at
            .map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        let may_grow = since >= LARGER_EVERY || (self.changes < 2 && since >= FIRST_LARGER);
        if now_is > most || (all && now_is < most) {
            let free = since >= LARGER_EVERY || self.changes < 2;
            return if free { most } else { now_is };
        }
        let Some(coarseness) = self.coarseness.filter(|_| self.coded as f32 >= OVER) else {
            return now_is;
        };
        let tried = self
            .too_large
            .filter(|(_, at)| now.saturating_duration_since(*at) < AGAIN_AFTER)
            .map_or(u32::MAX, |(width, _)| width);
        let larger = WIDTHS.into_iter().find(|width| *width > now_is);
        let smaller = WIDTHS.into_iter().rev().find(|width| *width < now_is);
        match (larger, smaller) {
            (Some(larger), _) if coarseness < FINE && may_grow && larger <= most && larger < tried => larger,
            (_, Some(smaller)) if coarseness > COARSE && since >= SMALLER_EVERY => {
                self.too_large = Some((now_is, now));
                smaller
            }
            _ => now_is,
        }
    }

    /// Pictures have another size from now on.
    pub(super) fn changed(&mut self, now: Instant) {
        self.changed_at = Some(now);
        self.changes += 1;
        self.coarseness = None;
        self.coded = 0;
    }

    /// How coarse a picture came out.
    pub(super) fn coded(&mut self, coarseness: u8) {
        let new = f32::from(coarseness);
        let mean = self.coarseness.unwrap_or(new);
        self.coarseness = Some(mean + (new - mean) / OVER);
        self.coded += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes 25 pictures a second whose coarseness a function of width tells; gives each change.
    fn run(seconds: u64, most: u32, all: bool, coarseness: impl Fn(u32) -> u8) -> Vec<(u64, u32)> {
        let begin = Instant::now();
        let mut fit = Fit::default();
        let (mut width, mut seen) = (None, Vec::new());
        for picture in 0..seconds * 25 {
            let now = begin + Duration::from_millis(40 * picture);
            let wanted = fit.width(now, width, most, all);
            if width != Some(wanted) {
                fit.changed(now);
                seen.push((picture / 25, wanted));
                width = Some(wanted);
            }
            fit.coded(coarseness(wanted));
        }
        seen
    }

    #[test]
    fn an_easy_picture_grows_and_a_hard_one_stays_small() {
        let easy = run(60, 640, false, |_| 10);
        assert_eq!(
            easy.iter().map(|(_, width)| *width).collect::<Vec<_>>(),
            [320, 480, 640]
        );
        assert!(easy[1].0 <= 3 && easy[2].0 - easy[1].0 >= 10, "{easy:?}");
        assert_eq!(run(60, 640, false, |_| 60), [(0, 320)]);
        assert_eq!(run(60, 320, false, |_| 10), [(0, 320)]);
    }

    #[test]
    fn it_does_not_swing_between_two_sizes() {
        // Fine at 320, too coarse at 480.
        let seen = run(120, 640, false, |width| if width > 320 { 110 } else { 20 });
        assert!(seen.len() <= 5, "{seen:?}");
        assert_eq!(run(60, 640, true, |_| 60), [(0, 640)]);
    }

    #[test]
    fn a_rung_that_allows_less_is_obeyed() {
        let begin = Instant::now();
        let mut fit = Fit::default();
        fit.changed(begin);
        assert_eq!(fit.width(begin + LARGER_EVERY, Some(640), 320, false), 320);
    }
}
