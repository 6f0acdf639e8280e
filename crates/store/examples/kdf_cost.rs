//! Prints how long unlocking takes on this machine. Run with `--release`: `cargo run --release -p hms-store --example kdf_cost`.

use hms_store::keys::{random_key, KdfCost, WrapError, WrappedKey};
use std::time::Instant;

fn main() -> Result<(), WrapError> {
    let key = random_key()?;
    for passes in 1..=6 {
        let cost = KdfCost {
            memory_kib: KdfCost::UNLOCK.memory_kib,
            passes,
        };
        let wrapped = WrappedKey::wrap(&key, "284619", Some(&key), cost)?;
        let start = Instant::now();
        let _key = wrapped.unwrap("284619", Some(&key))?;
        println!(
            "{} KiB, {passes} passes: {} ms",
            cost.memory_kib,
            start.elapsed().as_millis()
        );
    }
    Ok(())
}
