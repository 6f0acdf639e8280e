//! Bytes on the wire of made-up records of a district, in the lines that they travel in. `--nocapture` prints them.

#[allow(dead_code, reason = "shared with figures and tests of the store")]
#[path = "../../store/tests/common/district.rs"]
mod district;

use hms_wire::{pack, Coding, Packer};
use serde_json::{json, Value};

/// Not the seed that the dictionary was trained from.
const SEED: u64 = 7;
/// Bytes that RFC 9842 puts in front of each body.
const HEAD: usize = 40;
const CURSOR: &str = "5f1c0a9b3d7e.10421.8a1b2c3d4e5f";

/// Bytes a record of a first sync, a checkpoint after every 200.
fn batch(coding: Coding, records: &[Value], a_page: usize) -> f64 {
    let mut packer = Packer::new(coding).expect("a packer");
    let mut bytes = 0;
    for page in records.chunks(a_page) {
        let mut text = String::new();
        for resource in page {
            text.push_str(&format!("{{\"change\":{{\"resource\":{resource}}}}}\n"));
        }
        text.push_str(&format!("{{\"cursor\":\"{CURSOR}\"}}\n"));
        bytes += packer.piece(text.as_bytes()).expect("packs").len();
    }
    bytes += packer.finish().expect("ends").len();
    bytes as f64 / records.len() as f64
}

fn op(resource: &Value, base: Option<&str>) -> String {
    let text = |name: &str| resource[name].as_str().expect("text");
    let id = format!("{}/{}", text("resourceType"), text("id"));
    match base {
        None => format!("{{\"op\":17,\"id\":\"{id}\",\"resource\":{resource}}}\n"),
        Some(base) => format!("{{\"op\":17,\"id\":\"{id}\",\"base\":\"{base}\",\"resource\":{resource}}}\n"),
    }
}

/// Mean, median and 90th of a hundred of the bytes of requests.
fn spread(mut bytes: Vec<usize>) -> (f64, usize, usize) {
    bytes.sort_unstable();
    let sum: usize = bytes.iter().sum();
    (
        sum as f64 / bytes.len() as f64,
        bytes[bytes.len() / 2],
        bytes[bytes.len() * 9 / 10],
    )
}

#[test]
fn a_record_costs_few_bytes_in_a_batch_and_alone() {
    let records: Vec<Value> = district::people(SEED).take(2_000).collect();
    let json: usize = records.iter().map(|resource| resource.to_string().len()).sum();
    println!("JSON: {} bytes a record", json / records.len());

    for coding in Coding::ALL {
        println!(
            "batch, {}: {:.1} bytes a record of 2,000; {:.1} of the first 200",
            coding.name(),
            batch(coding, &records, 200),
            batch(coding, &records[..200], 200)
        );
    }
    let ask = format!("{{\"cursor\":\"{CURSOR}\",\"scope\":\"mine\"}}\n");
    let push = |coding: Coding, with: &str| {
        let sizes = records.iter().step_by(5).map(|resource| {
            let mut new = resource.clone();
            // What a device makes has no version yet.
            new.as_object_mut().expect("an object").shift_remove("meta");
            pack(coding, format!("{}{with}", op(&new, None)).as_bytes())
                .expect("packs")
                .len()
        });
        spread(sizes.collect())
    };
    for coding in Coding::ALL {
        println!(
            "one change, {}: (mean, p50, p90) {:?}",
            coding.name(),
            push(coding, "")
        );
    }
    println!("one change and the ask line, dcz: {:?}", push(Coding::Dcz, &ask));
    let edits: Vec<usize> = records
        .iter()
        .filter(|resource| resource["resourceType"] == "Task")
        .map(|resource| {
            let mut edited = resource.clone();
            edited["status"] = json!("cancelled");
            pack(Coding::Dcz, op(&edited, Some("3")).as_bytes())
                .expect("packs")
                .len()
        })
        .collect();
    println!("a Task with another status, whole, dcz: {:?}", spread(edits));
    let idle = pack(Coding::Dcz, ask.as_bytes()).expect("packs").len();
    println!("the ask line alone: {} bytes, packed {idle}", ask.len());

    let (dcz, first) = (
        batch(Coding::Dcz, &records, 200),
        batch(Coding::Dcz, &records[..200], 200),
    );
    assert!(dcz <= 115.0 && first <= 115.0, "{dcz:.1} and {first:.1}");
    assert!(dcz < batch(Coding::Zstd, &records, 200) && dcz < batch(Coding::Gzip, &records, 200));
    let (mean, _, _) = push(Coding::Dcz, "");
    assert!(
        mean - HEAD as f64 <= 175.0,
        "{mean:.1} with the {HEAD} of RFC 9842 in front"
    );
}
