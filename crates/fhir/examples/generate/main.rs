//! Writes the tables of this crate from an unpacked `hl7.fhir.r4.examples`; see the crate's README.

mod tables;

use std::path::Path;

fn main() -> Result<(), String> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("usage: generate PACKAGE_FOLDER")?;
    let tables = tables::generate(Path::new(&folder))?;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables");
    for (name, text) in [
        ("elements.tsv", tables.elements),
        ("bindings.tsv", tables.bindings),
        ("search.tsv", tables.search),
        ("compartments.tsv", tables.compartments),
    ] {
        std::fs::write(target.join(name), text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}
