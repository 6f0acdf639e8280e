//! The recipe of the dictionaries in `src/`: made-up records in the lines that they travel in, and zstd's own trainer.
//!
//! `cargo run --release -p hms-wire --example train_dictionary > crates/wire/src/hms-sync-N.dict`
//!
//! A dictionary that was handed out never changes; a better one gets the next number beside it.

#[allow(dead_code, reason = "shared with figures and tests of the store")]
#[path = "../../store/tests/common/district.rs"]
mod district;

use std::io::Write;

/// Another seed than that of the figures.
const SEED: u64 = 1;
/// Records that the trainer sees.
const SAMPLES: usize = 20_000;
/// Most bytes of what it finds.
const SIZE: usize = 32 * 1024;
/// Bytes of a trained dictionary that say that it has tables; without them it is raw content, as RFC 9842 asks for.
const TRAINED_HEAD: usize = 8;
/// Lines of every exchange, last: what is near the end is cheapest to point at.
const LINES: &str = r#"{"op":17,"status":404,"outcome":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"not found"}]}}
{"change":{"gone":{"id":"Task/","why":"deleted"}}}
{"change":{"gone":{"id":"QuestionnaireResponse/","why":"out-of-scope"}}}
{"op":17,"status":201,"version":"1","receipt":{"number":"HMS-4821","at":"2026-11-22T09:05:00.000Z"}}
{"op":18,"status":201,"version":"1"}
{"op":19,"status":200,"version":"2"}
{"cursor":"","scope":"mine","link":{"rtt_ms":40,"loss_permille":0}}
{"cursor":"","done":true}
"#;

fn main() -> std::io::Result<()> {
    let mut samples = Vec::with_capacity(SAMPLES * 4 / 3);
    for (n, resource) in district::people(SEED).take(SAMPLES).enumerate() {
        samples.push(format!("{{\"change\":{{\"resource\":{resource}}}}}\n").into_bytes());
        if n % 3 == 0 {
            let text = |name: &str| resource.get(name).and_then(|v| v.as_str()).unwrap_or_default();
            let id = format!("{}/{}", text("resourceType"), text("id"));
            samples.push(format!("{{\"op\":{n},\"id\":\"{id}\",\"resource\":{resource}}}\n").into_bytes());
        }
    }
    let trained = zstd::dict::from_samples(&samples, SIZE)?;
    let mut out = std::io::stdout();
    out.write_all(trained.get(TRAINED_HEAD..).unwrap_or_default())?;
    out.write_all(LINES.as_bytes())
}
