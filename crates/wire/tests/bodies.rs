//! Bodies that are packed come back, whatever is cut off them, and no sender makes a reader hold more than its bound.

use hms_wire::{dictionary, pack, Coding, Packer, Unpacker, WireError, PIECE};

const PACKED: [Coding; 3] = [Coding::Dcz, Coding::Zstd, Coding::Gzip];
const MUCH: u64 = 1 << 30;

/// What comes out of bytes that came in parts of so many.
fn unpacked(coding: Coding, bytes: &[u8], part: usize, most: u64) -> Result<Vec<u8>, WireError> {
    let mut reader = Unpacker::new(coding, most)?;
    let mut out = Vec::new();
    for part in bytes.chunks(part.max(1)) {
        reader.feed(part);
        while let Some(piece) = reader.pull()? {
            assert!(piece.len() <= PIECE + 4096, "{} at a time", piece.len());
            out.extend(piece);
        }
    }
    reader.end().map(|()| out)
}

fn lines(n: usize) -> String {
    (0..n)
        .map(|n| {
            format!(
                "{{\"change\":{{\"resource\":{{\"resourceType\":\"Task\",\"id\":\"t{}\",\"status\":\"requested\"}}}}}}\n",
                n * 7919
            )
        })
        .collect()
}

#[test]
fn what_is_packed_comes_back_in_whatever_parts_it_travels() {
    let text = lines(3000);
    for coding in Coding::ALL {
        let mut packer = Packer::new(coding).expect("a packer");
        let mut bytes = Vec::new();
        for page in text.as_bytes().chunks(9_000) {
            bytes.extend(packer.piece(page).expect("packs"));
        }
        bytes.extend(packer.finish().expect("ends"));
        for part in [1, 7, 4096, bytes.len()] {
            let back = unpacked(coding, &bytes, part, MUCH).expect("unpacks");
            assert!(back == text.as_bytes(), "{coding:?} in parts of {part}");
        }
        let whole = pack(coding, text.as_bytes()).expect("packs");
        assert!(unpacked(coding, &whole, 100, MUCH).expect("unpacks") == text.as_bytes());
        assert!(unpacked(coding, &pack(coding, b"").expect("packs"), 1, 1)
            .expect("unpacks")
            .is_empty());
    }
}

#[test]
fn what_was_flushed_before_a_cut_is_read_and_a_cut_is_told() {
    let (first, second) = (lines(200), lines(400));
    for coding in PACKED {
        let mut packer = Packer::new(coding).expect("a packer");
        let flushed = packer.piece(first.as_bytes()).expect("packs");
        let mut bytes = flushed.clone();
        bytes.extend(packer.piece(second.as_bytes()).expect("packs"));
        bytes.extend(packer.finish().expect("ends"));
        for at in flushed.len()..bytes.len() {
            let mut reader = Unpacker::new(coding, MUCH).expect("a reader");
            reader.feed(&bytes[..at]);
            let mut out = Vec::new();
            while let Some(piece) = reader.pull().expect("readable") {
                out.extend(piece);
            }
            assert!(out.starts_with(first.as_bytes()), "{coding:?} cut at {at}");
            assert!(
                matches!(reader.end(), Err(WireError::Cut)),
                "{coding:?} cut at {at}"
            );
        }
    }
}

#[test]
fn what_was_flushed_is_read_to_its_last_byte_before_more_comes() {
    let text = lines(1200);
    // More than a piece, and less than what zstd puts in one block.
    assert!((PIECE + 1..128 * 1024).contains(&text.len()));
    for coding in PACKED {
        let mut packer = Packer::new(coding).expect("a packer");
        let mut reader = Unpacker::new(coding, MUCH).expect("a reader");
        reader.feed(&packer.piece(text.as_bytes()).expect("packs"));
        let mut out = Vec::new();
        while let Some(piece) = reader.pull().expect("readable") {
            out.extend(piece);
        }
        assert!(out == text.as_bytes(), "{coding:?}: {} bytes", out.len());
        for _ in 0..100 {
            assert_eq!(reader.pull().expect("nothing yet"), None, "{coding:?}");
        }
    }
}

#[test]
fn a_body_is_whole_at_its_end_only() {
    let text = lines(1200);
    for coding in Coding::ALL {
        let piece = &text.as_bytes()[..PIECE];
        let packed = pack(coding, piece).expect("packs");
        let back = unpacked(coding, &packed, packed.len(), MUCH);
        assert!(back.is_ok_and(|back| back == piece), "{coding:?}");
    }
    for coding in PACKED {
        let nothing = Unpacker::new(coding, MUCH).expect("a reader");
        assert!(matches!(nothing.end(), Err(WireError::Cut)), "{coding:?}");
    }
    let mut unread = Unpacker::new(Coding::Identity, MUCH).expect("a reader");
    unread.feed(b"{}");
    assert!(matches!(unread.end(), Err(WireError::Cut)));
}

#[test]
fn a_body_that_unpacks_to_very_much_is_refused_at_the_bound() {
    let zeros = vec![b'0'; 1 << 20];
    for coding in PACKED {
        let mut packer = Packer::new(coding).expect("a packer");
        let mut bomb = Vec::new();
        for _ in 0..64 {
            bomb.extend(packer.piece(&zeros).expect("packs"));
        }
        assert!(bomb.len() < 400_000, "{coding:?}: {}", bomb.len());

        let taken = unpacked(coding, &bomb, bomb.len(), 4 << 20);

        assert!(matches!(taken, Err(WireError::TooLarge)), "{coding:?}");
    }
}

#[test]
fn a_window_larger_than_eight_mebibytes_is_refused_before_it_is_made() {
    // A frame that declares a window of 2 GiB (RFC 8878, 3.1.1.1.2: exponent 21), and one of 8 MiB.
    for (window, taken) in [(21_u8 << 3, false), (13_u8 << 3, true)] {
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, window, 0x01, 0x00, 0x00];

        let back = unpacked(Coding::Zstd, &frame, 9, MUCH);

        assert_eq!(back.is_ok(), taken, "{back:?}");
    }
}

#[test]
fn what_is_not_packed_so_is_told_apart() {
    let mut other = pack(Coding::Dcz, b"{\"op\":1}\n").expect("packs");
    other[20] ^= 1;
    assert!(matches!(
        unpacked(Coding::Dcz, &other, 5, MUCH),
        Err(WireError::Dictionary)
    ));
    for coding in PACKED {
        let page = unpacked(
            coding,
            b"<html>Sign in to this network, please, before you go on</html>",
            9,
            MUCH,
        );
        assert!(page.is_err(), "{coding:?}");
        let mut damaged = pack(coding, lines(50).as_bytes()).expect("packs");
        let middle = damaged.len() / 2;
        damaged[middle..].fill(0xff);
        assert!(unpacked(coding, &damaged, 64, MUCH).is_err(), "{coding:?}");
    }
}

#[test]
fn a_body_of_our_own_words_is_mostly_its_dictionary() {
    let line = lines(1);
    let dcz = pack(Coding::Dcz, line.as_bytes()).expect("packs").len();
    let zstd = pack(Coding::Zstd, line.as_bytes()).expect("packs").len();
    // RFC 9842 puts 40 bytes in front.
    assert!(dcz - 40 < zstd / 2, "{dcz} and {zstd}");
    let mut stream = Packer::new(Coding::Dcz).expect("a packer");
    let piece = stream.piece(line.as_bytes()).expect("packs").len();
    assert!(piece - 40 < zstd / 2, "{piece} and {zstd}");
    assert!(dictionary::BYTES.len() < 64 * 1024);
}
