//! The committed tables are what the generator makes of HL7's package.
//!
//! Runs where `HMS_FHIR_R4_EXAMPLES` names the unpacked package; the README says how to get it.
#![expect(
    clippy::disallowed_methods,
    reason = "the test compares files with the package"
)]

#[path = "../examples/generate/tables.rs"]
mod tables;

use std::path::{Path, PathBuf};

/// The package's folder, or a word on why there is nothing to compare with.
fn package() -> Option<PathBuf> {
    let folder = std::env::var_os("HMS_FHIR_R4_EXAMPLES").map(PathBuf::from);
    if folder.is_none() {
        println!("HMS_FHIR_R4_EXAMPLES is not set: nothing to compare with");
    }
    folder
}

fn committed(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the file is committed")
}

#[test]
fn the_committed_tables_are_those_of_the_package() {
    let Some(folder) = package() else { return };

    let made = tables::generate(&folder).expect("the package is complete");

    for (file, text) in [
        ("tables/elements.tsv", made.elements),
        ("tables/bindings.tsv", made.bindings),
        ("tables/search.tsv", made.search),
        ("tables/compartments.tsv", made.compartments),
        ("tables/summary.tsv", made.summary),
    ] {
        assert!(
            committed(file) == text.as_bytes(),
            "{file} differs: run the generator"
        );
    }
}

#[test]
fn the_committed_corpus_is_that_of_the_package() {
    let Some(folder) = package() else { return };

    let made = tables::corpus::corpus(&folder).expect("the package is complete");
    let packed = committed("tests/corpus/r4-examples.ndjson.gz");

    assert!(
        tables::corpus::unpack(&packed).expect("the corpus unpacks") == made,
        "run the generator"
    );
    assert!(
        tables::corpus::pack(&made).is_ok_and(|bytes| bytes.len() < 700_000),
        "the corpus stays small"
    );
}

#[test]
fn every_example_of_the_package_is_accepted_even_the_largest() {
    let Some(folder) = package() else { return };

    for file in tables::corpus::example_files(&folder).expect("the package is complete") {
        let text = std::fs::read(&file).expect("the file can be read");
        let resource = serde_json::from_slice(&text).expect("the file is JSON");

        assert_eq!(hms_fhir::validate(&resource).err(), None, "{}", file.display());
    }
}
