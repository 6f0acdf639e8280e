//! Writes the tables of this crate and the corpus of its tests from an unpacked
//! `hl7.fhir.r4.examples`; see the crate's README.
#![expect(clippy::disallowed_methods, reason = "a generator reads and writes files")]

mod tables;

use std::path::Path;

fn main() -> Result<(), String> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("usage: generate PACKAGE_FOLDER")?;
    let folder = Path::new(&folder);
    let tables = tables::generate(folder)?;
    let corpus = tables::corpus::corpus(folder)?;
    write("tables/elements.tsv", tables.elements.as_bytes())?;
    write("tables/bindings.tsv", tables.bindings.as_bytes())?;
    write("tables/search.tsv", tables.search.as_bytes())?;
    write("tables/compartments.tsv", tables.compartments.as_bytes())?;
    write("tables/summary.tsv", tables.summary.as_bytes())?;
    let packed = tables::corpus::pack(&corpus)?;
    if tables::corpus::unpack(&packed)? != corpus {
        return Err("the corpus does not unpack to what was packed".to_owned());
    }
    write("tests/corpus/r4-examples.ndjson.gz", &packed)
}

fn write(file: &str, content: &[u8]) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::write(path, content).map_err(|error| format!("{file}: {error}"))
}
