//! How like the pictures that came are to those that were sent (SSIM of luma, 1 is equal).

use std::collections::BTreeMap;
use std::error::Error;

use hms_media::codec::Picture;
use hms_media::devices::{counter, Camera, SyntheticCamera};
use serde_json::json;

use crate::arguments::Arguments;
use crate::Done;

/// A plane of luma.
struct Plane {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

/// Prints the mean likeness of kept pictures: at the size in which they came, and blown up to the size of the camera.
pub fn print(arguments: &Arguments) -> Done {
    let path = arguments.luma.as_ref().ok_or("which file?")?;
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.as_slice();
    let (mut count, mut unread) = (0, 0);
    // By number, since the camera cannot go back.
    let mut came: BTreeMap<u32, Vec<Plane>> = BTreeMap::new();
    while let Some(plane) = next_plane(&mut rest) {
        count += 1;
        match number_of(&plane) {
            Some(number) => came.entry(number).or_default().push(plane),
            None => unread += 1,
        }
    }
    let mut camera = SyntheticCamera::new(arguments.format);
    let (mut own, mut full) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (number, planes) in came {
        let mut sent = None;
        while at < number {
            sent = Some(camera.next_picture()?);
            at += 1;
        }
        let Some(sent) = sent.map(|sent| plane_of(&sent)) else {
            continue;
        };
        for plane in planes {
            own.push(ssim(&sent.scaled(plane.width, plane.height), &plane)?);
            full.push(ssim(&sent, &plane.scaled(sent.width, sent.height))?);
        }
    }
    println!(
        "{}",
        json!({ "pictures": count, "unread": unread, "ssim": mean(&own), "ssim_full": mean(&full) })
    );
    Ok(())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn next_plane(rest: &mut &[u8]) -> Option<Plane> {
    let head = rest.get(..16).filter(|head| head.starts_with(b"LUMA"))?;
    let word = |at: usize| {
        let bytes = head.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    };
    let (width, height) = (word(4)?, word(8)?);
    let luma = rest.get(16..16 + width * height)?.to_vec();
    *rest = rest.get(16 + width * height..)?;
    Some(Plane { width, height, luma })
}

fn number_of(plane: &Plane) -> Option<u32> {
    let mut bytes = plane.luma.clone();
    bytes.resize(plane.luma.len() * 3 / 2, 128);
    let picture = Picture::from_bytes(plane.width as u32, plane.height as u32, bytes)?;
    counter::read(&picture)
}

fn plane_of(picture: &Picture) -> Plane {
    Plane {
        width: picture.width() as usize,
        height: picture.height() as usize,
        luma: picture.luma().to_vec(),
    }
}

impl Plane {
    fn at(&self, x: usize, y: usize) -> f64 {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        self.luma.get(y * self.width + x).copied().map_or(0.0, f64::from)
    }

    /// Smaller by the mean of what a pixel covers, bigger by going evenly from pixel to pixel.
    fn scaled(&self, width: usize, height: usize) -> Self {
        let (step_x, step_y) = (
            self.width as f64 / width as f64,
            self.height as f64 / height as f64,
        );
        let mut luma = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let value = if step_x > 1.0 {
                    self.mean_of(x as f64 * step_x, y as f64 * step_y, step_x, step_y)
                } else {
                    self.between((x as f64 + 0.5) * step_x - 0.5, (y as f64 + 0.5) * step_y - 0.5)
                };
                luma.push(value.round() as u8);
            }
        }
        Self { width, height, luma }
    }

    fn mean_of(&self, left: f64, top: f64, width: f64, height: f64) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for y in top as usize..(top + height).ceil() as usize {
            let rows = (y as f64 + 1.0).min(top + height) - (y as f64).max(top);
            for x in left as usize..(left + width).ceil() as usize {
                let share = rows * ((x as f64 + 1.0).min(left + width) - (x as f64).max(left));
                sum += share * self.at(x, y);
                weight += share;
            }
        }
        sum / weight
    }

    fn between(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x.max(0.0), y.max(0.0));
        let (left, top) = (x as usize, y as usize);
        let (right, down) = (x.fract(), y.fract());
        let row = |y: usize| self.at(left, y) * (1.0 - right) + self.at(left + 1, y) * right;
        row(top) * (1.0 - down) + row(top + 1) * down
    }
}

/// The mean over windows of 8x8 pixels, 4 apart.
fn ssim(one: &Plane, two: &Plane) -> Result<f64, Box<dyn Error>> {
    let (first, second) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
    let mut values = Vec::new();
    for top in (0..one.height.saturating_sub(7)).step_by(4) {
        for left in (0..one.width.saturating_sub(7)).step_by(4) {
            let (mut a, mut b, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for y in top..top + 8 {
                for x in left..left + 8 {
                    let (p, q) = (one.at(x, y), two.at(x, y));
                    a += p;
                    b += q;
                    aa += p * p;
                    bb += q * q;
                    ab += p * q;
                }
            }
            let (a, b) = (a / 64.0, b / 64.0);
            let (va, vb, vab) = (aa / 64.0 - a * a, bb / 64.0 - b * b, ab / 64.0 - a * b);
            values.push(
                (2.0 * a * b + first) * (2.0 * vab + second) / ((a * a + b * b + first) * (va + vb + second)),
            );
        }
    }
    mean(&values).ok_or_else(|| "a picture smaller than 8x8".into())
}
