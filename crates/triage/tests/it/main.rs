//! Tests of the symptom checker: its content, its engine, and what authors and clinicians make of both.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read the tables and a few variables; the engine does not"
)]

mod basis;
mod content;
mod dice;
mod fhir;
mod fhirpath;
mod figures;
mod interview;
mod page;
mod peer;
mod proofs;
mod same;
mod shelf;
mod signing;
mod tables;
mod vignettes;
mod vitals;
mod words;
