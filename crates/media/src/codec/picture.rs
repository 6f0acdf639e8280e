//! A picture in I420: full luma, halved chroma.

use std::sync::Arc;

/// A picture of even width and height; always exactly `width * height * 3 / 2` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

impl Picture {
    /// A grey picture. Odd sizes are rounded down.
    pub fn grey(width: u32, height: u32) -> Self {
        let (width, height) = (width & !1, height & !1);
        Self {
            width,
            height,
            bytes: vec![128; byte_count(width, height)],
        }
    }

    /// Takes bytes in I420 order; `None` if they do not fit the size or the size is odd.
    pub fn from_bytes(width: u32, height: u32, bytes: Vec<u8>) -> Option<Self> {
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        (even && bytes.len() == byte_count(width, height)).then_some(Self { width, height, bytes })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All planes: luma, then blue, then red difference.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The luma plane, row by row.
    pub fn luma(&self) -> &[u8] {
        self.bytes.get(..self.luma_len()).unwrap_or(&[])
    }

    /// Luma at a place, or `None` outside.
    pub fn luma_at(&self, x: u32, y: u32) -> Option<u8> {
        (x < self.width && y < self.height)
            .then(|| self.bytes.get((y * self.width + x) as usize).copied())
            .flatten()
    }

    /// Sets luma at a place; nothing outside.
    pub fn set_luma(&mut self, x: u32, y: u32, value: u8) {
        if x < self.width && y < self.height {
            if let Some(pixel) = self.bytes.get_mut((y * self.width + x) as usize) {
                *pixel = value;
            }
        }
    }

    /// Fills a rectangle (clipped) with one colour.
    pub fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, (luma, blue, red): (u8, u8, u8)) {
        let (right, bottom) = ((x + width).min(self.width), (y + height).min(self.height));
        for row in y..bottom {
            let at = (row * self.width) as usize;
            if let Some(line) = self.bytes.get_mut(at + x as usize..at + right.max(x) as usize) {
                line.fill(luma);
            }
        }
        let (half, chroma) = ((self.width / 2) as usize, self.luma_len() / 4);
        for (plane, value) in [(0, blue), (1, red)] {
            let start = self.luma_len() + plane * chroma;
            for row in y / 2..bottom / 2 {
                let at = start + row as usize * half;
                if let Some(line) = self
                    .bytes
                    .get_mut(at + x as usize / 2..at + right.max(x) as usize / 2)
                {
                    line.fill(value);
                }
            }
        }
    }

    /// The picture shrunk until it is at most `max_width` wide, or a copy if it already is: to a half, a quarter and so on, or
    /// to three quarters of one of these. Each pixel is the mean of what it stands for.
    pub fn shrunk_to(&self, max_width: u32) -> Self {
        let most = max_width.max(16);
        let mut factor = 1;
        while self.width / factor > most {
            if self.width / 8 * 6 / factor <= most {
                return self.mean_of(factor).three_quarters();
            }
            factor *= 2;
        }
        self.mean_of(factor)
    }

    fn mean_of(&self, factor: u32) -> Self {
        if factor == 1 {
            return self.clone();
        }
        let (width, height) = ((self.width / factor) & !1, (self.height / factor) & !1);
        self.made(width, height, |plane, column, row| {
            let mut sum = 0u32;
            for y in 0..factor {
                let at = plane.at(column * factor, row * factor + y);
                let square = self.bytes.get(at..at + factor as usize).unwrap_or(&[]);
                sum += square.iter().map(|value| u32::from(*value)).sum::<u32>();
            }
            sum / (factor * factor)
        })
    }

    /// Three pixels for four, both ways.
    fn three_quarters(&self) -> Self {
        // Which of four each of three stands for: the first of two neighbours, and how much of each, in quarters.
        const PARTS: [(u32, [u32; 2]); 3] = [(0, [3, 1]), (1, [2, 2]), (2, [1, 3])];
        let part = |n: u32| {
            let (first, weights) = PARTS.get(n as usize % 3).copied().unwrap_or_default();
            (n / 3 * 4 + first, weights)
        };
        let (width, height) = (self.width / 8 * 6, self.height / 8 * 6);
        self.made(width, height, |plane, column, row| {
            let ((x, across), (y, down)) = (part(column), part(row));
            let mut sum = 0;
            for (y, down) in (y..).zip(down) {
                let at = plane.at(x, y);
                let pair = self.bytes.get(at..at + 2).unwrap_or(&[]);
                let line: u32 = pair
                    .iter()
                    .zip(across)
                    .map(|(value, part)| u32::from(*value) * part)
                    .sum();
                sum += line * down;
            }
            sum / 16
        })
    }

