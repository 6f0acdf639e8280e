//! A frame number written into a picture, so that a program at the far end can tell pictures apart.
//!
//! 32 black or white blocks in two rows at the bottom: 20 bits of number, 12 bits of check. A block is a
//! sixteenth of the width and a twelfth of the height, which VP8 keeps at every rate, and survives shrinking,
//! because places are read as shares of the picture.

use crate::codec::Picture;

const COLUMNS: u32 = 16;
const ROWS: u32 = 12;
/// Numbers wrap after this many bits: 19 hours at 15 pictures a second.
const BITS: u32 = 20;
const BLACK: (u8, u8, u8) = (16, 128, 128);
const WHITE: (u8, u8, u8) = (235, 128, 128);
/// A block between these is neither: the picture carries no number.
const DARK: u32 = 96;
const BRIGHT: u32 = 160;

/// Writes the number's lowest 20 bits.
pub fn write(picture: &mut Picture, number: u32) {
    let number = number & ((1 << BITS) - 1);
    let word = number << 12 | check(number);
    for bit in 0..32 {
        let (left, top, right, bottom) = block(picture, bit);
        let colour = if word >> bit & 1 == 1 { WHITE } else { BLACK };
        picture.fill(left, top, right - left, bottom - top, colour);
    }
}

/// Reads the number, or `None` if the picture carries none.
pub fn read(picture: &Picture) -> Option<u32> {
    let mut word = 0u32;
    for bit in 0..32 {
        let (left, top, right, bottom) = block(picture, bit);
        // The middle of the block: its edges are smeared.
        let (inset_x, inset_y) = ((right - left) / 4, (bottom - top) / 4);
        let (mut sum, mut count) = (0u32, 0u32);
        for y in top + inset_y..bottom - inset_y {
            for x in left + inset_x..right - inset_x {
                sum += u32::from(picture.luma_at(x, y)?);
                count += 1;
            }
        }
        match sum.checked_div(count)? {
            mean if mean >= BRIGHT => word |= 1 << bit,
            mean if mean <= DARK => {}
            _ => return None,
        }
    }
    let number = word >> 12;
    (word & 0xfff == check(number)).then_some(number)
}

fn block(picture: &Picture, bit: u32) -> (u32, u32, u32, u32) {
    let (column, row) = (bit % COLUMNS, ROWS - 2 + bit / COLUMNS);
    let (width, height) = (picture.width(), picture.height());
    (
        column * width / COLUMNS,
        row * height / ROWS,
        (column + 1) * width / COLUMNS,
        (row + 1) * height / ROWS,
    )
}

/// Twelve bits that differ for neighbouring numbers and are never all alike.
fn check(number: u32) -> u32 {
    let mixed = (number ^ 0x5_a5a5).wrapping_mul(0x9e37_79b1);
    mixed >> 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Vp8Decoder, Vp8Encoder};

    #[test]
    fn numbers_are_read_back() {
        for number in [0, 1, 2, 12_345, 999_999, (1 << 20) - 1] {
            for (width, height) in [(160, 120), (320, 240), (640, 480), (176, 144)] {
                let mut picture = Picture::grey(width, height);
                write(&mut picture, number);

                assert_eq!(read(&picture), Some(number), "{width}x{height}");
            }
        }
    }

    #[test]
    fn a_plain_or_striped_picture_has_no_number() {
        let mut striped = Picture::grey(160, 120);
        for x in (0..160).step_by(20) {
            striped.fill(x, 0, 10, 120, WHITE);
        }

        assert_eq!(read(&Picture::grey(160, 120)), None);
        assert_eq!(read(&striped), None);
        let mut black = Picture::grey(160, 120);
        black.fill(0, 0, 160, 120, BLACK);
        assert_eq!(read(&black), None);
    }

    #[test]
    fn numbers_survive_vp8_at_a_low_rate_and_shrinking() {
        let mut encoder = Vp8Encoder::new(160, 120, 40_000).unwrap();
        let mut decoder = Vp8Decoder::new().unwrap();
        let mut right = 0;

        for number in 0..60u32 {
            let mut picture = Picture::grey(320, 240);
            write(&mut picture, number);
            let small = picture.shrunk_to(160);
            let coded = encoder
                .encode(&small, u64::from(number) * 200, 200, false)
                .unwrap()
                .unwrap();
            let shown = decoder.decode(&coded.bytes).unwrap().unwrap();
            match read(&shown) {
                Some(seen) if seen == number => right += 1,
                Some(seen) => panic!("{number} was read as {seen}"),
                None => {}
            }
        }

        assert!(right >= 57, "{right} of 60");
    }
}
