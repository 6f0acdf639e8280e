//! HMS-ACH fhir.