    /// A picture of this size, each pixel of each plane made from this one's.
    fn made(&self, width: u32, height: u32, pixel: impl Fn(Plane, u32, u32) -> u32) -> Self {
        let mut bytes = Vec::with_capacity(byte_count(width, height));
        let chroma = self.luma_len() / 4;
        let half = self.width / 2;
        for (start, stride, columns, rows) in [
            (0, self.width, width, height),
            (self.luma_len(), half, width / 2, height / 2),
            (self.luma_len() + chroma, half, width / 2, height / 2),
        ] {
            for row in 0..rows {
                for column in 0..columns {
                    bytes.push(pixel(Plane { start, stride }, column, row) as u8);
                }
            }
        }
        Self { width, height, bytes }
    }

    /// The picture as red, green, blue, opaque (BT.601, limited range: what VP8 carries).
    pub fn to_rgba(&self) -> Arc<[u8]> {
        let (width, half) = (self.width as usize, (self.width / 2) as usize);
        let (luma, chroma) = self.bytes.split_at(self.luma_len());
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        let mut rgba = vec![255u8; width * self.height as usize * 4];
        for (row, (line, out)) in luma
            .chunks_exact(width.max(1))
            .zip(rgba.chunks_exact_mut((width * 4).max(1)))
            .enumerate()
        {
            let at = row / 2 * half;
            let pairs = line.chunks_exact(2).zip(out.chunks_exact_mut(8));
            let differences = blue.iter().skip(at).zip(red.iter().skip(at));
            for ((pair, pixels), (u, v)) in pairs.zip(differences) {
                let (u, v) = (i32::from(*u) - 128, i32::from(*v) - 128);
                let (to_red, to_green, to_blue) = (409 * v + 128, -100 * u - 208 * v + 128, 516 * u + 128);
                for (y, pixel) in pair.iter().zip(pixels.chunks_exact_mut(4)) {
                    let y = 298 * (i32::from(*y) - 16);
                    if let [r, g, b, _] = pixel {
                        *r = ((y + to_red) >> 8).clamp(0, 255) as u8;
                        *g = ((y + to_green) >> 8).clamp(0, 255) as u8;
                        *b = ((y + to_blue) >> 8).clamp(0, 255) as u8;
                    }
                }
            }
        }
        rgba.into()
    }

    fn luma_len(&self) -> usize {
        (self.width * self.height) as usize
    }
}

/// Where one plane's pixels are.
#[derive(Clone, Copy)]
struct Plane {
    start: usize,
    stride: u32,
}

impl Plane {
    fn at(self, column: u32, row: u32) -> usize {
        self.start + (row * self.stride + column) as usize
    }
}

fn byte_count(width: u32, height: u32) -> usize {
    width as usize * height as usize * 3 / 2
}

#[cfg(test)]
mod tests {
    use super::Picture;

    #[test]
    fn black_white_and_red_come_out_as_such() {
        let mut picture = Picture::grey(6, 2);
        picture.fill(0, 0, 2, 2, (16, 128, 128));
        picture.fill(2, 0, 2, 2, (235, 128, 128));
        picture.fill(4, 0, 2, 2, (81, 90, 240));

        let rgba = picture.to_rgba();

        assert_eq!(rgba[0..4], [0, 0, 0, 255]);
        assert_eq!(rgba[8..12], [255, 255, 255, 255]);
        assert!(rgba[16] > 250 && rgba[17] < 5 && rgba[18] < 5);
    }

    #[test]
    fn shrinking_keeps_shape_and_brightness() {
        let mut picture = Picture::grey(64, 48);
        picture.fill(32, 0, 32, 48, (200, 128, 128));

        let small = picture.shrunk_to(32);

        assert_eq!((small.width(), small.height()), (32, 24));
        assert_eq!(small.luma_at(3, 3), Some(128));
        assert_eq!(small.luma_at(30, 20), Some(200));
    }

    #[test]
    fn three_quarters_keep_shape_and_brightness() {
        let mut picture = Picture::grey(640, 480);
        picture.fill(320, 0, 320, 480, (200, 90, 240));

        let small = picture.shrunk_to(500);

        assert_eq!((small.width(), small.height()), (480, 360));
        assert_eq!(
            (small.luma_at(3, 3), small.luma_at(238, 200)),
            (Some(128), Some(128))
        );
        assert_eq!(
            (small.luma_at(242, 200), small.luma_at(479, 359)),
            (Some(200), Some(200))
        );
        assert_eq!(small.bytes()[480 * 360 + 239], 90);
        assert_eq!(picture.shrunk_to(300).width(), 240);
        assert_eq!(picture.shrunk_to(320).width(), 320);
    }

    #[test]
    fn bytes_of_another_size_are_refused() {
        assert!(Picture::from_bytes(4, 4, vec![0; 24]).is_some());
        assert!(Picture::from_bytes(4, 4, vec![0; 23]).is_none());
        assert!(Picture::from_bytes(3, 4, vec![0; 18]).is_none());
    }
}
